"""How many updates are due when."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddpg.training.schedule import Schedule

RATES = st.one_of(st.integers(1, 5), st.floats(0.01, 5), st.sampled_from([0.1, 0.2, 1 / 3, 0.5, 0.7, 1.5]))


def schedule(**changes: Any) -> Schedule:
    settings = {
        "total_steps": 100, "random_steps": 0, "learning_starts": 0, "batch_size": 4, "updates_per_step": 1.0,
        "update_every": 1, "eval_every": 10, "eval_episodes": 1, "checkpoint_every": 10, "log_every": 10,
    }  # fmt: skip
    return Schedule(**(settings | changes))


@given(starts=st.integers(0, 50), rate=RATES, steps=st.integers(1, 300))
def test_updates_due(starts: int, rate: float, steps: int) -> None:
    """Trap 14: none up to learning_starts; from there on, updates / steps is the rate, never an update ahead."""
    plan = schedule(learning_starts=starts, updates_per_step=rate)
    due = [plan.updates_due(step, 0, False) for step in range(1, steps + 1)]
    assert due[:starts] == [0] * len(due[:starts])
    learning = due[starts:]
    assert all(np.floor(rate) <= n <= np.ceil(rate) for n in learning)
    assert rate * len(learning) - 1 < sum(learning) <= rate * len(learning)
    if rate == int(rate):
        assert set(learning) <= {int(rate)}


@pytest.mark.parametrize(("rate", "due"), [(0.5, [0, 1, 0, 1, 0, 1]), (1.5, [1, 2, 1, 2, 1, 2])])
def test_fractions_fall_due_over_time(rate: float, due: list[int]) -> None:
    plan = schedule(learning_starts=3, updates_per_step=rate)
    assert [plan.updates_due(step, 0, False) for step in range(4, 10)] == due


def due_at(plan: Schedule, lengths: Sequence[int]) -> list[int]:
    """Updates after each step of episodes of these lengths."""
    due, start = [], 0
    for length in lengths:
        due += [plan.updates_due(start + k, start, k == length) for k in range(1, length + 1)]
        start += length
    return due


def test_blocks_by_hand() -> None:
    """One for every second step from the 6th on; learning begins in the middle of a block and of an episode."""
    changes: dict[str, Any] = {"learning_starts": 5, "updates_per_step": 0.5}
    lengths = [4, 6, 3]
    assert due_at(schedule(**changes, update_every=1), lengths) == [0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1]
    assert due_at(schedule(**changes, update_every=4), lengths) == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0]
    assert due_at(schedule(**changes, update_every="episode"), lengths) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 2]


@given(
    every=st.one_of(st.integers(1, 40), st.just("episode")),
    starts=st.integers(0, 60), rate=RATES, lengths=st.lists(st.integers(1, 50), min_size=1, max_size=8),
)  # fmt: skip
def test_blocks_change_when_and_not_how_many(
    every: int | Literal["episode"], starts: int, rate: float, lengths: list[int]
) -> None:
    """At the end of each block as many as without blocks; in all up to the steps after the last one."""
    changes: dict[str, Any] = {"learning_starts": starts, "updates_per_step": rate}
    blocks = list(accumulate(due_at(schedule(**changes, update_every=every), lengths)))
    each = list(accumulate(due_at(schedule(**changes, update_every=1), lengths)))
    steps = len(each)
    ends = list(accumulate(lengths)) if every == "episode" else list(range(every, steps + 1, every))
    assert [blocks[end - 1] for end in ends] == [each[end - 1] for end in ends]
    changed = [step for step in range(1, steps + 1) if blocks[step - 1] > (blocks[step - 2] if step > 1 else 0)]
    assert set(changed) <= set(ends)
    left = 0 if every == "episode" else steps % every
    assert each[-1] - blocks[-1] <= int(np.ceil(left * rate))


@given(
    every=st.one_of(st.integers(1, 40), st.just("episode")),
    starts=st.integers(0, 60), rate=RATES, steps=st.integers(1, 200),
)  # fmt: skip
def test_total_updates(every: int | Literal["episode"], starts: int, rate: float, steps: int) -> None:
    plan = schedule(total_steps=steps, learning_starts=starts, updates_per_step=rate, update_every=every)
    assert plan.total_updates() == sum(due_at(plan, [steps]))
