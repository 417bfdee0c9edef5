"""Tries the newest releases of what the program uses: `make test-newest`.

pyproject.toml has upper bounds, because a release of a library can rename what this program uses of it.
This script installs the project into an environment of its own without these bounds and without the
pins of constraints.txt, runs the fast tests there, and prints which versions were tried and which
tests failed. It ends with 0 whatever failed, because a release of others is no fault of a commit.

    make test-newest                        torch stays at the release of .venv: another takes gigabytes
    make test-newest NEWEST_TORCH=1         torch, too
    make test-newest STRICT=1               ends with 1 if a test fails
    make test-newest PYTEST_ARGS=tests/envs some of the tests
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import requires, version
from pathlib import Path

from packaging.requirements import Requirement

from ddpg.distribution import distribution_name

ROOT = Path(__file__).resolve().parent.parent
#: The extra with the tools of development, which keep the bounds of pyproject.toml.
TOOLS = "dev"


def without_bounds(requirements: Iterable[str]) -> list[str]:
    """Return what a project requires, the libraries with their extras but without versions, the tools with both."""
    found = set()
    for requirement in map(Requirement, requirements):
        if not _is_of(requirement, "all"):  # it names the other extras
            extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
            bounds = requirement.specifier if _is_of(requirement, TOOLS) else ""
            found.add(f"{requirement.name}{extras}{bounds}")
    return sorted(found)


def _is_of(requirement: Requirement, extra: str) -> bool:
    """Tell whether only an extra of the project asks for this."""
    return requirement.marker is not None and requirement.marker.evaluate({"extra": extra})


def install(venv: Path, base: str, torch: bool) -> None:
    """Make the environment anew, with the newest releases that go together and the project beside them."""
    subprocess.run([base, "-m", "venv", "--clear", venv], check=True)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    name = distribution_name()
    assert name is not None, "the project is not installed here: make setup"
    kept = [] if torch else [f"torch=={version('torch')}"]
    subprocess.run([*pip, *without_bounds(requires(name) or []), *kept], check=True)
    subprocess.run([*pip, "--no-deps", "--editable", "."], cwd=ROOT, check=True)


def versions(python: Path) -> dict[str, str]:
    """Return the version of each package in the environment of `python`."""
    listing = [str(python), "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    packages = json.loads(subprocess.check_output(listing, encoding="utf-8"))
    return {package["name"]: package["version"] for package in packages}


def differences(pinned: dict[str, str], newest: dict[str, str]) -> list[str]:
    """Return a line for each package whose version in `newest` is not the pinned one."""
    return [
        f"{name} {pinned.get(name, '(none)')} -> {tried}"
        for name, tried in sorted(newest.items(), key=lambda item: item[0].lower())
        if pinned.get(name) != tried
    ]


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    options = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0], formatter_class=argparse.RawTextHelpFormatter
    )
    options.add_argument("--venv", type=Path, default=ROOT / ".venv-newest", help="the environment to use")
    options.add_argument("--torch", action="store_true", help="try the newest torch, too")
    options.add_argument("--strict", action="store_true", help="end with 1 if a test fails")
    options.add_argument("--python", default=sys.executable, help="the Python of a new environment")
    options.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Install, test and report; return the exit code."""
    args = parser().parse_args(arguments)
    python = args.venv / "bin" / "python"
    install(args.venv, args.python, args.torch)
    tried = differences(versions(Path(sys.executable)), versions(python))
    tests = subprocess.run([python, "-m", "pytest", *args.pytest], cwd=ROOT)
    print("\ntried:", *(tried or ["nothing newer than the pins"]), sep="\n  ")
    print("result:", "all tests passed" if tests.returncode == 0 else "tests failed: see above", flush=True)
    return 1 if args.strict and tests.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
