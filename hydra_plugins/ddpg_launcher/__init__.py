"""What Hydra finds here: `hydra/launcher=local` and `hydra/launcher=slurm`, and the sweeper before them.

Hydra looks for plugins at every start, so all the work is imported when there is some.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

if TYPE_CHECKING:
    from ddpg.sweep.options import Options


#: Sweepers that hand over all jobs whatever becomes of them.
NEED_NO_RESULTS = ("hydra_plugins.ddpg_launcher.Sweeper", "hydra._internal.core_plugins.basic_sweeper.BasicSweeper")


class Sweeper(BasicSweeper):
    """Hydra's own, which would compose every job once to see that it can be."""

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Left to the launchers, which freeze every job before they start one, and to ddpg.commands.precheck."""


class FreezingLauncher(Launcher):
    """Freezes the jobs of a sweep as run folders, then has them trained; `ddpg.sweep.launch` does the work."""

    kind: str

    def __init__(self, **values: Any) -> None:
        """Keep the options of hydra/launcher/*.yaml as plain values: Hydra passes nodes for lists and mappings."""
        self._values = {key: _plain(value) for key, value in values.items()}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Check the options, before the sweeper makes a folder."""
        from ddpg.errors import UserError
        from ddpg.sweep.launch import checked_options

        self._config = config
        self._loader = hydra_context.config_loader
        self.options: Options = checked_options(self.kind, self._values)
        sweeper = config.hydra.sweeper._target_
        if sweeper not in NEED_NO_RESULTS and not self.options.wait:
            raise UserError(f"hydra.launcher.wait=false gives no results back, which {sweeper} needs: use wait=true")
        if sweeper in NEED_NO_RESULTS and config.hydra.sweeper.max_batch_size is not None:
            option = "processes" if self.kind == "local" else "array_parallelism"
            raise UserError(
                f"hydra.sweeper.max_batch_size={config.hydra.sweeper.max_batch_size}: with this launcher "
                f"hydra.launcher.{option} says how many run at the same time"
            )

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """See `ddpg.sweep.launch.launch`."""
        from ddpg.sweep.launch import launch

        return launch(self.options, self._config, self._loader, job_overrides, initial_job_idx)


class LocalLauncher(FreezingLauncher):
    """Processes of this machine."""

    kind = "local"


class SlurmLauncher(FreezingLauncher):
    """Job arrays of Slurm."""

    kind = "slurm"


def _plain(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
