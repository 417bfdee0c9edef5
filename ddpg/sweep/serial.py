"""The jobs of a sweep one after the other in this process, for `-m` without one of the other launchers.

Hydra's own launcher for this writes into a run folder whether or not another process trains there, or another run does.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus, configure_log, filter_overrides, run_job
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict, read_write

from ddpg.config.settings import values
from ddpg.config.spelling import as_typed
from ddpg.errors import UserError
from ddpg.record.claims import release
from ddpg.record.config_file import require_same_config
from ddpg.record.run_folder import RunFolder
from ddpg.sweep.job_config import job_config
from ddpg.sweep.launch import Missing
from ddpg.sweep.state.folder import SweepFolder
from ddpg.sweep.state.status import states
from ddpg.sweep.state.table import ending

log = logging.getLogger(__name__)


def train_in_turn(
    context: HydraContext, task: TaskFunction, config: DictConfig, jobs: Sequence[Sequence[str]], first: int
) -> list[JobReturn]:
    """Train the jobs, print what became of them, and return what each returned, or why it did not start.

    Args:
        context: Hydra's, which composes the jobs.
        task: what trains a job.
        config: the master config of the sweep.
        jobs: the overrides of each job.
        first: the number of the first job.
    """
    configure_log(config.hydra.hydra_logging, config.hydra.verbose)
    try:
        return [_train_job(context, task, config, words, number) for number, words in enumerate(jobs, first)]
    finally:
        _print_ending(SweepFolder(Path(str(config.hydra.sweep.dir))))


def _print_ending(sweep: SweepFolder) -> None:
    """Print what became of the runs, or in one line why that cannot be told: it must not hide what they returned."""
    try:
        print(ending(sweep, states(sweep)), flush=True)
    except UserError as error:
        log.warning("%s", error)


def _train_job(
    context: HydraContext, task: TaskFunction, config: DictConfig, words: Sequence[str], number: int
) -> JobReturn:
    """Train a job, or log why its folder is not for it."""
    log.info("#%d: %s", number, " ".join(as_typed(filter_overrides(words))))
    try:
        return _train(context, task, _composed(context.config_loader, config, words, number))
    except UserError as error:
        log.error("#%d does not start: %s", number, error)
        return Missing(overrides=list(words), status=JobStatus.FAILED, _return_value=error)
    finally:
        configure_log(config.hydra.hydra_logging, config.hydra.verbose)


def _composed(loader: ConfigLoader, config: DictConfig, words: Sequence[str], number: int) -> DictConfig:
    job = loader.load_sweep_config(config, list(words))
    with read_write(job.hydra), open_dict(job.hydra):
        job.hydra.job.num = number
        job.hydra.job.id = number
    return job


def _train(context: HydraContext, task: TaskFunction, job: DictConfig) -> JobReturn:
    """Let Hydra call the task in the run folder of a job; raise UserError if that folder is not for it."""
    HydraConfig.instance().set_config(job)
    folder = RunFolder(Path(str(job.hydra.sweep.dir)) / str(job.hydra.sweep.subdir))
    folder.claim()
    try:
        require_same_config(values(job_config(job, job.hydra.overrides.task)), folder)
        if folder.config.exists():  # Hydra's record is that of the first start
            with read_write(job.hydra):
                job.hydra.output_subdir = None
        return run_job(
            task_function=task,
            config=job,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
            hydra_context=context,
        )
    finally:
        release(folder.path)
