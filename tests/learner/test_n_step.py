"""Trap 19, n-step returns: the sum stops where an episode ends and at the newest transition."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.agents import Mu, Q, agent_of
from support.buffers import GAMMA, STREAMS, add, buffer, episodes, rows

from ddpg.learner.batch import Batch
from ddpg.learner.replay import ReplayBuffer


def gathered(memory: ReplayBuffer, *numbers: int) -> Batch:
    """What sampling gives for these transitions, counted from the run's start."""
    return memory._gather(np.array(numbers))


def three_steps(gamma: float = 0.5) -> ReplayBuffer:
    """Rewards 1, 2, 4, ...; transition 2 terminates, 5 is truncated, 7 is the newest. obs t, last ones t + 0.5."""
    memory = ReplayBuffer(
        3, gamma, 10, (1,), np.dtype(np.float32), 1, np.random.default_rng(0), torch.device("cpu"), torch.float32
    )
    for t in range(8):
        ends = t in (2, 5)
        memory.add(np.float32([t]), np.float32([10 * t]), 2.0**t, np.float32([t + (0.5 if ends else 1)]), t == 2, ends)
    return memory


@pytest.mark.parametrize(
    ("first", "reward", "next_obs", "terminated", "steps"),
    [
        (0, 1 + 2 / 2 + 4 / 4, 2.5, 1, 3),  # ends with the termination, as its third step
        (1, 2 + 4 / 2, 2.5, 1, 2),  # the termination cuts it
        (2, 4, 2.5, 1, 1),
        (3, 8 + 16 / 2 + 32 / 4, 5.5, 0, 3),  # the truncated step is the third, and has a future
        (4, 16 + 32 / 2, 5.5, 0, 2),  # the truncation cuts it: nothing of the next episode
        (5, 32, 5.5, 0, 1),
        (6, 64 + 128 / 2, 8, 0, 2),  # the newest transition is the last one there is
        (7, 128, 8, 0, 1),
    ],
)
def test_hand_trajectory(first: int, reward: float, next_obs: float, terminated: int, steps: int) -> None:
    """Discount gamma^k over the k steps that were summed; obs and action are the first step's."""
    batch = gathered(three_steps(), first)
    assert [part.item() for part in batch[:-1]] == [first, 10 * first, reward, next_obs, terminated, 0.5**steps]


def test_target_is_the_n_step_target() -> None:
    """y = r1 + gamma r2 + gamma^2 r3 + gamma^3 Q'(s4, mu'(s4)), with Q' = s + 2 a and a = s / 2: Q' = 2 s."""
    target_q = agent_of(Mu(), Q()).target_q(gathered(three_steps(), 0, 3, 4, 6))
    assert target_q.tolist() == pytest.approx([3, 24 + 11 / 8, 32 + 11 / 4, 128 + 16 / 4])


@settings(max_examples=150, deadline=None)
@given(size=st.integers(6, 20), n_step=st.integers(1, 6), ends=STREAMS)
def test_against_a_naive_model(size: int, n_step: int, ends: list[bool]) -> None:
    """At every moment, for every transition in memory, the ring wrapped or not."""
    memory, stream = buffer(size, n_step), episodes(ends)
    for total in range(1, len(stream) + 1):
        add(memory, stream[total - 1 : total])
        for first in range(max(0, total - size), total):
            run = []
            for transition, ends_here in stream[first : min(first + n_step, total)]:
                run.append(transition)
                if ends_here:
                    break
            obs, action, reward, next_obs, terminated, discount, _ = gathered(memory, first)
            assert (tuple(obs[0].tolist()), action.item()) == (run[0].obs, run[0].action)
            assert reward.item() == pytest.approx(sum(GAMMA**k * t.reward for k, t in enumerate(run)), rel=1e-6)
            assert (tuple(next_obs[0].tolist()), terminated.item()) == (run[-1].next_obs, run[-1].terminated)
            assert discount.item() == pytest.approx(GAMMA ** len(run))


def test_one_step_is_the_transition_itself() -> None:
    memory = buffer(10, n_step=1)
    stream = episodes([i % 4 == 3 for i in range(25)])
    add(memory, stream)
    batch = gathered(memory, *range(15, 25))
    assert rows(batch) == {transition for transition, _ in stream[15:]}
    assert torch.equal(batch.discount, torch.full((10,), GAMMA))


@pytest.mark.parametrize("n_step", [1, 3])
def test_same_draws_whatever_n(n_step: int) -> None:
    """n changes what follows a transition, not which are drawn."""
    memory = buffer(10, n_step)
    add(memory, episodes([False] * 25))
    expected = 15 + np.random.default_rng(0).integers(10, size=50)
    np.testing.assert_array_equal(memory.sample(50).obs[:, 0], expected)


def test_gamma_zero_and_one() -> None:
    for gamma, reward, discount in ((0.0, 1, 0), (1.0, 7, 1)):
        batch = gathered(three_steps(gamma), 0)
        assert (batch.reward.item(), batch.discount.item()) == (reward, discount)


def test_more_steps_than_the_memory_holds() -> None:
    buffer(3, n_step=3)
    with pytest.raises(ValueError, match="n_step=4 must be at most 3"):
        buffer(3, n_step=4)
