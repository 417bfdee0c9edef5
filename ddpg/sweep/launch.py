"""From the jobs of Hydra's sweeper to runs that are being trained."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import JobReturn, JobStatus
from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from ddpg.config.variables import about_the_environment
from ddpg.errors import UserError
from ddpg.sweep.execute.handover import hand_over, wait_for_end
from ddpg.sweep.forecast.requirements import with_memory
from ddpg.sweep.freeze import NEED_NO_RESULTS, FrozenRun, compose, freeze
from ddpg.sweep.job_config import typed_configs
from ddpg.sweep.options import Options, SlurmOptions, options
from ddpg.sweep.slurm_checks import require_submittable
from ddpg.sweep.state.folder import SweepFolder
from ddpg.sweep.state.status import RunState, states
from ddpg.sweep.state.table import number_of_runs


def checked_options(config: DictConfig) -> Options:
    """Return the options of the launcher that a composed config has chosen.

    Raises:
        UserError: a mistake in the options, a launcher of another package, or a sweeper that does not go with them.
    """
    chosen = launcher_options(config)
    sweeper = config.hydra.sweeper
    names_its_jobs = sweeper._target_ in NEED_NO_RESULTS
    if not names_its_jobs and not chosen.wait:
        needs = sweeper._target_
        raise UserError(f"hydra.launcher.wait=false gives no results back, which {needs} needs: use wait=true")
    if names_its_jobs and sweeper.max_batch_size is not None:
        option = "processes" if chosen.kind == "local" else "array_parallelism"
        raise UserError(
            f"hydra.sweeper.max_batch_size={sweeper.max_batch_size}: with this launcher "
            f"hydra.launcher.{option} says how many run at the same time"
        )
    return chosen


def launcher_options(config: DictConfig) -> Options:
    """Return the options of the launcher that a composed config has chosen; raise UserError for a mistake in them."""
    values: Any = OmegaConf.to_container(config.hydra.launcher, resolve=True)
    launcher = get_class(values.pop("_target_"))
    if not hasattr(launcher, "kind"):
        typed = [word for word in config.hydra.overrides.hydra if word.startswith("hydra/launcher=")]
        problem = f"{typed[-1]} does not start a run by its folder alone" if typed else "no hydra/launcher is given"
        raise UserError(f"{problem}: add hydra/launcher=local or hydra/launcher=slurm")
    try:
        return options({"kind": launcher.kind, **values})
    except UserError as error:
        raise about_the_environment(
            error, {"hydra": {"launcher": OmegaConf.to_container(config.hydra.launcher)}}
        ) from error


def require_startable(chosen: Options, runs: int = 1) -> None:
    """Raise UserError for runs that Slurm would refuse, or would take and never start, as far as the options tell."""
    if isinstance(chosen, SlurmOptions):
        require_submittable(chosen, runs, threads=1)


def launch(
    chosen: Options, config: DictConfig, loader: ConfigLoader, jobs: Sequence[Sequence[str]], first: int
) -> list[JobReturn]:
    """Freeze the jobs, have them trained and print what became of them.

    Args:
        chosen: the launcher's options.
        config: the master config of the sweep.
        loader: Hydra's, which composes the jobs.
        jobs: the overrides of each job.
        first: the number of the first job.

    Returns:
        For each job the return of its run, or why there is none; [] if the options say not to wait.
    """
    require_startable(chosen, len(jobs))  # again: composing very many jobs takes minutes
    runs = compose(config, loader, jobs, first)
    sweep = SweepFolder(Path(str(config.hydra.sweep.dir)))
    ended = train_frozen(sweep, runs, chosen, typed_configs(config.hydra))
    new = {run.number for run in runs}
    return _returns(sweep, [one for one in ended if one.run.number in new]) if chosen.wait else []


def train_frozen(
    sweep: SweepFolder, runs: Sequence[FrozenRun], chosen: Options, own: Mapping[str, str]
) -> list[RunState]:
    """Write the run folders, have the runs trained that are not done, and print what became of the sweep.

    Args:
        sweep: whose runs they are.
        runs: with numbers that the sweep has, or the next ones.
        chosen: the launcher's options.
        own: the user's own config groups, as `typed_configs` returns them.

    Returns:
        The states of all runs of the sweep.

    Raises:
        UserError: Slurm would refuse the jobs, or the folder holds another sweep.
    """
    threads = max(run.config["threads"] for run in runs)
    asked = chosen
    if isinstance(chosen, SlurmOptions):
        asked = with_memory(chosen, (run.config for run in runs))
        require_submittable(asked, len(runs), threads)
    new = {run.number for run in runs}
    with sweep.lock():
        sweep.require_recorded()
        before = states(sweep) if sweep.exists else []
        alive = {one.run.number for one in before if one.is_alive}
        freeze(sweep, runs, alive, {"launcher": asdict(chosen), "threads": threads, **own})
        print(f"{number_of_runs(len(runs))}: ddpg-sweep status {sweep.quoted}", flush=True)
        missing = [one.run.number for one in states(sweep) if one.run.number in new and one.can_be_retried]
        wait = hand_over(sweep, missing, asked)
    return wait_for_end(sweep, wait)


def _returns(sweep: SweepFolder, ended: Sequence[RunState]) -> list[JobReturn]:
    """Return what Hydra's sweepers read: the last return of each run, or why it has none."""
    missing = sum(one.state != "done" for one in ended)
    error = UserError(f"{missing} of {len(ended)} runs are not done; ddpg-sweep retry {sweep.quoted} goes on with them")
    return [
        JobReturn(overrides=list(one.run.overrides), status=JobStatus.COMPLETED, _return_value=one.last_return)
        if one.state == "done"
        else Missing(overrides=list(one.run.overrides), status=JobStatus.FAILED, _return_value=error)
        for one in ended
    ]


class Missing(JobReturn):
    """Raises without Hydra's own line before it, because the table of the runs shows more."""

    @JobReturn.return_value.getter  # type: ignore[attr-defined, untyped-decorator]
    def return_value(self) -> Any:
        raise self._return_value
