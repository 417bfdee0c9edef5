"""Hands the runs of a sweep to Slurm, through submitit, and waits for the jobs."""

import logging
import os
import shlex
import time
from collections.abc import Collection, Sequence

from submitit import SlurmExecutor
from submitit.core.utils import FailedJobError, FailedSubmissionError

from ddpg.errors import UserError
from ddpg.interrupt import InterruptFlag
from ddpg.sweep import slurm
from ddpg.sweep.execute.job import Job
from ddpg.sweep.options import SlurmOptions
from ddpg.sweep.state.folder import Submission, SweepFolder, now

log = logging.getLogger(__name__)

#: Seconds between two looks at the queue, at first and at last.
POLL_S = (1.0, 30.0)


def submit(sweep: SweepFolder, numbers: Sequence[int], options: SlurmOptions) -> list[str]:
    """The ids of the jobs: one array, or as many as Slurm's MaxArraySize asks for.

    UserError if Slurm takes no more of them, Interrupted on a signal; what is submitted by then stays so, and
    `ddpg-sweep retry` submits the rest.
    """
    runs, threads, directory = sweep.runs, sweep.threads, sweep.directory
    size, largest = options.runs_per_job, slurm.limits().array_size
    shares = [tuple(runs[n].absolute() for n in numbers[i : i + size]) for i in range(0, len(numbers), size)]
    submitted: list[str] = []
    for start in range(0, len(shares), largest):
        array, begun = [Job(share, threads, directory) for share in shares[start : start + largest]], now()
        with InterruptFlag() as interrupt:  # what Slurm has taken must be on record
            tasks = _submit_array(sweep, array, options, f"{len(submitted)} of {len(shares)} jobs are submitted")
            sweep.add_submission(Submission(begun, os.getuid(), "slurm", tasks))
        submitted += tasks
        interrupt.check()
    return submitted


def _submit_array(sweep: SweepFolder, array: Sequence[Job], options: SlurmOptions, so_far: str) -> dict[str, list[int]]:
    """The runs of each task that Slurm has taken."""
    executor = _executor(sweep, options)
    try:
        with executor.batch():
            jobs = [executor.submit(job) for job in array]
    except (FailedJobError, FailedSubmissionError) as error:
        refusal = slurm.refused(str(error), options)
        raise UserError(f"{refusal}; {so_far}, ddpg-sweep retry {sweep.quoted} submits the rest") from error
    except OSError as error:  # a full disk, perhaps after sbatch
        raise UserError(
            f"{error.filename or sweep.path}: {error.strerror}; {so_far}. Before a retry look for others, and cancel "
            f"them: squeue --me --name={shlex.quote(sweep.path.name)}"
        ) from error
    log.info("jobs submitted: %d, as %s", len(jobs), jobs[0].job_id.partition("_")[0])
    return {job.job_id: [run.number for run in one.runs] for job, one in zip(jobs, array, strict=True)}


def _executor(sweep: SweepFolder, options: SlurmOptions) -> SlurmExecutor:
    executor = SlurmExecutor(folder=sweep.path.absolute() / ".submitit" / "%j", max_num_timeout=options.max_num_timeout)
    chosen = {key: getattr(options, key) for key in ("partition", "account", "qos", "constraint", "gpus_per_node")}
    executor.update_parameters(
        job_name=sweep.path.name, time=options.timeout_min, signal_delay_s=options.signal_delay_s,
        mem=None if options.mem_gb is None else f"{options.mem_gb}G",
        cpus_per_task=options.cores(sweep.threads),
        array_parallelism=options.array_parallelism, setup=list(options.setup),
        additional_parameters={"requeue": True, "chdir": str(sweep.directory), **options.additional_parameters},
        **{key: value for key, value in chosen.items() if value is not None},
    )  # fmt: skip
    return executor


def wait(jobs: Collection[str], sweep: SweepFolder) -> None:
    """Returns when none of the jobs is in the queue any more, whatever their end.

    While Slurm's controller does not answer, nothing is known, so nothing has ended.
    """
    pause, before = POLL_S[0], ""
    try:
        while True:
            queue = slurm.queue()
            if queue is not None:
                states = [queue[job].state.lower() for job in jobs if job in queue]
                if not states:
                    return
                said = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
                if said != before:
                    log.info("jobs: %s", said)
                before = said
            time.sleep(pause)
            pause = min(1.2 * pause, POLL_S[1])
    except KeyboardInterrupt:
        log.warning("the jobs go on; to stop them: ddpg-sweep cancel %s", sweep.quoted)
        raise
