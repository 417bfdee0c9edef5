"""Parameters of simulators that can be scaled: gravity, masses, friction and others, where the simulator has them."""

import functools
import sys
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any

import gymnasium

from ddpg.envs.suites import derives_from
from ddpg.errors import UserError

#: A function that puts a factor on a parameter; it returns the environment, or a wrapper around it.
Scale = Callable[[gymnasium.Env[Any, Any], float], gymnasium.Env[Any, Any]]

#: The arrays of a MuJoCo model that make up a parameter. Friction is sliding, torsional and rolling.
MUJOCO = {
    "gravity": ("opt.gravity",),
    "mass": ("body_mass", "body_inertia"),
    "friction": ("geom_friction", "pair_friction"),
    "damping": ("dof_damping",),
    "strength": ("actuator_gainprm", "actuator_biasprm"),
}
#: The attributes of environments that compute their dynamics themselves, by the module of their class.
ATTRIBUTES: Mapping[str, Mapping[str, str]] = {
    "gymnasium.envs.classic_control.pendulum": {"gravity": "g", "mass": "m", "length": "l"},
    "gymnasium.envs.classic_control.continuous_mountain_car": {"strength": "power"},
    "gymnasium.envs.box2d.lunar_lander": {"gravity": "gravity"},
}


def scale_parameter(env: gymnasium.Env[Any, Any], name: str, factor: float) -> gymnasium.Env[Any, Any]:
    """Multiply a parameter of an environment's simulator, before its first reset, by a factor."""
    return parameters_of(env)[name](env, factor)


def require_parameter(env: gymnasium.Env[Any, Any], name: str) -> None:
    """Raise UserError, which lists what an environment's simulator has, if it lacks a parameter."""
    parameters = parameters_of(env)
    if name not in parameters:
        has = f"it has {', '.join(parameters)}" if parameters else "none is known of it"
        raise UserError(f"simulator.{name}: {type(env.unwrapped).__name__} has no such parameter; {has}")


def parameters_of(env: gymnasium.Env[Any, Any]) -> Mapping[str, Scale]:
    """Return what can be scaled, by name; empty where the program knows nothing of the simulator."""
    if _mujoco(env) is not None:
        return {name: functools.partial(_scale_mujoco, fields=fields) for name, fields in MUJOCO.items()}
    if derives_from(env, "pybullet_envs_gymnasium"):
        return {name: functools.partial(Altered, name=name) for name in ("gravity", "mass", "friction")}
    for module, attributes in ATTRIBUTES.items():
        if derives_from(env, module):
            return {name: functools.partial(_scale_attribute, name=a) for name, a in attributes.items()}
    return {}


def _mujoco(env: gymnasium.Env[Any, Any]) -> tuple[Any, Any] | None:
    """Return the model and data of MuJoCo behind gymnasium's tasks and those of the dm_control suite, or None.

    dm_control's locomotion and manipulation have none that would last, because they build it anew at each reset.
    """
    mujoco = sys.modules.get("mujoco")
    bare: Any = env.unwrapped
    if mujoco is None:
        return None
    if derives_from(env, "shimmy.dm_control"):
        if bare.env_type.name != "RL_CONTROL":
            return None
        physics = bare._env.physics
        return physics.model.ptr, physics.data.ptr
    model = getattr(bare, "model", None)
    return (model, bare.data) if isinstance(model, mujoco.MjModel) else None


def _scale_mujoco(env: gymnasium.Env[Any, Any], factor: float, fields: Iterable[str]) -> gymnasium.Env[Any, Any]:
    """Scale arrays of the model, and compute again what MuJoCo derives from them, such as the mass of subtrees."""
    import mujoco

    model, data = _mujoco(env)  # type: ignore[misc]
    for field in fields:
        attrgetter(field)(model)[:] *= factor
    mujoco.mj_setConst(model, data)
    mujoco.mj_resetData(model, data)
    return env


def _scale_attribute(env: gymnasium.Env[Any, Any], factor: float, name: str) -> gymnasium.Env[Any, Any]:
    setattr(env.unwrapped, name, getattr(env.unwrapped, name) * factor)
    return env


class Altered(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Scales a parameter of PyBullet after each reset, because that loads the bodies and sets gravity.

    Args:
        env: the environment.
        factor: of the value that it had after the first reset.
        name: gravity, mass or friction.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], factor: float, name: str) -> None:
        super().__init__(env)
        self._factor = factor
        self._name = name
        self._bodies_done = False

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        result = self.env.reset(seed=seed, options=options)
        bare: Any = self.env.unwrapped
        if self._name == "gravity":
            bare._p.setGravity(0, 0, -self._factor * bare.scene.cpp_world.gravity)
        elif not self._bodies_done:
            self._scale_bodies(bare._p)
            self._bodies_done = True
        return result

    def _scale_bodies(self, client: Any) -> None:
        """Scale what moves; Bullet multiplies the frictions of two bodies, so that of the ground stays."""
        for body in map(client.getBodyUniqueId, range(client.getNumBodies())):
            for link in range(-1, client.getNumJoints(body)):
                mass, friction, inertia = client.getDynamicsInfo(body, link)[:3]
                if mass > 0 and self._name == "friction":
                    client.changeDynamics(body, link, lateralFriction=self._factor * friction)
                elif mass > 0:
                    scaled = [self._factor * part for part in inertia]
                    client.changeDynamics(body, link, mass=self._factor * mass, localInertiaDiagonal=scaled)
