"""Checks values against a signature: names, types, choices (`Literal`) and ranges (`ddpg.ranges`)."""

import inspect
import logging
import math
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from ddpg.config.spelling import as_written, nearest, shell_quoted
from ddpg.config.targets import imported
from ddpg.constructors import Unresolved, hints, is_ours, parameters
from ddpg.errors import UserError
from ddpg.ranges import Pattern, Range, Text

_HYDRA_KEYS = {"_target_", "_partial_", "_args_", "_convert_", "_recursive_"}
_SCALARS = {bool: "true or false", int: "a whole number", float: "a finite number", str: "a text"}


log = logging.getLogger(__name__)


class Target:
    """Marks a node that names by `_target_` what it builds.

    `given` are the arguments that the program adds where the constructor asks for them; a star stands
    for any part of a name.
    """

    def __init__(self, *given: str) -> None:
        self.given = given


@cache
def _warn_unchecked(hint: Unresolved) -> None:
    log.warning(
        "%s: the type of %s is not known when the program runs (%s), so its value is not checked",
        hint.schema, hint.parameter, hint.reason,
    )  # fmt: skip


def fit(value: Any, hint: Any, key: str = "") -> Any:
    """Return the value as the type hint wants it: 1e6 becomes 1000000 for an int.

    Raises UserError, with the key in front, if the value does not fit.
    """
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _fit_annotated(value, args[0], args[1:], key)
    if isinstance(value, Mapping) and "_target_" in value:
        return _fit_target(value, None, key)
    if isinstance(hint, Unresolved):
        _warn_unchecked(hint)
        return value
    if origin in (Union, types.UnionType):
        return _fit_union(value, args, key)
    if origin is Literal:
        return _fit_choice(value, args, key)
    if is_dataclass(hint):
        return _fit_arguments(value, hint, (), key)
    if origin in (list, tuple, Sequence, Iterable) or hint in (list, tuple):
        return _fit_list(value, origin, args, key)
    if origin in (dict, Mapping) or hint is dict:
        _require(isinstance(value, Mapping), value, key, "a mapping, as in {name: value}")
        return {name: fit(item, args[1] if args else Any, f"{key}.{name}") for name, item in value.items()}
    return _fit_scalar(value, hint, key)


def _fit_annotated(value: Any, hint: Any, marks: Sequence[Any], key: str) -> Any:
    for mark in marks:
        if isinstance(mark, Target):
            return _fit_target(value, mark.given, key)
        if isinstance(mark, Pattern):  # before the type, whose message would ask for any text
            _require(value in mark, value, key, str(mark))
    fitted = fit(value, hint, key)
    for mark in marks:
        if isinstance(mark, Range) and isinstance(fitted, int | float) and fitted not in mark:
            raise UserError(f"{key}={as_written(value)} is out of range: it must be {mark}")
        if isinstance(mark, Text) and isinstance(fitted, str) and fitted not in mark:
            near = mark.nearest(fitted)
            example = f", as in {near}" if near else ""
            raise UserError(f"{key}={as_written(value)} must have {mark}{example}")
    return fitted


def _fit_union(value: Any, options: Sequence[Any], key: str) -> Any:
    """Return the value as the first option that fits it; the message comes from the last, single words after it."""
    if value is None and type(None) in options:
        return None
    choices = [option for option in options if get_origin(option) is Literal]
    candidates = choices + [option for option in options if option not in (*choices, type(None))]
    for option in candidates[:-1]:
        try:
            return fit(value, option, key)
        except UserError:
            continue
    try:
        return fit(value, candidates[-1], key)
    except UserError as error:
        words = [as_written(word) for choice in choices[: len(candidates) - 1] for word in get_args(choice)]
        also = words + ["null"] * (type(None) in options)
        near = nearest(value, words, most=0) if isinstance(value, str) and words else ""
        raise UserError("".join([str(error), *(f", or {word}" for word in also), near])) from error.__cause__


def _fit_choice(value: Any, choices: Sequence[Any], key: str) -> Any:
    if any(value == choice and type(value) is type(choice) for choice in choices):
        return value
    allowed = [as_written(choice) for choice in choices]
    near = nearest(str(value), allowed, most=0)
    raise UserError(f"{key}={as_written(value)} is not one of {', '.join(allowed)}{near}{_as_sweep(value, key)}")


