"""How speed grows and falls with the size of things: `scripts/benchmark_growth.py` writes data and pictures.

Steps per second of the training loop, with an environment that costs nothing, and updates per second against the width
of the hidden layers, the minibatch, the observation and what the replay memory holds, each beside the floor of matrix
products for its shapes; updates per second against the share of hidden units at work; and steps per second of several
training runs at a time beside so many times one. td3's shapes on one pinned core, except for what varies; medians of
turns, warm-up left out.

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
from measure.activity import put_to_work
from measure.floor import floor
from measure.growth import draw
from measure.loop import EPISODE, loop
from measure.machine import machine

FOLDER = Path(__file__).parents[1] / "docs" / "performance"
FILLED = 100_000  # transitions in the replay memory where that does not vary

Points = list[dict[str, float]]


@dataclass(frozen=True)
class Options:
    """Of the command line."""

    core: int
    repeats: int
    seconds: float
    steps: int


def width(value: int) -> tuple[learner.Case, int]:
    hidden = [value, value]
    words = [f"network.{net}.hidden=[{value},{value}]" for net in ("actor", "critic")]
    return varied(words, hidden=hidden), FILLED


def batch(value: int) -> tuple[learner.Case, int]:
    return varied([f"batch_size={value}"], batch_size=value), FILLED


def observation(value: int) -> tuple[learner.Case, int]:
    return varied([], obs=value), FILLED


def fill(value: int) -> tuple[learner.Case, int]:
    return learner.CASES["td3_1"], value


def varied(words: list[str], **shapes: Any) -> learner.Case:
    """td3 with its actor at every step, but for this."""
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
    """Per second: floor, updates and steps; each turn goes through all values."""
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
        points.append(
            {"value": value} | {key: statistics.median(of) for key, of in speeds} | {"steps_fraction": fraction}
        )
        print(name, points[-1], file=sys.stderr, flush=True)
    return points


def compared(case: learner.Case, filled: int, folder: Path) -> list[learner.Work]:
    """What is compared: the products of an update, an update with sampling, an episode."""
    return [floor(case.shapes), learner.learner(case, filled=filled)[1], loop(case, filled, folder)]


def activity(options: Options) -> Points:
    """Updates per second with so much of the hidden layers at work; they learn too slowly to change that."""
    case, slow = learner.CASES["td3_1"], [f"optimizer.{net}.lr=1e-9" for net in ("actor", "critic")]
    updates = [learner.learner(case, *slow, before=partial(put_to_work, share=share))[0] for share in SHARES]
    turns = learner.in_turns([floor(case.shapes), *updates], options.repeats, options.seconds)
    products, *speeds = (statistics.median(of) for of in zip(*turns, strict=True))
    return [
        {"value": share, "floor_per_s": products, "updates_per_s": speed}
        for share, speed in zip(SHARES, speeds, strict=True)
    ]


def runs(options: Options, cores: list[int]) -> Points:
    """Steps per second of several runs together, as scripts/benchmark_sweep.py measures them."""
    found = programs.side_by_side(RUNS[1:], options.repeats, options.steps, set(cores))
    alone = found[0]["steps_per_s_alone"]
    rest = [(row["runs"], row["steps_per_s_each"]) for row in found]
    return [
        {"value": count, "floor_per_s": min(count, len(cores)) * alone, "steps_per_s": count * each}
        for count, each in [(1, alone), *rest]
    ]


def measure(options: Options, chosen: list[str]) -> dict[str, Any]:
    """The curves that were asked for."""
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
    known = json.loads(file.read_text()) if file.exists() else {}
    if not args.draw:
        known |= measure(Options(args.core, args.repeats, args.seconds, args.steps), args.curves)
        args.out.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(known, indent=1) + "\n")
    draw(known, args.out)


if __name__ == "__main__":
    main()
