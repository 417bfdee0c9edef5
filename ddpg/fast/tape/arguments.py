"""The arguments of a recorded function: the recording's own copies, which every call fills."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from ddpg.fast.native import Kernels
from ddpg.fast.tape.rules import copies
from ddpg.fast.tape.structure import alike, is_fixed, leaves, mapped


class Argument:
    """One argument, a structure of tensors, and the recording's own copy of it with the same structure.

    The recording does not read the caller's tensors themselves, even where these are the same at every call, as a
    minibatch that is gathered to one place: the next call may come with others, which would have to overwrite the
    caller's. A copy by one native program takes a few microseconds.
    """

    def __init__(self, value: Any, native: Kernels | None) -> None:
        self.own = mapped(_clone, value)
        self.tensors = [leaf for leaf in leaves(self.own) if leaf is not None]
        self._native = native
        # a tuple of tensors alone, as a minibatch is, is compared and copied without recursion
        self._is_plain = isinstance(value, tuple) and all(isinstance(item, Tensor | None) for item in value)
        self._last: Any = self
        self._program: Callable[[], None] | None = None

    def fits(self, value: Any) -> bool:
        """Tell whether a value has the structure, the shapes and the types of the recorded one."""
        if value is self._last:
            return True
        if not self._is_plain or type(value) is not type(self.own) or len(value) != len(self.own):
            return alike(self.own, value)
        for own, given in zip(self.own, value, strict=True):
            if own is None or not isinstance(given, Tensor):
                if own is not given:
                    return False
            elif own.shape != given.shape or own.dtype != given.dtype:
                return False
        return True

    def fill(self, value: Any) -> None:
        """Copy the value's tensors: by one native program from the second time on that this very value comes.

        The storage of its tensors must stay where it is as long as the value is passed.
        """
        if not self.tensors:
            return
        if value is not self._last:
            self._last = value if self._is_plain or is_fixed(value) else self
            self._program = None
            self._fill_by_torch(value)
            return
        if self._program is None:
            self._program = self._filling(value)
        self._program()

    def _filling(self, value: Any) -> Callable[[], None]:
        """The function without arguments that copies from where this value lies."""
        sources = [leaf for leaf in leaves(value) if leaf is not None]
        steps = copies(self.tensors, sources) if self._native else None
        if self._native is None or steps is None:
            return lambda: self._fill_by_torch(value)
        return self._native.program(steps)

    def _fill_by_torch(self, value: Any) -> None:
        sources = value if self._is_plain else leaves(value)
        owns = self.own if self._is_plain else leaves(self.own)
        for own, source in zip(owns, sources, strict=True):
            if own is not None:
                own.copy_(source, non_blocking=True)


def _clone(leaf: Tensor | None) -> Tensor | None:
    return None if leaf is None else leaf.clone()
