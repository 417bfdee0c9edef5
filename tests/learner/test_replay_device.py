"""Minibatches gathered from a copy on the device: bit for bit those that are gathered on the host."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.buffers import GAMMA, STREAMS, add, buffer, episodes

from ddpg.learner.batch import Batch
from ddpg.learner.replay import PrioritizedReplay, ReplayBuffer
from ddpg.learner.replay.device import DeviceRows, SentRows, spans

CPU = torch.device("cpu")
PRIORITIZED = {"make": PrioritizedReplay, "alpha": 0.7, "beta": 0.4, "beta_steps": 100, "epsilon": 1e-3}
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="pinned memory and streams need a CUDA GPU")


Copy = type[DeviceRows] | type[SentRows]


def with_copy(memory: ReplayBuffer, copy: Copy = DeviceRows) -> ReplayBuffer:
    """The same memory, made to give minibatches as it does for a GPU."""
    memory._rows = copy(memory.obs, CPU)
    return memory


def same(a: Batch, b: Batch) -> bool:
    return all(x is y or (x.dtype == y.dtype and torch.equal(x, y.cpu())) for x, y in zip(a, b, strict=True))


@settings(max_examples=100, deadline=None)
@given(
    size=st.integers(3, 20), n_step=st.integers(1, 3), prioritized=st.booleans(),
    copy=st.sampled_from([DeviceRows, SentRows]), ends=STREAMS, every=st.integers(1, 25),
)  # fmt: skip
def test_same_minibatches(size: int, n_step: int, prioritized: bool, copy: Copy, ends: list[bool], every: int) -> None:
    """After every so many transitions, the ring wrapped (several times between two samples, too) or not."""
    own: dict[str, Any] = PRIORITIZED if prioritized else {}
    host, device = buffer(size, n_step, **own), with_copy(buffer(size, n_step, **own), copy)
    for number, transition in enumerate(episodes(ends)):
        add(host, [transition])
        add(device, [transition])
        if number % every == 0:
            for _ in range(2):
                batch = host.sample(30)
                assert same(batch, device.sample(30))
                if prioritized:
                    error = torch.rand(30, generator=torch.Generator().manual_seed(number))
                    host.update_priorities(error)
                    device.update_priorities(error)


@settings(max_examples=50, deadline=None)
@given(size=st.integers(1, 20), ends=STREAMS, more=STREAMS)
def test_restored(size: int, ends: list[bool], more: list[bool]) -> None:
    """A copy that was in use gets everything again, and goes on."""
    ends[-1] = True
    old, host, device = buffer(size), buffer(size), with_copy(buffer(size))
    add(old, episodes(ends))
    add(device, episodes([False] * 7, first=900))
    device.sample(5)
    stop = old.total
    for memory in (host, device):
        memory.restore(stop - len(old), old.export(stop - len(old), stop))
        memory.rng = np.random.default_rng(1)
    for transition in episodes(more, first=500):
        assert same(host.sample(30), device.sample(30))
        add(host, [transition])
        add(device, [transition])


@pytest.mark.parametrize("copy", [DeviceRows, SentRows])
@pytest.mark.parametrize(
    ("obs_dtype", "shape", "dtype"),
    [(np.uint8, (2, 4, 4), torch.float32), (np.float32, (3,), torch.float64)],
)
def test_pictures_and_doubles(obs_dtype: Any, shape: tuple[int, ...], dtype: torch.dtype, copy: Copy) -> None:
    """Pictures stay bytes, all else is in the precision of the networks."""
    draws = np.random.default_rng(5)
    host, device = (
        ReplayBuffer(2, GAMMA, 10, shape, np.dtype(obs_dtype), 2, np.random.default_rng(0), CPU, dtype) for _ in "ab"
    )
    with_copy(device, copy)
    for t in range(25):
        obs, next_obs = draws.integers(0, 256, (2, *shape)).astype(obs_dtype)
        action, reward = draws.standard_normal(2), draws.standard_normal()
        for memory in (host, device):
            memory.add(obs, action, reward, next_obs, t % 4 == 3, t % 4 == 3)
        assert same(host.sample(16), device.sample(16))
    batch = device.sample(16)
    assert batch.obs.dtype == (torch.uint8 if obs_dtype is np.uint8 else dtype)
    assert {part.dtype for part in (batch.action, batch.reward, batch.terminated, batch.discount)} == {dtype}


def test_only_what_is_new_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """One transition between two samples: its own row and the one after it, of observations and of actions."""
    memory, sent = with_copy(buffer(10)), []
    monkeypatch.setattr(
        "ddpg.learner.replay.device.spans", lambda *given: [sent.append(list(spans(*given))), *spans(*given)][1:]
    )
    for transition in episodes([False] * 23):
        add(memory, [transition])
        memory.sample(4)
    rows = [[s.stop - s.start for s in slices] for slices in sent]
    assert max(len(slices) for slices in rows) == 2  # round the ring's end
    assert all(sum(slices) == 2 for slices in rows)


def test_spans() -> None:
    """Every number once, in order, none over the ring's end and none longer than allowed."""
    assert list(spans(3, 3, 5, 9)) == []
    assert list(spans(3, 7, 5, 9)) == [slice(3, 5), slice(0, 2)]
    assert list(spans(1, 6, 11, 2)) == [slice(1, 3), slice(3, 5), slice(5, 6)]


@pytest.mark.parametrize("copy", [DeviceRows, SentRows])
def test_minibatches_are_copies(copy: Copy) -> None:
    host, device = buffer(4), with_copy(buffer(4), copy)
    for memory in (host, device):
        add(memory, episodes([False] * 4))
    for part in device.peek(3, np.random.default_rng(2))[:-1]:
        part.fill_(77)
    assert same(host.sample(9), device.sample(9))


@needs_gpu
@pytest.mark.parametrize("fits", [True, False])
def test_on_a_gpu(fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same numbers as on the CPU, without a synchronisation, with the copy there and without."""
    if not fits:
        monkeypatch.setattr("ddpg.learner.replay.device._SHARE", 0.0)
    host = buffer(10)
    device = ReplayBuffer(
        1, GAMMA, 10, (2,), np.dtype(np.float32), 1, np.random.default_rng(0), torch.device("cuda"), torch.float32
    )
    assert isinstance(device._rows, DeviceRows if fits else SentRows)
    for transition in episodes([i % 4 == 3 for i in range(50)]):
        add(host, [transition])
        add(device, [transition])
        expected = host.sample(16)
        torch.cuda.set_sync_debug_mode("error")
        try:
            batch = device.sample(16)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        assert batch.obs.is_cuda
        assert same(expected, batch)
