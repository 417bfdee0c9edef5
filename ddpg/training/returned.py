"""The contract of what methods return to the trainer, checked before anything of it is read."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from ddpg.config.spelling import nearest
from ddpg.errors import UserError, kind_of
from ddpg.learner.protocol import Agent, Step


def as_metrics(part: object, method: str, value: Any) -> dict[str, float | Tensor]:
    """Return what a method of a part gives to be logged, as numbers by name.

    Those on a GPU stay there, because reading would wait for it. Raises UserError, which names the
    class, the method and the metric, for anything that is not one number.
    """
    if not isinstance(value, Mapping):
        kind = _kind(value)
        raise UserError(
            f"{_name(part, method)} returned {kind}, not numbers to log by name, or {{}}"
        )
    metrics: dict[str, float | Tensor] = {}
    for name, number in value.items():
        try:
            stays = isinstance(number, Tensor) and number.is_cuda and number.numel() == 1
            metrics[name] = number if stays else float(number)
        except (TypeError, ValueError, RuntimeError) as error:
            kind = _kind(number)
            raise UserError(
                f"{_name(part, method)} returned {kind} as the metric {name}, not one number"
            ) from error
    return metrics


def as_step(agent: Agent, value: Any) -> Step:
    """Return the result of an update as it is; raise UserError for anything else."""
    if isinstance(value, Step):
        return value
    name = _name(agent, "update")
    raise UserError(f"{name} returned {_kind(value)}, not a ddpg.learner.protocol.Step")


def as_losses(agent: Agent, value: Any) -> Mapping[str, Tensor]:
    """Return the losses of networks as they are, each one number with a gradient.

    Raises UserError, which names the class and the network, for anything else.
    """
    method = _name(agent, "losses")
    if not isinstance(value, Mapping):
        raise UserError(f"{method} returned {_kind(value)}, not losses by the names of networks")
    for name, loss in value.items():
        if name not in agent.networks:
            among = nearest(str(name), agent.networks)
            raise UserError(
                f"{method} returned a loss of {name}, which is none of its networks{among}"
            )
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            raise UserError(
                f"{method} returned {_kind(loss)} as the loss of {name}, not one number"
            )
        if not loss.requires_grad:
            raise UserError(
                f"{method} returned a loss of {name} without a gradient: it was detached, or "
                "computed from no parameter that learns"
            )
    return value


def class_name(part: object) -> str:
    """Return the full name of a part's class, by which messages about a user's class name it."""
    return f"{type(part).__module__}.{type(part).__qualname__}"


def _name(part: object, method: str) -> str:
    return f"{class_name(part)}.{method}"


def _kind(value: Any) -> str:
    shape = f" of shape {tuple(value.shape)}" if isinstance(value, Tensor | np.ndarray) else ""
    return f"{kind_of(value)}{shape}"
