"""What a conf/env/*.yaml says, and the chain of wrappers that it becomes."""

import importlib
import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium

from ddpg.envs import explain
from ddpg.envs.pixels import ActionRepeat, Pixels
from ddpg.envs.quiet import quiet, quiet_pybullet, route_mujoco_warnings
from ddpg.envs.rendering import (
    choose_mujoco_backend,
    draw_pygame_in_memory,
    draws_with_mujoco,
    require_known_renderer,
    require_mujoco_backend,
)
from ddpg.envs.vector_env import VectorEnv
from ddpg.errors import UserError
from ddpg.ranges import Count, PositiveInt


@dataclass(frozen=True)
class Budget:
    """What the field spends on a task, in env steps; the run's own keys default to these by interpolation."""

    total_steps: PositiveInt
    random_steps: Count
    eval_every: PositiveInt


@dataclass(frozen=True)
class EnvSpec:
    """One environment. `version`, `domain` and `task` are the parts of `id` where its YAML has them."""

    name: str
    id: str
    imports: Sequence[str]
    kwargs: Mapping[str, Any]
    max_episode_steps: PositiveInt | None
    pixels: PositiveInt | None
    action_repeat: PositiveInt
    resets_fully: bool
    extra: str | None
    budget: Budget
    version: str | None = None
    domain: str | None = None
    task: str | None = None

    def make(self, render: bool = False) -> VectorEnv:
        """Build it: the env's own class, gymnasium's order check and time limit, what `pixels` and `action_repeat`
        ask for, then `VectorEnv`.

        With `render`, `render()` gives frames; with `pixels` a first one is drawn here, to see that it can be.
        Close an env that draws, or MuJoCo's contexts complain at exit.
        `UserError`: it is unknown, not installed, fails to build, cannot be drawn, or its actions are not a bounded
        Box.
        """
        draws = render or self.pixels is not None
        self._check_name()
        with quiet(), quiet_pybullet(self._uses_pybullet()):
            self._prepare_mujoco(draws)
            self._import()
            env = self._build(draws)
        if draws:
            draw_pygame_in_memory()
        if draws and draws_with_mujoco(env):
            require_mujoco_backend()
        pictures = self.pixels is not None
        vector_env = VectorEnv(
            self._wrap(env), key=explain.key(self), quiet_reset=self._uses_pybullet(), pictures=pictures
        )
        if env.spec is None or env.spec.max_episode_steps is None:
            raise UserError(
                f"{explain.key(self)}: it has no time limit, so that an episode might never end: "
                "give it one, as in env.max_episode_steps=1000"
            )
        if pictures:
            vector_env.reset(seed=0)  # every episode begins with a reset of its own
        return vector_env

    def require_installed(self) -> None:
        """`UserError` if a package of `imports` is not there. Imports nothing, so that it costs nothing."""
        for module in self.imports:
            package = module.partition(".")[0]
            if importlib.util.find_spec(package) is None:
                missing = ModuleNotFoundError(f"No module named {package!r}", name=package)
                raise UserError(explain.failed_import(self, module, missing))

    def _check_name(self) -> None:
        if self.name != folder_name(self.name):
            raise UserError(
                f"env.name={self.name} becomes a folder's name, so letters, digits, '.', '_' and '-' are "
                f"allowed: for example env.name={folder_name(self.name)}"
            )

    def _prepare_mujoco(self, draws: bool) -> None:
        """Before anything is imported, for MuJoCo and dm_control read MUJOCO_GL then."""
        entry_point = getattr(gymnasium.registry.get(self.id), "entry_point", None)
        dm_control = not {"dm_control", "shimmy"}.isdisjoint(self.imports)
        if not dm_control and not str(entry_point).startswith("gymnasium.envs.mujoco"):
            return
        require_known_renderer(draws)
        if draws:
            require_mujoco_backend()
        elif dm_control:
            choose_mujoco_backend()

    def _import(self) -> None:
        own = [self.id.partition(":")[0]] if ":" in self.id else []  # gymnasium's way to write "module:id"
        for module in [*self.imports, *own]:
            try:
                importlib.import_module(module)
            except Exception as error:
                raise UserError(explain.failed_import(self, module, error)) from error

    def _wrap(self, env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
        if self.pixels is not None:
            env = Pixels(env, self.pixels, explain.key(self))
        if self.action_repeat > 1:
            env = ActionRepeat(env, self.action_repeat, stack=self.pixels is not None)
        return env

    def _build(self, draws: bool) -> gymnasium.Env[Any, Any]:
        try:
            self._load_class()
            route_mujoco_warnings()
            return gymnasium.make(
                self.id,
                max_episode_steps=self.max_episode_steps,
                disable_env_checker=True,
                render_mode="rgb_array" if draws else None,
                **self.kwargs,
            )
        except Exception as error:
            raise UserError(explain.failed_build(self, error)) from error

    def _load_class(self) -> None:
        """Import the env's module ahead of `gymnasium.make`, so that MuJoCo is there before it can warn."""
        registered = gymnasium.registry.get(self.id.rpartition(":")[2])
        if registered is not None and isinstance(registered.entry_point, str):
            importlib.import_module(registered.entry_point.partition(":")[0])

    def _uses_pybullet(self) -> bool:
        return any(module.startswith("pybullet") for module in self.imports)


def folder_name(text: str) -> str:
    """The text as a name for a folder: `dm_control/fish-swim-v0` becomes `dm_control-fish-swim-v0`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "env"
