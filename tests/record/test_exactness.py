"""What a run says of its exact resume, and the environments for which it can."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import gymnasium
import pytest
import torch
from omegaconf import DictConfig
from support.runs import TINY, WALK

from ddpg.config.settings import check
from ddpg.learner.agent import DDPG
from ddpg.record.exactness import FORGETTING, REMEMBERING, resume_promise
from ddpg.record.run_folder import RunFolder
from ddpg.run.build import build_env_spec
from ddpg.run.lifecycle import promise, run

GYM = "gymnasium.envs.mujoco.hopper_v4"


@pytest.mark.parametrize(
    ("device", "module", "resets_fully", "targets", "expected"),
    [
        ("cpu", GYM, True, ["ddpg.learner.agent.DDPG"], "exact"),
        ("cuda", GYM, True, [], "not promised: device=cuda: the order of its sums"),
        ("cpu", "pybullet_envs_gymnasium.envs", False, [], "exact"),
        ("cpu", "gymnasium.envs.box2d.bipedal_walker", True, [], "not promised: .* env.resets_fully=false"),
        ("cpu", "my_robots", True, [], r"not promised: my_robots is not among .* reset\(seed\) must fix an episode"),
        ("cpu", "my_robots", False, [], "not promised: my_robots .* a new one must begin as the first did"),
        ("cpu", GYM, True, ["ddpg.learner.agent.DDPG", "mine.Noise"], "not promised: mine.Noise: state_dict must hold"),
        ("mps", "my_robots", True, ["mine.Noise"], "not promised: device=mps.*; my_robots.*; mine.Noise"),
    ],
)
def test_promise(device: str, module: str, resets_fully: bool, targets: list[str], expected: str) -> None:
    said = resume_promise(device, module, resets_fully, targets, ["torch"])
    assert re.match(f"{expected}$" if expected == "exact" else expected, said), said


def test_kernels_that_round_in_another_way_are_not_promised() -> None:
    """A run that went on where there is no compiler."""
    said = resume_promise("cpu", GYM, True, [], ["native-1", "torch"])
    assert said == "not promised: updates were computed by native-1 and torch, which round in different ways"


@pytest.mark.parametrize(
    "env", ["pendulum", "hopper", "lunarlander", "bipedalwalker", "dmc_reacher_hard", "pybullet_ant"]
)
def test_every_suite_is_exact(compose: Callable[..., DictConfig], env: str) -> None:
    modules = {"lunarlander": "Box2D", "bipedalwalker": "Box2D", "dmc_reacher_hard": "dm_control"}
    pytest.importorskip(modules.get(env, "ddpg"))
    cfg = check(compose(f"env={env}"))
    made = build_env_spec(cfg).make()
    assert promise(cfg, made, torch.device("cpu"), ["torch"]) == "exact"
    made.close()


def test_status_tells_of_all_kernels(
    compose: Callable[..., DictConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the learned state comes from: also of an earlier start, but not of a frozen config that nobody had run."""
    folder, steps = RunFolder(tmp_path), 0
    folder.add_start({"submitted": "2026-11-22T00:00:00"})

    def resume() -> str:
        nonlocal steps
        steps += 250
        run(check(compose("env=pendulum", *TINY, f"total_steps={steps}")), tmp_path)
        return str(folder.status()["resume"])

    assert resume() == "exact"
    assert resume() == "exact"
    usual = folder.starts()[-1]["kernels"]
    monkeypatch.setattr(DDPG, "compile", _by_another)
    assert resume() == f"not promised: updates were computed by {usual} and other, which round in different ways"
    shutil.rmtree(folder.checkpoints)
    (tmp_path / "status.json").unlink()
    assert resume() == "exact"  # afresh


def _by_another(agent: DDPG, native: object) -> None:
    agent.computed_by = "other"


def test_an_environment_of_ones_own_is_not_promised(compose: Callable[..., DictConfig]) -> None:
    cfg = check(compose(*WALK))
    said = promise(cfg, build_env_spec(cfg).make(), torch.device("cpu"), ["torch"])
    assert said.startswith("not promised: toys is not among")


def test_modules_are_there() -> None:
    """A module that was renamed would promise nothing any more."""
    known = {str(spec.entry_point).partition(":")[0] for spec in gymnasium.registry.values()}
    for module in FORGETTING + REMEMBERING:
        if module.startswith("gymnasium"):
            assert any(name.startswith(module) for name in known), module
