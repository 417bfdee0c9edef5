"""What cannot be built is explained in one line that says what to write or install instead."""

import sys
from pathlib import Path

import pytest
from support.envs import Toy, refusal, registered, spec_of

from ddpg.errors import UserError


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["gym", "env.id=HalfCheeta-v4"], r"env\.id=HalfCheeta-v4: no such .*; nearest: HalfCheetah-v4"),
        (["gym", "env.id=halfcheetah-v4"], r"nearest: HalfCheetah-v4"),
        (["gym", "env.id=Hopper-v9"], r"no such version; use env\.id=Hopper-v4 or env\.id=Hopper-v5"),
        (["gym", "env.id=qqqqqq"], r"no such environment; if a package of yours"),
        (["gym", "env.id='no spaces'"], r"no such environment"),
        (["hopper", "env.version=v9"], r"env\.version=v9 .*; use env\.version=v4 or env\.version=v5"),
        (["hopper", "env.version='4'"], r"no such version; use env\.version=v4"),
        (["hopper", "env.version=v3"], r"building it failed: .*use env\.version=v4 or env\.version=v5"),
        (["pusher", "env.version=v4"], r"mujoco<3.*use env\.version=v5"),
        (["pendulum", "+env.kwargs.foo=1"], r"env\.id=Pendulum-v1: building it failed: TypeError: .*'foo'"),
        (["gym", "env.id=nowhere:Some-v0"], r"no Python module nowhere is installed"),
        (["gym", "env.id=Some-v0", "env.imports=[nowhere_at_all]"], r"no Python module nowhere_at_all is"),
    ],
)
def test_what_cannot_be_built_says_what_to_write_instead(overrides: list[str], line: str) -> None:
    with pytest.raises(UserError, match=line):
        spec_of(*overrides).make()


@pytest.mark.parametrize(("domain", "task"), [("fsh", "swim"), ("fish", "swimm")])
def test_unknown_dm_control_task_names_the_nearest(domain: str, task: str) -> None:
    pytest.importorskip("dm_control", reason="ddpg[dm_control] is not installed")
    line = refusal(spec_of("dmc", f"env.domain={domain}", f"env.task={task}"))
    assert line.startswith(f"env.domain={domain} env.task={task}: no such environment; nearest: ")
    assert "env.domain=fish env.task=swim" in line


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dm_control", None)  # Python's way to say: not there
    assert "pip install 'ddpg[dm_control]'" in refusal(spec_of("dmc_walker_run"))
    for module in [name for name in sys.modules if name.startswith("gymnasium.envs.box2d")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "Box2D", None)
    assert "pip install 'ddpg[box2d]'" in refusal(spec_of("lunarlander"))


def test_own_module_that_fails_to_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_envs.py").write_text("import gymnasium\n1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    line = refusal(spec_of("gym", "env.id=Mine-v0", "env.imports=[broken_envs]"))
    assert line.startswith("env.imports=[broken_envs]: importing it failed: ZeroDivisionError")
    assert line.endswith("broken_envs.py:2)")


def test_constructor_that_raises_is_located() -> None:
    class Broken(Toy):
        def __init__(self, render_mode: str | None = None) -> None:
            raise RuntimeError("no\nlicense")

    line = refusal(registered(Broken))
    assert line.startswith("env.id=TestOnly-v0: building it failed: RuntimeError: no license (")
    assert "test_env_messages.py" in line
