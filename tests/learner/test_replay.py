"""Replay memory against a naive model: a deque of whole transitions."""

from collections import deque

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.buffers import GAMMA, STREAMS, Transition, add, buffer, episodes, rows

from ddpg.learner.replay import ReplayBuffer


def contents(memory: ReplayBuffer) -> set[Transition]:
    """All that sampling gives: with 40 draws for each slot, one is missed with probability e^-40."""
    return rows(memory.sample(40 * len(memory)))


@settings(max_examples=150, deadline=None)
@given(size=st.integers(1, 20), ends=STREAMS)
def test_contents_are_the_newest_transitions(size: int, ends: list[bool]) -> None:
    """Trap 3: the ring wraps, counts are right, no slot is sampled that was never written or was dropped.

    Also trap 2's pairs: next_obs is of the same episode, one step on, at every episode's end too.
    """
    memory, model = buffer(size), deque[Transition](maxlen=size)
    for transition, ends_here in episodes(ends):
        add(memory, [(transition, ends_here)])
        model.append(transition)
        assert len(memory) == len(model)
        assert contents(memory) == set(model)
    assert memory.total == len(ends)
    assert set(memory.final_obs) == set(np.flatnonzero(memory.ends).tolist())  # what is overwritten is let go


@settings(max_examples=150, deadline=None)
@given(data=st.data(), size=st.integers(1, 20), ends=STREAMS, more=STREAMS)
def test_export_and_restore(data: st.DataObject, size: int, ends: list[bool], more: list[bool]) -> None:
    """Trap 20: in two pieces, cut at an episode's end, into a memory of the same size or smaller; then on."""
    ends[-1] = True
    stream = episodes(ends)
    old = buffer(size)
    add(old, stream)
    oldest, stop = old.total - len(old), old.total
    cuts = [i + 1 for i in range(oldest, stop) if ends[i]]
    middle = data.draw(st.sampled_from(cuts))
    new_size = data.draw(st.integers(1, size))
    memory = buffer(new_size)
    for start, end in ((oldest, middle), (middle, stop)):
        if start < end:
            memory.restore(start, old.export(start, end))
    model = deque([t for t, _ in stream], maxlen=new_size)
    assert (memory.total, len(memory)) == (stop, len(model))
    assert contents(memory) == set(model)
    later = episodes(more, first=500)
    add(memory, later)
    model.extend(t for t, _ in later)
    assert contents(memory) == set(model)


@given(size=st.integers(1, 20), added=st.integers(0, 60), start=st.integers(0, 60), count=st.integers(0, 20))
def test_holds(size: int, added: int, start: int, count: int) -> None:
    memory = buffer(size)
    add(memory, episodes([True] * added))
    newest = set(deque(range(added), maxlen=size))
    if count:
        assert memory.holds(start, start + count) == (set(range(start, start + count)) <= newest)


def test_restored_memory_samples_as_the_old_one() -> None:
    """Trap 20: the same generator draws the same minibatch, slot by slot."""
    old, new = buffer(13), buffer(13)
    add(old, episodes([i % 5 == 4 for i in range(40)]))
    new.restore(27, old.export(27, 40))
    for part, again in zip(old.sample(64)[:-1], new.sample(64)[:-1], strict=True):
        assert torch.equal(part, again)


def test_sampling_is_uniform() -> None:
    memory = buffer(10)
    add(memory, episodes([i % 4 == 3 for i in range(25)]))
    _, counts = np.unique(memory.sample(100_000).reward, return_counts=True)
    assert len(counts) == 10
    np.testing.assert_allclose(counts / 100_000, 0.1, atol=0.005)


def test_dtypes_shapes_and_copies() -> None:
    """Trap 17: float32 throughout, whatever comes in; inputs and minibatches are copies."""
    memory = buffer(4)
    obs, action, next_obs = np.array([1.0, 2.0]), np.array([3.0]), np.array([4.0, 5.0])
    memory.add(obs, action, np.float64(0.1), next_obs, False, True)
    for array in (obs, action, next_obs):
        array[:] = 99
    batch = memory.sample(3)
    assert batch.weight is None
    parts = batch[:-1]
    assert [tuple(part.shape) for part in parts] == [(3, 2), (3, 1), (3,), (3, 2), (3,), (3,)]
    assert {part.dtype for part in parts} == {torch.float32}
    expected = Transition((1, 2), 3, float(np.float32(0.1)), (4, 5), 0)
    assert rows(batch) == {expected}
    for part in parts:
        part.fill_(77)
    assert rows(memory.sample(3)) == {expected}


def test_next_obs_is_not_stored_twice() -> None:
    """1M Humanoid transitions (376 + 17 numbers) fit in 1.7 GB."""
    memory = ReplayBuffer(
        1, GAMMA, 1000, (376,), np.dtype(np.float32), 17, np.random.default_rng(0), torch.device("cpu"), torch.float32
    )
    arrays = [x for x in vars(memory).values() if isinstance(x, np.ndarray) and x.base is None]
    assert sum(x.nbytes for x in arrays) <= 1001 * 1700
    assert ReplayBuffer.bytes_needed(1_000_000, 376 * 4, 17) <= 1.7e9
    needed = ReplayBuffer.bytes_needed(1001, 376 * 4, 17)
    assert needed == pytest.approx(sum(x.nbytes for x in arrays), rel=0.01)
