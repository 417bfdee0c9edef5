"""The public names of the package, and what `import ddpg` loads: nothing that takes time."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

import ddpg
from ddpg.lazy import undisturbed


def test_import_loads_no_library() -> None:
    code = "import sys, ddpg; print(*{name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names)"
    before = subprocess.run([sys.executable, "-c", code.replace(", ddpg", "")], capture_output=True, text=True)
    after = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {*after.stdout.split()} - {*before.stdout.split()} == {"ddpg"}


def test_a_mistake_is_a_value_error() -> None:
    assert issubclass(ddpg.UserError, ValueError)


@pytest.mark.parametrize("name", ddpg.__all__)
def test_public_names_are_there(name: str) -> None:
    assert name in dir(ddpg)
    assert getattr(ddpg, name) is not None


def test_another_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="module 'ddpg' has no attribute 'learn'"):
        _ = ddpg.learn  # type: ignore[attr-defined]


def test_modules_are_imported_where_ctrl_c_cannot_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "late.py").write_text("import threading\nthread = threading.current_thread()\n")
    (tmp_path / "broken.py").write_text("raise RuntimeError('no luck')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert undisturbed("late").thread is not threading.main_thread()
    with pytest.raises(RuntimeError, match="no luck"):
        undisturbed("broken")
