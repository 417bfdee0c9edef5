"""What the training loop does for members of the family: blocks of updates, statistics, priorities."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.runs import flat, record
from support.updates import spy_on_updates

from ddpg.training.trainer import Trainer

Make = Callable[..., Trainer]


@pytest.mark.parametrize("every", ["7", "episode"])
def test_blocks_of_updates(tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch, every: str) -> None:
    """At every 7th step, or at the end of each episode and of the run, all that have fallen due since the last."""
    settings = ["total_steps=200", "learning_starts=50", "updates_per_step=0.5", f"update_every={every}"]
    trainer = make_trainer(tmp_path, *settings)
    seen = spy_on_updates(trainer, monkeypatch)
    trainer.train()
    ends = [int(slot) + 1 for slot in np.flatnonzero(trainer.replay.ends[:200])]
    blocks = list(range(7, 201, 7)) if every == "7" else ends
    due = {step: max(0, step - 50) // 2 for step in [0, *blocks]}
    expected = [(now, now) for last, now in pairwise(due) for _ in range(due[now] - due[last])]
    assert seen == expected
    assert len(seen) == (75 if every == "episode" else 73)


def test_normalizer_learns_from_every_observation_once(tmp_path: Path, train: Make) -> None:
    """From the random steps too, never from an evaluation's."""
    trainer = train(tmp_path, "network.normalize_obs=5", "eval.episodes=3")
    norm, seen = trainer.agent.actor.norm, trainer.replay.obs[:400].astype(np.float64)
    assert norm.count == 400
    np.testing.assert_allclose(norm.mean, seen.mean(0), rtol=1e-4)
    np.testing.assert_allclose(norm.squares / 400, seen.var(0), rtol=1e-3)


def test_priorities_are_the_errors_of_the_critic(
    tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right after each update, before anything else is stored."""
    trainer = make_trainer(tmp_path, "replay=prioritized", "total_steps=60", "updates_per_step=1")
    seen: list[tuple[int, Any]] = []
    monkeypatch.setattr(trainer.replay, "update_priorities", lambda error: seen.append((trainer.replay.total, error)))
    errors: list[tuple[int, Any]] = []
    update = trainer.agent.update

    def _update(batch: Any) -> Any:
        step = update(batch)
        errors.append((trainer.replay.total, step.td_error))
        return step

    monkeypatch.setattr(trainer.agent, "update", _update)
    trainer.train()
    assert [total for total, _ in seen] == list(range(41, 61))
    assert all(a is b for (_, a), (_, b) in zip(seen, errors, strict=True))
    assert all(error.shape == (8,) for _, error in seen)


def test_parameter_noise_perturbs_the_agents_actor(tmp_path: Path, make_trainer: Callable[..., Trainer]) -> None:
    """Not a copy that hydra made of it."""
    trainer = make_trainer(tmp_path, "noise=adaptive_parameter", "network.actor.norm=layer")
    assert trainer.noise._actor is trainer.agent.actor


def test_weights_are_those_of_a_run_whose_noise_never_adapts(
    tmp_path: Path, make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the same transitions: only random actions, then what is measured and adapted does not matter."""
    states = []
    for adapts in (True, False):
        trainer = make_trainer(
            tmp_path / str(adapts), "noise=adaptive_parameter", "noise.adapt_every=2", "random_steps=200",
            "total_steps=200", "network.actor.norm=layer",
        )  # fmt: skip
        if not adapts:
            monkeypatch.setattr(trainer.noise, "after_update", lambda batch: {})
        trainer.train()
        states.append(flat(trainer.agent.state_dict()))
    assert all(np.array_equal(value, states[1][name]) for name, value in states[0].items())
    logged = [{key for row in record(tmp_path / folder) for key in row} for folder in ("True", "False")]
    assert logged[0] - logged[1] == {"noise/sigma", "noise/distance"}
