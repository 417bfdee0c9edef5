"""The training loop on a toy: what is counted, stored, sent and drawn."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.runs import ODD, assert_same, flat, record
from support.updates import spy_on_updates

from ddpg.learner.noise.action import AHEAD
from ddpg.training.returned import as_metrics
from ddpg.training.seeding import derived_seed, generator
from ddpg.training.trainer import Trainer

Make = Callable[..., Trainer]


def test_first_update_follows_learning_starts(
    tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap 14: N transitions without learning, the first update with N + 1 of them, one for each step after."""
    trainer = make_trainer(tmp_path, "total_steps=100", "learning_starts=64", "random_steps=80", "updates_per_step=1")
    seen = spy_on_updates(trainer, monkeypatch)
    trainer.train()
    assert seen == [(step, step) for step in range(65, 101)]


@pytest.mark.parametrize(("preset", "first"), [("td3", 31), ("paper", 17)])
def test_first_update_of_the_presets(
    tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch, preset: str, first: int
) -> None:
    """Trap 14: sfujim's learns from random_steps + 1 on, the paper's as soon as a minibatch is there."""
    short = ["total_steps=60", "updates_per_step=1", "random_steps=30", "learning_starts=${random_steps}"]
    if preset == "paper":
        short[2:] = ["random_steps=0", "learning_starts=${batch_size}", "batch_size=16"]
    trainer = make_trainer(tmp_path, f"preset={preset}", *short)
    seen = spy_on_updates(trainer, monkeypatch)
    trainer.train()
    assert seen[0] == (first, first)


