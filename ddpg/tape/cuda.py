"""Recording on a GPU: torch's CUDA graph."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


class Graph:
    """What `function(*inputs)` launched; `play` launches all of it at once on the present contents of the inputs."""

    def __init__(self, function: Callable[..., Any], inputs: Sequence[Tensor | None]) -> None:
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self.outputs = function(*inputs)

    def finish(self) -> None:
        """Capturing launched nothing, so the outputs come from a first play."""
        self.play()

    def play(self) -> None:
        """Once more; the outputs are written to the same tensors."""
        self._graph.replay()
