"""The rows of the table of benchmarks, and how each is measured."""

import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from measure import inside, learner, programs
from measure.table import measured, missing

Row = dict[str, Any]


@dataclass(frozen=True)
class Setup:
    """The options of the command line."""

    core: int
    cores: list[int]  # all that this process may use
    repeats: int
    seconds: float
    steps: int
    memory_steps: int
    transitions: int
    cleanrl: Path | None
    cleanrl_python: Path | None
    jax_python: Path | None
    sb3_python: Path | None

    def pair(self) -> set[int]:
        """Return the core and another one."""
        return {self.core, next(core for core in self.cores if core != self.core)}


class Duel(NamedTuple):
    """The medians of two works that took turns, and the median, least and most of their ratios in each turn."""

    ratio: float
    one: float
    two: float
    least: float
    most: float


def duel(one: Callable[[], float], two: Callable[[], float], repeats: int) -> Duel:
    """Measure both in turns."""
    turns = [(one(), two()) for _ in range(repeats)]
    ratios = [a / b for a, b in turns]
    first, second = (statistics.median(rates) for rates in zip(*turns, strict=True))
    return Duel(statistics.median(ratios), first, second, min(ratios), max(ratios))


def floors(setup: Setup) -> Iterator[Row]:
    for name, case in learner.CASES.items():
        found = learner.beside_floor(case, learner.in_turns(learner.works(case), setup.repeats, setup.seconds))
        yield measured(name, found.pop("floor_fraction"), **found)


def against(setup: Setup, key: str, preset: str, peer: programs.Peer) -> Row:
    """Compare whole training of a preset with a peer."""
    one = {setup.core}
    found = duel(
        lambda: programs.our_speed([f"preset={preset}"], setup.steps, one),
        lambda: programs.peer_speed(peer, setup.steps, one),
        setup.repeats,
    )
    return measured(key, found.ratio, least=found.least, most=found.most, ours_steps_per_s=found.one, theirs=found.two)


def cleanrl(setup: Setup) -> Iterator[Row]:
    if setup.cleanrl and (python := setup.cleanrl_python):
        peer = programs.cleanrl(python, setup.cleanrl, "ddpg_continuous_action.py", "--no-cuda")
        yield against(setup, "cleanrl", "cleanrl", peer)
    else:
        yield missing("cleanrl", "--cleanrl DIR --cleanrl-python PYTHON")


def cleanrl_jax(setup: Setup) -> Iterator[Row]:
    if setup.cleanrl and (python := setup.jax_python):
        peer = programs.cleanrl(python, setup.cleanrl, "ddpg_continuous_action_jax.py")
        yield against(setup, "cleanrl_jax", "cleanrl_jax", peer)
    else:
        yield missing("cleanrl_jax", "--cleanrl DIR --jax-python PYTHON")


def sb3(setup: Setup) -> Iterator[Row]:
    if setup.sb3_python:
        yield against(setup, "sb3", "td3", programs.sb3(setup.sb3_python))
    else:
        yield missing("sb3", "--sb3-python PYTHON")


def batch_norm(setup: Setup) -> Iterator[Row]:
    words = ("compile=true", "compile=false")
    ratio, recorded, eager = learner.compared(learner.BATCH_NORM, *words, setup.repeats, setup.seconds)
    yield measured("batch_norm", ratio, recorded=recorded, eager=eager)


def float64(setup: Setup) -> Iterator[Row]:
    words = ("dtype=float32", "dtype=float64")
    ratio, single, double = learner.compared(learner.CASES["td3_1"], *words, setup.repeats, setup.seconds)
    yield measured("float64", ratio, float32_per_s=single, float64_per_s=double)


def two_cores(setup: Setup) -> Iterator[Row]:
    if len(setup.cores) < 2:
        yield missing("two_cores", "a second core")
        return
    training = duel(
        lambda: programs.our_speed(["preset=td3", "threads=2"], setup.steps, setup.pair()),
        lambda: programs.our_speed(["preset=td3", "threads=1"], setup.steps, {setup.core}),
        setup.repeats,
    )

    def alone(cores: set[int], threads: int) -> float:
        with learner.born_on(cores, threads):
            return learner.in_fresh_process(learner.updates_per_s, "td3_1", cores, threads, setup.seconds)

    updates = duel(lambda: alone(setup.pair(), 2), lambda: alone({setup.core}, 1), setup.repeats)
    yield measured(
        "two_cores", training.ratio, least=training.least, most=training.most,
        steps_per_s=training.one, on_one=training.two, updates_alone_x=updates.ratio,
    )  # fmt: skip


