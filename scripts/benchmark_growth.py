"""Measures how speed depends on sizes, and writes data and pictures.

Measured are steps per second of the training loop, with an environment that takes no time, and updates per second
against the width of the hidden layers, the minibatch, the observation and the number of stored transitions, each beside
the floor of matrix products for its shapes; updates per second against the share of active hidden units; and steps per
second of several training runs at a time beside the same multiple of one run. The other shapes are those of td3, on one
pinned core; figures are medians of turns, and warm-up is left out.

    scripts/benchmark_growth.py             measures all, writes docs/performance/growth.json and the pictures
    scripts/benchmark_growth.py --draw      only draws the pictures again
"""

import argparse
import json
import os
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is imported

from measure import learner, programs
from measure.activity import activate
from measure.floor import floor
from measure.growth import draw
from measure.loop import EPISODE, loop
from measure.machine import machine

FOLDER = Path(__file__).parents[1] / "docs" / "performance"
FILLED = 100_000  # transitions in the replay buffer where their number does not vary

Points = list[dict[str, float]]


@dataclass(frozen=True)
class Options:
    """The options of the command line."""

    core: int
    repeats: int
    seconds: float
    steps: int


def width(value: int) -> tuple[learner.Case, int]:
    """Vary the units of the hidden layers."""
    hidden = [value, value]
    words = [f"network.{net}.hidden=[{value},{value}]" for net in ("actor", "critic")]
    return varied(words, hidden=hidden), FILLED


def batch(value: int) -> tuple[learner.Case, int]:
    """Vary the size of the minibatch."""
    return varied([f"batch_size={value}"], batch_size=value), FILLED


def observation(value: int) -> tuple[learner.Case, int]:
    """Vary the size of the observation."""
    return varied([], obs=value), FILLED


def fill(value: int) -> tuple[learner.Case, int]:
    """Vary the number of transitions in the replay buffer."""
    return learner.CASES["td3_1"], value


def varied(words: list[str], **shapes: Any) -> learner.Case:
    """Return td3 with an update of the actor at every step, and these changes."""
    case = learner.CASES["td3_1"]
    return learner.Case([*case.overrides, *words], replace(case.shapes, **shapes))


CURVES: dict[str, tuple[Callable[[int], tuple[learner.Case, int]], list[int]]] = {
    "width": (width, [64, 128, 256, 512, 1024]),
    "batch": (batch, [64, 128, 256, 512, 1024, 2048, 4096]),
    "observation": (observation, [3, 8, 17, 47, 111, 376]),
    "fill": (fill, [256, 1_000, 4_000, 16_000, 64_000, 250_000, 1_000_000]),
}
RUNS = [1, 2, 4]
SHARES = [0.125, 0.25, 0.5, 0.75, 1]


def curve(name: str, options: Options) -> Points:
    """Measure floor, updates and steps per second; each turn goes through all values."""
    setting, values = CURVES[name]
    with TemporaryDirectory() as folder:
        works = [work for value in values for work in compared(*setting(value), Path(folder, str(value)))]
        turns = learner.in_turns(works, options.repeats, options.seconds)
    points = []
    for place, value in enumerate(values):
        floors, updates, episodes = zip(*(turn[3 * place : 3 * place + 3] for turn in turns), strict=True)
        steps = [EPISODE * each for each in episodes]
        speeds = zip(("floor_per_s", "updates_per_s", "steps_per_s"), (floors, updates, steps), strict=True)
        fraction = statistics.median(one / two for one, two in zip(steps, floors, strict=True))
        medians = {key: statistics.median(rates) for key, rates in speeds}
        points.append({"value": value} | medians | {"steps_fraction": fraction})
        print(name, points[-1], file=sys.stderr, flush=True)
    return points


def compared(case: learner.Case, filled: int, folder: Path) -> list[learner.Work]:
    """Return what is compared: the products of an update, an update with sampling, an episode."""
    return [floor(case.shapes), learner.learner(case, filled=filled)[1], loop(case, filled, folder)]


def activity(options: Options) -> Points:
    """Measure updates per second for each share of active hidden units; the networks learn too slowly to change it."""
    case = learner.CASES["td3_1"]
    slow = [f"optimizer.{net}.lr=1e-9" for net in ("actor", "critic")]
    updates = [learner.learner(case, *slow, before=partial(activate, share=share))[0] for share in SHARES]
    turns = learner.in_turns([floor(case.shapes), *updates], options.repeats, options.seconds)
    products, *speeds = (statistics.median(rates) for rates in zip(*turns, strict=True))
    return [
        {"value": share, "floor_per_s": products, "updates_per_s": speed}
        for share, speed in zip(SHARES, speeds, strict=True)
    ]


def runs(options: Options, cores: list[int]) -> Points:
    """Measure steps per second of several runs together by scripts/benchmark_sweep.py."""
    found = programs.side_by_side(RUNS[1:], options.repeats, options.steps, set(cores))
    alone = found[0]["steps_per_s_alone"]
    rest = [(row["runs"], row["steps_per_s_each"]) for row in found]
    return [
        {"value": count, "floor_per_s": min(count, len(cores)) * alone, "steps_per_s": count * each}
        for count, each in [(1, alone), *rest]
    ]


def measure(options: Options, chosen: list[str]) -> dict[str, Any]:
    """Measure the chosen curves."""
    cores = sorted(os.sched_getaffinity(0))
    how = {"machine": machine(options.core), "repeats": options.repeats}
    learner.pin({options.core}, 1)
    curves = {name: curve(name, options) for name in chosen if name in CURVES}
    if "activity" in chosen:
        curves["activity"] = activity(options)
    if "runs" in chosen:
        curves["runs"] = runs(options, cores)
    return {name: how | {"points": points} for name, points in curves.items()}


def main() -> None:
    """Measure, unless the pictures alone are to be drawn; write the data and draw."""
    summary, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(description=summary, epilog=rest, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core to run on")
    parser.add_argument("--repeats", type=int, default=5, help="turns")
    parser.add_argument("--seconds", type=float, default=0.5, help="length of each measurement of updates")
    parser.add_argument("--steps", type=int, default=2000, help="env steps of each of several runs that are timed")
    names = [*CURVES, "activity", "runs"]
    parser.add_argument("--curves", nargs="+", choices=names, default=names, help="default: all")
    parser.add_argument("--draw", action="store_true", help="measure nothing, draw what is in the folder")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of growth.json and the pictures")
    args = parser.parse_args()
    file = args.out / "growth.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if not args.draw:
        known |= measure(Options(args.core, args.repeats, args.seconds, args.steps), args.curves)
        args.out.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    draw(known, args.out)


if __name__ == "__main__":
    main()
