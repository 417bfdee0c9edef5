"""The parameters that a class or function takes, by name, with their types."""

import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, TypeVar, get_type_hints

from ddpg.errors import one_line


def is_ours(path: str) -> bool:
    """Whether a module, or what a dotted path names, is of this package."""
    return path.startswith("ddpg.")


@dataclass(frozen=True)
class Unresolved:
    """The type of a parameter whose annotation cannot be evaluated, as with an import for the type checker alone."""

    schema: str
    parameter: str
    reason: str


Found = TypeVar("Found")


def _cached(function: Callable[[Any], Found]) -> Callable[[Any], Found]:
    """Cache what is found of this package's constructors; a notebook can change a user's class, even in place."""
    cached = cache(function)

    @wraps(function)
    def find(schema: Any) -> Found:
        return (cached if is_ours(str(getattr(schema, "__module__", ""))) else function)(schema)

    return find


@_cached
def parameters(schema: Any) -> tuple[dict[str, inspect.Parameter], bool]:
    """Return the parameters that can be named, and whether any other name is accepted as well.

    What a constructor takes as **kwargs are the parameters of the next constructor among its bases.
    """
    own = _own_parameters(schema)
    if own is None:
        return {}, True
    variable = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    named = {name: p for name, p in own.items() if p.kind not in variable}
    base = _next_constructor(schema)
    if base is None:
        return named, _takes_any_keyword(own)
    inherited, free = parameters(base)
    return inherited | named, free


@_cached
def hints(schema: Any) -> dict[str, Any]:
    """Return the type of every annotated parameter, `Unresolved` where the annotation cannot be evaluated."""
    function = schema.__init__ if inspect.isclass(schema) else schema
    names = getattr(inspect.unwrap(function), "__globals__", {})
    base = _next_constructor(schema)
    found: dict[str, Any] = {} if base is None else dict(hints(base))
    for name, annotation in getattr(function, "__annotations__", {}).items():
        alone = types.SimpleNamespace(__annotations__={name: annotation})
        try:
            found |= get_type_hints(alone, names, include_extras=True)
        except Exception as error:  # an annotation can be any expression
            found[name] = Unresolved(f"{schema.__module__}.{schema.__qualname__}", name, one_line(error))
    return found


def _next_constructor(schema: Any) -> type | None:
    """Return the base class that gets what a class's constructor takes as **kwargs; None if it takes none."""
    if not inspect.isclass(schema):
        return None
    own = _own_parameters(schema)
    if own is None or not _takes_any_keyword(own):
        return None
    return next((base for base in schema.__mro__[1:-1] if "__init__" in vars(base)), None)


def _own_parameters(schema: Any) -> Mapping[str, inspect.Parameter] | None:
    """Return the parameters; None for what is written in C and silent about them."""
    try:
        return inspect.signature(schema).parameters
    except ValueError:
        return None


def _takes_any_keyword(own: Mapping[str, inspect.Parameter]) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in own.values())
