"""`python start.py ROOT`: runs of `ddpg-train` by the code and the YAML of the checkout ROOT.

Whatever this Python has installed as ddpg is left aside. A line of the standard input is a run:
{"folder": where to work, "words": the overrides}. Each is a process of its own, forked off this
one, which has loaded torch and the like; its exit status is a line of the standard output. The
folder then has output.txt, and imported.json: the files of all our modules that it imported.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

#: Loaded once for all runs.
LIBRARIES = ("gymnasium", "hydra", "matplotlib.figure", "torch")

#: Where a checkout has the packages that an installation makes of it.
FOLDERS = {
    "ddpg": "ddpg",
    "ddpg.conf": "conf",
    "hydra_plugins.ddpg_launcher": "hydra_plugins/ddpg_launcher",
}


class Finder:
    """Finds the packages of one checkout, before anything else does."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """As Python's import asks for it."""
        if name not in FOLDERS:
            return None
        file = self._root / FOLDERS[name] / "__init__.py"
        return spec_from_file_location(name, file) if file.exists() else None


def main() -> None:
    """Does one run after the other; in a forked process, the one that it was forked for."""
    root = Path(sys.argv[1])
    import_from(root)
    module, function = entry_point(root)
    command = getattr(import_module(module), function)
    for library in LIBRARIES:
        import_module(library)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run(command, **json.loads(line))
            return
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def run(command: Callable[[], None], folder: str, words: list[str]) -> None:
    """Calls the command in that folder. What it imported is recorded whatever its end."""
    os.chdir(folder)
    output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for descriptor, place in ((os.open(os.devnull, os.O_RDONLY), 0), (output, 1), (output, 2)):
        os.dup2(descriptor, place)
    sys.argv[:] = ["ddpg-train", *words]
    try:
        command()
    finally:
        Path(folder, "imported.json").write_text(json.dumps(imported(), indent=1), encoding="utf-8")


def import_from(root: Path) -> None:
    """Puts the checkout before an installed ddpg, and the modules beside this file out of reach."""
    others = [f for f in sys.meta_path if not is_editable_install(f)]
    sys.meta_path[:] = [Finder(root), *others]
    here = str(Path(__file__).parent)
    sys.path[:] = [folder for folder in sys.path if folder != here]


def is_editable_install(finder: object) -> bool:
    """Tell whether setuptools made this finder for an editable install of ours, whatever its distribution's name."""
    return re.match(r"__editable___\w*ddpg", getattr(finder, "__module__", "")) is not None


def entry_point(root: Path) -> tuple[str, str]:
    """Module and function of the checkout's command ddpg-train."""
    text = (root / "pyproject.toml").read_text("utf-8")
    found = re.search(r'^ddpg-train = "([\w.]+):(\w+)"$', text, re.MULTILINE)
    assert found, f"{root}/pyproject.toml names no ddpg-train"
    return found[1], found[2]


def imported() -> dict[str, str]:
    """The file of every module that belongs to the package."""
    ours = re.compile(r"(ddpg|hydra_plugins\.ddpg_launcher)\b")
    names = [name for name in sys.modules if ours.match(name)]
    files = {name: getattr(sys.modules[name], "__file__", None) for name in sorted(names)}
    return {name: file for name, file in files.items() if file}


if __name__ == "__main__":
    main()
