"""Exploration noise: its scale, its correlation, its state."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from ddpg.learner.noise import Gaussian, NoNoise, OrnsteinUhlenbeck
from ddpg.learner.noise.action import AHEAD

HALF_RANGE = np.array([2.0, 5.0])  # of Box([-3, 0], [1, 10])


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def ou(seed: int = 0, scale: np.ndarray = HALF_RANGE, **changes: Any) -> OrnsteinUhlenbeck:
    arguments = {"theta": 0.15, "sigma": 0.2, "dt": 1.0, "reset": True, "scaled": True, "anneal_steps": 1000} | changes
    final = {"final_sigma": arguments["sigma"]} | arguments
    return OrnsteinUhlenbeck(**{"rng": rng(seed)} | final, action_scale=scale)


def gaussian(seed: int = 0, **changes: Any) -> Gaussian:
    arguments = {"sigma": 0.1, "scaled": True, "anneal_steps": 1000} | changes
    final = {"final_sigma": arguments["sigma"]} | arguments
    return Gaussian(**{"rng": rng(seed)} | final, action_scale=HALF_RANGE)


def draws(noise: Any, count: int, env_step: int = 0) -> np.ndarray:
    return np.array([noise(np.zeros(3, np.float32), env_step) for _ in range(count)])


@pytest.mark.parametrize(("scaled", "std"), [(True, [0.2, 0.5]), (False, [0.1, 0.1])])
def test_gaussian_scale(scaled: bool, std: list[float]) -> None:
    """Trap 5: std is sigma (high - low) / 2 in each dimension, mean 0; independent draws."""
    x = draws(gaussian(scaled=scaled), 20_000)
    np.testing.assert_allclose(x.std(0), std, rtol=0.03)
    np.testing.assert_allclose(x.mean(0) / std, 0, atol=0.03)
    assert abs(np.corrcoef(x.T)[0, 1]) < 0.03
    assert abs(np.corrcoef(x[1:, 0], x[:-1, 0])[0, 1]) < 0.03


@pytest.mark.parametrize("dt", [1.0, 0.1])
def test_ou_correlation_and_stationary_std(dt: float) -> None:
    """Trap 6: lag-1 autocorrelation 1 - theta dt; variance sigma^2 dt / (1 - (1 - theta dt)^2)."""
    keep = 1 - 0.15 * dt
    std = 0.2 * (dt / (1 - keep**2)) ** 0.5
    x = draws(ou(dt=dt, scale=np.full(200, 2.0)), 4000)[1000:]
    assert np.mean(x[1:] * x[:-1]) / np.mean(x**2) == pytest.approx(keep, abs=0.005)
    assert x.std() == pytest.approx(2 * std, rel=0.02)
    assert x.mean() == pytest.approx(0, abs=0.03 * 2)


def test_ou_unscaled_is_in_action_units() -> None:
    np.testing.assert_allclose(draws(ou(), 9), draws(ou(scaled=False), 9) * HALF_RANGE)


def test_ou_first_steps_by_hand() -> None:
    noise, again = ou(dt=0.25, theta=0.4, sigma=3.0), rng()
    z = again.standard_normal((2, 2))
    x1 = 3 * 0.5 * z[0]
    x2 = x1 - 0.4 * 0.25 * x1 + 3 * 0.5 * z[1]
    np.testing.assert_allclose(draws(noise, 2), HALF_RANGE * [x1, x2])


def test_ou_state_survives_within_an_episode_and_resets_between() -> None:
    """Trap 6: with sigma 0 the state only decays; reset() takes it to 0 where it should."""
    for resets, expected in ((True, 0.0), (False, 0.85**2)):
        noise = ou(sigma=0.0, reset=resets)
        noise.load_state_dict({"x": [1.0, 1.0]})
        np.testing.assert_allclose(draws(noise, 1)[0], 0.85 * HALF_RANGE)
        noise.reset()
        np.testing.assert_allclose(draws(noise, 1)[0], expected * HALF_RANGE)


def test_ou_other_instances_are_untouched_by_a_reset() -> None:
    """Trap 6: the state belongs to one process; so does a state_dict, once taken."""
    first, second, undisturbed = ou(1), ou(2), ou(2)
    draws(first, 3), draws(second, 3), draws(undisturbed, 3)
    taken = second.state_dict()
    first.reset()
    np.testing.assert_array_equal(draws(second, 3), draws(undisturbed, 3))
    assert taken != second.state_dict()


@pytest.mark.parametrize("make", [partial(ou, reset=False), gaussian], ids=["ou", "gaussian"])
@pytest.mark.parametrize("length", [5, AHEAD, AHEAD + 1])
def test_goes_on_from_its_state(make: Any, length: int) -> None:
    """Trap 20: between two episodes state_dict and generator together are the whole noise."""
    generator, other = rng(3), rng(4)
    noise, copy = make(rng=generator), make(rng=other)
    draws(copy, 7)
    draws(noise, length)
    copy.load_state_dict(noise.state_dict())
    other.bit_generator.state = generator.bit_generator.state
    for resumed in (noise, copy):
        resumed.reset()
    np.testing.assert_array_equal(draws(noise, 2 * AHEAD), draws(copy, 2 * AHEAD))


def test_same_seed_same_noise() -> None:
    np.testing.assert_array_equal(draws(ou(5), 9), draws(ou(5), 9))
    assert not np.array_equal(draws(ou(5), 9), draws(ou(6), 9))


def test_none_is_zero() -> None:
    assert not draws(NoNoise(HALF_RANGE), 5).any()


SCHEDULE = [(0, 1.0), (1, 0.9925), (50, 0.625), (100, 0.25), (101, 0.25), (10**9, 0.25)]


@pytest.mark.parametrize(("env_step", "factor"), SCHEDULE)
def test_sigma_moves_linearly_and_stays(env_step: int, factor: float) -> None:
    """From 0.4 to 0.1 over 100 env steps: at 0, half-way, at the end, after it."""
    annealed = gaussian(sigma=0.4, final_sigma=0.1, anneal_steps=100)
    np.testing.assert_allclose(draws(annealed, 7, env_step), factor * draws(gaussian(sigma=0.4), 7))
    # the push of OU: from 0 and without memory it is the whole process
    annealed = ou(sigma=0.4, final_sigma=0.1, anneal_steps=100, theta=1.0)
    np.testing.assert_allclose(draws(annealed, 7, env_step), factor * draws(ou(sigma=0.4, theta=1.0), 7))


def test_sigma_may_grow_from_nothing() -> None:
    assert not draws(gaussian(sigma=0.0, final_sigma=0.1, anneal_steps=100), 5).any()
    grown = draws(gaussian(sigma=0.0, final_sigma=0.1, anneal_steps=100), 5, 100)
    np.testing.assert_allclose(grown, draws(gaussian(), 5))


@pytest.mark.parametrize("make", [ou, gaussian])
def test_the_same_final_sigma_is_constant(make: Any) -> None:
    """To the last bit, wherever the run stands."""
    for env_step in (0, 17, 333, 10**7):
        np.testing.assert_array_equal(draws(make(sigma=0.1), 5, env_step), draws(make(sigma=0.1), 5))


@pytest.mark.parametrize("make", [ou, gaussian, lambda: NoNoise(HALF_RANGE)])
def test_action_noise_learns_nothing_from_updates(make: Any) -> None:
    assert make().after_update(None) == {}
