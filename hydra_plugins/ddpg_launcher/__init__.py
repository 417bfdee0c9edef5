"""The plugins that Hydra finds here: the launchers serial, local and slurm, the sweeper before them, and those of
studies, hydra/sweeper=search and pbt.

Hydra imports this file at every start, so whatever does the work is imported when there is some.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


class Sweeper(BasicSweeper):
    """Hydra's own sweeper, except that it leaves the record of a sweep folder alone that a sweep has begun in.

    Neither does it compose every job once to see whether that is possible: ddpg.commands.precheck has tried the values.
    """

    def sweep(self, arguments: list[str]) -> list[Sequence[JobReturn]] | None:
        """Launch the jobs and return what the launcher does; raise what made the first of them fail."""
        assert self.config is not None
        assert self.hydra_context is not None
        assert self.launcher is not None
        folder = Path(self.config.hydra.sweep.dir)
        if not (folder / "multirun.yaml").exists():
            OmegaConf.save(self.config, folder / "multirun.yaml")
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        overrides = parser.parse_overrides([*self._parse_config(), *arguments])
        returns: list[Sequence[JobReturn]] = []
        for batch in self.split_arguments(overrides, self.max_batch_size):
            returns.append(self.launcher.launch(batch, initial_job_idx=sum(map(len, returns))))
            for job in returns[-1]:
                _ = job.return_value  # raises what the job raised
        return returns


class SerialLauncher(Launcher):
    """Trains the runs one after the other in this process; `ddpg.sweep.serial` does the work."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what `launch` needs."""
        self._context = hydra_context
        self._task = task_function
        self._config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Call `ddpg.sweep.serial.train_in_turn`."""
        from ddpg.sweep.serial import train_in_turn

        return train_in_turn(self._context, self._task, self._config, job_overrides, initial_job_idx)


class StudySweeper(Sweeper):
    """Chooses jobs by the scores of those before them; `ddpg.search.launch` does the work, and no launcher is made."""

    def __init__(self, **options: Any) -> None:
        """Ignore the options of hydra/sweeper/*.yaml, because `setup` gets them with the whole config."""

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


class SearchSweeper(StudySweeper):
    """Searches: `ddpg.search.plan` reads the options of hydra/sweeper/search.yaml."""


class PopulationSweeper(StudySweeper):
    """Trains a population: `ddpg.search.plan` reads the options of hydra/sweeper/pbt.yaml."""


class FreezingLauncher(Launcher):
    """Freezes the jobs of a sweep as run folders, then has them trained; `ddpg.sweep.launch` does the work."""

    kind: str

    def __init__(self, **options: Any) -> None:
        """Ignore the options of hydra/launcher/*.yaml, because `setup` gets them with the whole config."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what `launch` needs; ddpg.commands.precheck has checked it before there was a folder."""
        from ddpg.sweep.launch import checked_options

        self._config = config
        self._loader = hydra_context.config_loader
        self._options = checked_options(config)

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
