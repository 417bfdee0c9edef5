"""Minibatches on the device of the networks. Nothing here waits for a GPU.

What is sent to a GPU lies in pinned memory, which is fresh for every copy; torch uses it again when
the copy is done.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

log = logging.getLogger(__name__)

#: Share of a GPU's free memory that a copy of the observations may take; graphs and minibatches
#: need some, too.
_SHARE = 0.8
#: Bytes of an array that are sent at once. A resumed run sends all of its observations, and pinned
#: memory is scarce.
_PIECE = 1 << 26


class Rows(Protocol):
    """How observations and other numbers become tensors on a device; no dtype changes."""

    def gather(
        self,
        slot: np.ndarray,
        after: np.ndarray,
        final: Mapping[int, np.ndarray],
        total: int,
    ) -> tuple[Tensor, Tensor]:
        """Return obs[slot] and obs[after], each (N, *obs_shape).

        In the latter the rows of `final` take the place of those gathered. `after` may point one
        past the ring's end, which is its start. `total` transitions have been stored so far.
        """

    def send(self, numbers: np.ndarray) -> Tensor:
        """Copy an array to the device."""

    def forget(self) -> None:
        """Take note that all observations have been replaced."""


def rows(obs: np.ndarray, device: torch.device) -> Rows:
    """Choose how a device gets the observations: a GPU by a copy that it keeps, if that fits."""
    if device.type == "cpu":
        return HostRows(obs)
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if obs.nbytes <= _SHARE * free:
            with suppress(torch.OutOfMemoryError):  # another run may have taken the memory since
                return DeviceRows(obs, device)
        log.info(
            "the replay memory stays on the host: it takes %.1f GiB, and %.1f GiB are free on %s",
            obs.nbytes / 2**30,
            free / 2**30,
            device,
        )
    return SentRows(obs, device)


class HostRows:
    """Gathers for networks on the CPU; nothing has to be sent."""

    def __init__(self, obs: np.ndarray) -> None:
        self._obs = obs

    def gather(
        self,
        slot: np.ndarray,
        after: np.ndarray,
        final: Mapping[int, np.ndarray],
        total: int,
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
    """Gathers on the host and sends each minibatch to the device."""

    def __init__(self, obs: np.ndarray, device: torch.device) -> None:
        self._obs = obs
        self._device = device

    def gather(
        self,
        slot: np.ndarray,
        after: np.ndarray,
        final: Mapping[int, np.ndarray],
        total: int,
    ) -> tuple[Tensor, Tensor]:
        obs = self._take(slot)
        next_obs = self._take(after)
        for row, last_obs in final.items():
            next_obs.numpy()[row] = last_obs
        return _sent(obs, self._device), _sent(next_obs, self._device)

    def _take(self, slot: np.ndarray) -> Tensor:
        taken = _sendable((len(slot), *self._obs.shape[1:]), self._obs.dtype, self._device)
        self._obs.take(slot, 0, taken.numpy(), mode="wrap")
        return taken

    def send(self, numbers: np.ndarray) -> Tensor:
        return _send(numbers, self._device)

    def forget(self) -> None:
        pass


class DeviceRows:
    """Keeps a copy of the observations on the device, and sends what is new for each minibatch."""

    def __init__(self, obs: np.ndarray, device: torch.device) -> None:
        self._obs = obs
        self._device = device
        self._copy = torch.zeros_like(torch.from_numpy(obs), device=device)
        self._copied = 0  # the transitions whose observations have been copied, of all so far

    def gather(
        self,
        slot: np.ndarray,
        after: np.ndarray,
        final: Mapping[int, np.ndarray],
        total: int,
    ) -> tuple[Tensor, Tensor]:
        self._catch_up(total)
        here, there = self.send(np.stack([slot, after % len(self._obs)]))
        next_obs = self._copy.index_select(0, there)
        if final:
            row = self.send(np.array(list(final)))
            last_obs = self.send(np.stack(list(final.values())))
            next_obs.index_copy_(0, row, last_obs)
        return self._copy.index_select(0, here), next_obs

    def _catch_up(self, total: int) -> None:
        """Send the slots that have been written since the last minibatch.

        They reach from that of the first new transition, which an episode's start may have changed,
        to the one after the newest transition, which holds its next_obs.
        """
        slots = len(self._obs)
        at_once = max(1, _PIECE // self._obs[0].nbytes)
        first = max(self._copied, total + 1 - slots)
        for span in spans(first, total + 1, slots, at_once):
            self._copy[span] = self.send(self._obs[span])
        self._copied = total

    def send(self, numbers: np.ndarray) -> Tensor:
        return _send(numbers, self._device)

    def forget(self) -> None:
        self._copied = 0


def spans(start: int, stop: int, slots: int, at_once: int) -> Iterator[slice]:
    """Cut the numbers [start, stop), taken round a ring of `slots`, into slices of <= `at_once`."""
    while start < stop:
        first = start % slots
        count = min(stop - start, slots - first, at_once)
        yield slice(first, first + count)
        start += count


def _sendable(shape: tuple[int, ...], dtype: np.dtype, device: torch.device) -> Tensor:
    """Make a tensor on the host from which an asynchronous copy to the device can be made."""
    like = torch.from_numpy(np.empty(0, dtype))
    return torch.empty(shape, dtype=like.dtype, pin_memory=device.type == "cuda")


def _send(array: np.ndarray, device: torch.device) -> Tensor:
    copied = _sendable(array.shape, array.dtype, device)
    copied.numpy()[:] = array
    return _sent(copied, device)


def _sent(tensor: Tensor, device: torch.device) -> Tensor:
    # only torch's CUDA keeps the memory until an asynchronous copy from it is done
    return tensor.to(device, non_blocking=device.type == "cuda")
