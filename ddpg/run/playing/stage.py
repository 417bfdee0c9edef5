"""Episodes in this process: an environment with the policy that acts in it."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from types import TracebackType
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import torch

from ddpg.run.playing.conditions import NOMINAL, Condition
from ddpg.run.playing.playable import Playable
from ddpg.training.evaluate import Episodes, evaluate
from ddpg.training.seeding import process_generators_kept

OnFrame = Callable[[np.ndarray], None]
OnStep = Callable[[], None]


class Part(NamedTuple):
    """A policy, and the condition under which it plays."""

    playable: Playable
    condition: Condition = NOMINAL

    def __str__(self) -> str:
        return self.playable.name if self.condition == NOMINAL else f"{self.playable.name}, {self.condition}"


class Task(NamedTuple):
    """One episode: who plays under which condition, and the seed that it begins from."""

    part: Part
    seed: int


#: Makes the function that gets the frames of a part's environment.
Show = Callable[[Part, gym.Env[Any, Any]], OnFrame]


class Stage:
    """The environment of a part with its policy, until the end of a `with` block.

    An episode depends on its seed alone: where a reset leaves something of the past in the environment, that is made
    anew before each episode but the first. Within the block torch has the threads of the playable.
    """

    def __init__(self, part: Part, render: bool = False) -> None:
        self._part = part
        self._render = render
        self._played = False
        self._threads = torch.get_num_threads()
        self.env: gym.Env[Any, Any] = self._make()
        try:
            self._policy = part.playable.load(self.env)
        except BaseException:
            self.env.close()
            raise
        torch.set_num_threads(part.playable.threads)

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        torch.set_num_threads(self._threads)
        self.env.close()

    def episode(self, seed: int, on_frame: OnFrame | None = None, on_step: OnStep | None = None) -> Episodes:
        """Play one episode; `on_frame` gets its frames, `on_step` is called at every step and may raise."""
        if self._played and not self._part.playable.recipe.reset_fixes_episode(self.env):
            self.env.close()
            self.env = self._make()
        self._played = True
        return evaluate(self._policy, self.env, [seed], on_frame=on_frame, on_step=on_step)

    def _make(self) -> gym.Env[Any, Any]:
        return self._part.condition.applied(self._part.playable.make_env(self._render))


def play_here(tasks: Iterable[Task], show: Show | None = None, on_step: OnStep | None = None) -> Iterator[Episodes]:
    """Play episodes one after the other, those of a part in one environment, and show them if `show` says how.

    `on_step` is called at every step and may raise. The generators of the process are afterwards as they were before.
    """
    with process_generators_kept():
        for part, seeds in _by_part(tasks):
            with Stage(part, render=show is not None) as stage:
                on_frame = show(part, stage.env) if show else None
                yield from (stage.episode(seed, on_frame, on_step) for seed in seeds)


def _by_part(tasks: Iterable[Task]) -> Iterator[tuple[Part, list[int]]]:
    """Yield each part with the seeds of its tasks, which follow each other."""
    for _, group in groupby(tasks, key=lambda task: id(task.part)):
        same = list(group)
        yield same[0].part, [task.seed for task in same]
