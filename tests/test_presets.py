"""Every preset learns on every suite."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import record

from ddpg.trainer import Trainer

ROOT = Path(__file__).parents[1]
PRESETS = sorted(path.stem for path in (ROOT / "conf" / "preset").glob("*.yaml"))
ENVS = ["pendulum", "halfcheetah", "dmc_cartpole_swingup", "pybullet_hopper", "lunarlander"]
MODULES = {"lunarlander": "Box2D", "dmc_cartpole_swingup": "dm_control"}


@pytest.mark.parametrize("env", ENVS)
@pytest.mark.parametrize("preset", PRESETS)
def test_learns(tmp_path: Path, make_trainer: Callable[..., Trainer], preset: str, env: str) -> None:
    """A few hundred steps at the preset's own network sizes: every weight matrix moves, every number is finite."""
    pytest.importorskip(MODULES.get(env, "ddpg"))
    sizes = {"td3": "[256,256]", "paper": "[400,300]"}[preset]
    trainer = make_trainer(
        tmp_path, f"preset={preset}", f"env={env}", "env.max_episode_steps=60", "total_steps=300",
        f"network.actor.hidden={sizes}", f"network.critic.hidden={sizes}", "batch_size=16",
        "updates_per_step=0.5", "eval.every=300", "eval.episodes=1",
    )  # fmt: skip
    networks = {name: getattr(trainer.agent, name) for name in ("actor", "critic", "actor_target", "critic_target")}
    before = {name: [p.detach().clone() for p in network.parameters()] for name, network in networks.items()}
    result = trainer.train()
    assert trainer.agent.updates == 130
    assert np.isfinite(result)
    for name, network in networks.items():
        for old, new in zip(before[name], network.parameters(), strict=True):
            assert torch.isfinite(new).all()
            assert new.ndim == 1 or not torch.equal(old, new), name  # a bias before batch norm has no gradient
    rows = record(tmp_path)
    losses = [value for row in rows for key, value in row.items() if key.startswith("losses/")]
    assert len(losses) >= 3 * 5
    assert all(value is not None and np.isfinite(value) for value in losses)
    assert [row["env_step"] for row in rows if "eval/episodic_return" in row] == [0, 300]
