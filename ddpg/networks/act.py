"""From arrays to networks: one observation to one action."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from ddpg.native import Kernels
from ddpg.tape import Tape

Act = Callable[[np.ndarray], np.ndarray]


@torch.inference_mode()
def act(actor: nn.Module, obs: np.ndarray) -> np.ndarray:
    """One observation of shape obs_shape to the actor's action (action_dim,), float32."""
    return _action(actor(as_input(actor, obs).unsqueeze(0)))


class RecordedAct:
    """`act` for this actor, played from a recording: sooner, and the same numbers, but for rounding if `native`."""

    def __init__(self, actor: nn.Module, native: Kernels | None = None) -> None:
        self._actor, self._tape = actor, Tape(torch.no_grad()(actor.__call__), native)

    def __call__(self, obs: np.ndarray) -> np.ndarray:
        mine = self._tape.inputs[0] if self._tape.plays else None
        if mine is None or mine.is_cuda:
            return _action(self._tape(as_input(self._actor, obs).unsqueeze(0)))
        mine.numpy()[0] = obs  # less than to make a tensor of it
        return self._tape.play().numpy()[0].astype(np.float32)  # a copy


def _action(batch: Tensor) -> np.ndarray:
    """Of a minibatch of one."""
    return batch.squeeze(0).float().cpu().numpy()


def as_input(network: nn.Module, array: np.ndarray) -> Tensor:
    """The array where the network is, in its precision; pixels stay bytes."""
    like = next(network.parameters())
    tensor = torch.as_tensor(array).to(like.device, non_blocking=like.is_cuda)
    return tensor.to(like.dtype) if tensor.is_floating_point() else tensor
