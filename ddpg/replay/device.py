"""Minibatches on the device of the networks. Nothing here waits for a GPU.

What is sent to a GPU lies in pinned memory, fresh for every copy: torch gives it out again when the copy is done.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

log = logging.getLogger(__name__)

Large = tuple[Tensor, Tensor, Tensor]

#: Share of a GPU's free memory that a copy of the arrays may take; graphs and minibatches need some, too.
_SHARE = 0.8
#: Bytes of an array that are sent at once: a resumed run sends all that it has, and pinned memory is scarce.
_PIECE = 1 << 26


class Rows(Protocol):
    """How the memory's arrays become tensors on the device, in the dtypes that the arrays have."""

    def gather(self, slot: np.ndarray, after: np.ndarray, final: Mapping[int, np.ndarray], total: int) -> Large:
        """obs[slot], action[slot] and obs[after], (N, ...), in the last the rows `final` instead of its own.

        `after` may point one past the ring's end, which is its start. `total` transitions were stored so far.
        """

    def send(self, vectors: Sequence[np.ndarray]) -> Sequence[Tensor]:
        """These vectors, (N,), too."""

    def forget(self) -> None:
        """The arrays were filled anew."""


def rows(obs: np.ndarray, action: np.ndarray, device: torch.device) -> Rows:
    """For networks on this device: on a GPU by a copy of the arrays there, if it fits."""
    if device.type == "cpu":
        return HostRows(obs, action)
    if device.type == "cuda":
        needed, (free, _) = obs.nbytes + action.nbytes, torch.cuda.mem_get_info(device)
        if needed <= _SHARE * free:
            return DeviceRows(obs, action, device)
        log.info(
            "the replay memory stays on the host: it takes %.1f GiB, and %.1f GiB are free on %s",
            needed / 2**30, free / 2**30, device,
        )  # fmt: skip
    return SentRows(obs, action, device)


class HostRows:
    """For networks on the CPU: what is gathered is the minibatch."""

    def __init__(self, obs: np.ndarray, action: np.ndarray) -> None:
        self._obs, self._action = obs, action

    def gather(self, slot: np.ndarray, after: np.ndarray, final: Mapping[int, np.ndarray], total: int) -> Large:
        next_obs = self._obs.take(after, 0, mode="wrap")
        for row, last_obs in final.items():
            next_obs[row] = last_obs
        obs, action = self._obs.take(slot, 0), self._action.take(slot, 0)
        return torch.from_numpy(obs), torch.from_numpy(action), torch.from_numpy(next_obs)

    def send(self, vectors: Sequence[np.ndarray]) -> Sequence[Tensor]:
        return [torch.from_numpy(vector) for vector in vectors]

    def forget(self) -> None:
        pass


class SentRows:
    """Gathers on the host, and sends what it has gathered."""

    def __init__(self, obs: np.ndarray, action: np.ndarray, device: torch.device) -> None:
        self._obs, self._action, self._device = obs, action, device

    def gather(self, slot: np.ndarray, after: np.ndarray, final: Mapping[int, np.ndarray], total: int) -> Large:
        obs, action = self._take(self._obs, slot), self._take(self._action, slot)
        next_obs = self._take(self._obs, after)
        for row, last_obs in final.items():
            next_obs.numpy()[row] = last_obs
        return _sent(obs, self._device), _sent(action, self._device), _sent(next_obs, self._device)

    def _take(self, array: np.ndarray, slot: np.ndarray) -> Tensor:
        taken = _to_send((len(slot), *array.shape[1:]), array.dtype, self._device)
        array.take(slot, 0, taken.numpy(), mode="wrap")
        return taken

    def send(self, vectors: Sequence[np.ndarray]) -> Sequence[Tensor]:
        return _together(vectors, self._device)

    def forget(self) -> None:
        pass


class DeviceRows:
    """Keeps a copy of both arrays on the device: sends there what is new, a row or two at a time, and gathers there."""

    def __init__(self, obs: np.ndarray, action: np.ndarray, device: torch.device) -> None:
        self._arrays, self._device = (obs, action), device
        self._copies = [torch.zeros_like(torch.from_numpy(array), device=device) for array in self._arrays]
        self._seen = 0  # of the transitions stored so far

    def gather(self, slot: np.ndarray, after: np.ndarray, final: Mapping[int, np.ndarray], total: int) -> Large:
        self._catch_up(total)
        obs, action = self._copies
        here, there = _together([slot, after % len(obs)], self._device)
        next_obs = obs.index_select(0, there)
        if final:
            (row,) = _together([np.array(list(final))], self._device)
            next_obs.index_copy_(0, row, _sent(_copied(list(final.values()), self._device), self._device))
        return obs.index_select(0, here), action.index_select(0, here), next_obs

    def _catch_up(self, total: int) -> None:
        """Sends what was written since the last minibatch.

        That is from the slot of the first new transition, which an episode's start may have changed, to the slot
        after the newest, which holds its next_obs.
        """
        for copy, array in zip(self._copies, self._arrays, strict=True):
            at_once = max(1, _PIECE // array[0].nbytes)
            for span in spans(max(self._seen, total + 1 - len(array)), total + 1, len(array), at_once):
                copy[span] = _sent(_copied(array[span], self._device), self._device)
        self._seen = total

    def send(self, vectors: Sequence[np.ndarray]) -> Sequence[Tensor]:
        return _together(vectors, self._device)

    def forget(self) -> None:
        self._seen = 0


def spans(start: int, stop: int, slots: int, at_once: int) -> Iterator[slice]:
    """The numbers [start, stop) round a ring of `slots`, in slices of at most `at_once`."""
    while start < stop:
        first = start % slots
        count = min(stop - start, slots - first, at_once)
        yield slice(first, first + count)
        start += count


def _to_send(shape: tuple[int, ...], dtype: np.dtype, device: torch.device) -> Tensor:
    """Memory of the host that is to be sent."""
    return torch.empty(shape, dtype=torch.from_numpy(np.empty(0, dtype)).dtype, pin_memory=device.type == "cuda")


def _copied(arrays: np.ndarray | Sequence[np.ndarray], device: torch.device) -> Tensor:
    """Arrays of one shape and dtype, one above the other, in memory that is to be sent."""
    memory = _to_send((len(arrays), *arrays[0].shape), arrays[0].dtype, device)
    memory.numpy()[:] = arrays
    return memory


def _sent(memory: Tensor, device: torch.device) -> Tensor:
    return memory.to(device, non_blocking=device.type == "cuda")  # elsewhere nobody keeps the memory until it is sent


def _together(vectors: Sequence[np.ndarray], device: torch.device) -> Sequence[Tensor]:
    """Vectors of one dtype, sent as one piece."""
    return _sent(_copied(vectors, device), device).unbind()
