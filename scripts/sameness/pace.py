"""`python pace.py ROOT CORE`: how fast the code of the checkout ROOT works, on one core.

A line of the standard input is a row of ROWS and a number of seconds; the answer is a line with the
calls per second of the processor over about that time. An answer to nothing says that everything is built.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from sameness.start import import_from

Work = Callable[[], None]

#: The rows, and whether the work is an update, an update with a sampled minibatch, or training.
ROWS = {
    "td3": ("td3_1", "updates"),
    "td3, delayed": ("td3_2", "updates"),
    "td3, delayed, sampled": ("td3_2", "sampled"),
    "paper": ("paper_1", "updates"),
    "paper, batch norm": ("batch_norm", "updates"),
    "training, td3": ("td3_1", "training"),
    "training, paper, batch norm": ("batch_norm", "training"),
}
TRANSITIONS = 100_000


def main() -> None:
    """Builds the works, then measures one whenever it is asked."""
    root = Path(sys.argv[1])
    import_from(root)
    sys.path.insert(0, str(root / "scripts"))
    from measure.learner import pin

    pin({int(sys.argv[2])}, 1)
    with TemporaryDirectory() as folder:
        works = {row: make(case, kind, Path(folder)) for row, (case, kind) in ROWS.items()}
        for work in works.values():
            rate(work, 1.0)  # what is recorded at the first calls
        print(flush=True)
        for line in sys.stdin:
            row, _, seconds = line.rpartition(" ")
            print(rate(works[row], float(seconds)), flush=True)


def rate(work: Work, seconds: float) -> float:
    """Calls per second of the processor, which other programs disturb less than the clock's."""
    start = time.process_time()
    calls = 0
    while (now := time.process_time()) - start < seconds:
        work()
        calls += 1
    return calls / (now - start)


def make(name: str, kind: str, folder: Path) -> Work:
    """The work of a row, by the checkout's own benchmark."""
    from measure.learner import BATCH_NORM, CASES, learner
    from measure.loop import loop

    case = BATCH_NORM if name == "batch_norm" else CASES[name]
    if kind == "training":
        return loop(case, TRANSITIONS, folder / name)
    updates, sampled = learner(case, filled=TRANSITIONS)
    return updates if kind == "updates" else sampled


if __name__ == "__main__":
    main()
