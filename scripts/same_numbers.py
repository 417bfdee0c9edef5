"""Proves that this checkout computes the same numbers as another commit, bit for bit.

Trains every case of scripts/sameness/cases.py by both, each with its own code and its own conf/,
with the same seed, and compares what the runs recorded (losses, returns) and what they saved
(weights, optimizers, generators). The reference's runs are kept in a folder and used again.
Deliberate differences stand in scripts/sameness/comparing.py, each with its reason.
"""

import argparse
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from pickle import UnpicklingError

from sameness.cases import Case, cases
from sameness.comparing import difference
from sameness.training import FailedError, Side, checkout, git

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Prints a line for each case and a sum; 1 if any differs."""
    arguments = parser().parse_args()
    reference, new = sides(arguments.reference, arguments.keep)
    wanted = cases([reference.root / "conf", new.root / "conf"], arguments.cases)
    print(f"reference: {reference.root}\nnew:       {new.root}", flush=True)
    verdicts: Counter[str] = Counter()
    with ThreadPoolExecutor(arguments.jobs) as pool:
        judge = partial(verdict, reference, new)
        for case, told in zip(wanted, pool.map(judge, wanted), strict=True):
            print(f"{case.name}: {told}", flush=True)
            verdicts[told.partition(":")[0]] += 1
    print_imported(reference, wanted)
    print_imported(new, wanted)
    same, different = verdicts["same"], verdicts["DIFFERENT"]
    print(f"{same} same, {different} different, {verdicts['new']} new")
    return 1 if different or not wanted else 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--reference", default="c3b8e80", help="commit to compare with")
    options.add_argument("--cases", default="*", metavar="GLOB", help="names of cases, as noise=*")
    options.add_argument("--jobs", type=int, default=2, help="trainings at a time")
    options.add_argument("--keep", type=Path, metavar="FOLDER", help="the reference's results")
    return options


def sides(reference: str, keep: Path | None) -> tuple[Side, Side]:
    """The reference and this checkout."""
    commit = git(ROOT, "rev-parse", f"{reference}^{{commit}}")
    outputs = ROOT / "outputs" / "same_numbers"
    kept = (keep or outputs / commit).resolve()
    old = checkout(ROOT, commit, kept / "checkout")
    return Side(old, kept / "cases"), Side(ROOT, outputs / "new")


def verdict(reference: Side, new: Side, case: Case) -> str:
    """`same`, `new`, or `DIFFERENT: ...`."""
    if not case.known_to(reference.root / "conf"):
        return "new"
    try:
        if not reference.has(case):
            reference.train(case)
        new.train(case)
        told = difference(reference.run(case), new.run(case))
    except (FailedError, OSError, UnpicklingError) as error:
        return f"DIFFERENT: {error}"
    return f"DIFFERENT: {told}" if told else "same"


def print_imported(side: Side, wanted: list[Case]) -> None:
    """Tells whose code it was; `Side.train` has held every training to its own checkout's."""
    files = {side.imported(case)["ddpg"] for case in wanted if side.has(case)}
    print(f"ddpg was imported from {', '.join(sorted(files)) or 'nowhere'}")


if __name__ == "__main__":
    sys.exit(main())
