"""Values with tensors inside: nested tuples, named tuples, lists and dicts of them."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor


def leaves(value: Any) -> list[Any]:
    """List what lies in nested tuples, lists and dicts, in order."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def tensors(value: Any) -> list[Tensor]:
    """List all tensors in nested tuples, lists and dicts."""
    return [leaf for leaf in leaves(value) if isinstance(leaf, Tensor)]


def foreign_leaf(value: Any) -> Any | None:
    """Return the first leaf that is neither a tensor nor None, if there is one."""
    return next((leaf for leaf in leaves(value) if not isinstance(leaf, Tensor | None)), None)


def cloned(originals: Sequence[Tensor]) -> list[Tensor]:
    """Copy each tensor to new storage."""
    return [tensor.detach().clone() for tensor in originals]


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """Build the same structure with `function(leaf)` in the place of each leaf."""
    if isinstance(value, dict):
        return {key: mapped(function, item) for key, item in value.items()}
    if not isinstance(value, list | tuple):
        return function(value)
    items = [mapped(function, item) for item in value]
    return value._make(items) if hasattr(value, "_make") else type(value)(items)


def alike(one: Any, other: Any) -> bool:
    """Tell whether two values have the same structure, and tensors of the same shapes and types."""
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and one.shape == other.shape and one.dtype == other.dtype
    if isinstance(one, dict):
        keys_alike = isinstance(other, dict) and list(one) == list(other)
        return keys_alike and all(map(alike, one.values(), other.values()))
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(alike, one, other))
    return one is None and other is None


def is_fixed(value: Any) -> bool:
    """Tell whether the same object always has the same leaves: it contains no list and no dict."""
    if isinstance(value, tuple):
        return all(map(is_fixed, value))
    return isinstance(value, Tensor | None)
