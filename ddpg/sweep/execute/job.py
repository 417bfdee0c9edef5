"""What one job on Slurm does: a pool of some runs, and going back to the queue when its time is over."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from submitit.core.utils import UncompletedJobError
from submitit.helpers import DelayedSubmission

from ddpg.errors import UserError
from ddpg.interrupt import InterruptFlag
from ddpg.sweep import slurm
from ddpg.sweep.execute.pool import Pool
from ddpg.sweep.process import log_to_stdout
from ddpg.sweep.state.folder import Run

#: Seconds of trying to get back into the queue; the rest of signal_delay_s is for the saves.
INSIST_S = 60.0


@dataclass(frozen=True)
class Job:
    """Some runs of a sweep, with absolute paths: what submitit pickles and calls on the node.

    `threads` of each run; `directory` is where the sweep was launched.
    """

    runs: tuple[Run, ...]
    threads: int
    directory: Path

    def __call__(self) -> None:
        """Returns when all runs are done; UserError, which makes the job FAILED in Slurm, when one is not."""
        log_to_stdout()
        with InterruptFlag() as interrupt:
            missing = Pool(len(self.runs), self.threads, self.directory).train(self.runs, interrupt)
        if missing and interrupt.heard == {signal.SIGUSR2}:  # SIGTERM as well: Slurm ends or requeues it by itself
            _requeue()
        if missing and interrupt.signum is not None:
            sys.exit(128 + interrupt.signum)
        if missing:
            raise UserError(
                f"{len(missing)} of {len(self.runs)} runs are not done: "
                + ", ".join(f"#{run.number}, see {run.path / 'train.log'}" for run in missing)
            )

    def checkpoint(self) -> DelayedSubmission:
        """What submitit calls in the next attempt: the same, for a run goes on from its folder."""
        return DelayedSubmission(self)


def _requeue() -> None:
    """Slurm's warning has come, of the time limit or of a preemption: submitit counts the attempts and requeues."""
    submitits = signal.getsignal(signal.SIGUSR2)
    assert callable(submitits)
    try:
        submitits(signal.SIGUSR2, None)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):  # it is in the queue already, or Slurm is busy
        _insist(os.environ["SLURM_JOB_ID"])
    except UncompletedJobError as error:
        raise UserError(f"stopped at the time limit, and saved: {error}") from error


def _insist(job: str) -> None:
    """Requeues a job, again and again while Slurm does not answer: hundreds can come to their limit at once."""
    deadline = time.monotonic() + INSIST_S
    while True:
        try:
            return slurm.requeue(job)
        except UserError as error:
            if "pending" in str(error):  # a preempted job is in the queue already
                return None
            if time.monotonic() > deadline:
                raise UserError(f"stopped by Slurm's warning, saved, and could not be requeued: {error}") from error
        time.sleep(1)
