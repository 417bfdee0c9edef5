"""The published tables, run again: trains the runs of scripts/reproduce/list.yaml, and says how far they are.

train      train the next runs of the list; what was interrupted continues, what has a record is skipped
status     what is done, running and left, the core-hours that it takes, and what is to be looked into
page       write what the records say: docs/results/evidence.md, its pictures, the column "here" of docs/presets.md
collect    take the records of the finished runs in another folder over (runs are named as in the list)
"""

import argparse
import sys
from pathlib import Path

from ddpg.commands.command_line import one_line_errors
from ddpg.interrupt import InterruptFlag
from ddpg.sweep.execute.cores import usable
from reproduce.here import PRESETS_PAGE, write_here
from reproduce.page import PAGE, page
from reproduce.picture import draw_all
from reproduce.plan import LIST, Plan, read_plan
from reproduce.record import RECORDS, collect
from reproduce.scores import Records, read_all
from reproduce.status import report
from reproduce.training import RUNS, Trainer


def train(args: argparse.Namespace) -> int:
    """Trains until the list is done or a signal comes; the exit code."""
    plan = read_plan(args.list)
    trainer = Trainer(plan.always, args.runs.absolute(), args.records, args.nice)
    with InterruptFlag() as interrupt:
        trainer.train(plan.runs(), args.jobs or len(usable()), interrupt)
    if interrupt.signum is not None:
        return 128 + interrupt.signum
    return 1 if trainer.failed else 0


def write_pages(plan: Plan, records: Records) -> None:
    """Write the page of the evidence, its pictures, and its part of the page of the presets."""
    PAGE.write_text(page(plan, records), encoding="utf-8")
    draw_all(plan, records)
    write_here(PRESETS_PAGE, plan, records)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    text = (__doc__ or "").partition("\n\n")
    made = argparse.ArgumentParser(description=text[0], epilog=text[2], formatter_class=argparse.RawTextHelpFormatter)
    made.add_argument("command", choices=["train", "status", "page", "collect"])
    made.add_argument("folder", nargs="?", type=Path, help="collect: where finished run folders are")
    made.add_argument("--jobs", type=int, help="train: runs at a time; one for each core, if it is not given")
    made.add_argument(
        "--nice", type=int, default=19, help="train: niceness of the runs; 19: they use what nobody else wants"
    )
    made.add_argument("--list", type=Path, default=LIST, help="the list of runs")
    made.add_argument("--runs", type=Path, default=RUNS, help="where run folders are")
    made.add_argument("--records", type=Path, default=RECORDS, help="where records are")
    return made


def main() -> int:
    """Does what the command line asks for; the exit code."""
    words = parser()
    args = words.parse_args()
    if (args.command == "collect") != (args.folder is not None):
        words.error("collect, and nothing else, takes a folder")
    if args.jobs is not None and args.jobs < 1:
        words.error(f"--jobs {args.jobs} must be at least 1")
    if args.nice not in range(20):
        words.error(f"--nice {args.nice} must be 0 to 19")
    with one_line_errors("evidence"):
        if args.command == "train":
            return train(args)
        if args.command == "status":
            print(report(read_plan(args.list), args.runs, args.records))
        elif args.command == "page":
            write_pages(read_plan(args.list), read_all(args.records))
        else:
            print("\n".join(collect(read_plan(args.list), args.folder, args.records)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
