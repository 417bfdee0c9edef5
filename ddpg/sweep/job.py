"""What one job on Slurm does: a pool of some runs, and going back to the queue when its time is over."""

import logging
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from submitit.core.utils import UncompletedJobError
from submitit.helpers import DelayedSubmission

from ddpg.errors import UserError
from ddpg.interrupt import InterruptFlag
from ddpg.sweep.folder import SweepFolder
from ddpg.sweep.pool import Pool

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """Some runs of a sweep, by their numbers. What submitit pickles and calls on the node."""

    sweep: Path
    numbers: tuple[int, ...]
    threads: int

    def __call__(self) -> None:
        """Returns when all runs are done; UserError, which makes the job FAILED in Slurm, when one is not."""
        logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="[%(asctime)s][%(levelname)s] %(message)s")
        runs = SweepFolder(self.sweep).runs
        with InterruptFlag() as interrupt:
            missing = Pool(len(self.numbers), self.threads).train([runs[n] for n in self.numbers], interrupt)
        if missing and interrupt.signum == signal.SIGUSR2:
            _requeue()
        if missing and interrupt.signum is not None:
            sys.exit(128 + interrupt.signum)
        if missing:
            raise UserError(
                f"{len(missing)} of {len(self.numbers)} runs failed: "
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
    except subprocess.CalledProcessError:  # a preempted job is in the queue already
        log.info("Slurm has requeued this job by itself")
    except UncompletedJobError as error:
        raise UserError(f"stopped at the time limit, and saved: {error}") from error
