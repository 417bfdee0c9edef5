"""A worker as a job on Slurm, and the array of them."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from submitit import JobEnvironment
from submitit.helpers import DelayedSubmission

from ddpg.interrupt import InterruptFlag
from ddpg.search.recipe import Recipe
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.worker import work
from ddpg.sweep import slurm
from ddpg.sweep.execute.job import requeue_if_warned
from ddpg.sweep.execute.submit import submit_array, wait
from ddpg.sweep.forecast.requirements import estimated_job_gb
from ddpg.sweep.options import SlurmOptions
from ddpg.sweep.process import log_to_stdout
from ddpg.sweep.slurm_checks import require_submittable

#: Trials of a study for each job, so that most trials can learn from those before them.
TRIALS_PER_JOB = 10
#: GiB of a worker beside its runs: Optuna, and torch, which the check of a config imports.
WORKER_GB = 1


@dataclass(frozen=True)
class SearchJob:
    """A worker of a study: what submitit pickles, and calls on the node.

    Args:
        study: the folder, as an absolute path.
    """

    study: Path

    def __call__(self) -> None:
        """Train trials until none is left.

        Raises:
            UserError: the study cannot go on; this makes the job FAILED in Slurm.
            SystemExit: a signal interrupted the runs, which have saved; the trial is free for other workers.
        """
        log_to_stdout()
        with InterruptFlag() as interrupt:
            work(StudyFolder(self.study), JobEnvironment().job_id, interrupt)
        requeue_if_warned(interrupt.heard)
        if interrupt.signum is not None:
            sys.exit(128 + interrupt.signum)

    def checkpoint(self) -> DelayedSubmission:
        """Return what submitit calls in the next attempt: this job again, because it takes what is free then."""
        return DelayedSubmission(self)


def workers_on_slurm(definition: Definition, options: SlurmOptions) -> int:
    """Return how many jobs a study has."""
    wanted = definition.options.workers or definition.members or -(-definition.options.n_trials // TRIALS_PER_JOB)
    return min(wanted, options.array_parallelism, definition.at_once)


def submittable(definition: Definition, recipe: Recipe, options: SlurmOptions) -> SlurmOptions:
    """Return the options of the study's jobs, with an estimate of the memory where they have none.

    Raises:
        UserError: Slurm would refuse them, or would take and never start them.
    """
    together = definition.options.together
    options = replace(options, runs_per_job=together)
    if options.mem_gb is None:
        configs = [recipe.run(0, Path("run"), params, seed=0).config for params in recipe.largest()]
        needed = estimated_job_gb(configs, together, options.gpus_per_node is not None)
        options = replace(options, mem_gb=needed + WORKER_GB)
    require_submittable(options, workers_on_slurm(definition, options) * together, definition.threads)
    return options


def submit_workers(study: StudyFolder, definition: Definition, options: SlurmOptions) -> Callable[[], None]:
    """Submit the workers as one array, record that, and return the function that waits for their end."""
    jobs: Sequence[SearchJob] = [SearchJob(study.path.absolute())] * workers_on_slurm(definition, options)
    cluster = slurm.cluster_name()
    with study.lock():
        study.sweep.require_recorded()
        no_runs: Sequence[Sequence[int]] = [[]] * len(jobs)  # a worker takes them as they come
        tasks = submit_array(study.sweep, jobs, no_runs, options, cluster, "no worker is submitted")
    return partial(wait, tasks, study.sweep)
