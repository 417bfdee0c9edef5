"""TensorBoard: the record and the hyper-parameters as event files in the folder tensorboard/ of the run folder."""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ddpg.config.keys import flat
from ddpg.config.settings import science
from ddpg.config.spelling import as_written
from ddpg.distribution import install_hint
from ddpg.errors import UserError
from ddpg.record.tracking.metrics import Row
from ddpg.record.tracking.tracker import Kind, WritePolicies

#: The metric beside the hyper-parameters; its values are those of the record.
SCORE = "eval/episodic_return"


class TensorboardSink:
    """Writes scalars over env_step, anew from the record at every start, so that nothing is missing or doubled."""

    name = "TensorBoard"

    def __init__(self, folder: Path, run_config: Mapping[str, Any]) -> None:
        """Prepare the event files; their hyper-parameters are what `run_config` has of the configuration.

        Raises:
            UserError: TensorBoard is not installed.
        """
        try:
            self._make_writer = importlib.import_module("torch.utils.tensorboard").SummaryWriter
            self._hparams = importlib.import_module("torch.utils.tensorboard.summary").hparams
        except ImportError as error:
            raise UserError(
                f"logger.tensorboard.enabled=true needs TensorBoard: {install_hint('tensorboard')}"
            ) from error
        self._folder = folder
        self._hyper_parameters = hyper_parameters(run_config)
        self._writer: Any = None

    def start(self, rows: Sequence[Row]) -> None:
        """Replace the events of an earlier attempt, because a kill may have lost its last two minutes."""
        for earlier in self._folder.glob("events.out.tfevents.*"):
            earlier.unlink()
        # purge_step: a TensorBoard that is open now drops the steps that it has read from the earlier files
        self._writer = self._make_writer(log_dir=str(self._folder), purge_step=0 if rows else None)
        for summary in self._hparams(self._hyper_parameters, {SCORE: 0.0}):  # add_hparams would make another run
            self._writer.file_writer.add_summary(summary)
        for index, row in enumerate(rows):
            self.log(index, row)

    def log(self, index: int, row: Row) -> None:
        """Write a scalar for each metric."""
        for key, value in row.items():
            if key != "env_step":
                self._writer.add_scalar(key, value, global_step=row["env_step"])

    def step(self, env_step: int) -> None:
        """Show nothing: only rows are shown."""

    def save(self, path: Path, kind: Kind) -> None:
        """Do nothing: files stay in the run folder."""

    def save_policies(self, write: WritePolicies) -> None:
        """Do nothing, as `save`."""

    def finish(self, exit_code: int, summary: Mapping[str, Any]) -> None:
        """Write out what is buffered."""
        self._writer.close()

    def abandon(self) -> None:
        """Do nothing: the writer's thread is a daemon and ends with the process."""


def hyper_parameters(run_config: Mapping[str, Any]) -> dict[str, bool | int | float | str]:
    """Return the option of each group, then the seed and every key of the configuration by its dotted name."""
    choices = run_config.get("choices", {})
    leaves = {"seed": run_config["seed"]} | flat(science(run_config))
    found = choices | {key: value for key, value in leaves.items() if not isinstance(value, Mapping)}
    return {
        key: value if isinstance(value, bool | int | float | str) else as_written(value)
        for key, value in found.items()
        if value is not None
    }
