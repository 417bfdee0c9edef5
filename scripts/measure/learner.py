"""Measures the learner alone: updates per second beside the floor, in turns in one process."""

import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle
from multiprocessing import get_context
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import gymnasium
import hydra
import numpy as np
import torch
from gymnasium import spaces
from omegaconf import DictConfig

from ddpg.config import resolvers
from ddpg.fast.native import kernels
from ddpg.learner.batch import Batch
from ddpg.learner.replay import ReplayBuffer
from ddpg.run.build import build_agent, build_replay
from ddpg.run.kernels import accelerate
from measure.floor import Shapes, floor

Work = Callable[[], None]

EPISODE = 1000  # env steps, of HalfCheetah


@dataclass(frozen=True)
class Case:
    """The overrides of a setting, and its shapes for the floor."""

    overrides: Sequence[str]
    shapes: Shapes


CASES = {
    "td3_1": Case(["preset=td3", "algorithm.policy_delay=1"], Shapes([256, 256], 1, 256, 1)),
    "td3_2": Case(["preset=td3", "algorithm.policy_delay=2"], Shapes([256, 256], 1, 256, 2)),
    "paper_1": Case(
        ["preset=paper", "network.actor.norm=none", "network.critic.norm=none"], Shapes([400, 300], 2, 64, 1)
    ),
}
BATCH_NORM = Case(["preset=paper"], Shapes([400, 300], 2, 64, 1))


class Sizes(gymnasium.Env[Any, Any]):
    """An environment with the spaces of the shapes; nobody steps it."""

    def __init__(self, shapes: Shapes) -> None:
        self.observation_space = spaces.Box(-np.inf, np.inf, (shapes.obs,), np.float32)
        self.action_space = spaces.Box(-1, 1, (shapes.action,), np.float32)


def compose(*overrides: str, env: str = "halfcheetah") -> DictConfig:
    """Compose the config of a command line."""
    resolvers.register()
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        return hydra.compose("config", [f"env={env}", "device=cpu", "logger=silent", *overrides])


def pin(cores: set[int], threads: int) -> None:
    """Put this process on these cores, and set torch up as ddpg-train does."""
    os.sched_setaffinity(0, cores)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)


def in_fresh_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a new process; return what it returns or raise what it raises."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(work, *arguments).result()


@contextmanager
def born_on(cores: set[int], threads: int) -> Iterator[None]:
    """Start processes on these cores inside the block, because OpenMP looks at them when torch is imported."""
    cores_before = os.sched_getaffinity(0)
    threads_before = os.environ["OMP_NUM_THREADS"]
    os.sched_setaffinity(0, cores)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores_before)
        os.environ["OMP_NUM_THREADS"] = threads_before


def fill(replay: ReplayBuffer, count: int, rng: np.random.Generator, episode: int = EPISODE) -> None:
    """Add transitions until there are `count`, in episodes of `episode` steps."""
    obs = rng.standard_normal((64, *replay.obs.shape[1:]), np.float32)
    action = rng.uniform(-1, 1, (64, replay.action.shape[1])).astype(np.float32)
    for i in range(replay.total, count):
        replay.add(obs[i % 64], action[i % 64], float(i % 7), obs[(i + 1) % 64], False, i % episode == episode - 1)


def learner(
    case: Case, *words: str, filled: int = 100_000, before: Callable[[Any, Batch], None] | None = None
) -> tuple[Work, Work]:
    """Return two functions that do `policy_delay` updates: from minibatches drawn before, and from new ones.

    `before` is called at first with the agent and one of those minibatches.
    """
    cfg = compose(*case.overrides, *words)
    cpu = torch.device("cpu")
    env = Sizes(case.shapes)
    rng = np.random.default_rng(0)
    agent = build_agent(cfg, env, cpu)
    replay = build_replay(cfg, env, cpu, rng)
    accelerate(cfg, agent, replay, cpu)
    fill(replay, filled, rng)
    batches = [replay.peek(cfg.batch_size, rng) for _ in range(10)]
    if before is not None:
        before(agent, batches[0])

    in_turn = cycle(batches)

    def updates() -> None:
        for _ in range(case.shapes.policy_delay):
            agent.update(next(in_turn))

    def sampled() -> None:
        for _ in range(case.shapes.policy_delay):
            agent.update(replay.sample(cfg.batch_size))

    return updates, sampled


def rate(work: Work, seconds: float) -> float:
    """Return the calls per second, measured for about `seconds`."""
    calls = 0
    start = time.perf_counter()
    while (now := time.perf_counter()) - start < seconds:
        work()
        calls += 1
    return calls / (now - start)


def in_turns(works: Sequence[Work], repeats: int, seconds: float) -> list[list[float]]:
    """Return the calls per second of each work in each turn; each work is warmed up first."""
    for work in works:  # threads, the allocator and recordings need the first calls
        rate(work, max(seconds, 1.0))
    return [[rate(work, seconds) for work in works] for _ in range(repeats)]


def works(case: Case) -> list[Work]:
    """Return what is compared: the floor, updates, and updates with sampling."""
    return [floor(case.shapes), *learner(case)]


def beside_floor(case: Case, turns: Sequence[Sequence[float]]) -> dict[str, float]:
    """Return updates per second from the turns of `works`, and the medians of their fractions of the floor."""
    delay = case.shapes.policy_delay
    floors, updates, sampled = (delay * statistics.median(rates) for rates in zip(*turns, strict=True))
    return {
        "floor_per_s": floors, "updates_per_s": updates, "sampled_per_s": sampled,
        "floor_fraction": statistics.median(turn[1] / turn[0] for turn in turns),
        "sampled_fraction": statistics.median(turn[2] / turn[0] for turn in turns),
    }  # fmt: skip


def compared(case: Case, one: str, other: str, repeats: int, seconds: float) -> tuple[float, float, float]:
    """Compare updates with one override and with another; return the ratio of their speeds, and both per second."""
    works = [learner(case, word)[0] for word in (one, other)]
    turns = in_turns(works, repeats, seconds)
    first, second = (case.shapes.policy_delay * statistics.median(rates) for rates in zip(*turns, strict=True))
    return statistics.median(a / b for a, b in turns), first, second


def updates_per_s(name: str, cores: set[int], threads: int, seconds: float) -> float:
    """Return the updates per second of a case with `threads` on these cores, on which this process was born."""
    pin(cores, threads)
    case = CASES[name]
    [[updates]] = in_turns([learner(case, f"threads={threads}")[0]], 1, seconds)
    return updates * case.shapes.policy_delay


def lost_at_the_start(core: int, cold: bool) -> float:
    """Return the seconds to get the native kernels, and those of the first 20 updates beyond 20 later ones.

    The case is td3_2, because the update with the actor and the one without are recorded one by one. With `cold`, the
    kernels are built.
    """
    pin({core}, 1)
    start = time.perf_counter()
    with ExitStack() as stack:
        if cold:
            empty = stack.enter_context(TemporaryDirectory())
            stack.enter_context(patch.dict(os.environ, XDG_CACHE_HOME=empty))
        kernels()
    seconds = time.perf_counter() - start
    times = []
    two_updates = learner(CASES["td3_2"], filled=1000)[0]
    for _ in range(60):
        start = time.perf_counter()
        two_updates()
        times.append(time.perf_counter() - start)
    return seconds + sum(times[:10]) - 10 * statistics.median(times[10:])
