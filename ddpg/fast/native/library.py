"""The library of native kernels, and programs of them."""

import ctypes
import struct
from collections.abc import Callable, Sequence
from copy import copy
from functools import cache, partial
from itertools import accumulate
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import torch
from torch import Tensor

from ddpg.fast.native.operands import Step

#: The same as Step in step.h.
STEP = np.dtype([("kind", np.int64), ("operands", np.uint64)])


class Kernels:
    """The kernels of a built library.

    `name` stands for the library's bytes, because another compiler may round in another way. `has_threads` says
    whether threads can share a program. Raises OSError if the file at `path` cannot be loaded, and AttributeError if
    it has other functions.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        library = ctypes.CDLL(str(path))
        self._kind_of = library.kind_of
        self._kind_of.restype = ctypes.c_int64
        self._operands_of = library.operands_of
        self._operands_of.restype = ctypes.c_char_p
        self._execute = library.execute
        self._execute.restype = None
        self.has_threads = bool(library.has_threads())
        self._threads = torch.get_num_threads

    def has(self, kernel: str) -> bool:
        """Tell whether there is a kernel of that name."""
        return self._kind(kernel) >= 0

    def alone(self) -> "Kernels":
        """Return the same kernels with one thread, for work that is too little to share."""
        mine = copy(self)
        mine._threads = lambda: 1
        return mine

    def program(self, steps: Sequence[Step]) -> Callable[[], None]:
        """Make a function that runs the steps one after the other, by as many threads as torch has, or `alone`.

        The tensors must stay where they are. Raises ValueError for a step that names no kernel, or whose operands are
        not those of its kernel, or hold other numbers than it reads.
        """
        for step in steps:
            self._check(step)
        structures = [_packed(step.operands) for step in steps]
        operands = ctypes.create_string_buffer(b"".join(structures))
        addresses = accumulate(map(len, structures), initial=ctypes.addressof(operands))
        table = np.zeros(len(steps), STEP)
        table["kind"] = [self._kind(step.kernel) for step in steps]
        table["operands"] = [*addresses][:-1]
        execute = partial(self._execute, ctypes.c_void_p(table.ctypes.data), ctypes.c_int64(len(steps)))
        threads = self._threads

        def run(used: object = (table, operands, steps)) -> None:  # kept: the program has only their addresses
            execute(threads())

        return run

    def _kind(self, kernel: str) -> int:
        return int(self._kind_of(kernel.encode()))

    def _check(self, step: Step) -> None:
        kind = self._kind(step.kernel)
        structure = type(step.operands).__name__
        if kind < 0 or self._operands_of(ctypes.c_int64(kind)).decode() != structure:
            raise ValueError(f"there is no kernel {step.kernel} of {structure}")


def _packed(operands: tuple[Any, ...]) -> bytes:
    """Return the structure as C has it. Each field takes 8 bytes, so there are no gaps."""
    layout, dtypes = _layout(type(operands))
    for (name, dtype), field in zip(dtypes.items(), operands, strict=True):
        if isinstance(field, Tensor) and dtype not in (None, field.dtype):
            raise ValueError(f"{type(operands).__name__}.{name} takes {dtype}, not {field.dtype}")
    return struct.pack(layout, *map(_word, operands))


def _word(field: Tensor | float | None) -> float:
    """Return the number that C gets: of a tensor its address, of None NULL."""
    if isinstance(field, Tensor):
        return field.data_ptr()
    return 0 if field is None else field


@cache
def _layout(structure: type[Any]) -> tuple[str, dict[str, torch.dtype | None]]:
    """Return the fields as `struct` names them, and by name which numbers a tensor there has, where that is fixed."""
    hints = get_type_hints(structure, include_extras=True)
    layout = "".join({int: "q", float: "d"}.get(hint, "Q") for hint in hints.values())
    return layout, {name: getattr(hint, "__metadata__", [None])[0] for name, hint in hints.items()}
