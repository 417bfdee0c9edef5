"""Why an environment could not be built, in one line that names the key and what to write instead."""

import re
import traceback
from difflib import get_close_matches
from typing import TYPE_CHECKING

import gymnasium
from gymnasium.error import DependencyNotInstalled

from ddpg.errors import one_line, typed_line

if TYPE_CHECKING:
    from ddpg.envs.spec import EnvSpec


def key(spec: "EnvSpec") -> str:
    """The override with which the user chose this env."""
    if spec.domain is not None and spec.task is not None:
        return f"env.domain={spec.domain} env.task={spec.task}"
    if spec.version is not None:
        return f"env.version={spec.version} ({spec.id})"
    return f"env.id={spec.id}"


def failed_import(spec: "EnvSpec", module: str, error: Exception) -> str:
    """`env.imports` names a module that is not there or that fails on its own."""
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        return _missing(spec, error.name)
    return f"env.imports=[{module}]: importing it failed: {_told(error)}"


def failed_build(spec: "EnvSpec", error: Exception) -> str:
    """gymnasium.make raised: a package is missing, the id is unknown, or the env's own code failed."""
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        return _missing(spec, error.name)
    if isinstance(error, DependencyNotInstalled):
        return f"{key(spec)}: {_install(spec) or one_line(error)}"
    if spec.id.rpartition(":")[2] not in gymnasium.registry:
        return _unknown(spec)
    return f"{key(spec)}: building it failed: {_told(error)}{_instead(spec)}"


def _missing(spec: "EnvSpec", module: str) -> str:
    advice = _install(spec) or (
        f"no Python module {module} is installed: pip install {module}, or put its folder on PYTHONPATH"
    )
    return f"{key(spec)}: {advice}"


def _install(spec: "EnvSpec") -> str | None:
    return spec.extra and f"its packages are not installed: pip install 'ddpg[{spec.extra}]'"


def _unknown(spec: "EnvSpec") -> str:
    if _siblings(spec):
        return f"{key(spec)}: no such version{_instead(spec)}"
    near = _nearest(spec)
    if near:
        return f"{key(spec)}: no such environment; nearest: {', '.join(near)}"
    return f"{key(spec)}: no such environment; if a package of yours registers it, name that in env.imports"


def _nearest(spec: "EnvSpec") -> list[str]:
    if spec.domain is None:
        return _close(spec.id, list(gymnasium.registry))
    tasks = [env.name for env in gymnasium.registry.values() if env.namespace == "dm_control"]
    return [
        "env.domain={} env.task={}".format(*name.split("-", 1))
        for name in _close(f"{spec.domain}-{spec.task}", [name for name in tasks if "-" in name])
    ]


def _close(word: str, candidates: list[str]) -> list[str]:
    spelling = {candidate.lower(): candidate for candidate in candidates}
    return [spelling[match] for match in get_close_matches(word.lower(), spelling, n=3, cutoff=0.5)]


def _instead(spec: "EnvSpec") -> str:
    """The versions of the same env that can be built, as overrides."""
    ids = _siblings(spec)
    if not ids:
        return ""
    if spec.version is None:
        return "; use " + " or ".join(f"env.id={other}" for other in ids)
    return "; use " + " or ".join(f"env.version={other.rpartition('-')[2]}" for other in ids)


def _siblings(spec: "EnvSpec") -> list[str]:
    stem = re.sub(r"-v?\d*$", "", spec.id if spec.version is None else spec.id.removesuffix(spec.version))
    return sorted(
        other
        for other, registered in gymnasium.registry.items()
        if re.fullmatch(re.escape(stem) + r"-v\d+", other)
        and other != spec.id
        # gymnasium keeps the v2 and v3 of its MuJoCo tasks registered only to say that they are gone
        and getattr(registered.entry_point, "__name__", "") != "_raise_mujoco_py_error"
    )


def _told(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{typed_line(error)} ({place.filename}:{place.lineno})"
