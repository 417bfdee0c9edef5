"""Native sampling gives what numpy's gives, bit for bit, and leaves the generator where numpy's does."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.agents import agent_of
from support.native_kernels import NATIVE, needs_kernels

from ddpg.fast import gather as gathering
from ddpg.fast.accelerate import accelerate
from ddpg.fast.gather import NativeSample
from ddpg.learner.batch import Batch
from ddpg.learner.replay import ReplayBuffer

pytestmark = needs_kernels
CPU = torch.device("cpu")


def memories(size: int, shape: tuple[int, ...], dtype: str, n_step: int = 1) -> tuple[ReplayBuffer, ReplayBuffer]:
    """Make the same memory twice; the second samples by native kernels."""
    plain, compiled = (
        ReplayBuffer(n_step, 0.97, size, shape, np.dtype(dtype), 2, np.random.default_rng(7), CPU, torch.float32)
        for _ in "ab"
    )
    accelerate(agent_of(), compiled, CPU)
    return plain, compiled


def store(memory: ReplayBuffer, count: int, ends: set[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    for i in range(count):
        obs, next_obs = (rng.integers(0, 255, memory.obs.shape[1:]).astype(memory.obs.dtype) for _ in range(2))
        memory.add(obs, rng.random(2).astype(np.float32), float(i), next_obs, i % 3 == 0 and i in ends, i in ends)


def assert_same(one: Batch, other: Batch) -> None:
    for a, b in zip(one, other, strict=True):
        assert (a is None) == (b is None)
        if a is not None and b is not None:
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
            assert a.numpy().tobytes() == b.numpy().tobytes()


@given(
    st.integers(1, 20), st.integers(1, 50), st.sets(st.integers(0, 49)), st.integers(1, 40),
    st.sampled_from([((3,), "float32"), ((2, 5, 5), "uint8"), ((1,), "float32")]),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_same_minibatches(
    size: int, count: int, ends: set[int], batch_size: int, kind: tuple[tuple[int, ...], str]
) -> None:
    """Through the ring's end, with episodes of any length, and minibatches of several sizes."""
    plain, compiled = memories(size, *kind)
    for more in (count, 1):
        for memory in (plain, compiled):
            store(memory, more, ends, seed=more)
        for n in (batch_size, batch_size, 3):
            assert_same(compiled.sample(n), plain.sample(n))
        assert compiled.rng.bit_generator.state == plain.rng.bit_generator.state
        looks = [memory.peek(4, np.random.default_rng(1)) for memory in (plain, compiled)]
        assert_same(*looks)


def test_what_was_seen_in_passing_stays() -> None:
    """A minibatch to look at is no sample, and not overwritten by the next."""
    _, compiled = memories(50, (3,), "float32")
    store(compiled, 50, set(), seed=0)
    seen = compiled.peek(8, np.random.default_rng(0))
    before = seen.obs.clone()
    compiled.sample(8)
    assert torch.equal(seen.obs, before)


@pytest.mark.parametrize(("n_step", "compiles"), [(1, True), (3, False)])
def test_several_steps_are_numpys(n_step: int, compiles: bool) -> None:
    _, compiled = memories(50, (3,), "float32", n_step)
    assert isinstance(compiled.sample, NativeSample) == compiles


class Generous(ReplayBuffer):
    """What a subclass does with a minibatch, sampling goes through."""

    def _gather(self, first: np.ndarray, weight: np.ndarray | None = None) -> Batch:
        batch = super()._gather(first, weight)
        return batch._replace(reward=batch.reward + 1000)


def test_a_subclass_samples_its_own_way() -> None:
    memory = Generous(1, 0.9, 10, (3,), np.dtype(np.float32), 2, np.random.default_rng(7), CPU, torch.float32)
    accelerate(agent_of(), memory, CPU)
    store(memory, 5, set(), seed=0)
    assert memory.sample(4).reward.min() >= 1000


def test_nothing_to_sample() -> None:
    for memory in memories(10, (3,), "float32"):
        with pytest.raises(ValueError, match="high <= 0"):
            memory.sample(2)


def test_another_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that draws in another way goes on drawing itself."""
    assert NATIVE is not None
    assert gathering.draws_alike(np.random.default_rng(3), NATIVE)
    monkeypatch.setattr(gathering, "deepcopy", lambda rng: Other(np.random.PCG64(3)))
    assert not gathering.draws_alike(np.random.default_rng(3), NATIVE)


class Other(np.random.Generator):
    """Its whole numbers are drawn from 64 random bits each."""

    def integers(self, high: int, size: int) -> np.ndarray:  # type: ignore[override]
        return super().integers(high, size=size, dtype=np.uint64).astype(np.int64) ^ 1
