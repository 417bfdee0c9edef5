"""Acting by a recording of the actor."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import nn

from ddpg.fast.native import Kernels
from ddpg.fast.tape import Tape
from ddpg.learner.policy import as_action, as_input


class RecordedAct:
    """`act` of an actor, replayed from a recording: faster, and equal but for rounding if `native`.

    With native kernels the recording is made before the first action; `rollback` is as for `Tape`.
    """

    def __init__(
        self,
        actor: nn.Module,
        native: Kernels | None = None,
        rollback: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._actor = actor
        self._tape = Tape(torch.no_grad()(actor.__call__), native.alone() if native else None, rollback)
        self._memory: tuple[np.ndarray, np.ndarray] | None = None

    def __call__(self, obs: np.ndarray) -> np.ndarray:
        """Give the action (action_dim,), float32, for one observation of shape obs_shape."""
        if self._memory is not None:
            recorded_obs, recorded_action = self._memory
            recorded_obs[:] = obs
            self._tape.replay()
            return recorded_action.astype(np.float32)  # a copy
        action = as_action(self._tape(as_input(self._actor, obs).unsqueeze(0))).copy()
        recorded = self._tape.inputs[0] if self._tape.is_replayed else None
        if recorded is not None and not recorded.is_cuda:
            # the views are made once, because making them takes as long as acting
            self._memory = recorded.numpy()[0], self._tape.outputs.numpy()[0]
        return action
