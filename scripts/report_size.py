"""How long a report of many runs takes, and how large its page is.

    python scripts/report_size.py                 # 10, 500 and 2,000 runs
    python scripts/report_size.py 50

Each run has 1M steps, 201 evaluations, 1,000 training episodes and 1,000 rows of losses with diagnostics (0.7 MB). The
records of 20 runs are made by a formula (tests/support/fake_runs.py), those of the others are hard links to them.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.fake_runs import write_sweep  # type: ignore[import-not-found]

COUNTS = (10, 500, 2000)
ENVIRONMENTS = ("halfcheetah-v4", "hopper-v4", "walker2d-v4", "ant-v4", "humanoid-v4")
#: Two configurations in each of the environments.
CONFIGURATIONS = {("preset=td3",): 5000.0, ("preset=paper",): 3000.0}
#: Runs whose records are made, not linked.
TEMPLATES = 20
REPORT = [sys.executable, "-c", "from ddpg.commands.report import main; main()"]


def main() -> None:
    """Print a row for each number of runs."""
    counts = [int(word) for word in sys.argv[1:]] or list(COUNTS)
    print("| runs | wall s | processor s | memory MB | page MB | all files MB |\n|---|---|---|---|---|---|")
    for count in counts:
        with tempfile.TemporaryDirectory() as name:
            print(row(count, Path(name)), flush=True)


def row(count: int, folder: Path) -> str:
    """Make `count` runs and report them once; return the row of the table."""
    seeds = range(1, count // (len(ENVIRONMENTS) * len(CONFIGURATIONS)) + 1)
    write_sweep(folder / "sweep", ENVIRONMENTS, CONFIGURATIONS, seeds, steps=1_000_000, rows=200, templates=TEMPLATES)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    words = ["env", f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', '1')}", *REPORT, "sweep", "out=out"]
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    wall_s = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    page = (folder / "out" / "index.html").stat().st_size
    everything = sum(path.stat().st_size for path in (folder / "out").iterdir())
    sizes = f"{page / 1e6:.2f} | {everything / 1e6:.1f}"
    return f"| {count} | {wall_s:.1f} | {processor_s:.1f} | {after.ru_maxrss / 1024:.0f} | {sizes} |"


if __name__ == "__main__":
    main()