def many_runs(setup: Setup) -> Iterator[Row]:
    """Measure as many runs as there are cores by scripts/benchmark_sweep.py."""
    n = len(setup.cores)
    [found] = programs.side_by_side([n], setup.repeats, setup.steps, set(setup.cores))
    each, alone = found["steps_per_s_each"], found["steps_per_s_alone"]
    yield measured("many_runs", found["ratio"], n=n, steps_per_s_each=each, alone=alone)


def outside(setup: Setup) -> Iterator[Row]:
    found = learner.in_fresh_process(inside.outside, setup.repeats)
    per_step = {f"{name}_ms": 1000 * found[f"{name}_s"] for name in ("step", "update", "simulator")}
    yield measured(
        "outside", 100 * found["fraction"], **per_step, checkpoints_percent=100 * found["checkpoint_fraction"]
    )


def start(setup: Setup) -> Iterator[Row]:
    one = {setup.core}
    works: dict[str, Callable[[], float]] = {
        "first_step": lambda: programs.to_first_step(one),
        "help": lambda: programs.seconds_of([*programs.TRAIN, "--help"], one),
        "compilation": lambda: learner.in_fresh_process(learner.lost_at_the_start, setup.core, False),
        "compilation_cold": lambda: learner.in_fresh_process(learner.lost_at_the_start, setup.core, True),
    }
    for work in works.values():  # the disk is warm afterwards
        work()
    turns = [{key: work() for key, work in works.items()} for _ in range(setup.repeats)]
    for key in works:
        seconds = [turn[key] for turn in turns]
        yield measured(key, statistics.median(seconds), least=min(seconds), most=max(seconds))


def replay(setup: Setup) -> Iterator[Row]:
    """Measure with episodes of random length, about 25 steps, whose last observations take the most memory."""
    sizes = (learner.in_fresh_process(inside.humanoid_bytes, setup.transitions, length) for length in (25, 1000))
    short, long = (size / setup.transitions * 1e6 / 1e9 for size in sizes)  # of a million
    yield measured("replay", short, with_episodes_of_1000_GB=long, transitions=setup.transitions)


def memory(setup: Setup) -> Iterator[Row]:
    python = setup.sb3_python
    one = {setup.core}
    if python is None:
        yield missing("memory", "--sb3-python PYTHON", env_steps=setup.memory_steps)
        return
    peaks = duel(
        lambda: programs.our_peak(setup.memory_steps, one),
        lambda: programs.peer_peak(python, setup.memory_steps, one),
        setup.repeats,
    )
    yield measured("memory", peaks.ratio, ours_MB=peaks.one / 1e6, theirs=peaks.two / 1e6, env_steps=setup.memory_steps)


ROWS: dict[str, Callable[[Setup], Iterator[Row]]] = {
    "floor": floors, "cleanrl": cleanrl, "cleanrl_jax": cleanrl_jax, "sb3": sb3, "batch_norm": batch_norm,
    "float64": float64, "two_cores": two_cores, "many_runs": many_runs, "outside": outside, "start": start,
    "replay": replay, "memory": memory,
}  # fmt: skip

#: The rows of a name that has several.
KEYS = {
    "floor": tuple(learner.CASES),
    "start": ("first_step", "help", "compilation", "compilation_cold"),
}


def rows_of(name: str, setup: Setup) -> Iterator[Row]:
    """Measure the rows of one name; where that fails, those that are left say why, and other names go on."""
    left = list(KEYS.get(name, (name,)))
    try:
        for row in ROWS[name](setup):
            left.remove(row["key"])
            yield row
    except Exception as error:
        print(error, file=sys.stderr, flush=True)
        reason = f"failed: {in_short(error)}"
        for key in left:
            yield missing(key, reason, env_steps=setup.memory_steps, transitions=setup.transitions)


def in_short(error: Exception) -> str:
    """Return the line of an error's text that says most: the first, and of a program's traceback the last."""
    lines = [type(error).__name__, *filter(None, map(str.strip, str(error).splitlines()))]
    return lines[-1 if "Traceback" in str(error) else min(1, len(lines) - 1)]


def with_ceilings(rows: list[Row]) -> list[Row]:
    """Add to each peer's row the speed of a program of the floor's products and the simulator alone."""
    by_key = {row["key"]: row for row in rows if "measured" in row}
    for key, floor_key in (("cleanrl", "td3_2"), ("cleanrl_jax", "td3_2"), ("sb3", "td3_1")):
        if {key, floor_key, "outside"} <= by_key.keys():
            seconds = 1 / by_key[floor_key]["figures"]["floor_per_s"]
            seconds += by_key["outside"]["figures"]["simulator_ms"] / 1000
            figures = by_key[key]["figures"]
            figures["products_and_simulator_alone_x"] = 1 / seconds / figures["theirs"]
    return rows
