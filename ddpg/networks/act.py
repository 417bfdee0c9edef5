"""From arrays to networks: one observation to one action."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from ddpg.tape import Tape
from ddpg.tape.cpu import Recording

Act = Callable[[np.ndarray], np.ndarray]


@torch.inference_mode()
def act(actor: nn.Module, obs: np.ndarray) -> np.ndarray:
    """One observation of shape obs_shape to the actor's action (action_dim,), float32."""
    return _action(actor(as_input(actor, obs).unsqueeze(0)))


def recorded_act(actor: nn.Module) -> Act:
    """`act` for this actor, played from a recording: the same numbers, sooner."""
    if next(actor.parameters()).device.type == "cpu":
        return _HostAct(actor)
    tape = Tape(actor)

    @torch.inference_mode()
    def play(obs: np.ndarray) -> np.ndarray:
        return _action(tape(as_input(actor, obs).unsqueeze(0)))

    return play


class _HostAct:
    """Recorded at the first call. The arrays are views of the recording's memory: no tensor has to be made of them."""

    def __init__(self, actor: nn.Module) -> None:
        self._actor = actor
        self._recording: Recording | None = None

    def __call__(self, obs: np.ndarray) -> np.ndarray:
        recording = self._recording or self._record(obs)
        if recording.refusal is not None:
            return act(self._actor, obs)
        self._obs[0] = obs
        recording.play()
        return self._action[0].astype(np.float32)  # a copy

    @torch.no_grad()
    def _record(self, obs: np.ndarray) -> Recording:
        given = as_input(self._actor, obs).unsqueeze(0).clone()
        self._recording = Recording(self._actor, [given])
        if self._recording.refusal is None:
            self._recording.check(self._actor, [given])
        self._obs, self._action = given.numpy(), self._recording.outputs.numpy()
        return self._recording


def _action(batch: Tensor) -> np.ndarray:
    """Of a minibatch of one."""
    return batch.squeeze(0).float().cpu().numpy()


def as_input(network: nn.Module, array: np.ndarray) -> Tensor:
    """The array where the network is, in its precision; pixels stay bytes."""
    like = next(network.parameters())
    tensor = torch.as_tensor(array).to(like.device, non_blocking=like.is_cuda)
    return tensor.to(like.dtype) if tensor.is_floating_point() else tensor
