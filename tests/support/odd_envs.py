"""Environments that behave oddly, each in one way; `env.imports=[support.odd_envs]` registers them."""

import random
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import torch
from gymnasium import spaces


class Step(NamedTuple):
    """The values that `step` returns."""

    obs: Any
    reward: Any
    terminated: Any
    truncated: Any
    info: Any


class PanicException(BaseException):
    """The failure of a simulator in Rust, which is no Exception."""


def panic() -> None:
    raise PanicException("index out of bounds")


#: What is odd about a step, by name: a function of the step that a plain environment returns.
ODDITIES: dict[str, Callable[[Step], Any]] = {
    # the meaning is clear
    "reward (1,)": lambda step: step._replace(reward=np.array([step.reward])),
    "reward (1, 1)": lambda step: step._replace(reward=np.array([[step.reward]])),
    "reward ()": lambda step: step._replace(reward=np.array(step.reward)),
    "reward list": lambda step: step._replace(reward=[step.reward]),
    "reward int": lambda step: step._replace(reward=-1),
    "reward bool": lambda step: step._replace(reward=np.bool_(True)),
    "reward float32": lambda step: step._replace(reward=np.float32(step.reward)),
    "reward tensor": lambda step: step._replace(reward=torch.tensor([step.reward], requires_grad=True)),
    "terminated (1,)": lambda step: step._replace(terminated=np.array([step.terminated])),
    "terminated 0 or 1": lambda step: step._replace(terminated=int(step.terminated)),
    "truncated tensor": lambda step: step._replace(truncated=torch.tensor([step.truncated])),
    "obs tensor": lambda step: step._replace(obs=torch.tensor(step.obs, requires_grad=True)),
    "obs list": lambda step: step._replace(obs=step.obs.tolist()),
    "obs (3, 1)": lambda step: step._replace(obs=step.obs[:, None]),
    "obs float16": lambda step: step._replace(obs=step.obs.astype(np.float16)),
    # refused
    "reward None": lambda step: step._replace(reward=None),
    "reward complex": lambda step: step._replace(reward=1 + 2j),
    "reward complex array": lambda step: step._replace(reward=np.array([1 + 2j])),
    "reward text": lambda step: step._replace(reward="1.5"),
    "reward (2,)": lambda step: step._replace(reward=np.ones(2)),
    "reward dict": lambda step: step._replace(reward={"main": 1.0}),
    "reward nan": lambda step: step._replace(reward=np.nan),
    "reward 1e39": lambda step: step._replace(reward=1e39),
    "terminated (2,)": lambda step: step._replace(terminated=np.array([True, False])),
    "terminated None": lambda step: step._replace(terminated=None),
    "terminated text": lambda step: step._replace(terminated="no"),
    "terminated nan": lambda step: step._replace(terminated=np.nan),
    "truncated dict": lambda step: step._replace(truncated={}),
    "obs of 1": lambda step: step._replace(obs=step.obs[:1]),
    "obs of 4": lambda step: step._replace(obs=np.ones(4)),
    "obs number": lambda step: step._replace(obs=0.5),
    "obs None": lambda step: step._replace(obs=None),
    "obs text": lambda step: step._replace(obs="here"),
    "obs texts": lambda step: step._replace(obs=["1", "2", "3"]),
    "obs ragged": lambda step: step._replace(obs=[1.0, [2.0, 3.0], 4.0]),
    "obs complex": lambda step: step._replace(obs=step.obs + 1j),
    "obs dict": lambda step: step._replace(obs={"position": step.obs}),
    "obs 1e300": lambda step: step._replace(obs=np.array([0.0, 1e300, 0.0])),
    "obs nan": lambda step: step._replace(obs=np.array([0.0, 0.0, np.nan])),
    "four values": lambda step: (step.obs, step.reward, step.terminated, {}),
    "nothing": lambda step: None,
    "sys.exit": lambda step: sys.exit(3),
    "panics": lambda step: panic(),
}


class Odd(gymnasium.Env[Any, Any]):
    """A point that drifts with the action in episodes of 20 steps; the step number `at` of its life is odd.

    With `from_then_on` every later step is odd too. `odd` is a name of ODDITIES.
    """

    observation_space: Any = spaces.Box(-np.inf, np.inf, (3,), np.float64)
    action_space: Any = spaces.Box(-1, 1, (2,))

    def __init__(self, render_mode: str | None = None, odd: str | None = None, at: int = 1) -> None:
        self._odd = ODDITIES[odd] if odd else None
        self._at = at
        self._steps = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self._length = 0
        self._obs = self.np_random.standard_normal(3)
        return self._obs.copy(), {}

    def step(self, action: np.ndarray) -> Any:
        self._steps += 1
        self._length += 1
        self._obs = 0.9 * self._obs + 0.1 * action.sum() + 0.1 * self.np_random.standard_normal(3)
        step = Step(self._obs.copy(), -float(self._obs @ self._obs), self._length == 20, False, {})
        return self._odd(step) if self._odd and self._steps >= self._at else step


class Careless(gymnasium.Env[Any, Any]):
    """Draws from whatever there is, also when it is made, and does not heed the seed of a reset."""

    def __init__(self, render_mode: str | None = None) -> None:
        self.observation_space = spaces.Box(-1, 1, (3,), np.float64)
        self.action_space = spaces.Box(-1, 1, (2,))
        self._goal = np.random.random() + random.random() + float(torch.rand(1))

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self._length = int(self.np_random.integers(5, 30))
        draws = np.array([random.random(), np.random.random(), float(torch.rand(1))])
        return self.observation_space.sample() + draws, {}

    def step(self, action: np.ndarray) -> Any:
        self._length -= 1
        obs = np.array([random.random(), np.random.random(), self._length]) + self.action_space.sample().sum()
        return obs, -abs(self._goal - float(action.sum())) * random.random(), False, self._length <= 0, {}


class Only(Odd):
    """An environment of which one instance can exist at a time, as where it needs a port or a robot."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012 -- gymnasium declares it so
    in_use = False

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__()
        self.render_mode = render_mode
        if Only.in_use:
            raise OSError("Address already in use")
        Only.in_use = True

    def render(self) -> Any:
        return np.zeros((32, 32, 3), np.uint8)

    def close(self) -> None:
        Only.in_use = False


gymnasium.register("Only-v0", entry_point=Only, max_episode_steps=1000)
gymnasium.register("Endless-v0", entry_point=Only)
gymnasium.register("Odd-v0", entry_point=Odd, max_episode_steps=1000)
gymnasium.register("Careless-v0", entry_point=Careless, max_episode_steps=1000)
