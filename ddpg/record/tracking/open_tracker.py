"""The tracker of a run folder with the sinks that its settings ask for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddpg.record.tracking.progress import ProgressSink
from ddpg.record.tracking.settings import LoggerSettings
from ddpg.record.tracking.tensorboard_sink import TensorboardSink
from ddpg.record.tracking.tracker import Sink, Tracker
from ddpg.record.tracking.wandb_sink import WandbSink


def open_tracker(
    settings: LoggerSettings,
    run_dir: Path,
    total_steps: int,
    run_config: Mapping[str, Any],
    group: str,
    name: str,
) -> Tracker:
    """Open the tracker of a run folder. No sink is started before the tracker's `rewind`.

    Args:
        run_config: the resolved configuration in plain dicts and lists, shown by W&B and TensorBoard.
        group: W&B's group where `logger.wandb.group` is null.
        name: W&B's name of the run where `logger.wandb.name` is null.

    Raises:
        UserError: a sink needs a package that is not installed, or the record cannot be written.
    """
    sinks: list[Sink] = []
    if settings.progress != "none":
        sinks.append(ProgressSink(settings.progress, settings.progress_seconds, total_steps))
    if settings.tensorboard.enabled:
        sinks.append(TensorboardSink(run_dir / "tensorboard", run_config))
    if settings.wandb.mode != "disabled":
        sinks.append(WandbSink(settings.wandb, run_dir, run_config, group, name))
    return Tracker(run_dir / "metrics.jsonl", sinks)
