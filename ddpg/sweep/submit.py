"""Hands the runs of a sweep to Slurm, through submitit, and waits for the jobs."""

import logging
import time
from collections.abc import Collection, Sequence
from datetime import datetime

from submitit import SlurmExecutor
from submitit.core.utils import FailedJobError, FailedSubmissionError

from ddpg.errors import UserError
from ddpg.sweep import slurm
from ddpg.sweep.folder import Submission, SweepFolder
from ddpg.sweep.job import Job
from ddpg.sweep.options import SlurmOptions

log = logging.getLogger(__name__)

#: Seconds between two looks at the queue, at first and at last.
POLL_S = (1.0, 30.0)


def submit(sweep: SweepFolder, numbers: Sequence[int], options: SlurmOptions, threads: int) -> list[str]:
    """The ids of the jobs: one array, or as many as Slurm's MaxArraySize asks for.

    UserError if Slurm takes no more of them; what is submitted by then stays so, `ddpg-sweep retry` submits the rest.
    """
    shares = [tuple(numbers[i : i + options.runs_per_job]) for i in range(0, len(numbers), options.runs_per_job)]
    submitted: list[str] = []
    largest = slurm.limits().array_size
    for start in range(0, len(shares), largest):
        array = shares[start : start + largest]
        executor = _executor(sweep, options, threads)
        try:
            with executor.batch():
                jobs = [executor.submit(Job(sweep.path.absolute(), share, threads)) for share in array]
        except (FailedJobError, FailedSubmissionError) as error:
            raise UserError(
                f"{slurm.refused(str(error), options)}; {len(submitted)} of {len(shares)} jobs are submitted, "
                f"ddpg-sweep retry {sweep.quoted} submits the rest"
            ) from error
        tasks = {job.job_id: list(share) for job, share in zip(jobs, array, strict=True)}
        sweep.add_submission(Submission(datetime.now().astimezone().isoformat(timespec="seconds"), "slurm", tasks))
        submitted += tasks
        log.info("submitted: %d jobs as %s", len(tasks), jobs[0].job_id.partition("_")[0])
    return submitted


def _executor(sweep: SweepFolder, options: SlurmOptions, threads: int) -> SlurmExecutor:
    executor = SlurmExecutor(folder=sweep.path / ".submitit" / "%j", max_num_timeout=options.max_num_timeout)
    chosen = {key: getattr(options, key) for key in ("partition", "account", "qos", "constraint", "gpus_per_node")}
    executor.update_parameters(
        job_name=sweep.path.name, time=options.timeout_min, signal_delay_s=options.signal_delay_s,
        mem=None if options.mem_gb is None else f"{options.mem_gb}G",
        cpus_per_task=options.cores(threads),
        array_parallelism=options.array_parallelism, setup=list(options.setup),
        additional_parameters={"requeue": True, **options.additional_parameters},
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
