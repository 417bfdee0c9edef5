"""Measures the speed of this checkout beside that of another commit, in turns on one core.

Both sides are processes that have built everything; one measures while the other waits. A row's
figure is the median over the turns of the ratio new / reference, with its quartiles.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

from sameness.pace import ROWS
from sameness.training import checkout, git

ROOT = Path(__file__).resolve().parent.parent


class Side:
    """The process of one checkout."""

    def __init__(self, root: Path, core: int) -> None:
        words = [sys.executable, "-m", "sameness.pace", str(root), str(core)]
        self._process = subprocess.Popen(
            words, encoding="utf-8", cwd=ROOT / "scripts", stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests = self._process.stdin
        self._answers = self._process.stdout
        self._answer()

    def rate(self, row: str, seconds: float) -> float:
        """Calls per second."""
        self._requests.write(f"{row} {seconds}\n")
        self._requests.flush()
        return float(self._answer())

    def close(self) -> None:
        """Ends the process."""
        self._requests.close()
        self._process.wait()

    def _answer(self) -> str:
        line = self._answers.readline()
        if not line:
            sys.exit("same_speed.py: a side ended, see its error above")
        return line


def main() -> None:
    """Prints a line for each row."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--reference", default="c3b8e80", help="the commit to compare with")
    options.add_argument("--keep", type=Path, default=Path("outputs/same_speed"))
    options.add_argument("--turns", type=int, default=15, help="measurements of each side and row")
    options.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    options.add_argument("--core", type=int, default=0, help="the core that both sides use")
    arguments = options.parse_args()
    commit = git(ROOT, "rev-parse", arguments.reference)
    root = checkout(ROOT, commit, arguments.keep.resolve() / "checkout")
    reference = Side(root, arguments.core)
    new = Side(ROOT, arguments.core)
    for row in ROWS:
        ratios = []
        for turn in range(arguments.turns):
            sides = (reference, new) if turn % 2 else (new, reference)
            rates = {side: side.rate(row, arguments.seconds) for side in sides}
            ratios.append(rates[new] / rates[reference])
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(f"{row:32} {middle:.3f}  ({low:.3f} to {high:.3f}, {len(ratios)} turns)", flush=True)
    reference.close()
    new.close()


if __name__ == "__main__":
    main()
