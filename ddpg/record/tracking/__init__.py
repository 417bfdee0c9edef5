"""metrics.jsonl is the record of a run; W&B, TensorBoard and the progress display are fed from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ddpg.ranges import Positive, PositiveInt
from ddpg.record.tracking.metrics import Means, Row, read_metrics
from ddpg.record.tracking.progress import ProgressSink
from ddpg.record.tracking.tensorboard_sink import TensorboardSettings, TensorboardSink
from ddpg.record.tracking.tracker import Kind, Sink, Tracker
from ddpg.record.tracking.wandb_sink import WandbSettings, WandbSink

__all__ = [
    "Kind",
    "LoggerSettings",
    "Means",
    "Row",
    "Sink",
    "TensorboardSettings",
    "Tracker",
    "WandbSettings",
    "open_tracker",
    "read_metrics",
]


@dataclass(frozen=True)
class LoggerSettings:
    """The node `logger`; conf/logger/default.yaml says what each key means."""

    every: PositiveInt
    progress: Literal["auto", "bar", "lines", "none"]
    progress_seconds: Positive
    tensorboard: TensorboardSettings
    wandb: WandbSettings


def open_tracker(
    settings: LoggerSettings,
    run_dir: Path,
    total_steps: int,
    run_config: Mapping[str, Any],
    group: str,
    name: str,
) -> Tracker:
    """The tracker of a run folder. Nothing is started before its `rewind`.

    Args:
        run_config: the resolved configuration in plain dicts and lists, shown by W&B.
        group: W&B's group where `logger.wandb.group` is null; name likewise.

    Raises:
        UserError: a sink needs a package that is not installed, or the record cannot be written.
    """
    sinks: list[Sink] = []
    if settings.progress != "none":
        sinks.append(ProgressSink(settings.progress, settings.progress_seconds, total_steps))
    if settings.tensorboard.enabled:
        sinks.append(TensorboardSink(run_dir / "tensorboard"))
    if settings.wandb.mode != "disabled":
        sinks.append(WandbSink(settings.wandb, run_dir, run_config, group, name))
    return Tracker(run_dir / "metrics.jsonl", sinks)
