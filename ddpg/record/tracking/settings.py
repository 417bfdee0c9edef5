"""The settings of the config group `logger`; conf/logger/default.yaml says what each key means."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from ddpg.ranges import NonNegative, Positive, PositiveInt, Text

#: W&B refuses projects with these (wandb_settings.py, validate_project); they and users are parts of its URLs.
_NO_PART_OF_A_URL = "/\\#?%:"


@dataclass(frozen=True)
class TensorboardSettings:
    """The node `logger.tensorboard`."""

    enabled: bool


@dataclass(frozen=True)
class WandbSettings:
    """The node `logger.wandb`."""

    mode: Literal["online", "offline", "disabled"]
    project: Annotated[str, Text(at_most=128, without=_NO_PART_OF_A_URL)]
    entity: Annotated[str, Text(at_most=128, without=_NO_PART_OF_A_URL)] | None
    group: str | None
    name: str | None
    job_type: Annotated[str, Text(at_most=64)]
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
