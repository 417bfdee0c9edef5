"""What the program knows of an environment by its id, and by the module of its class, whichever way it was named."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium

#: Modules of environments whose whole episode follows from the seed of `reset` (tests/training/test_kill.py), but for
#: those that are registered as nondeterministic: of them only a new environment begins as the first one did.
FIXED_BY_RESET = (
    "gymnasium.envs.classic_control",
    "gymnasium.envs.mujoco",
    "gymnasium.envs.box2d.car_racing",
    "gymnasium.envs.box2d.lunar_lander",
    "shimmy.dm_control",
)
#: Modules of environments that keep state across resets, so that only a new environment begins as the first one did.
#: After other episodes, Box2D's walker and PyBullet's locomotion tasks go on differently with the same seed.
FIXED_WHEN_NEW = ("gymnasium.envs.box2d.bipedal_walker", "pybullet_envs_gymnasium")


@dataclass(frozen=True)
class Suite:
    """What the environments of a suite need.

    Args:
        imports: modules that register them with gymnasium.
        extra: the extra of this package that installs them; None: nothing beyond the core.
        max_episode_steps: simulator steps after which they end by themselves, without gymnasium knowing it.
        kwargs: keyword arguments for gymnasium.make, which those of the config complete or replace.
    """

    imports: tuple[str, ...] = ()
    extra: str | None = None
    max_episode_steps: int | None = None
    kwargs: Mapping[str, Any] = field(default_factory=dict)


#: The suites that gymnasium does not have itself, by a pattern for their ids.
_BY_ID = {
    # The first camera of these models follows the body. The size is that of the frames, in pixels.
    r"dm_control/\w+-\w+-v\d+": Suite(
        imports=("dm_control", "shimmy"),
        extra="dm_control",
        max_episode_steps=1000,
        kwargs={"render_kwargs": {"camera_id": 0, "width": 480, "height": 360}},
    ),
    # locomotion and manipulation, each with a camera and a time limit of its own
    r"dm_control/.*": Suite(imports=("dm_control", "shimmy"), extra="dm_control"),
    r"\w+BulletEnv-v\d+": Suite(imports=("pybullet_envs_gymnasium",)),
}
#: The suites of gymnasium that the core of this package does not install, by the module that they are registered with.
_BY_MODULE = {"gymnasium.envs.box2d": Suite(extra="box2d")}


def suite_of(env_id: str) -> Suite:
    """Return what an environment needs, by its id, which may begin with a module as in `module:id`."""
    _, _, name = env_id.rpartition(":")
    for pattern, suite in _BY_ID.items():
        if re.fullmatch(pattern, name, re.IGNORECASE):  # so that a misspelled id is told the nearest of its suite
            return suite
    entry_point = registered_at(name)
    return next((suite for module, suite in _BY_MODULE.items() if entry_point.startswith(module)), Suite())


def registered_at(env_id: str) -> str:
    """Return the entry point, as `module:class`, that gymnasium knows by an id; empty if it does not know the id."""
    entry_point = getattr(gymnasium.registry.get(env_id.rpartition(":")[2]), "entry_point", None)
    return entry_point if isinstance(entry_point, str) else getattr(entry_point, "__module__", "")


def is_registered(env_id: str) -> bool:
    """Tell whether gymnasium knows an id now; without a version it means the newest one."""
    return env_id in gymnasium.registry or any(known.startswith(f"{env_id}-v") for known in gymnasium.registry)


def derives_from(env: gymnasium.Env[Any, Any], *packages: str) -> bool:
    """Tell whether the class of the innermost env, or a base class of it, is from one of these packages."""
    return any(kind.__module__.startswith(packages) for kind in type(env.unwrapped).__mro__)


def resets_fully(env: gymnasium.Env[Any, Any]) -> bool:
    """Tell whether reset(seed) alone fixes an episode of the env, as far as its class and its registration tell.

    Tasks of dm_control that shuffle on from the order of the episode before, or draw mazes from a generator that no
    reset seeds, are registered as nondeterministic; a new one begins as the first one did.
    """
    spec = env.unwrapped.spec
    return not derives_from(env, *FIXED_WHEN_NEW) and not (spec is not None and spec.nondeterministic)
