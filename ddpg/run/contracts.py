"""Contracts: what a config names has to do what the rest of the program asks of its kind.

A class of a user's that misspells a method, or gives it other arguments, would inherit something else or fail hours
later. So it is refused when it is built.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ddpg.config.spelling import close_spellings
from ddpg.constructors import is_ours
from ddpg.errors import UserError

#: How similar two names have to be so that one counts as a misspelling of the other, from 0 to 1.
_MISSPELLED = 0.8


def require_contract(part: object, interface: type, node: Mapping[str, Any], key: str) -> None:
    """Check what a node has built against the interface of its kind, a protocol or a base class.

    Raises UserError, which names the class, the method and the nearest spelling, for a method that is missing or takes
    other arguments, and for one that nothing would call.
    """
    kind = type(part)
    home = f"{interface.__module__}.{interface.__name__}"
    breaches = (
        *_missing(part, interface, home),
        *_other_forms(kind, interface, home),
        *_never_called(kind, interface, home),
    )
    if breaches:
        raise UserError(f"{key}._target_={node['_target_']} {breaches[0]}")


def _missing(part: object, interface: type, home: str) -> Iterator[str]:
    """Yield a line if something is not there, or is inherited from an interface that only declares it."""
    kind = type(part)
    members = _members(interface)
    missing = [name for name in members if not hasattr(part, name) or _is_declared_only(kind, interface, name)]
    if missing:
        others = [name for name in _own_names(kind) if name not in members]
        near = [name for lacking in missing for name in close_spellings(lacking, others, n=1, cutoff=0.5)] or others
        instead = f"; it has {', '.join(near)}" if near else ""
        yield f"has no {', '.join(_written(interface, name) for name in missing)}, which {home} asks for{instead}"


def _other_forms(kind: type, interface: type, home: str) -> Iterator[str]:
    """Yield a line for each method that cannot be called as the interface's is."""
    for name in _members(interface):
        declared = vars(interface).get(name)
        own = inspect.getattr_static(kind, name, None)
        if not inspect.isfunction(own) or own is declared:
            continue
        if isinstance(declared, property):
            yield f"has a method {name}, which {home} has as a property: write @property above it"
        elif inspect.isfunction(declared) and not _takes(own, list(inspect.signature(declared).parameters)):
            yield f"has {name}{_arguments(own)}, which has to take {_arguments(declared)}, as in {home}"


def _never_called(kind: type, interface: type, home: str) -> Iterator[str]:
    """Yield a line for each public method that looks like another which is not overridden, or if none is."""
    bases = [base for base in kind.__mro__ if base not in _own_classes(kind)]
    own = _own_names(kind)
    known = {*_members(interface), *_called_by_themselves(kind)}
    unknown = [name for name in own if name not in known and not any(hasattr(b, name) for b in bases)]
    ours = [base for base in bases if is_ours(base.__module__)]
    overridable = {name for base in (interface, *ours) for name in _members(base)}
    for name in unknown:
        for near in close_spellings(name, overridable.difference(own), n=1, cutoff=_MISSPELLED):
            yield f"has {name}, which nothing calls; did you mean {near}? What is its own begins with _"
    if unknown and overridable.isdisjoint(own):
        yield f"has {', '.join(unknown)}, which nothing calls; {home} has {', '.join(sorted(overridable))}"


def _members(interface: type) -> list[str]:
    """List what an interface asks for: its public attributes and methods, and `__call__` if it has one."""
    names = dict.fromkeys([*inspect.get_annotations(interface), *vars(interface)])
    return [name for name in names if not name.startswith("_") or name == "__call__"]


def _is_declared_only(kind: type, interface: type, name: str) -> bool:
    """Whether a class has a method from the interface alone, where it is abstract or that of a protocol."""
    declared = vars(interface).get(name)
    is_abstract = getattr(interface, "_is_protocol", False) or getattr(declared, "__isabstractmethod__", False)
    return declared is not None and is_abstract and inspect.getattr_static(kind, name, None) is declared


def _own_classes(kind: type) -> list[type]:
    """List the class and those of its bases that belong neither to this package nor to a library below it."""
    libraries = ("ddpg", "torch", "abc", "builtins", "typing")
    return [base for base in kind.__mro__ if base.__module__.partition(".")[0] not in libraries]


def _own_names(kind: type) -> list[str]:
    """List the public methods and properties, and `__call__`, that a user's classes define."""
    return [
        name
        for base in _own_classes(kind)
        for name, value in vars(base).items()
        if (inspect.isfunction(value) or isinstance(value, property)) and name in _members(base)
    ]


def _called_by_themselves(kind: type) -> set[str]:
    """Return the names of attributes that the methods of a user's classes use."""
    methods = [value for base in _own_classes(kind) for value in vars(base).values() if inspect.isfunction(value)]
    return {name for method in methods for name in method.__code__.co_names}


def _takes(method: Any, arguments: Sequence[str]) -> bool:
    try:
        inspect.signature(method).bind(*arguments)
    except TypeError:
        return False
    return True


def _written(interface: type, name: str) -> str:
    """Return the name of a member as the interface writes it, a method with its arguments."""
    declared = vars(interface).get(name)
    return f"{name}{_arguments(declared)}" if inspect.isfunction(declared) else name


def _arguments(method: Any) -> str:
    """Return the names of a method's arguments but `self`, in parentheses."""
    return f"({', '.join(list(inspect.signature(method).parameters)[1:])})"
