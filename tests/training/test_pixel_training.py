"""Training from pictures: networks that fit them are required, and every layer learns."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import DictConfig

from ddpg.config.settings import check
from ddpg.errors import UserError
from ddpg.run.build import build_agent
from ddpg.run.env_spec import build_env_spec
from ddpg.training.trainer import Trainer


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["preset=paper_pixels"], r"^network\.actor: .*env\.pixels=64"),
        (["preset=td3", "env.pixels=16"], r"^network\.actor: .*3 x 16 x 16.*network=pixels"),
    ],
)
def test_pictures_and_networks_that_do_not_match(
    overrides: list[str], line: str, compose: Callable[..., DictConfig]
) -> None:
    cfg = check(compose("env=pendulum", *overrides))
    with pytest.raises(UserError, match=line):
        build_agent(cfg, build_env_spec(cfg).make(), torch.device("cpu"))


def test_paper_pixels_learns(tmp_path: Path, make_trainer: Callable[..., Trainer]) -> None:
    """From drawing to update; every layer of both networks and of their targets moves; frames are stored as bytes."""
    pytest.importorskip("pygame", reason="the extra video is not installed")
    trainer = make_trainer(
        tmp_path, "preset=paper_pixels", "env=pendulum", "env.pixels=32", "env.action_repeat=3", "total_steps=30",
        "network.actor.hidden=[200,200]", "network.critic.hidden=[200,200]", "env.max_episode_steps=30",
        "learning_starts=10", "random_steps=10", "batch_size=4", "updates_per_step=1", "eval.every=30",
        "eval.episodes=1", "buffer_size=20",
    )  # fmt: skip
    agent = trainer.agent
    networks = [agent.actor, agent.critic, agent.actor_target, agent.critic_target]
    before = [[p.detach().clone() for p in network.parameters()] for network in networks]
    assert np.isfinite(trainer.train())
    for old, network in zip(before, networks, strict=True):
        assert all(not torch.equal(a, b) for a, b in zip(old, network.parameters(), strict=True))
    assert trainer.replay.obs.dtype == np.uint8
    assert trainer.replay.obs.shape == (21, 9, 32, 32)
