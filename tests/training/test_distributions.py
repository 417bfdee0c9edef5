"""Training with a critic of distributions, alone and combined with every other technique of the family."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.runs import record

from ddpg.training.trainer import Trainer

#: What preset=d4pg, whose range of values is -1000 to 0 on Pendulum, is combined with.
COMBINED = {
    "alone": [],
    "TD3": ["algorithm=td3", "algorithm/head=categorical", "tau=0.1"],
    "mixtures": ["algorithm.n_critics=3", "algorithm.target_reduce=mean", "algorithm.actor_reduce=min"],
    "prioritized": ["replay=prioritized", "replay.n_step=5"],
    "parameter noise": ["network=layer_norm", "noise=adaptive_parameter", "noise.adapt_every=7"],
    "batch norm": ["network=paper", "optimizer=paper"],
    "normalized observations": ["network.normalize_obs=5"],
    "double precision": ["dtype=float64"],
    "another range": ["algorithm.head.v_min=-500", "algorithm.head.atoms=7"],
    "scaled rewards": ["algorithm.reward_scale=0.1"],
    "pixels": [
        "network=pixels", "network.actor.filters=[4]", "network.critic.filters=[4]", "env.pixels=32",
        "env.action_repeat=3", "buffer_size=60",
    ],
}  # fmt: skip
#: The smallest value of each of them that has another range; a decision on pixels earns the rewards of three steps.
LOWEST = {"another range": -500, "scaled rewards": -100, "pixels": -3000}


@pytest.mark.parametrize("name", COMBINED)
def test_combinations_learn(tmp_path: Path, make_trainer: Callable[..., Trainer], name: str) -> None:
    """Some updates: all numbers are finite, values within their range, the bias is there, the targets move."""
    if name == "pixels":
        pytest.importorskip("pygame", reason="the extra video is not installed")
    trainer = make_trainer(
        tmp_path, "env=pendulum", "preset=d4pg", "env.max_episode_steps=20", "total_steps=90", "eval.every=45",
        "logger.every=10", "updates_per_step=0.5", "algorithm.target_delay=10", *COMBINED[name],
    )  # fmt: skip
    trainer.train()
    assert trainer.agent.updates == 25
    rows = record(tmp_path)
    numbers = {key: [row[key] for row in rows if key in row] for row in rows for key in row}
    assert all(np.isfinite(values).all() for values in numbers.values())
    assert len(numbers["diagnostics/q_bias"]) == 3
    for key in ("diagnostics/q_value", "losses/qf1_values"):
        assert numbers[key]
        assert all(LOWEST.get(name, -1000) < value < 0 for value in numbers[key])
    assert min(numbers["losses/qf1_loss"]) > 0
    assert {"losses/actor_loss", "diagnostics/critic_grad_norm", "diagnostics/actor_grad_norm"} <= numbers.keys()


@pytest.mark.parametrize("overrides", [[], ["replay=prioritized", "replay.n_step=5", "algorithm.n_critics=2"]])
def test_recorded_updates_are_those_of_python(
    tmp_path: Path, train: Callable[..., Trainer], overrides: list[str]
) -> None:
    """compile=auto and compile=false end alike but for rounding, which grows from update to update."""
    settings = ["preset=d4pg", "env=pendulum", "total_steps=100", "algorithm.target_delay=5", *overrides]
    plain = train(tmp_path / "plain", "compile=false", *settings)
    recorded = train(tmp_path / "recorded", "compile=auto", *settings)
    for one, other in zip(plain.agent.critic.parameters(), recorded.agent.critic.parameters(), strict=True):
        np.testing.assert_allclose(one.detach(), other.detach(), rtol=1e-2, atol=1e-4)


@pytest.mark.slow
def test_d4pg_learns_pendulum(tmp_path: Path, train: Callable[..., Trainer]) -> None:
    """In 8,000 steps it balances; a policy that does nothing ends at about -1200, a good one at -150."""
    trainer = train(
        tmp_path, "preset=d4pg", "env=pendulum", "total_steps=8000", "eval.every=8000", "eval.episodes=10",
        "network.actor.hidden=[300,200]", "network.critic.hidden=[400,300]", "batch_size=256", "random_steps=0",
        "learning_starts=999", "updates_per_step=1", "checkpoint.every=100000",
    )  # fmt: skip
    last = [row for row in record(trainer.folder.path) if "eval/episodic_return" in row][-1]
    assert last["env_step"] == 8000
    assert last["eval/episodic_return"] > -300
