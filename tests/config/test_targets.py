"""What a `_target_` names, and the line for each way in which importing it can fail."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command_line import user_error

from ddpg.config.targets import imported
from ddpg.constructors import hints, parameters


@pytest.fixture(autouse=True)
def _package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package own_parts: a class, a module that needs what is not there, and one that is broken."""
    folder = tmp_path / "own_parts"
    folder.mkdir()
    (folder / "__init__.py").write_text("from fractions import Fraction\nclass Noise:\n    class Part: ...\n")
    (folder / "needs.py").write_text("import absent_module\n")
    (folder / "broken.py").write_text("from fractions import Nothing\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "own_parts"]:
        del sys.modules[name]


def test_what_can_be_imported() -> None:
    assert imported("own_parts.Noise.Part", "key").__name__ == "Part"


def test_a_module_that_is_reloaded(tmp_path: Path) -> None:
    before = imported("own_parts.Noise", "key")
    (tmp_path / "own_parts" / "__init__.py").write_text("class Noise:\n    def __init__(self, warm): ...\n")
    importlib.invalidate_caches()
    importlib.reload(sys.modules["own_parts"])
    after = imported("own_parts.Noise", "key")
    assert after is not before
    assert list(parameters(after)[0]) == ["warm"]


def test_a_class_that_is_changed_in_place() -> None:
    """As IPython's autoreload does."""
    noise = imported("own_parts.Noise", "key")
    assert not parameters(noise)[0]
    assert not hints(noise)

    def constructor(self: object, warm: float) -> None: ...

    noise.__init__ = constructor
    assert list(parameters(noise)[0]) == ["warm"]
    assert hints(noise)["warm"] is float


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("nowhere.Own", "No module named 'nowhere' ... working directory ... PYTHONPATH ... installed"),
        ("own_parts.needs.Noise", "importing it failed ... No module named 'absent_module' ... PYTHONPATH"),
        ("own_parts.broken.Noise", "cannot import name 'Nothing'"),
        ("own_parts.other.Noise", "'own_parts' has no attribute 'other'"),
        ("own_parts.noise", "did you mean own_parts.Noise?"),
        ("own_parts.Noise.part", "no attribute 'part' ... own_parts.Noise.Part?"),
        (3, "3 cannot be imported"),
    ],
)
def test_what_cannot(path: object, parts: str) -> None:
    with user_error(f"key={path} cannot be imported ... {parts}" if path != 3 else f"key={parts}"):
        imported(path, "key")
