"""The plugins that Hydra finds here: the launchers local and slurm, the sweeper before them, and hydra/sweeper=search.

Hydra imports this file at every start, so whatever does the work is imported when there is some.
"""

from collections.abc import Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class Sweeper(BasicSweeper):
    """Hydra's own sweeper, which would compose every job once to see whether that is possible."""

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Do nothing: ddpg.commands.precheck has tried the values, and the launchers freeze every job first."""


class SearchSweeper(Sweeper):
    """Chooses jobs by the scores of those before them; `ddpg.search.launch` does the work, and no launcher is made."""

    def __init__(self, **options: Any) -> None:
        """Ignore the options of hydra/sweeper/search.yaml, because `setup` gets them with the whole config."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what `sweep` needs."""
        self.hydra_context = hydra_context
        self.config = config

    def sweep(self, arguments: list[str]) -> None:
        """Call `ddpg.search.launch.search`."""
        from ddpg.search.launch import search

        assert self.hydra_context is not None
        assert self.config is not None
        search(self.config, self.hydra_context.config_loader, arguments)


class FreezingLauncher(Launcher):
    """Freezes the jobs of a sweep as run folders, then has them trained; `ddpg.sweep.launch` does the work."""

    kind: str

    def __init__(self, **options: Any) -> None:
        """Ignore the options of hydra/launcher/*.yaml, because `setup` gets them with the whole config."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Check the options, before the sweeper makes a folder."""
        from ddpg.sweep.launch import checked_options, require_startable

        self._config = config
        self._loader = hydra_context.config_loader
        self._options = checked_options(config)
        require_startable(self._options)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Call `ddpg.sweep.launch.launch`."""
        from ddpg.sweep.launch import launch

        return launch(self._options, self._config, self._loader, job_overrides, initial_job_idx)


class LocalLauncher(FreezingLauncher):
    """Trains the runs in processes of this machine."""

    kind = "local"


class SlurmLauncher(FreezingLauncher):
    """Trains the runs in job arrays of Slurm."""

    kind = "slurm"
