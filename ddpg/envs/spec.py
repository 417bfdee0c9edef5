"""The settings of a conf/env/*.yaml, and the chain of wrappers that they become."""

import importlib
import importlib.util
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import gymnasium

from ddpg.apart import require_importable
from ddpg.envs.explain import EnvName, failed_build, failed_import, unknown
from ddpg.envs.generators import seed_generators
from ddpg.envs.info_metrics import How, InfoMetrics
from ddpg.envs.pictures import ChannelsFirst, is_picture, require_learnable
from ddpg.envs.pixels import ActionRepeat, Pixels
from ddpg.envs.quiet import QuietConnection, route_mujoco_warnings
from ddpg.envs.rendering import (
    choose_mujoco_backend,
    draws_with_mujoco,
    require_known_renderer,
    require_mujoco_backend,
)
from ddpg.envs.suites import Suite, derives_from, is_registered, registered_at, resets_fully, suite_of
from ddpg.envs.vector_env import VectorEnv, close
from ddpg.envs.wrappers import Wrap, wrapped
from ddpg.errors import UserError
from ddpg.ranges import Count, Pattern, PositiveInt

#: What Python says of a class that does not take `render_mode`, with an `__init__` of its own and without one.
NO_RENDER_MODE = ("unexpected keyword argument 'render_mode'", "takes no arguments", "takes no keyword arguments")


@dataclass(frozen=True)
class Budget:
    """Lengths that are usual for a task, in env steps; the keys of a run default to these by interpolation."""

    total_steps: PositiveInt
    random_steps: Count
    eval_every: PositiveInt


