"""metrics.jsonl is the record of a run; W&B, TensorBoard and the progress display are fed from it."""

from ddpg.record.tracking.metrics import Means, Row, read_metrics
from ddpg.record.tracking.settings import LoggerSettings, TensorboardSettings, WandbSettings
from ddpg.record.tracking.tracker import Kind, Sink, Tracker

__all__ = [
    "Kind",
    "LoggerSettings",
    "Means",
    "Row",
    "Sink",
    "TensorboardSettings",
    "Tracker",
    "WandbSettings",
    "read_metrics",
]
