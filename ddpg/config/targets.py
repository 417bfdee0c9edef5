"""Imports what a `_target_` names, and says why that fails."""

import importlib
import inspect
import pkgutil
import sys
from itertools import accumulate
from typing import Any

from ddpg.apart import require_importable
from ddpg.config.spelling import as_written, nearest
from ddpg.errors import UserError, not_found, one_line


def imported(path: Any, key: str) -> Any:
    """Return what a dotted path names; raise UserError, with the key in front, if it cannot be imported."""
    for module in accumulate(str(path).split("."), "{}.{}".format):
        require_importable(module)
    try:
        return _loaded(path) or pkgutil.resolve_name(path)
    except Exception as error:  # a user's module can fail in any way while it is imported
        cause = _failed_import(path) if isinstance(error, AttributeError) else error
        reason = _missing_name(path, error) if cause is None else _reason(path, cause)
        raise UserError(f"{key}={as_written(path)} cannot be imported: {reason}") from (cause or error)


def _loaded(path: Any) -> Any:
    """Return what a module that is loaded has under a name now, after a reload too; None if that has to be imported."""
    module, _, name = str(path).rpartition(".")
    return None if str(path) in sys.modules else getattr(sys.modules.get(module), name, None)


def _failed_import(path: str) -> ImportError | None:
    """Return why a module of the path fails to import, which `pkgutil` hides behind an AttributeError."""
    module = path.rpartition(".")[0]
    try:
        importlib.import_module(module)
    except ImportError as error:
        is_no_module = isinstance(error, ModuleNotFoundError) and _begins_with(module, error.name)
        return None if is_no_module else error
    return None


def _begins_with(path: str, module: str | None) -> bool:
    """Whether a dotted path leads to a module or through it."""
    return module is not None and f"{path}.".startswith(f"{module}.")


def _reason(path: Any, error: Exception) -> str:
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return one_line(error)
    importer = "" if _begins_with(str(path), error.name) else "importing it failed: "
    return f"{importer}{not_found(error.name)}"


def _missing_name(path: str, error: Exception) -> str:
    """Return the message of an AttributeError with the nearest class of the module."""
    module = path.rpartition(".")[0]
    try:
        there = vars(pkgutil.resolve_name(module))
    except Exception:  # the module's own name is wrong, too
        return one_line(error)
    classes = {name: value for name, value in there.items() if inspect.isclass(value) and not name.startswith("_")}
    own = [name for name, value in classes.items() if value.__module__.startswith(module)]
    return one_line(error) + nearest(path, [f"{module}.{name}" for name in own or classes])
