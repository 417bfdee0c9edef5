"""Virtual environments that have this package without its dependencies, some distributions, and no network."""

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import ddpg

#: Refuses every connection, in whatever process starts there.
SITE = """
import socket
def refused(*arguments, **options):
    raise OSError("there is no network here")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refused
"""


class Bare:
    """A virtual environment in a folder, made of links to what is installed here."""

    def __init__(self, folder: Path, *distributions: str) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        self.python = folder / "bin" / "python"
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "sitecustomize.py").write_text(SITE)
        (site / "ddpg").symlink_to(Path(ddpg.__file__).parent)
        for name in needed(distributions):
            for path in tops(name):
                if not (site / path.name).exists():
                    (site / path.name).symlink_to(path)

    def run(self, code: str, *arguments: object) -> str:
        """Run code in it and return what is printed."""
        done = subprocess.run(
            [self.python, "-I", "-c", code, *map(str, arguments)], capture_output=True, encoding="utf-8"
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def needed(distributions: tuple[str, ...]) -> set[str]:
    """Return these distributions and all that they require here."""
    found: set[str] = set()
    open_ones = list(distributions)
    while open_ones:
        name = open_ones.pop()
        if name in found or not is_installed(name):
            continue
        found.add(name)
        for requirement in metadata.requires(name) or []:
            if "extra ==" not in requirement:
                open_ones.append(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])
    return found


def is_installed(name: str) -> bool:
    """Tell whether a distribution is there; some are required on other platforms alone."""
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def tops(name: str) -> set[Path]:
    """Return what a distribution has put directly into site-packages."""
    distribution = metadata.distribution(name)
    files = distribution.files or []
    names = {file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__")}
    return {Path(str(distribution.locate_file(top))) for top in names}