def test_counts(tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap 3: updates, evaluation points, rows and transitions; the last evaluation is at the end, once."""
    overrides = ["total_steps=250", "updates_per_step=0.5", "buffer_size=100", "eval.every=100", "logger.every=50"]
    trainer = make_trainer(tmp_path, *overrides)
    seen = spy_on_updates(trainer, monkeypatch)
    result = trainer.train()
    assert len(seen) == (250 - 40) // 2 == trainer.progress.updates
    assert (trainer.progress.env_step, trainer.replay.total, len(trainer.replay)) == (250, 250, 100)
    rows = record(tmp_path)
    assert [row["env_step"] for row in rows if "eval/episodic_return" in row] == [0, 100, 200, 250]
    assert [row["env_step"] for row in rows if "losses/qf1_loss" in row] == [50, 100, 150, 200, 250]
    lengths = [row["charts/episodic_length"] for row in rows if "charts/episodic_length" in row]
    assert 250 - 40 <= sum(lengths) <= 250
    assert result == rows[-1]["eval/episodic_return"] == trainer.progress.last_return
    assert trainer.progress.best_return == max(row.get("eval/episodic_return", -np.inf) for row in rows)


def test_evaluation_at_the_end_is_not_repeated(tmp_path: Path, train: Make) -> None:
    train(tmp_path, "total_steps=200")
    steps = [row["env_step"] for row in record(tmp_path) if "eval/episodic_return" in row]
    assert steps == [0, 100, 200]


def test_training_returns_are_undiscounted_sums(tmp_path: Path, train: Make) -> None:
    """And numbers of `info` stand beside them: the toy's loss is the reward with another sign."""
    trainer = train(tmp_path, "+env.info_metrics.loss=sum")
    replay, rows = trainer.replay, record(tmp_path)
    ends = np.flatnonzero(replay.ends[:400])
    episodes = np.split(replay.reward[:400], ends + 1)
    logged = [row["charts/episodic_return"] for row in rows if "charts/episodic_return" in row]
    np.testing.assert_allclose(logged, [e.sum() for e in episodes[: len(logged)]], rtol=1e-5)
    assert [row["env_step"] for row in rows if "charts/episodic_return" in row] == [e + 1 for e in ends[: len(logged)]]
    for info, returned in (("info/loss", "charts/episodic_return"), ("eval/info/loss", "eval/episodic_return")):
        losses = [row[info] for row in rows if info in row]
        np.testing.assert_allclose(losses, [-row[returned] for row in rows if returned in row], rtol=1e-6)


def test_stored_pairs_are_of_one_episode_and_one_step_apart(tmp_path: Path, train: Make) -> None:
    """Trap 2: no reset in between is ever stored; as many transitions as real steps."""
    trainer = train(tmp_path)
    replay, env = trainer.replay, trainer.environments.training.unwrapped
    assert replay.total == len(env.actions) == 400
    arrays = replay.export(0, 400)
    next_obs, final = np.roll(arrays["obs"], -1, axis=0), iter(arrays["final_obs"])
    for slot in np.flatnonzero(arrays["ends"]):
        next_obs[slot] = next(final)
    np.testing.assert_array_equal(next_obs[:, 0], arrays["obs"][:, 0])
    np.testing.assert_array_equal(next_obs[:, 1], arrays["obs"][:, 1] + 1)
    assert len(set(arrays["obs"][:, 0])) == trainer.progress.episode == arrays["ends"].sum() == len(env.seeds)


def test_terminated_is_stored_and_truncated_is_not(tmp_path: Path, train: Make) -> None:
    """Trap 1: the toy's odd lengths terminate, its even ones truncate; what total_steps cuts is no termination."""
    arrays = train(tmp_path).replay.export(0, 400)
    lengths = np.diff(np.flatnonzero(np.append(True, arrays["ends"])))
    flags = arrays["terminated"][arrays["ends"]]
    np.testing.assert_array_equal(flags[:-1], lengths[:-1] % 2)
    assert set(flags) == {0.0, 1.0}
    assert not arrays["terminated"][~arrays["ends"]].any()


@pytest.mark.parametrize("noise", ["gaussian", "ou"])
def test_action_clipped_stored_and_sent_are_one(tmp_path: Path, train: Make, noise: str) -> None:
    """Trap 5: under wide noise both bounds are hit, none is left, and env and memory get the same numbers."""
    trainer = train(tmp_path, f"noise={noise}", "noise.sigma=2.0")
    sent, stored = np.array(trainer.environments.training.unwrapped.actions), trainer.replay.action[:400]
    np.testing.assert_array_equal(stored, sent.astype(np.float32))
    np.testing.assert_array_equal(sent.min(0), [-3, 0])
    np.testing.assert_array_equal(sent.max(0), [1, 10])
    assert ((sent > [-3, 0]) & (sent < [1, 10])).any(axis=0).all()


def test_noise_is_added_to_the_actors_action(tmp_path: Path, make_trainer: Make) -> None:
    """Line 8: a = mu(s) + N; without learning, subtracting mu leaves the generator's own draws, by the step's sigma.

    Each episode has draws of its own.
    """
    annealed = ["noise.sigma=0.01", "noise.final_sigma=0.03", "noise.anneal_steps=20"]
    trainer = make_trainer(tmp_path, "learning_starts=1000", "random_steps=0", "total_steps=50", *annealed)
    trainer.train()
    mu = np.array([trainer.agent.act(obs) for obs in trainer.replay.obs[:50]])
    sigma = np.minimum(0.01 + 0.001 * np.arange(50), 0.03)[:, None]
    ends, draws = np.flatnonzero(trainer.replay.ends[:50]) + 1, generator(1, "noise")
    normals = [draws.standard_normal((AHEAD, 2))[:length] for length in np.diff(ends, prepend=0)]
    drawn = sigma * np.array([2, 5]) * np.concatenate(normals)
    np.testing.assert_allclose(trainer.replay.action[:50] - mu, drawn, atol=2e-6)


def test_warm_up_is_uniform_over_the_raw_bounds_and_seeded(tmp_path: Path, train: Make) -> None:
    """Trap 15."""
    settings = ["random_steps=300", "learning_starts=1000", "noise=none", "total_steps=310"]
    trainer = train(tmp_path / "a", *settings)
    actions = trainer.replay.action[:310]
    again = train(tmp_path / "b", *settings).replay.action[:310]
    other = train(tmp_path / "c", *settings, "seed=2").replay.action[:310]
    np.testing.assert_array_equal(actions, again)
    assert not np.isin(actions[:300], other[:300]).any()
    random = actions[:300]
    np.testing.assert_allclose(random.min(0), [-3, 0], atol=0.2)
    np.testing.assert_allclose(random.max(0), [1, 10], atol=0.2)
    np.testing.assert_allclose(random.mean(0), [-1, 5], atol=0.5)
    np.testing.assert_allclose(random.std(0), [4 / 12**0.5, 10 / 12**0.5], rtol=0.1)
    mu = [trainer.agent.act(obs) for obs in trainer.replay.obs[300:310]]
    np.testing.assert_array_equal(actions[300:], mu)  # the actor from random_steps on, not a step later


def test_noise_is_reset_at_every_episode(tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap 6, line 5 of Algorithm 1."""
    trainer = make_trainer(tmp_path, "noise=ou", "random_steps=0")
    resets: list[int] = []
    monkeypatch.setattr(trainer.noise, "reset", lambda: resets.append(trainer.progress.env_step))
    trainer.train()
    starts = np.flatnonzero(trainer.replay.ends[:400])[:-1] + 1
    assert resets == [0, *starts]


@pytest.mark.parametrize(
    "overrides",
    [[], ["preset=paper"], ["env.id=Leaky-v0", "env.resets_fully=false"], ["env.id=Careless-v0", *ODD]],
)
def test_evaluation_does_not_touch_training(tmp_path: Path, train: Make, overrides: list[str]) -> None:
    """Trap 16: more, longer, more frequent evaluations leave weights and training returns as they are."""
    steps = "total_steps=300"
    rare = train(tmp_path / "a", *overrides, steps, "eval.every=100000", "eval.episodes=1")
    often = train(tmp_path / "b", *overrides, steps, "eval.every=7", "eval.episodes=3")
    states = [flat(trainer.agent.state_dict()) for trainer in (rare, often)]
    assert all(np.array_equal(states[0][name], states[1][name]) for name in states[0])
    returns = [[row for row in record(tmp_path / name) if "charts/episodic_return" in row] for name in ("a", "b")]
    assert returns[0] == returns[1]


def test_logging_does_not_touch_training(tmp_path: Path, train: Make) -> None:
    """Diagnostics draw their minibatches from a generator of their own."""
    rare = train(tmp_path / "a", "total_steps=200", "logger.every=50")
    often = train(tmp_path / "b", "total_steps=200", "logger.every=13")
    states = [flat(trainer.agent.state_dict()) for trainer in (rare, often)]
    assert all(np.array_equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize(("overrides", "seed"), [([], 1), (["eval.seed=7"], 7), (["eval.seed=0"], 0)])
def test_evaluation_has_its_own_env_and_the_same_starts_every_time(
    tmp_path: Path, train: Make, overrides: list[str], seed: int
) -> None:
    """Trap 16: no noise, an env of its own, seeds that training does not have."""
    trainer = train(tmp_path, "eval.episodes=3", "total_steps=200", *overrides)
    evaluation = [derived_seed(seed, "evaluation", k) for k in range(3)]
    assert trainer.environments.evaluation.unwrapped.seeds == evaluation * 3
    episodes = [derived_seed(1, "episode", k) for k in range(trainer.progress.episode)]
    assert trainer.environments.training.unwrapped.seeds == episodes
    assert not set(episodes) & set(evaluation)


@pytest.mark.parametrize("overrides", [[], ["preset=paper", "noise=ou", "batch_size=8"], ["env=pendulum"]])
def test_same_seed_same_record(tmp_path: Path, train: Make, overrides: list[str]) -> None:
    """Same seed: weights and metrics.jsonl bit for bit, the clock apart. Another seed: another run."""
    first = train(tmp_path / "a", *overrides)
    torch.rand(5), np.random.rand(5), random.random()  # what others draw does not matter
    assert_same(first, train(tmp_path / "b", *overrides))
    train(tmp_path / "c", *overrides, "seed=2")
    assert record(tmp_path / "a")[0] != record(tmp_path / "c")[0]


def test_training_draws_nothing_from_global_generators(
    tmp_path: Path, train: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are seeded for environments, which this test leaves out."""
    for user in ("ddpg.training.seeding", "ddpg.run.build"):
        monkeypatch.setattr(f"{user}.seed_process", lambda seed: None)
    torch.manual_seed(3)
    np.random.seed(3)
    train(tmp_path)
    drawn = torch.rand(1).item(), np.random.rand()
    torch.manual_seed(3)
    np.random.seed(3)
    assert drawn == (torch.rand(1).item(), np.random.rand())


def test_memory_and_forward_are_float32(tmp_path: Path, train: Make) -> None:
    """Trap 17: the toy gives float64 observations, changed in place, and float64 rewards."""
    trainer = train(tmp_path)
    assert {part.dtype for part in trainer.replay.sample(4)[:-1]} == {torch.float32}
    assert {p.dtype for p in trainer.agent.actor.parameters()} == {torch.float32}
    assert len(np.unique(trainer.replay.obs[:400, 2])) > 390  # not one array over and over


def test_best_and_last_actor_are_kept(tmp_path: Path, train: Make) -> None:
    trainer = train(tmp_path, "total_steps=300")
    stored = {name: torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("actor", "actor_best")}
    evaluations = {
        row["env_step"]: row["eval/episodic_return"] for row in record(tmp_path) if "eval/episodic_return" in row
    }
    assert stored["actor"]["env_step"] == 300
    assert stored["actor_best"]["env_step"] == max(evaluations, key=lambda step: evaluations[step])
    for name, value in trainer.agent.actor.state_dict().items():
        assert torch.equal(stored["actor"]["actor"][name], value)


def test_losses_are_means_over_the_updates_since_the_last_row(
    tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(
        tmp_path, "total_steps=100", "logger.every=50", "algorithm.policy_delay=2", "updates_per_step=1"
    )
    losses: list[dict[str, float]] = []
    update = trainer.agent.update

    def _update(batch: Any) -> Any:
        step = update(batch)
        losses.append(as_metrics(trainer.agent, "update", step.metrics))
        return step

    monkeypatch.setattr(trainer.agent, "update", _update)
    trainer.train()
    rows = [row for row in record(tmp_path) if "losses/qf1_loss" in row]
    for row, part in zip(rows, (losses[:10], losses[10:]), strict=True):
        for name in ("losses/qf1_loss", "losses/qf1_values", "losses/actor_loss"):
            expected = np.mean([metrics[name] for metrics in part if name in metrics])
            assert row[name] == pytest.approx(expected, rel=1e-5)
