"""Whether a resume is exact, and the environments for which it is."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import pytest
import torch
from omegaconf import DictConfig
from support.envs import SHUFFLED
from support.runs import TINY, WALK

from ddpg.config.settings import check
from ddpg.envs.suites import FIXED_BY_RESET, FIXED_WHEN_NEW, suite_of
from ddpg.record.exactness import EXACT, differences, resume_exactness
from ddpg.record.run_folder import RunFolder
from ddpg.run.build import build_environments
from ddpg.run.lifecycle import run
from ddpg.run.start import exactness_of

GYM = "gymnasium.envs.mujoco.hopper_v4"
WRAPPERS = "gymnasium.wrappers"
DDPG = "ddpg.learner.agent.DDPG"


@pytest.mark.parametrize(
    ("device", "module", "wrappers", "resets_fully", "targets", "kernels", "reasons"),
    [
        ("cpu", GYM, [], True, [DDPG], ["torch"], []),
        ("cpu", "pybullet_envs_gymnasium.envs", [], False, [], ["torch"], []),
        ("cuda", GYM, [], True, [], ["torch"], ["device=cuda"]),
        ("cpu", "gymnasium.envs.box2d.bipedal_walker", [], True, [], ["torch"], ["env.resets_fully=auto"]),
        ("cpu", "my_robots", [], True, [], ["torch"], [r"my_robots .* reset\(seed\)"]),
        ("cpu", "my_robots", [], False, [], ["torch"], ["my_robots .* a new one"]),
        ("cpu", GYM, [], True, [DDPG, "mine.Noise"], ["torch"], ["^mine.Noise .*package.* state_dict"]),
        ("cpu", GYM, [], True, [], ["native-1", "torch"], ["native-1 and torch"]),  # one start had no compiler
        ("cpu", GYM, [f"{WRAPPERS}.ClipReward"], True, [], ["torch"], []),
        ("cpu", GYM, [f"{WRAPPERS}.MaxAndSkipObservation"], True, [], ["torch"], ["MaxAndSkip.* reset"]),
        ("cpu", GYM, ["mine.Wrapper"], False, [], ["torch"], [r"mine.Wrapper .* a new one"]),
        ("mps", "my_robots", [], True, ["mine.Noise"], ["torch"], ["device=mps", "my_robots", "mine.Noise"]),
    ],
)
def test_every_reason_is_named(
    device: str,
    module: str,
    wrappers: list[str],
    resets_fully: bool,
    targets: list[str],
    kernels: list[str],
    reasons: list[str],
) -> None:
    env = type("Env", (gymnasium.Env,), {"__module__": module})()
    exactness = resume_exactness(device, env, wrappers, resets_fully, targets, kernels, [])
    assert (exactness == EXACT) == (not reasons)
    named = exactness.removeprefix("not promised: ").split("; ") if reasons else []
    for pattern, reason in zip(reasons, named, strict=True):
        assert re.search(pattern, reason)


@pytest.mark.parametrize(
    "env",
    [
        "Pendulum-v1",
        "Hopper-v4",
        "LunarLanderContinuous-v3",
        "BipedalWalker-v3",
        "dm_control/reacher-hard-v0",
        "AntBulletEnv-v0",
    ],
)
def test_every_suite_is_exact_however_it_is_named(compose: Callable[..., DictConfig], env: str) -> None:
    modules = {"box2d": "Box2D", "dm_control": "dm_control"}
    pytest.importorskip(modules.get(suite_of(env).extra or "", "ddpg"))
    cfg = check(compose("env=gym", f"env.id={env}"))
    environments = build_environments(cfg)
    assert exactness_of(cfg, environments, torch.device("cpu"), ["torch"], []) == "exact"
    environments.close()


def test_a_task_that_is_registered_as_nondeterministic_is_not_promised_by_reset_alone(
    compose: Callable[..., DictConfig],
) -> None:
    pytest.importorskip("dm_control")
    cfg = check(compose("env=gym", f"env.id={SHUFFLED}", "env.max_episode_steps=250", "env.resets_fully=true"))
    environments = build_environments(cfg)
    exactness = exactness_of(cfg, environments, torch.device("cpu"), ["torch"], [])
    environments.close()
    assert exactness.startswith("not promised: the environment keeps state across resets: env.resets_fully=auto")


def test_status_names_all_kernels(
    compose: Callable[..., DictConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of earlier starts count too, as long as the learned state comes from them."""
    monkeypatch.setattr("ddpg.run.lifecycle._show", lambda *_: None)
    folder, steps = RunFolder(tmp_path), 0
    folder.add_start({"submitted": "2026-11-22T00:00:00"})

    def resume() -> str:
        nonlocal steps
        steps += 80
        words = ["env=pendulum", "env.max_episode_steps=20", *TINY, f"total_steps={steps}"]
        run(check(compose(*words)), tmp_path)
        return str(folder.status()["resume"])

    assert resume() == "exact"
    assert resume() == "exact"
    usual = folder.starts()[-1]["kernels"]
    assert usual == "torch" or folder.status()["by_torch"] == folder.starts()[-1]["by_torch"] == []
    monkeypatch.setattr("ddpg.run.lifecycle.accelerate", lambda *_: "other")
    assert f"{usual} and other" in resume()
    shutil.rmtree(folder.checkpoints)
    (tmp_path / "status.json").unlink()
    assert resume() == "exact"  # afresh


