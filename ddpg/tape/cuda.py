"""Recording on a GPU: torch's CUDA graph."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


class Graph:
    """What `function(*inputs)` launches; `play` launches all of it at once on the present contents of the inputs.

    Nothing in it may wait for the device.
    """

    def __init__(self, function: Callable[..., Any], inputs: Sequence[Tensor | None]) -> None:
        self._graph = torch.cuda.CUDAGraph()
        self.refusal: str | None = None
        try:
            with torch.cuda.graph(self._graph):
                self.outputs = function(*inputs)
        except RuntimeError as error:  # nothing has been computed yet
            self.refusal = str(error).splitlines()[0]
            self.outputs = function(*inputs)
        else:
            self.play()

    def check(self, function: Callable[..., Any], inputs: Sequence[Tensor | None]) -> Any:
        """Nobody wrote down what a graph changes, so it cannot be undone and compared: it is played."""
        self.play()
        return self.outputs

    def play(self) -> None:
        """Once more; the outputs are written to the same tensors."""
        self._graph.replay()
