"""Prints the speed of this program: every row of the table that docs/performance.md explains.

Each figure is a median of turns, which this program and the other take alternately on one pinned core (two where a row
says so). Warm-up is left out. Machines differ and are noisy: compare ratios, not rates. Peers are not installed by this
package: name a checkout of CleanRL and the Pythons that run its programs and SB3; rows of other peers stay empty.

    scripts/benchmark.py --json > FILE      everything as JSON
    scripts/benchmark.py --table FILE       its table in Markdown
    scripts/benchmark.py --rows floor       some rows alone
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is imported

from measure import learner, programs
from measure.machine import machine
from measure.rows import ROWS, Setup, in_short, rows_of, with_ceilings
from measure.table import line, report


def versions(setup: Setup) -> dict[str, dict[str, str]]:
    """Return the commits and versions of the peers that the command line names."""
    simulator = ("numpy", "gymnasium", "mujoco")
    found = {}
    if setup.cleanrl and setup.cleanrl_python:
        found["CleanRL"] = known(programs.commit, setup.cleanrl)
        found["CleanRL torch"] = known(programs.versions, setup.cleanrl_python, "torch", *simulator)
    if setup.cleanrl and setup.jax_python:
        found["CleanRL JAX"] = known(programs.versions, setup.jax_python, "jax", "flax", "optax", *simulator)
    if setup.sb3_python:
        found["SB3"] = known(programs.versions, setup.sb3_python, "stable_baselines3", "torch", *simulator)
    return found


def known(look: Callable[..., dict[str, str]], *about: Any) -> dict[str, str]:
    """Return what a function finds out about a peer, or why it cannot; the other rows do not depend on it."""
    try:
        return look(*about)
    except (OSError, subprocess.CalledProcessError) as error:
        return {"unknown:": in_short(error)}


def measure(setup: Setup, chosen: list[str]) -> dict[str, Any]:
    """Measure the chosen rows, and return everything that --json prints."""
    result: dict[str, Any] = {"machine": machine(setup.core), "peers": versions(setup), "repeats": setup.repeats}
    learner.pin({setup.core}, 1)
    rows = []
    try:
        for name in chosen:
            for row in rows_of(name, setup):
                print(line(row), file=sys.stderr, flush=True)
                rows.append(row)
    except KeyboardInterrupt:
        print("interrupted: what was measured until now follows", file=sys.stderr)
    fractions = {row["key"]: row["measured"] for row in rows if row["key"] in learner.CASES and "measured" in row}
    return result | {"floor_fraction": fractions, "rows": with_ceilings(rows)}


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    summary, _, rest = (__doc__ or "").partition("\n\n")
    made = argparse.ArgumentParser(description=summary, epilog=rest, formatter_class=argparse.RawTextHelpFormatter)
    made.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core to run on")
    made.add_argument("--repeats", type=int, default=5, help="turns, at least 5")
    made.add_argument("--seconds", type=float, default=0.7, help="length of each measurement of updates")
    made.add_argument("--steps", type=int, default=2000, help="env steps of training that are timed: thousands")
    made.add_argument("--memory-steps", type=int, default=100_000, help="env steps of runs whose memory is compared")
    made.add_argument("--transitions", type=int, default=1_000_000, help="transitions of Humanoid-v4 that are stored")
    made.add_argument("--cleanrl", type=Path, metavar="DIR", help="a git checkout of CleanRL")
    for option, program in (("cleanrl", "CleanRL's torch program"), ("jax", "its JAX program"), ("sb3", "SB3")):
        made.add_argument(f"--{option}-python", type=Path, metavar="PYTHON", help=f"the Python that runs {program}")
    made.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), help="rows to measure; default: all")
    made.add_argument("--json", action="store_true", help="print JSON instead of the table")
    made.add_argument("--table", type=Path, metavar="FILE", help="measure nothing: print the table of this JSON")
    return made


def main() -> None:
    """Print the table or its JSON."""
    options = parser()
    args = vars(options.parse_args())
    rows = args.pop("rows")
    as_json = args.pop("json")
    file = args.pop("table")
    if args["repeats"] < 5:
        options.error(f"--repeats={args['repeats']} must be at least 5")
    if args["steps"] % 1000 or args["steps"] < 1000:
        options.error(f"--steps={args['steps']} must be a multiple of 1000, because a run records its time that often")
    if file:
        print(report(json.loads(file.read_text(encoding="utf-8"))))
        return
    result = measure(Setup(cores=sorted(os.sched_getaffinity(0)), **args), rows)
    print(json.dumps(result, indent=1) if as_json else report(result))


if __name__ == "__main__":
    main()
