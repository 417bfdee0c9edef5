"""Replays on a GPU, as a CUDA graph of torch."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from ddpg.fast.tape.obstacles import failure
from ddpg.fast.tape.trial import Trial

#: What CUDA answers to an operation that waits, and then to all others until the capture ends.
_FORBIDDEN = ("not permitted when stream is capturing", "previous error during capture")


class Graph:
    """The kernels that `function(*arguments)` launches; `replay` launches all at once, and overwrites `outputs`."""

    def __init__(self, function: Callable[..., Any], arguments: Sequence[Any]) -> None:
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):  # nothing is computed yet
            self.outputs = function(*arguments)

    def replay(self) -> None:
        """Launch the kernels again, on what inputs and parameters hold now."""
        self._graph.replay()


def try_graph(function: Callable[..., Any], arguments: Sequence[Any]) -> Trial:
    """Call `function(*arguments)` as a CUDA graph, or as it is where that fails. A graph is not compared with it."""
    stream = torch.cuda.current_stream()
    causes: list[Exception] = []

    def watched(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:
            causes.append(error)  # the end of the capture raises another one over it
            raise

    try:
        graph = Graph(watched, arguments)
    except Exception as error:
        torch.cuda.set_stream(stream)  # torch leaves its own in place
        return Trial(function(*arguments), None, _reason(causes[0] if causes else error))
    graph.replay()
    return Trial(graph.outputs, graph, None)


def _reason(error: Exception) -> str:
    """Tell a function that waits for the GPU, which CUDA forbids while it captures, from any other failure."""
    reason = failure("capturing it as a CUDA graph", error)
    waits = any(words in str(error) for words in _FORBIDDEN)
    return f"it waits for the GPU: {reason}" if waits else reason
