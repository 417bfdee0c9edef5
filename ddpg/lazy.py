"""Names of a package that are imported when they are first used (PEP 562), where Ctrl-C cannot break them."""

import importlib
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any


def lazy_names(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the `__getattr__` and the `__dir__` of a package.

    Args:
        package: its name.
        homes: the module that each name comes from.
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(undisturbed(homes[name]), name)
        setattr(sys.modules[package], name, value)  # so that it is looked up once
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return get, names


def undisturbed(module: str) -> ModuleType:
    """Import a module in a thread, while this one waits, and return it.

    Python raises KeyboardInterrupt in the main thread alone. There it could cut the import of torch in half, which
    cannot be imported a second time, so that a notebook would have to be started again.
    """
    from ddpg.apart import apart  # what `import ddpg` does without

    return apart(lambda: importlib.import_module(module))
