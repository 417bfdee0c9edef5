"""Noise-free episodes, one for each seed."""

import numpy as np
import pytest
from support import toys

from ddpg.envs import VectorEnv
from ddpg.training.evaluate import Episodes, evaluate


def env() -> VectorEnv:
    return VectorEnv(toys.Walk(), key="toys", pictures=False)


def still(obs: np.ndarray) -> np.ndarray:
    return np.zeros(2, np.float32)


def test_returns_are_undiscounted_sums_and_lengths_are_steps() -> None:
    returns, lengths = [], []
    for seed in (3, 4, 5):
        walk = env()
        walk.reset(seed=seed)
        rewards, over = [], False
        while not over:
            _, reward, terminated, truncated, _ = walk.step(still(np.zeros(3)))
            rewards.append(reward)
            over = terminated or truncated
        returns.append(sum(rewards))
        lengths.append(len(rewards))
    episodes = evaluate(still, env(), [3, 4, 5])
    assert episodes.returns.tolist() == returns
    assert episodes.lengths.tolist() == lengths


def test_one_reset_for_each_seed_and_nothing_more() -> None:
    walk = env()
    episodes = evaluate(still, walk, [7, 8])
    assert walk.unwrapped.seeds == [7, 8]
    assert len(walk.unwrapped.actions) == episodes.lengths.sum()


def test_policy_sees_every_observation_but_the_last() -> None:
    seen: list[np.ndarray] = []

    def policy(obs: np.ndarray) -> np.ndarray:
        seen.append(obs)
        return still(obs)

    episodes = evaluate(policy, env(), [3])
    assert [obs[1] for obs in seen] == list(range(episodes.lengths[0]))
    assert all(obs.dtype == np.float32 for obs in seen)


def test_metrics() -> None:
    usual = {"eval/episodic_return": 2.0, "eval/episodic_return_std": 1.0, "eval/episodic_length": 15.0}
    episodes = Episodes(np.array([1.0, 3.0]), np.array([10, 20]))
    assert episodes.metrics() == pytest.approx(usual)
    informed = episodes._replace(info=[{"is_success": 1, "far": 2}, {"is_success": 0}])
    assert informed.metrics() == pytest.approx(usual | {"eval/info/is_success": 0.5, "eval/info/far": 2})


def test_frames_one_for_each_step() -> None:
    class Drawn(toys.Walk):
        def render(self) -> np.ndarray:
            return np.full((2, 2, 3), int(self.obs[1]), np.uint8)

    frames: list[np.ndarray] = []
    walk = VectorEnv(Drawn(), key="toys", pictures=False)
    episodes = evaluate(still, walk, [3], on_frame=frames.append)
    assert [int(frame[0, 0, 0]) for frame in frames] == list(range(episodes.lengths[0]))


def test_transitions_as_they_were() -> None:
    """Each next_obs is the obs of the next; the last alone is over."""
    seen: list[tuple] = []
    episodes = evaluate(still, env(), [3, 4], on_transition=lambda *transition: seen.append(transition))
    obs, action, reward, terminated, over, next_obs = zip(*seen, strict=True)
    assert len(seen) == episodes.lengths.sum()
    assert sum(reward) == pytest.approx(episodes.returns.sum())
    ends = np.cumsum(episodes.lengths) - 1
    assert np.flatnonzero(over).tolist() == ends.tolist()
    assert [bool(terminated[end]) for end in ends] == [bool(length % 2) for length in episodes.lengths]
    assert not any(end and not stop for end, stop in zip(terminated, over, strict=True))
    for t in set(range(len(seen) - 1)) - set(ends.tolist()):
        assert next_obs[t].tolist() == obs[t + 1].tolist()
    assert all(np.array_equal(a, still(a)) for a in action)
