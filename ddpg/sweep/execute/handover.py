"""Hands the runs of a sweep to Slurm or to this machine, without Hydra: for a launch and for a retry."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ddpg.errors import UserError
from ddpg.interrupt import Interrupted, InterruptFlag
from ddpg.sweep.execute.pool import Pool
from ddpg.sweep.options import Options, SlurmOptions
from ddpg.sweep.process import command, log_to_stdout, this_process
from ddpg.sweep.state.folder import Submission, SweepFolder, now
from ddpg.sweep.state.status import RunState, states
from ddpg.sweep.state.table import summary


def hand_over(sweep: SweepFolder, numbers: Sequence[int], chosen: Options) -> Callable[[], None]:
    """Gives the runs to Slurm or to this machine, and records it. The function that it returns waits for their end.

    That raises Interrupted or KeyboardInterrupt on a signal: runs of this machine are saved by then, jobs on Slurm
    go on. With `wait: false` it returns at once.
    """
    if not numbers:
        return lambda: None
    if isinstance(chosen, SlurmOptions):
        from ddpg.sweep.execute.submit import submit, wait  # submitit, where it is needed

        jobs = submit(sweep, numbers, chosen)
        return partial(wait, jobs, sweep) if chosen.wait else lambda: None
    if not chosen.wait:
        detach(sweep, numbers, chosen.processes)
        return lambda: None
    return begin(sweep, numbers, chosen.processes)


def begin(sweep: SweepFolder, numbers: Sequence[int], processes: int | None) -> Callable[[], None]:
    """Records that this process trains the runs; the function that it returns does."""
    sweep.add_submission(Submission(now(), os.getuid(), "local", {this_process(): list(numbers)}))
    runs, pool = sweep.runs, Pool(processes, sweep.threads, sweep.directory)

    def train() -> None:
        with InterruptFlag() as interrupt:
            pool.train([runs[number] for number in numbers], interrupt)
        if interrupt.signum is not None:
            raise Interrupted(interrupt.signum)

    return train


def detach(sweep: SweepFolder, numbers: Sequence[int], processes: int | None) -> None:
    """The same in a process that stays when this one, and its terminal, are gone; it writes to SWEEP/pool.log."""
    before = len(sweep.submissions())
    with (sweep.path / "pool.log").open("ab") as output:
        process = subprocess.Popen(
            command("ddpg.sweep.execute.handover", str(sweep.path)),
            stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    assert process.stdin is not None
    with process.stdin as pipe:
        pipe.write(json.dumps({"numbers": list(numbers), "processes": processes}).encode())
    while len(sweep.submissions()) == before:  # so that `ddpg-sweep status` knows of it
        if process.poll() is not None:
            raise UserError(f"the runs could not be started, see {sweep.path / 'pool.log'}")
        time.sleep(0.05)


def wait_for_end(sweep: SweepFolder, wait: Callable[[], None]) -> list[RunState]:
    """Call `wait`, which `hand_over` returned, print what became of the sweep, and return the states of all its runs.

    The table is printed when a signal ends the wait, too.
    """
    try:
        wait()
    finally:
        ended = states(sweep)
        print(summary(sweep, ended), flush=True)
    return ended


def main() -> None:
    """Of the process that `detach` starts."""
    log_to_stdout()
    given = json.load(sys.stdin)
    try:
        begin(SweepFolder(Path(sys.argv[1])), given["numbers"], given["processes"])()
    except Interrupted as error:
        sys.exit(error.exit_code)
