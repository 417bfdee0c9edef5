"""From Hydra's jobs to runs that are being trained."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

from ddpg.errors import UserError
from ddpg.sweep import slurm
from ddpg.sweep.execute.handover import hand_over, wait_for_end
from ddpg.sweep.forecast.memory import estimated_mem_gb
from ddpg.sweep.forecast.plan import plan
from ddpg.sweep.freeze import compose, freeze
from ddpg.sweep.options import Options, SlurmOptions, options
from ddpg.sweep.state.folder import SweepFolder
from ddpg.sweep.state.status import RunState, states
from ddpg.sweep.state.table import number_of_runs

log = logging.getLogger(__name__)


def checked_options(kind: str, values: Mapping[str, Any]) -> Options:
    """The launcher's options. UserError for a mistake in them, and for jobs that Slurm would never run."""
    chosen = options({"kind": kind, **values})
    if isinstance(chosen, SlurmOptions) and chosen.plan is None:  # a plan tells the rest all the same
        slurm.require_submittable(chosen, tasks=1, mem_gb=chosen.mem_gb or 0, cpus=chosen.cores(threads=1))
    return chosen


def launch(
    chosen: Options, config: DictConfig, loader: ConfigLoader, jobs: Sequence[Sequence[str]], first: int
) -> list[JobReturn]:
    """Freezes the jobs, has them trained, and says what became of them; [] if nothing is waited for."""
    sweep = SweepFolder(Path(str(config.hydra.sweep.dir)))
    if chosen.plan is not None:
        plan(compose(config, loader, jobs, first), chosen, chosen.plan)
        return []
    if isinstance(chosen, SlurmOptions):
        tasks = math.ceil(len(jobs) / chosen.runs_per_job)
        # before the minutes that composing very many takes
        slurm.require_submittable(chosen, tasks, chosen.mem_gb or 0, chosen.cores(threads=1))
    runs = compose(config, loader, jobs, first)
    threads = max(run.config["threads"] for run in runs)
    if isinstance(chosen, SlurmOptions):
        gpu = chosen.gpus_per_node is not None
        chosen = replace(chosen, mem_gb=chosen.mem_gb or estimated_mem_gb(runs, chosen.runs_per_job, gpu))
        slurm.require_submittable(chosen, tasks, chosen.mem_gb or 0, chosen.cores(threads))
    new = {run.number for run in runs}
    with sweep.alone():
        before = states(sweep) if sweep.exists else []
        alive = {one.run.number for one in before if one.is_alive}
        freeze(sweep, runs, alive, {"launcher": asdict(chosen), "threads": threads})
        print(f"{number_of_runs(len(runs))}: ddpg-sweep status {sweep.quoted}", flush=True)
        left = [one.run.number for one in states(sweep) if one.run.number in new and one.can_be_retried]
        wait = hand_over(sweep, left, chosen)
    ended = wait_for_end(sweep, wait)
    return _returns(sweep, [one for one in ended if one.run.number in new]) if chosen.wait else []


def _returns(sweep: SweepFolder, ended: Sequence[RunState]) -> list[JobReturn]:
    """As Hydra's sweepers want to see the runs: their last returns, or what they failed with."""
    missing = sum(one.state != "done" for one in ended)
    error = UserError(f"{missing} of {len(ended)} runs are not done; ddpg-sweep retry {sweep.quoted} goes on with them")
    return [
        JobReturn(overrides=list(one.run.overrides), status=JobStatus.COMPLETED, _return_value=one.last_return)
        if one.state == "done"
        else _Missing(overrides=list(one.run.overrides), status=JobStatus.FAILED, _return_value=error)
        for one in ended
    ]


class _Missing(JobReturn):
    """Without the line that Hydra prints before it raises; the summary has said more."""

    @JobReturn.return_value.getter  # type: ignore[attr-defined, untyped-decorator]
    def return_value(self) -> Any:
        raise self._return_value