def a_start(threads: int = 1, cpu: str | None = "EPYC", **versions: str | None) -> dict[str, Any]:
    return {"threads": threads, "machine": {"cpu": cpu}, "versions": {"torch": "2.8.0", **versions}}


@pytest.mark.parametrize(
    ("starts", "by_native", "by_torch"),
    [
        ([a_start()], [], []),
        ([a_start(), a_start(tqdm="4.67", mujoco="3.3")], [], []),  # installed since then, so it was not needed
        ([a_start(mujoco="3.2"), a_start(mujoco="3.3")], ["mujoco 3.2 and 3.3"], ["mujoco 3.2 and 3.3"]),
        ([a_start(), a_start(torch="2.9.0"), a_start()], ["torch 2.8.0 and 2.9.0"], ["torch 2.8.0 and 2.9.0"]),
        ([a_start(), a_start(threads=2), a_start(cpu="Xeon")], [], ["threads 1 and 2", "cpu EPYC and Xeon"]),
        (
            [a_start() | {"renderer": "egl"}, a_start() | {"renderer": "osmesa"}],
            ["renderer egl and osmesa"],
            ["renderer egl and osmesa"],
        ),
        ([{"submitted": "now"}, a_start(), {"threads": 1}, a_start(cpu=None)], [], []),  # not on record
    ],
)
def test_what_was_different(starts: list[dict[str, Any]], by_native: list[str], by_torch: list[str]) -> None:
    """Native kernels compute the same on every processor that they are built for, with any number of threads."""
    assert differences(starts, by_torch=False) == by_native
    assert differences(starts, by_torch=True) == by_torch


def test_status_names_what_has_changed(
    compose: Callable[..., DictConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Since the run began: a start that got to no checkpoint, as with a package that is at fault, does not count."""
    monkeypatch.setattr("ddpg.run.lifecycle._show", lambda *_: None)
    monkeypatch.setattr("ddpg.run.lifecycle.accelerate", lambda *_: "torch")
    folder, steps = RunFolder(tmp_path), 0

    def start(version: str, *words: str) -> str:
        nonlocal steps
        steps += 80
        monkeypatch.setattr("ddpg.run.start.provenance", lambda _: {"versions": {"gymnasium": version}})
        words = ("env=pendulum", "env.max_episode_steps=20", *TINY, f"total_steps={steps}", *words)
        run(check(compose(*words)), tmp_path)
        return str(folder.status()["resume"])

    start("1.0")
    shutil.rmtree(folder.checkpoints)
    (tmp_path / "status.json").unlink()
    assert start("1.1") == "exact"
    assert start("1.1") == "exact"
    said = start("1.1", "threads=2")
    assert said == "not promised: it was computed with threads 1 and 2, which may give other numbers"
    assert "computed with gymnasium 1.1 and 1.2, threads 1 and 2" in start("1.2")
    for renderer in ("egl", "osmesa"):
        monkeypatch.setattr("ddpg.run.start.renderer_of_observations", lambda _, one=renderer: one)
        said = start("1.2")
        assert folder.starts()[-1]["renderer"] == renderer
    assert "gymnasium 1.1 and 1.2, renderer egl and osmesa, threads 1 and 2" in said


def test_a_users_environment_is_not_promised(compose: Callable[..., DictConfig]) -> None:
    cfg = check(compose(*WALK))
    exactness = exactness_of(cfg, build_environments(cfg), torch.device("cpu"), ["torch"], [])
    assert exactness.startswith("not promised: ")
    assert "toys" in exactness


def test_modules_are_there() -> None:
    """A module that was renamed would not count as tested any more."""
    known = {str(spec.entry_point).partition(":")[0] for spec in gymnasium.registry.values()}
    for module in FIXED_BY_RESET + FIXED_WHEN_NEW:
        if module.startswith("gymnasium"):
            assert any(name.startswith(module) for name in known), module
