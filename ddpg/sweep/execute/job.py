"""One job on Slurm: a pool of some runs, which goes back to the queue when its time is over."""

import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from submitit.core.job_environment import JobEnvironment
from submitit.core.utils import UncompletedJobError
from submitit.helpers import DelayedSubmission

from ddpg.errors import UserError
from ddpg.interrupt import InterruptFlag
from ddpg.sweep import slurm
from ddpg.sweep.execute.pool import Pool
from ddpg.sweep.process import log_to_stdout
from ddpg.sweep.state.folder import SweepRun

#: What Slurm sends before a time limit or a preemption; SUBMITIT_PREEMPT_SIGNAL can name another than SIGUSR2.
WARNING = signal.Signals[f"SIG{JobEnvironment.USR_SIG}"]
#: Seconds of attempts to get back into the queue; the rest of signal_delay_s is for the saves.
REQUEUE_S = 60.0


@dataclass(frozen=True)
class Job:
    """Some runs of a sweep: what submitit pickles, and calls on the node.

    Args:
        runs: with absolute paths.
        threads: cores of each run.
        directory: where the sweep was launched.
    """

    runs: tuple[SweepRun, ...]
    threads: int
    directory: Path

    @property
    def numbers(self) -> list[int]:
        """The numbers of the runs."""
        return [run.number for run in self.runs]

    def __call__(self) -> None:
        """Train the runs.

        Raises:
            UserError: a run is not done; this makes the job FAILED in Slurm.
            SystemExit: a signal interrupted the runs, which have saved.
        """
        log_to_stdout()
        with InterruptFlag() as interrupt:
            missing = Pool(len(self.runs), self.threads, self.directory).train(self.runs, interrupt)
        if not missing:
            return
        requeue_if_warned(interrupt.heard)
        if interrupt.signum is not None:
            sys.exit(128 + interrupt.signum)
        listed = ", ".join(f"#{run.number}, see {run.path / 'train.log'}" for run in missing)
        raise UserError(f"{len(missing)} of {len(self.runs)} runs are not done: {listed}")

    def checkpoint(self) -> DelayedSubmission:
        """Return what submitit calls in the next attempt: this job again, because a run goes on from its folder."""
        return DelayedSubmission(self)


def requeue_if_warned(heard: set[int]) -> None:
    """Let submitit count the attempt and requeue the job, if Slurm has warned it of its time limit or a preemption.

    After a SIGTERM Slurm ends or requeues a job by itself, with one exception: where the cluster has no
    preempt_send_user_signal, a SIGTERM is all that a job gets before a preemption with GraceTime, and a job that has
    ended before that time is over is not requeued.

    Args:
        heard: the signals that have come.

    Raises:
        UserError: there were too many attempts, or Slurm does not requeue the job.
    """
    if heard == {WARNING} or (heard == {signal.SIGTERM} and slurm.is_in_grace(slurm.this_job())):
        _requeue()


def _requeue() -> None:
    handler = signal.getsignal(WARNING)  # submitit's, which it installs for a signal that it gets itself
    assert callable(handler)
    try:
        handler(WARNING, None)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):  # it is in the queue already, or Slurm is busy
        _requeue_patiently(slurm.this_job())
    except UncompletedJobError as error:
        raise UserError(f"stopped at the time limit, and saved: {error}") from error


def _requeue_patiently(job: str) -> None:
    """Requeue a job, again and again while Slurm does not answer: hundreds of jobs can come to their limit at once."""
    deadline = time.monotonic() + REQUEUE_S
    while True:
        try:
            slurm.requeue(job)
            return
        except UserError as error:
            if "pending" in str(error):  # a preempted job is in the queue already
                return
            if time.monotonic() > deadline:
                raise UserError(f"stopped by Slurm's warning, saved, and could not be requeued: {error}") from error
        time.sleep(1)
