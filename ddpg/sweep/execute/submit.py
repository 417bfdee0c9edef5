"""Hands the runs of a sweep to Slurm, through submitit, and waits for the jobs."""

import logging
import os
import time
from collections.abc import Callable, Collection, Sequence

from submitit import SlurmExecutor
from submitit.core.utils import FailedJobError, FailedSubmissionError

from ddpg.errors import UserError
from ddpg.interrupt import InterruptFlag
from ddpg.sweep import slurm
from ddpg.sweep.execute.job import Job
from ddpg.sweep.execute.sbatch_variables import PLACES, overriding, without_variables
from ddpg.sweep.options import SlurmOptions
from ddpg.sweep.slurm_checks import may_be_queued, refusal
from ddpg.sweep.state.folder import LOGS, Submission, SweepFolder, timestamp

log = logging.getLogger(__name__)

#: Seconds between two looks at the queue, at first and at last.
POLL_S = (1.0, 30.0)


def submit(sweep: SweepFolder, numbers: Sequence[int], options: SlurmOptions) -> list[str]:
    """Submit runs as one array, or as many as Slurm's MaxArraySize asks for, and return the ids of the jobs.

    What is submitted when an exception is raised stays submitted; `ddpg-sweep retry` submits the rest.

    Raises:
        UserError: Slurm takes no more of them.
        Interrupted: a signal has come.
    """
    jobs = _jobs(sweep, numbers, options.runs_per_job)
    largest = slurm.limits().array_size
    cluster = slurm.cluster_name()
    submitted: list[str] = []
    for start in range(0, len(jobs), largest):
        array = jobs[start : start + largest]
        so_far = f"{len(submitted)} of {len(jobs)} jobs are submitted"
        submitted += submit_array(sweep, array, [job.numbers for job in array], options, cluster, so_far)
    return submitted


def _jobs(sweep: SweepFolder, numbers: Sequence[int], runs_per_job: int) -> list[Job]:
    runs = sweep.runs
    threads = sweep.threads
    directory = sweep.directory
    shares = [numbers[start : start + runs_per_job] for start in range(0, len(numbers), runs_per_job)]
    return [Job(tuple(runs[number].absolute() for number in share), threads, directory) for share in shares]


def submit_array(
    sweep: SweepFolder,
    array: Sequence[Callable[[], None]],
    runs: Sequence[Sequence[int]],
    options: SlurmOptions,
    cluster: str | None,
    so_far: str,
) -> list[str]:
    """Submit one array, record it and return the names of its tasks.

    Whatever ends this before the record is there leaves a mark in the folder of the sweep: jobs may be in the queue.

    Args:
        sweep: whose jobs they are.
        array: what each task calls.
        runs: the numbers of the runs of each task.
        options: of the launcher.
        cluster: Slurm's name of the cluster.
        so_far: what an error message says about jobs before these.

    Raises:
        UserError: Slurm refuses the jobs, or it is not known whether it has taken them.
        Interrupted: a signal has come.
    """
    begun = timestamp()
    with InterruptFlag() as interrupt:  # what Slurm has taken must be on record
        sweep.begin_submission()
        try:
            names = _taken(sweep, array, options, so_far)
            tasks = {name: list(numbers) for name, numbers in zip(names, runs, strict=True)}
            sweep.add_submission(Submission(begun, os.getuid(), "slurm", tasks, cluster))
        except OSError as error:  # a full disk, perhaps after sbatch
            name = error.filename or sweep.path
            raise UserError(
                f"{name}: {error.strerror}; {so_far}. Before a retry {sweep.look_for_jobs(os.getuid())}"
            ) from error
        sweep.end_submission()
    interrupt.check()
    return names


def _taken(sweep: SweepFolder, array: Sequence[Callable[[], None]], options: SlurmOptions, so_far: str) -> list[str]:
    """Submit one array and return the names of its tasks; raise UserError if Slurm has not taken it for certain."""
    executor = _executor(sweep, options)
    try:
        with without_variables(overriding(options)), executor.batch():
            submitted = [executor.submit(job) for job in array]
    except (FailedJobError, FailedSubmissionError) as error:
        if isinstance(error, FailedSubmissionError) or may_be_queued(str(error)):
            unclear = f"sbatch: {slurm.error_line(str(error))}; Slurm may have taken the jobs all the same"
            raise UserError(f"{unclear}; {so_far}. Before a retry {sweep.look_for_jobs(os.getuid())}") from error
        sweep.end_submission()
        refused = refusal(str(error), options)
        raise UserError(f"{refused}; {so_far}, ddpg-sweep retry {sweep.quoted} submits the rest") from error
    except UnicodeEncodeError as error:
        sweep.end_submission()
        path = ascii(str(sweep.path.absolute()))
        raise UserError(
            f"{path}: a job's script cannot have this path, because some bytes are no text in this locale: rename the "
            "folder, or export PYTHONUTF8=1"
        ) from error
    log.info("jobs submitted: %d, as %s", len(submitted), submitted[0].job_id.partition("_")[0])
    return [task.job_id for task in submitted]


def _executor(sweep: SweepFolder, options: SlurmOptions) -> SlurmExecutor:
    """Return the executor of one array, whose tasks write into one folder.

    submitit would make a folder of each task's own after sbatch, and Slurm ends a task that cannot open its log.
    """
    executor = SlurmExecutor(folder=sweep.path.absolute() / LOGS, max_num_timeout=options.max_num_timeout)
    chosen = {name: getattr(options, name) for name in PLACES if getattr(options, name) is not None}
    executor.update_parameters(
        job_name=sweep.path.name,
        time=options.timeout_min,
        signal_delay_s=options.signal_delay_s,
        mem=None if options.mem_gb is None else f"{options.mem_gb}G",
        cpus_per_task=options.cores(sweep.threads),
        array_parallelism=options.array_parallelism,
        setup=list(options.setup),
        additional_parameters={"requeue": True, "chdir": str(sweep.directory), **options.additional_parameters},
        **chosen,
    )
    return executor


def wait(jobs: Collection[str], sweep: SweepFolder) -> None:
    """Return when none of the jobs is in the queue any more, whatever their end.

    While Slurm's controller does not answer, nothing is known, so nothing has ended.
    """
    pause_s, longest_s = POLL_S
    logged = ""
    try:
        while True:
            queue = slurm.queue()
            if queue is not None:
                states = [queue[job].state.lower() for job in jobs if job in queue]
                if not states:
                    return
                line = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
                if line != logged:
                    log.info("jobs: %s", line)
                logged = line
            time.sleep(pause_s)
            pause_s = min(1.2 * pause_s, longest_s)
    except KeyboardInterrupt:
        log.warning("the jobs go on; to stop them: ddpg-sweep cancel %s", sweep.quoted)
        raise
