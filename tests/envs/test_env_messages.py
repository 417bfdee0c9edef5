"""An environment that cannot be built is explained in one line that says what to write or install instead."""

import sys
from pathlib import Path

import pytest
from support.envs import Toy, refusal, registered, spec_of

from ddpg.distribution import install_hint


@pytest.mark.parametrize(
    ("overrides", "key", "advice"),
    [
        (["gym", "env.id=HalfCheeta-v4"], "env.id=HalfCheeta-v4", ["HalfCheetah-v4"]),
        (["gym", "env.id=halfcheetah-v4"], "env.id=halfcheetah-v4", ["HalfCheetah-v4"]),
        (["gym", "env.id=Hopper-v9"], "env.id=Hopper-v9", ["env.id=Hopper-v4", "env.id=Hopper-v5"]),
        (["gym", "env.id=qqqqqq"], "env.id=qqqqqq", ["env.imports"]),
        (["gym", "env.id='no spaces'"], "env.id=no spaces", ["env.imports"]),
        (["hopper", "env.version=v9"], "env.version=v9", ["env.version=v4", "env.version=v5"]),
        (["hopper", "env.version='4'"], "env.version=4", ["env.version=v4", "env.version=v5"]),
        (["hopper", "env.version=v3"], "env.version=v3", ["env.version=v4", "env.version=v5"]),
        (["pusher", "env.version=v4"], "env.version=v4", ["mujoco<3", "env.version=v5"]),
        (["pendulum", "+env.kwargs.foo=1"], "env.id=Pendulum-v1", ["TypeError", "'foo'"]),
        (["gym", "env.id=nowhere:Some-v0"], "env.id=nowhere:Some-v0", ["no Python module nowhere", "PYTHONPATH"]),
        (["gym", "env.id=Some-v0", "env.imports=[nowhere_at_all]"], "env.id=Some-v0", ["nowhere_at_all", "PYTHONPATH"]),
    ],
)
def test_what_cannot_be_built_says_what_to_write_instead(overrides: list[str], key: str, advice: list[str]) -> None:
    line = refusal(spec_of(*overrides))
    assert line.startswith(key)
    for word in advice:
        assert word in line


def test_versions_that_gymnasium_has_withdrawn_are_not_offered() -> None:
    line = refusal(spec_of("hopper", "env.version=v9"))
    assert "v2" not in line
    assert "v3" not in line


@pytest.mark.parametrize(("domain", "task"), [("fsh", "swim"), ("fish", "swimm")])
def test_unknown_dm_control_task_names_the_nearest(domain: str, task: str) -> None:
    pytest.importorskip("dm_control", reason="the extra dm_control is not installed")
    line = refusal(spec_of("dmc", f"env.domain={domain}", f"env.task={task}"))
    assert line.startswith(f"env.domain={domain} env.task={task}: ")
    assert "env.domain=fish env.task=swim" in line


def test_nothing_before_the_colon_of_an_id() -> None:
    line = refusal(spec_of("gym", "env.id=:Pendulum-v1"))
    assert line.startswith("env.id=:Pendulum-v1: ")
    assert "env.id=my_package:Pendulum-v1" in line


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dm_control", None)  # Python's way to say: not there
    assert install_hint("dm_control") in refusal(spec_of("dmc_walker_run"))
    for module in [name for name in sys.modules if name.startswith("gymnasium.envs.box2d")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "Box2D", None)
    assert install_hint("box2d") in refusal(spec_of("lunarlander"))


def test_own_module_that_fails_to_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_envs.py").write_text("import gymnasium\n1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    line = refusal(spec_of("gym", "env.id=Mine-v0", "env.imports=[broken_envs]"))
    assert line.startswith("env.imports=[broken_envs]: ")
    assert "ZeroDivisionError" in line
    assert "broken_envs.py:2" in line


def test_constructor_that_raises_is_located() -> None:
    class Broken(Toy):
        def __init__(self, render_mode: str | None = None) -> None:
            raise RuntimeError("no\nlicense")

    line = refusal(registered(Broken))
    assert line.startswith("env.id=TestOnly-v0: ")
    assert "RuntimeError: no license" in line
    assert "test_env_messages.py" in line
