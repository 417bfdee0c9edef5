"""The public names of the package, and what `import ddpg` loads: nothing that takes time."""

import subprocess
import sys

import pytest

import ddpg


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