def _fit_list(value: Any, origin: Any, args: Sequence[Any], key: str) -> list[Any]:
    is_quoted = isinstance(value, str) and value.startswith("[")
    example = f"[{as_written(value)}]" if not is_quoted else f"{value}, without quotes of its own"
    _require(isinstance(value, list), value, key, f"a list, as in {example}")
    hints = [args[0] if args else Any] * len(value)
    if origin is tuple and args and args[-1] is not Ellipsis:  # a type for each place
        _require(len(value) == len(args), value, key, f"a list of {len(args)}")
        hints = list(args)
    return [fit(item, hint, f"{key}[{i}]") for i, (item, hint) in enumerate(zip(value, hints, strict=True))]


def _fit_scalar(value: Any, hint: Any, key: str) -> Any:
    if hint not in _SCALARS:
        return value
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    fits = {bool: isinstance(value, bool), str: isinstance(value, str), float: number, int: number and value % 1 == 0}
    in_quotes = shell_quoted(f"{key}='{as_written(value)}'")
    example = f", as in {in_quotes}" if number and hint is str else ""
    _require(fits[hint], value, key, f"{_SCALARS[hint]}{example}{_as_sweep(value, key)}")
    return hint(value)


def _as_sweep(values: Any, key: str) -> str:
    """Return the end of a message about a list in the place of a single value: how a sweep is written."""
    if not isinstance(values, list) or key.endswith("]"):
        return ""
    swept = ",".join(map(as_written, values))
    return f" (values of a sweep have no brackets: {key}={swept}, and in hydra.sweeper.params {key}: {swept})"


def _fit_target(node: Any, given: Sequence[str] | None, key: str) -> dict[str, Any]:
    """`given` None: the node may be completed by someone else, so nothing that it lacks is complained about."""
    _require(isinstance(node, Mapping) and "_target_" in node, node, key, "a group option with a _target_")
    path = node["_target_"]
    target = imported(path, f"{key}._target_")
    _require(callable(target), path, f"{key}._target_", "a class or a function")
    ours = {name: value for name, value in node.items() if name in _HYDRA_KEYS}
    values = {name: value for name, value in node.items() if name not in _HYDRA_KEYS}
    return ours | _fit_arguments(values, target, None if "_args_" in node else given, key, path)


def _fit_arguments(
    values: Any, schema: Any, given: Sequence[str] | None, key: str, path: str = "ddpg."
) -> dict[str, Any]:
    """Check a mapping against the parameters of a class or function, which a `_target_` has named by its path."""
    known, free = parameters(schema)
    others = getattr(schema, "OTHERS", None)  # the hint of any further key
    free = free or others is not None
    added = {name for name in known if any(fnmatchcase(name, pattern) for pattern in given or ())}
    named = {name: p for name, p in known.items() if name not in added}
    prefix = f"{key}." if key else ""
    what = "a group of keys" if free else "a group of keys: " + ", ".join(f"{prefix}{name}" for name in named)
    _require(isinstance(values, Mapping), values, key, what)
    for name, value in values.items():
        if name in added:
            raise UserError(f"{prefix}{name}={as_written(value)}: {name} is set by the program, not by the config")
        if name not in named and not free:
            near = nearest(f"{prefix}{name}", (prefix + n for n in named), most=30)
            if not is_ours(path):
                near = f" in {path}{near} (one that your file does not list comes from the file that it starts from)"
            raise UserError(f"{prefix}{name}={as_written(value)}: there is no such key{near}")
    types_of = hints(schema)
    fitted = {name: fit(value, types_of.get(name, others or Any), f"{prefix}{name}") for name, value in values.items()}
    if given is not None:
        _require_complete(values, named, given, prefix)
    return fitted


def _require_complete(
    values: Mapping[str, Any], parameters: Mapping[str, inspect.Parameter], given: Sequence[str], prefix: str
) -> None:
    """Check that every parameter without a default has a value."""
    others = f"; the program itself gives {', '.join(given).replace('*', 'NAME')}" if given else ""
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in values:
            raise UserError(f"{prefix}{name} is missing: it has no default{others}")


def parameters_of(target: str) -> Mapping[str, inspect.Parameter]:
    """The parameters, by name, of the class or function that a `_target_` names."""
    return parameters(imported(target, "_target_"))[0]


def _require(fits: bool, value: Any, key: str, what: str) -> None:
    if not fits:
        raise UserError(f"{key}={as_written(value)} must be {what}")
