"""Hands the runs of a sweep to Slurm or to this machine: for a launch and for a retry. Needs no Hydra."""

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
from ddpg.sweep.state.folder import Submission, SweepFolder, timestamp
from ddpg.sweep.state.status import RunState, states
from ddpg.sweep.state.table import ending


def hand_over(sweep: SweepFolder, numbers: Sequence[int], options: Options) -> Callable[[], None]:
    """Give runs to Slurm or to this machine, record that, and return the function that waits for their end.

    On a signal that function raises Interrupted or KeyboardInterrupt: runs of this machine are saved by then, and jobs
    on Slurm go on. With `wait: false` it returns at once.
    """
    if not numbers:
        return _wait_for_nothing
    if isinstance(options, SlurmOptions):
        from ddpg.sweep.execute.submit import submit, wait  # submitit, which only Slurm needs

        jobs = submit(sweep, numbers, options)
        return partial(wait, jobs, sweep) if options.wait else _wait_for_nothing
    if options.wait:
        return train_here(sweep, numbers, options.processes)
    train_detached(sweep, numbers, options.processes)
    return _wait_for_nothing


def _wait_for_nothing() -> None:
    pass


def train_here(sweep: SweepFolder, numbers: Sequence[int], processes: int | None) -> Callable[[], None]:
    """Record that this process trains the runs, and return the function that does."""
    sweep.add_submission(Submission(timestamp(), os.getuid(), "local", {this_process(): list(numbers)}))
    runs = sweep.runs
    pool = Pool(processes, sweep.threads, sweep.directory)

    def train() -> None:
        with InterruptFlag() as interrupt:
            pool.train([runs[number] for number in numbers], interrupt)
        if interrupt.signum is not None:
            sweep.add_cancelled([this_process()])
            raise Interrupted(interrupt.signum)

    return train


def train_detached(sweep: SweepFolder, numbers: Sequence[int], processes: int | None) -> None:
    """Train the runs in a process that outlives this one and its terminal; it prints to SWEEP/pool.log.

    Returns when the process has recorded that it has the runs.
    """
    before = len(sweep.submissions())
    pool_log = sweep.path / "pool.log"
    with pool_log.open("ab") as output:
        process = subprocess.Popen(
            command("ddpg.sweep.execute.handover", str(sweep.path)),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    assert process.stdin is not None
    with process.stdin as pipe:
        pipe.write(json.dumps({"numbers": list(numbers), "processes": processes}).encode())
    while len(sweep.submissions()) == before:
        if process.poll() is not None:
            raise UserError(f"the runs could not be started, see {pool_log}")
        time.sleep(0.05)


def main() -> None:
    """Train the runs that `train_detached` writes to standard input."""
    log_to_stdout()
    order = json.load(sys.stdin)
    train = train_here(SweepFolder(Path(sys.argv[1])), order["numbers"], order["processes"])
    try:
        train()
    except Interrupted as error:
        sys.exit(error.exit_code)


def wait_for_end(sweep: SweepFolder, wait: Callable[[], None]) -> list[RunState]:
    """Call the function that `hand_over` returned, print what became of the sweep, and return the states of its runs.

    A signal that ends the wait does not suppress what is printed.
    """
    try:
        wait()
    finally:
        ended = states(sweep)
        print(ending(sweep, ended), flush=True)
    return ended
