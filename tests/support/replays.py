"""Replay buffers as a user may write them."""

from typing import Any

import numpy as np
import torch

from ddpg.learner.batch import Batch
from ddpg.learner.replay import ReplayBuffer


class InTurn(ReplayBuffer):
    """Samples transitions in turn; its state is the very tensor that it changes."""

    def __init__(self, **replay: Any) -> None:
        super().__init__(**replay)
        self._next = torch.zeros((), dtype=torch.int64)

    def sample(self, batch_size: int) -> Batch:
        chosen = (int(self._next) + np.arange(batch_size)) % len(self)
        self._next += batch_size
        return self._gather(self.total - len(self) + chosen)

    def state_dict(self) -> dict[str, Any]:
        return {"next": self._next}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._next.copy_(state["next"])
