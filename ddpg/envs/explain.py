"""Explanations in one line of why an environment could not be built, with the key and what to write instead."""

import re
import traceback
from dataclasses import dataclass
from difflib import get_close_matches

import gymnasium
from gymnasium.envs.registration import EnvSpec as Registered
from gymnasium.error import DependencyNotInstalled

from ddpg.distribution import install_hint
from ddpg.errors import one_line, typed_line


@dataclass(frozen=True)
class EnvName:
    """The keys by which the user chose an environment; `str()` writes them as overrides.

    `version`, `domain` and `task` are the parts of `id` that have keys of their own, or None.
    `extra` is the extra of this package that installs the environment, if one does.
    """

    id: str
    version: str | None
    domain: str | None
    task: str | None
    extra: str | None

    def __str__(self) -> str:
        if self.domain is not None and self.task is not None:
            return f"env.domain={self.domain} env.task={self.task}"
        if self.version is not None:
            return f"env.version={self.version} ({self.id})"
        return f"env.id={self.id}"


def failed_import(name: EnvName, module: str, error: BaseException) -> str:
    """Explain why a module of `env.imports` is not there or fails on its own."""
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        return _missing(name, error.name)
    return f"env.imports=[{module}]: importing it failed: {_with_place(error)}"


def failed_build(name: EnvName, error: BaseException) -> str:
    """Explain why `gymnasium.make` raised: a missing package, an unknown id, or the environment's own code."""
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        return _missing(name, error.name)
    if isinstance(error, DependencyNotInstalled):
        return f"{name}: {_install_extra(name) or one_line(error)}"
    if name.id.rpartition(":")[2] not in gymnasium.registry:
        return unknown(name)
    return f"{name}: building it failed: {_with_place(error)}{_other_versions(name)}"


def _missing(name: EnvName, module: str) -> str:
    if not module:  # what `:Pendulum-v1` asks gymnasium to import
        return f"{name}: the module that registers it stands before the colon, as in env.id=my_package{name.id}"
    advice = _install_extra(name) or (
        f"no Python module {module} is installed: install the package that has it, or put its folder on PYTHONPATH"
    )
    return f"{name}: {advice}"


def _install_extra(name: EnvName) -> str | None:
    return name.extra and f"its packages are not installed: {install_hint(name.extra)}"


def unknown(name: EnvName) -> str:
    """Explain that no environment has this id, with the nearest."""
    if _siblings(name):
        return f"{name}: no such version{_other_versions(name)}"
    nearest = _nearest(name)
    if nearest:
        return f"{name}: no such environment; nearest: {', '.join(nearest)}"
    return f"{name}: no such environment; if a package of yours registers it, name that in env.imports"


def _nearest(name: EnvName) -> list[str]:
    if name.domain is None:
        return _close(name.id, list(gymnasium.registry))
    registered = [env.name for env in gymnasium.registry.values() if env.namespace == "dm_control"]
    tasks = [task for task in registered if "-" in task]
    return [
        "env.domain={} env.task={}".format(*task.split("-", 1)) for task in _close(f"{name.domain}-{name.task}", tasks)
    ]


def _close(word: str, candidates: list[str]) -> list[str]:
    spelling = {candidate.lower(): candidate for candidate in candidates}
    return [spelling[match] for match in get_close_matches(word.lower(), spelling, n=3, cutoff=0.5)]


def _other_versions(name: EnvName) -> str:
    """Name the versions of the same environment that can be built, as overrides."""
    ids = _siblings(name)
    if not ids:
        return ""
    if name.version is None:
        return "; use " + " or ".join(f"env.id={other}" for other in ids)
    return "; use " + " or ".join(f"env.version={other.rpartition('-')[2]}" for other in ids)


def _siblings(name: EnvName) -> list[str]:
    stem = re.sub(r"-v?\d*$", "", name.id.removesuffix(name.version or ""))
    versions = re.compile(re.escape(stem) + r"-v\d+")
    return sorted(
        other
        for other, registered in gymnasium.registry.items()
        if versions.fullmatch(other) and other != name.id and not _is_withdrawn(registered)
    )


def _is_withdrawn(registered: Registered) -> bool:
    """Tell whether gymnasium keeps the id only to say that the version is gone, by a function that raises.

    The environments that gymnasium itself still has are registered by the name of their class.
    """
    return getattr(registered.entry_point, "__module__", "").startswith("gymnasium.")


def _with_place(error: BaseException) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{typed_line(error)} ({place.filename}:{place.lineno})"