@dataclass(frozen=True)
class EnvSpec:
    """One environment; `version`, `domain` and `task` are the parts of `id` that its YAML has keys for."""

    name: str
    id: str
    imports: Sequence[str]
    wrappers: Sequence[Wrap]
    kwargs: Mapping[str, Any]
    max_episode_steps: PositiveInt | None
    pixels: PositiveInt | None
    action_repeat: PositiveInt
    resets_fully: bool | Literal["auto"]
    single: bool
    info_metrics: Mapping[str, How]
    budget: Budget
    version: Annotated[str, Pattern(r"v\d+", "v and a number, as in v5")] | None = None
    domain: str | None = None
    task: str | None = None
    min_return: float | None = None
    max_return: float | None = None

    def make(self, render: bool = False) -> VectorEnv:
        """Build the environment: its own class, gymnasium's order check and time limit, the wrappers, `VectorEnv`.

        With `render`, `render()` gives frames; with `pixels` a first one is drawn here, to see that it can be.
        Close an env that draws, or MuJoCo's contexts complain at exit.
        Raises UserError if the environment is unknown, not installed, fails to build, cannot be drawn, has no time
        limit, or if its actions are not a bounded Box.
        """
        draws = render or self.pixels is not None or "render_mode" in self.kwargs
        self._prepare_mujoco(draws)
        self._import()
        env = self._build(draws)
        try:
            return self._completed(env, draws)
        except BaseException:
            close(env, str(self._name))
            raise

    def check(self) -> None:
        """Raise UserError for what shows without building it: names that do not fit, and packages that are not there.

        Nothing is imported, so that this is fast; an id that a module would have to register is not looked for.
        """
        self._check_name()
        self._check_id()
        if not self._modules() and not is_registered(self.id):
            raise UserError(unknown(self._name))
        for module in self._modules():
            package = module.partition(".")[0]
            if not package or importlib.util.find_spec(package) is None:
                missing = ModuleNotFoundError(f"No module named {package!r}", name=package)
                raise UserError(failed_import(self._name, module, missing))

    def reset_fixes_episode(self, env: gymnasium.Env[Any, Any]) -> bool:
        """Tell whether reset(seed) alone fixes an episode of `env`, which this spec has made."""
        return resets_fully(env) if self.resets_fully == "auto" else self.resets_fully

    @property
    def _suite(self) -> Suite:
        return suite_of(self.id)

    @property
    def _name(self) -> EnvName:
        return EnvName(self.id, self.version, self.domain, self.task, self._suite.extra)

    def _check_id(self) -> None:
        """Raise UserError if `version`, or `domain` and `task`, are not those of `id`, because they say what it is."""
        parts = {"version": self.version, "domain": self.domain, "task": self.task}
        for key, part in parts.items():
            if part is not None and part not in re.split(r"[-/]", self.id):
                raise UserError(f"env.id={self.id} is not of env.{key}={part}: write env=gym env.id={self.id}")

    def _check_name(self) -> None:
        if self.name != folder_name(self.name):
            raise UserError(
                f"env.name={self.name} becomes a folder's name, so letters, digits, '.', '_' and '-' are "
                f"allowed: for example env.name={folder_name(self.name)}"
            )

    def _prepare_mujoco(self, draws: bool) -> None:
        """Choose a renderer before anything is imported, because MuJoCo and dm_control read MUJOCO_GL then."""
        dm_control = not {"dm_control", "shimmy"}.isdisjoint(self._modules())
        if not dm_control and not registered_at(self.id).startswith("gymnasium.envs.mujoco"):
            return
        require_known_renderer(draws)
        if draws:
            require_mujoco_backend()
        elif dm_control:
            choose_mujoco_backend()

    def _import(self) -> None:
        for module in self._modules():
            require_importable(module)
            try:
                importlib.import_module(module)
            except (Exception, SystemExit) as error:
                raise UserError(failed_import(self._name, module, error)) from error
        require_importable(self._module_of_class())

    def _modules(self) -> list[str]:
        """List the modules that register the env, or something that it needs."""
        module_of_id, colon, _ = self.id.partition(":")  # gymnasium's way to write "module:id"
        return [*self._suite.imports, *self.imports, *([module_of_id] if colon else [])]

    def _completed(self, env: gymnasium.Env[Any, Any], draws: bool) -> VectorEnv:
        """Wrap what `gymnasium.make` has made, and check that it can be trained on."""
        if draws:
            self._prepare_drawing(env)
        env = self._wrap(env)
        require_learnable(env.observation_space, str(self._name))
        vector_env = VectorEnv(env, key=str(self._name), pictures=is_picture(env.observation_space))
        if env.spec is None or env.spec.max_episode_steps is None:
            raise UserError(
                f"{self._name}: it has no time limit, so that an episode might never end: "
                "give it one, as in env.max_episode_steps=1000"
            )
        if self.pixels is not None:
            vector_env.reset(seed=0)  # every episode begins with a reset of its own
        return vector_env

    def _wrap(self, env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
        if derives_from(env, "pybullet_envs_gymnasium"):
            env = QuietConnection(env)
        own = env.observation_space
        seed_generators(env, 0)  # because some wrappers reset it when they are made, and with no seed
        env = wrapped(env, self.wrappers, str(self._name))
        if self.pixels is not None and env.observation_space != own:
            raise UserError(
                f"{self._name} env.pixels={self.pixels} draws the observations, so that those of env.wrappers would be "
                "lost; gymnasium.wrappers.AddRenderObservation, with env.kwargs.render_mode=rgb_array, draws first"
            )
        env = InfoMetrics(env, self.info_metrics, str(self._name))
        if self.pixels is not None:
            env = Pixels(env, self.pixels, str(self._name))
        elif is_picture(env.observation_space):
            env = ChannelsFirst(env)
        if self.action_repeat > 1:
            env = ActionRepeat(env, self.action_repeat, stack=is_picture(env.observation_space))
        return env

    def _build(self, draws: bool) -> gymnasium.Env[Any, Any]:
        try:
            self._load_class()
            route_mujoco_warnings()
            with warnings.catch_warnings():
                # gymnasium advises against v4 of its MuJoCo tasks, which is chosen to compare with published returns.
                warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"gymnasium\.")
                return self._make_registered(draws)
        except (Exception, SystemExit) as error:
            raise UserError(failed_build(self._name, error)) from error

    def _make_registered(self, draws: bool) -> gymnasium.Env[Any, Any]:
        options = {
            "max_episode_steps": self.max_episode_steps or self._suite.max_episode_steps,
            "disable_env_checker": True,
            **completed(self.kwargs, self._suite.kwargs),
        }
        try:
            return gymnasium.make(self.id, **{"render_mode": "rgb_array" if draws else None} | options)
        except TypeError as error:
            if draws or not any(words in str(error) for words in NO_RENDER_MODE):
                raise
        return gymnasium.make(self.id, **options)  # it can only not be drawn

    def _prepare_drawing(self, env: gymnasium.Env[Any, Any]) -> None:
        # pygame draws into memory here, and would otherwise print an error where it finds no display.
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
        if draws_with_mujoco(env):
            require_mujoco_backend()

    def _load_class(self) -> None:
        """Import the env's module before `gymnasium.make`, so that MuJoCo is there before it can warn."""
        if self._module_of_class():
            importlib.import_module(self._module_of_class())

    def _module_of_class(self) -> str:
        """Return the module that is registered as the home of the env's class, empty where the class itself is."""
        registered = gymnasium.registry.get(self.id.rpartition(":")[2])
        entry_point = registered.entry_point if registered is not None else None
        return entry_point.partition(":")[0] if isinstance(entry_point, str) else ""


def folder_name(text: str) -> str:
    """Turn a text into a name for a folder: `dm_control/fish-swim-v0` becomes `dm_control-fish-swim-v0`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "env"


def completed(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values, and the defaults where there is no value, in nested mappings too."""
    merged = {**defaults, **values}
    for name in defaults.keys() & values.keys():
        if isinstance(defaults[name], Mapping) and isinstance(values[name], Mapping):
            merged[name] = completed(values[name], defaults[name])
    return merged
