"""From arrays to networks: one observation to one action."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from ddpg.fast.native import Kernels
from ddpg.fast.tape import Tape

Act = Callable[[np.ndarray], np.ndarray]


@torch.inference_mode()
def act(actor: nn.Module, obs: np.ndarray) -> np.ndarray:
    """One observation of shape obs_shape to the actor's action (action_dim,), float32."""
    return _action(actor(as_input(actor, obs).unsqueeze(0)))


class RecordedAct:
    """`act` for this actor, played from a recording: sooner, and the same numbers, but for rounding if `native`."""

    def __init__(self, actor: nn.Module, native: Kernels | None = None) -> None:
        self._actor = actor
        self._tape = Tape(torch.no_grad()(actor.__call__), native.alone() if native else None)
        self._memory: tuple[np.ndarray, np.ndarray] | None = None

    def __call__(self, obs: np.ndarray) -> np.ndarray:
        if self._memory is not None:
            given, played = self._memory
            given[:] = obs
            self._tape.play()
            return played.astype(np.float32)  # a copy
        action = _action(self._tape(as_input(self._actor, obs).unsqueeze(0))).copy()
        mine = self._tape.inputs[0] if self._tape.plays else None
        if mine is not None and not mine.is_cuda:
            self._memory = mine.numpy()[0], self._tape.play().numpy()[0]  # made once: that takes as long as acting
        return action


def _action(batch: Tensor) -> np.ndarray:
    """Of a minibatch of one."""
    return batch.squeeze(0).float().cpu().numpy()


def as_input(network: nn.Module, array: np.ndarray) -> Tensor:
    """The array where the network is, in its precision; pixels stay bytes."""
    like = next(network.parameters())
    tensor = torch.as_tensor(array).to(like.device, non_blocking=like.is_cuda)
    return tensor.to(like.dtype) if tensor.is_floating_point() else tensor
