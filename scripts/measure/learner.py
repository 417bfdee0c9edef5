"""The learner alone: updates per second beside the floor, in turns in one process."""

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

from ddpg.fast.native import kernels
from ddpg.learner.batch import Batch
from ddpg.learner.replay import ReplayBuffer
from ddpg.run.build import accelerate, build_agent, build_replay
from measure.floor import Shapes, floor

Work = Callable[[], None]

EPISODE = 1000  # HalfCheetah's


@dataclass(frozen=True)
class Case:
    """A setting: the overrides that give it, and the same shapes for the floor."""

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
    """An environment that is only as large as the shapes say; nobody steps it."""

    def __init__(self, shapes: Shapes) -> None:
        self.observation_space = spaces.Box(-np.inf, np.inf, (shapes.obs,), np.float32)
        self.action_space = spaces.Box(-1, 1, (shapes.action,), np.float32)


def compose(*overrides: str, env: str = "halfcheetah") -> DictConfig:
    """The config of a command line."""
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        return hydra.compose("config", [f"env={env}", "device=cpu", "logger=silent", *overrides])


def pin(cores: set[int], threads: int) -> None:
    """This process, as ddpg-train sets itself up, on these cores."""
    os.sched_setaffinity(0, cores)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)


def in_fresh_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns, or raises, in a process that has done nothing before."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(work, *arguments).result()


@contextmanager
def born_on(cores: set[int], threads: int) -> Iterator[None]:
    """Within it, processes start on these cores: OpenMP looks at them once, when torch is imported."""
    before = os.sched_getaffinity(0), os.environ["OMP_NUM_THREADS"]
    os.sched_setaffinity(0, cores)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before[0])
        os.environ["OMP_NUM_THREADS"] = before[1]


def fill(replay: ReplayBuffer, count: int, rng: np.random.Generator, episode: int = EPISODE) -> None:
    """Adds transitions until there are `count`, in episodes of that length."""
    obs = rng.standard_normal((64, *replay.obs.shape[1:]), np.float32)
    action = rng.uniform(-1, 1, (64, replay.action.shape[1])).astype(np.float32)
    for i in range(replay.total, count):
        replay.add(obs[i % 64], action[i % 64], float(i % 7), obs[(i + 1) % 64], False, i % episode == episode - 1)


def learner(
    case: Case, *words: str, filled: int = 100_000, before: Callable[[Any, Batch], None] | None = None
) -> tuple[Work, Work]:
    """`policy_delay` updates of the agent: from minibatches drawn before, and from one drawn at every update.

    `before`: what is done to the agent at first, given one of those minibatches.
    """
    cfg, cpu, env = compose(*case.overrides, *words), torch.device("cpu"), Sizes(case.shapes)
    rng = np.random.default_rng(0)
    agent, replay = build_agent(cfg, env, cpu), build_replay(cfg, env, cpu, rng)
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
    """Calls per second over about so many seconds."""
    calls, start = 0, time.perf_counter()
    while (now := time.perf_counter()) - start < seconds:
        work()
        calls += 1
    return calls / (now - start)


def in_turns(works: Sequence[Work], repeats: int, seconds: float) -> list[list[float]]:
    """Calls per second of each work, for every turn; each is warmed up first."""
    for work in works:  # threads, allocator, what is recorded at the first calls
        rate(work, max(seconds, 1.0))
    return [[rate(work, seconds) for work in works] for _ in range(repeats)]


def works(case: Case) -> list[Work]:
    """What is compared: the floor, updates, and updates with sampling."""
    return [floor(case.shapes), *learner(case)]


def beside_floor(case: Case, turns: Sequence[Sequence[float]]) -> dict[str, float]:
    """Of the turns of `works`: updates per second, and the medians of the fractions of the floor in each turn."""
    floors, updates, sampled = (case.shapes.policy_delay * statistics.median(of) for of in zip(*turns, strict=True))
    return {
        "floor_per_s": floors, "updates_per_s": updates, "sampled_per_s": sampled,
        "floor_fraction": statistics.median(turn[1] / turn[0] for turn in turns),
        "sampled_fraction": statistics.median(turn[2] / turn[0] for turn in turns),
    }  # fmt: skip


def batch_norm(repeats: int, seconds: float) -> dict[str, float]:
    """The paper's networks with batch norm: the recorded update beside the eager one."""
    works = [learner(BATCH_NORM, f"compile={word}")[0] for word in ("true", "false")]
    turns = in_turns(works, repeats, seconds)
    recorded, eager = (statistics.median(of) for of in zip(*turns, strict=True))
    return {"ratio": statistics.median(one / two for one, two in turns), "recorded": recorded, "eager": eager}


def updates_per_s(name: str, cores: set[int], threads: int, seconds: float) -> float:
    """Of a case, with so many threads on these cores, in a process that was born on them."""
    pin(cores, threads)
    case = CASES[name]
    [[found]] = in_turns([learner(case, f"threads={threads}")[0]], 1, seconds)
    return found * case.shapes.policy_delay


def lost_at_the_start(core: int, cold: bool) -> float:
    """Seconds to get the native kernels, and what the first 20 updates take beyond what 20 take later on.

    Of td3_2, for the update with the actor and the one without are recorded one by one. `cold`: the kernels are built.
    """
    pin({core}, 1)
    start = time.perf_counter()
    with ExitStack() as stack:
        if cold:
            empty = stack.enter_context(TemporaryDirectory())
            stack.enter_context(patch.dict(os.environ, XDG_CACHE_HOME=empty))
        kernels()
    seconds, times = time.perf_counter() - start, []
    two_updates = learner(CASES["td3_2"], filled=1000)[0]
    for _ in range(60):
        start = time.perf_counter()
        two_updates()
        times.append(time.perf_counter() - start)
    return seconds + sum(times[:10]) - 10 * statistics.median(times[10:])
