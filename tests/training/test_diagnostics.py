"""Diagnostics against what theory says, and that looking changes nothing."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from support import toys

from ddpg.training.evaluate import evaluate
from ddpg.training.finite import finite
from ddpg.training.noise_meter import NoiseMeter
from ddpg.training.q_bias import QBias

STD, CORRELATION = "diagnostics/noise_std", "diagnostics/noise_autocorrelation"


def measured(*episodes: Any, scale: Any = (1.0,)) -> dict[str, float]:
    """What a meter says of noise (steps, action_dim) around mu = 0.3, an array for each episode."""
    meter = NoiseMeter(np.array(scale))
    for episode in episodes:
        for x in np.asarray(episode, float).reshape(-1, len(scale)):
            meter.add(0.3 + x, np.full(len(scale), 0.3))
        meter.end_episode()
    return meter.pop()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.5, True),
        (np.nan, False),
        (torch.tensor(-torch.inf), False),
        (np.full(3, 3e38, np.float32), True),  # their sum is not
        (np.array([0.0, np.nan, 1.0]), False),
        (np.array([np.inf, -np.inf]), False),
        (np.zeros((2, 3, 3), np.uint8), True),
    ],
)
def test_finite(value: Any, expected: bool) -> None:
    assert finite(value) is expected


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


class Chain(gymnasium.Env):
    """Reward 1 + t at step t for `length` steps; obs: [t]. Ends by `terminated` or by truncation."""

    observation_space: Any = spaces.Box(-np.inf, np.inf, (1,), np.float32)
    action_space: Any = spaces.Box(-1.0, 1.0, (1,), np.float32)

    def __init__(self, length: int, terminates: bool) -> None:
        self.length, self.terminates = length, terminates

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict]:
        self.t = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.t += 1
        over = self.t == self.length
        return np.full(1, self.t, np.float32), float(self.t), over and self.terminates, over and not self.terminates, {}


GAMMA = 0.9


def still(obs: np.ndarray) -> np.ndarray:
    return np.zeros(1, np.float32)


def value(t: float, length: float = np.inf) -> float:
    """sum_{k >= t} gamma^(k - t) (1 + k) up to `length`, by its closed form."""
    whole = (1 + t) / (1 - GAMMA) + GAMMA / (1 - GAMMA) ** 2
    return whole - (GAMMA ** (length - t) * value(length) if np.isfinite(length) else 0.0)


def critic(offset: float = 0.0, length: float = np.inf) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The exact Q of a Chain, and a constant error."""

    def values(obs: np.ndarray, action: np.ndarray) -> np.ndarray:
        assert obs.shape == action.shape == (len(obs), 1)
        return np.array([value(float(t), length) + offset for t in obs[:, 0]])

    return values


def bias_of(values: Any, length: int, terminates: bool, stride: int = 1, episodes: int = 1, **changes: Any) -> Any:
    q_bias = QBias(values, still, **({"gamma": GAMMA, "reward_scale": 1.0, "stride": stride} | changes))
    evaluate(still, Chain(length, terminates), range(episodes), on_transition=q_bias)
    return {name.removeprefix("diagnostics/"): number for name, number in q_bias.metrics().items()}


@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize("terminates", [True, False])
def test_an_exact_critic_has_no_bias(terminates: bool, stride: int) -> None:
    """A terminated episode has no remainder; of a truncated one the critic knows the endless rest."""
    length = 10 if terminates else np.inf
    metrics = bias_of(critic(0.0, length), 10, terminates, stride, episodes=2)
    times = range(0, 10, stride)
    expected = {"q_value": np.mean([value(t, length) for t in times]), "q_bias": 0.0, "q_bias_std": 0.0}
    seen = 1.0 if terminates else 1 - np.mean([GAMMA ** (10 - t) for t in times])
    assert metrics == pytest.approx(expected | {"q_seen": seen}, abs=1e-9)


def test_a_critic_that_ignores_termination_is_biased_by_the_endless_rest() -> None:
    metrics = bias_of(critic(), 10, terminates=True)
    assert metrics["q_bias"] == pytest.approx(np.mean([GAMMA ** (10 - t) * value(10) for t in range(10)]))


def test_a_constant_error_is_the_bias() -> None:
    metrics = bias_of(critic(2.5, 10), 10, terminates=True)
    assert metrics["q_bias"] == pytest.approx(2.5)
    assert metrics["q_bias_std"] == pytest.approx(0.0, abs=1e-9)


def test_of_a_constant_error_the_part_that_was_seen_shows_at_a_time_limit() -> None:
    metrics = bias_of(critic(2.5), 10, terminates=False)
    assert metrics["q_bias"] == pytest.approx(2.5 * metrics["q_seen"])
    assert 0 < metrics["q_seen"] < 1


def test_bias_is_in_the_units_that_the_critic_learns() -> None:
    def scaled(obs: np.ndarray, action: np.ndarray) -> np.ndarray:
        return 0.1 * critic()(obs, action) + 1.0

    metrics = bias_of(scaled, 400, terminates=False, reward_scale=0.1)
    assert metrics["q_bias"] == pytest.approx(metrics["q_seen"])


def test_the_rest_is_valued_under_the_policy() -> None:
    """Q(s, a) = a_t: the last state's action, not the last executed one, gives the rest."""
    q_bias = QBias(lambda obs, action: action[:, 0], lambda obs: np.full(1, 7.0), GAMMA, 1.0, stride=1)
    q_bias(np.zeros(1), np.full(1, 2.0), 1.0, False, True, np.ones(1))
    assert q_bias.metrics()["diagnostics/q_bias"] == pytest.approx(2 - (1 + GAMMA * 7))


def test_observations_that_change_in_place_are_copied() -> None:
    q_bias = QBias(lambda obs, action: obs[:, 0] + action[:, 0], still, GAMMA, 1.0, stride=1)
    obs, action = np.ones(1), np.ones(1)
    q_bias(obs, action, 0.0, False, False, obs)
    obs += 10
    action += 10
    q_bias(obs, action, 0.0, True, True, obs)
    assert q_bias.metrics()["diagnostics/q_value"] == pytest.approx((2 + 22) / 2)


def test_no_episode_no_bias() -> None:
    q_bias = QBias(critic(), still, GAMMA, 1.0, stride=1)
    assert q_bias.metrics() == {}
    q_bias(np.zeros(1), np.zeros(1), 1.0, False, False, np.ones(1))
    assert q_bias.metrics() == {}


def test_measuring_does_not_change_an_evaluation() -> None:
    def forward(obs: np.ndarray) -> np.ndarray:
        return np.tanh(obs[:2])

    q_bias = QBias(lambda obs, action: obs[:, 2], forward, GAMMA, 1.0, stride=3)
    plain = evaluate(forward, toys.Walk(), [1, 2])
    watched = evaluate(forward, toys.Walk(), [1, 2], on_transition=q_bias)
    assert plain.returns.tolist() == watched.returns.tolist()
    assert q_bias.metrics()
