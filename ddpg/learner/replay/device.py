"""Minibatches on the device of the networks. Nothing here waits for a GPU.

What is sent to a GPU lies in pinned memory, fresh for every copy: torch gives it out again when the copy is done.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

log = logging.getLogger(__name__)

#: Share of a GPU's free memory that a copy of the arrays may take; graphs and minibatches need some, too.
_SHARE = 0.8
#: Bytes of an array that are sent at once: a resumed run sends all that it has, and pinned memory is scarce.
_PIECE = 1 << 26


class Rows(Protocol):
    """How observations and the other numbers become tensors on the device, in the dtypes that they have."""

    def gather(
        self, slot: np.ndarray, after: np.ndarray, final: Mapping[int, np.ndarray], total: int
    ) -> tuple[Tensor, Tensor]:
        """obs[slot] and obs[after], (N, ...), in the latter the rows `final` instead of its own.

        `after` may point one past the ring's end, which is its start. `total` transitions were stored so far.
        """

    def send(self, numbers: np.ndarray) -> Tensor:
        """This array, too."""

    def forget(self) -> None:
        """The observations were filled anew."""


def rows(obs: np.ndarray, device: torch.device) -> Rows:
    """For networks on this device: on a GPU by a copy of the observations there, if it fits."""
    if device.type == "cpu":
        return HostRows(obs)
    if device.type == "cuda":
        needed, (free, _) = obs.nbytes, torch.cuda.mem_get_info(device)
        if needed <= _SHARE * free:
            with suppress(torch.OutOfMemoryError):  # another run on the card has been quicker
                return DeviceRows(obs, device)
        log.info(
            "the replay memory stays on the host: it takes %.1f GiB, and %.1f GiB are free on %s",
            needed / 2**30, free / 2**30, device,
        )  # fmt: skip
    return SentRows(obs, device)


class HostRows:
    """For networks on the CPU: what is gathered is the minibatch."""

    def __init__(self, obs: np.ndarray) -> None:
        self._obs = obs

    def gather(
        self, slot: np.ndarray, after: np.ndarray, final: Mapping[int, np.ndarray], total: int
    ) -> tuple[Tensor, Tensor]:
        next_obs = self._obs.take(after, 0, mode="wrap")
        for row, last_obs in final.items():
            next_obs[row] = last_obs
        return torch.from_numpy(self._obs.take(slot, 0)), torch.from_numpy(next_obs)

    def send(self, numbers: np.ndarray) -> Tensor:
        return torch.from_numpy(numbers)

    def forget(self) -> None:
        pass


class SentRows:
    """Gathers on the host, and sends what it has gathered."""

    def __init__(self, obs: np.ndarray, device: torch.device) -> None:
        self._obs, self._device = obs, device

    def gather(
        self, slot: np.ndarray, after: np.ndarray, final: Mapping[int, np.ndarray], total: int
    ) -> tuple[Tensor, Tensor]:
        obs, next_obs = self._take(slot), self._take(after)
        for row, last_obs in final.items():
            next_obs.numpy()[row] = last_obs
        return _sent(obs, self._device), _sent(next_obs, self._device)

    def _take(self, slot: np.ndarray) -> Tensor:
        taken = _to_send((len(slot), *self._obs.shape[1:]), self._obs.dtype, self._device)
        self._obs.take(slot, 0, taken.numpy(), mode="wrap")
        return taken

    def send(self, numbers: np.ndarray) -> Tensor:
        return _sent(_copied(numbers, self._device), self._device)

    def forget(self) -> None:
        pass


class DeviceRows:
    """Keeps a copy of the observations on the device: sends there what is new, a row or two at a time."""

    def __init__(self, obs: np.ndarray, device: torch.device) -> None:
        self._obs, self._device = obs, device
        self._copy = torch.zeros_like(torch.from_numpy(obs), device=device)
        self._seen = 0  # of the transitions stored so far

    def gather(
        self, slot: np.ndarray, after: np.ndarray, final: Mapping[int, np.ndarray], total: int
    ) -> tuple[Tensor, Tensor]:
        self._catch_up(total)
        here, there = self.send(np.stack([slot, after % len(self._obs)]))
        next_obs = self._copy.index_select(0, there)
        if final:
            next_obs.index_copy_(0, self.send(np.array(list(final))), self.send(np.stack(list(final.values()))))
        return self._copy.index_select(0, here), next_obs

    def _catch_up(self, total: int) -> None:
        """Sends what was written since the last minibatch.

        That is from the slot of the first new transition, which an episode's start may have changed, to the slot
        after the newest, which holds its next_obs.
        """
        slots, at_once = len(self._obs), max(1, _PIECE // self._obs[0].nbytes)
        for span in spans(max(self._seen, total + 1 - slots), total + 1, slots, at_once):
            self._copy[span] = self.send(self._obs[span])
        self._seen = total

    def send(self, numbers: np.ndarray) -> Tensor:
        return _sent(_copied(numbers, self._device), self._device)

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


def _copied(array: np.ndarray, device: torch.device) -> Tensor:
    """The array in memory that is to be sent."""
    memory = _to_send(array.shape, array.dtype, device)
    memory.numpy()[:] = array
    return memory


def _sent(memory: Tensor, device: torch.device) -> Tensor:
    return memory.to(device, non_blocking=device.type == "cuda")  # elsewhere nobody keeps the memory until it is sent
