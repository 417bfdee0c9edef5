"""The meter of executed noise against what theory says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.runs import record

from ddpg.training.noise_meter import NoiseMeter
from ddpg.training.trainer import Trainer

STD, CORRELATION = "diagnostics/noise_std", "diagnostics/noise_autocorrelation"


def measured(*episodes: Any, scale: Any = (1.0,)) -> dict[str, float]:
    """What a meter says of noise (steps, action_dim) around mu = 0.3, an array for each episode."""
    meter = NoiseMeter(np.array(scale))
    for episode in episodes:
        for x in np.asarray(episode, float).reshape(-1, len(scale)):
            meter.add(0.3 + x, np.full(len(scale), 0.3))
        meter.end_episode()
    return meter.pop()


def test_white_noise_has_its_sigma_and_no_memory() -> None:
    x = np.random.default_rng(0).normal(0, [0.2, 1.0], (20_000, 2))  # 0.1 of each half range
    metrics = measured(x, scale=(2.0, 10.0))
    assert metrics[STD] == pytest.approx(0.1, rel=0.02)
    assert metrics[CORRELATION] == pytest.approx(0.0, abs=0.02)


def test_ou_noise_remembers() -> None:
    """theta 0.15, sigma 0.2, dt 1: x_{t+1} = 0.85 x_t + 0.2 N(0, 1); variance 0.04 / (1 - 0.85^2)."""
    x, rng = np.zeros((20_000, 2)), np.random.default_rng(0)
    for t in range(1, len(x)):
        x[t] = 0.85 * x[t - 1] + 0.2 * rng.standard_normal(2)
    metrics = measured(3 * x, scale=(3.0, 3.0))
    assert metrics[CORRELATION] == pytest.approx(0.85, abs=0.02)
    assert metrics[STD] == pytest.approx(0.2 / (1 - 0.85**2) ** 0.5, rel=0.05)


def test_dimensions_are_pooled_by_their_variances() -> None:
    """Variances 1 and 9 give sqrt(5); of the autocorrelations -1 and 0 the larger variance's counts more."""
    x = np.array([[1, 3], [-1, 3], [1, -3], [-1, -3]] * 100 + [[1, 3]])
    metrics = measured(x, scale=(1.0, 1.0))
    assert metrics[STD] == pytest.approx(5**0.5, rel=1e-3)
    assert metrics[CORRELATION] == pytest.approx((1 * -1 + 9 * 0) / 10, abs=1e-3)


def test_a_constant_offset_is_no_noise() -> None:
    assert measured([0.1] * 50) == {STD: 0.0}
    x = np.random.default_rng(0).normal(0, 0.1, 500)
    assert measured(x + 0.4) == pytest.approx(measured(x))


def test_float32_actions_that_differ_by_rounding_are_no_noise() -> None:
    meter = NoiseMeter(np.ones(1))
    for mu in np.linspace(-1, 1, 100, dtype=np.float32).reshape(-1, 1):
        meter.add(np.float32(1) / 3 + mu, mu)
    assert meter.pop() == {STD: 0.0}


def test_no_pair_across_episodes() -> None:
    """Within each episode the sign alternates; the pairs between them, of equal sign, do not count."""
    assert measured(*[[1, -1], [-1, 1]] * 20)[CORRELATION] == pytest.approx(-1.0)
    assert CORRELATION not in measured([1.0], [-1.0])


def test_a_window_starts_afresh_but_knows_its_predecessor() -> None:
    meter, one = NoiseMeter(np.ones(1)), np.ones(1)
    for x in (5 * one, one):
        meter.add(x, 0 * one)
    meter.pop()
    for x in (-one, one):
        meter.add(x, 0 * one)
    assert meter.pop() == {STD: 1.0, CORRELATION: -1.0}  # pairs (1, -1) and (-1, 1)
    assert meter.pop() == {}


def test_an_action_that_cannot_vary_gives_no_nan() -> None:
    metrics = measured([[0, 1], [0, -1], [0, 1]], scale=(0.0, 1.0))
    assert all(np.isfinite(list(metrics.values())))


def test_long_episodes_are_summed_on_the_way() -> None:
    x = np.random.default_rng(0).normal(size=2500)
    metrics = measured(x)
    assert metrics[STD] == pytest.approx(x.std())
    assert metrics[CORRELATION] == pytest.approx(np.corrcoef(x[:-1], x[1:])[0, 1])


def test_actions_are_not_kept_by_reference() -> None:
    meter, action = NoiseMeter(np.ones(1)), np.zeros(1)
    for value in (1.0, -1.0):
        action[:] = value
        meter.add(action, np.zeros(1))
    assert meter.pop()[STD] == 1.0


@pytest.mark.parametrize("at", [0, 7, 20])
def test_noise_meter_resumes_exactly(at: int, tmp_path: Any) -> None:
    x = np.random.default_rng(0).normal(size=(40, 2))
    straight = NoiseMeter(np.array([2.0, 3.0]))
    resumed = NoiseMeter(np.array([2.0, 3.0]))
    for step, row in enumerate(x):
        if step == at:  # in the middle of an episode too
            torch.save(straight.state_dict(), tmp_path / "state.pt")
            resumed.add(row, row)  # what the interrupted run did beyond its snapshot
            resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
        for meter in (straight, resumed)[: 1 + (step >= at)]:
            meter.add(row, np.zeros(2))
            if step % 10 == 9:
                meter.end_episode()
    assert resumed.pop() == straight.pop()


def test_a_run_measures_what_it_executes(tmp_path: Path, make_trainer: Callable[..., Trainer]) -> None:
    """Noise so wide that it is cut at the bounds, and no pair of steps across its episodes."""
    words = ["noise.sigma=2.0", "random_steps=0", "learning_starts=1000", "total_steps=100", "logger.every=100"]
    trainer = make_trainer(tmp_path, *words)
    trainer.train()
    meter = NoiseMeter((trainer.high - trainer.low) / 2)
    replay = trainer.replay
    for obs, action, ends in zip(replay.obs[:100], replay.action, replay.ends, strict=False):
        meter.add(action, trainer.agent.act(obs))
        if ends:
            meter.end_episode()
    (row,) = (row for row in record(tmp_path) if STD in row)
    assert {name: row[name] for name in (STD, CORRELATION)} == pytest.approx(meter.pop(), rel=1e-4)
