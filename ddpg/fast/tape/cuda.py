"""Playing on a GPU: torch's CUDA graph."""

from collections.abc import Callable, Sequence
from typing import Any

import torch


class Graph:
    """What `function(*arguments)` launches; `play` launches all of it at once, and writes `outputs` anew."""

    def __init__(self, function: Callable[..., Any], arguments: Sequence[Any]) -> None:
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):  # nothing is computed yet
            self.outputs = function(*arguments)

    def play(self) -> None:
        """Once more, on what inputs and parameters hold now."""
        self._graph.replay()


def captured(function: Callable[..., Any], arguments: Sequence[Any]) -> tuple[Any, Graph | None]:
    """`function(*arguments)` and its graph; None if it waits for the device. A graph cannot be undone and compared."""
    stream = torch.cuda.current_stream()
    try:
        graph = Graph(function, arguments)
    except RuntimeError:
        torch.cuda.set_stream(stream)  # torch leaves its own in place
        return function(*arguments), None
    graph.play()
    return graph.outputs, graph
