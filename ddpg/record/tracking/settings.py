"""The settings of the config group `logger`; conf/logger/default.yaml says what each key means."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ddpg.ranges import NonNegative, Positive, PositiveInt


@dataclass(frozen=True)
class TensorboardSettings:
    """The node `logger.tensorboard`."""

    enabled: bool


@dataclass(frozen=True)
class WandbSettings:
    """The node `logger.wandb`."""

    mode: Literal["online", "offline", "disabled"]
    project: str
    entity: str | None
    group: str | None
    name: str | None
    job_type: str
    tags: Sequence[str]
    start_jitter: NonNegative
    init_timeout: Positive
    finish_timeout: Positive
    save_model: bool


@dataclass(frozen=True)
class LoggerSettings:
    """The node `logger`."""

    every: PositiveInt
    progress: Literal["auto", "bar", "lines", "none"]
    progress_seconds: Positive
    tensorboard: TensorboardSettings
    wandb: WandbSettings
