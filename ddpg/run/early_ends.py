"""What a run would reach only after its end: schedules with lengths of their own beside `total_steps`."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from omegaconf import DictConfig

from ddpg.training.schedule import Schedule

log = logging.getLogger(__name__)


def warn_of_early_ends(cfg: DictConfig, schedule: Schedule) -> None:
    """Warn in one line of each schedule that the run does not follow to its end."""
    for line in (*_random_steps(schedule), *_noise(cfg.noise, schedule), *_replay(cfg.replay, schedule)):
        log.warning("%s", line)


def _random_steps(schedule: Schedule) -> Iterator[str]:
    if schedule.random_steps >= schedule.total_steps:
        yield (
            f"the actor never acts in training: random_steps={schedule.random_steps} is not below "
            f"total_steps={schedule.total_steps}"
        )


def _noise(node: Mapping[str, Any], schedule: Schedule) -> Iterator[str]:
    if not {"sigma", "final_sigma", "anneal_steps"} <= set(node) or node["sigma"] == node["final_sigma"]:
        return
    steps = node["anneal_steps"]
    if schedule.total_steps < steps:
        reached = _between(node["sigma"], node["final_sigma"], schedule.total_steps / steps)
        yield (
            f"noise.sigma moves to {reached:g}, not to noise.final_sigma={node['final_sigma']:g}: "
            f"total_steps={schedule.total_steps} ends before noise.anneal_steps={steps}"
        )
    elif steps <= schedule.random_steps < schedule.total_steps:
        yield (
            f"noise.sigma is noise.final_sigma={node['final_sigma']:g} from its first use on: "
            f"noise.anneal_steps={steps} are over within random_steps={schedule.random_steps}"
        )


def _replay(node: Mapping[str, Any], schedule: Schedule) -> Iterator[str]:
    updates = schedule.total_updates()
    if {"beta", "beta_steps"} <= set(node) and node["beta"] < 1 and updates < node["beta_steps"]:
        reached = _between(node["beta"], 1, updates / node["beta_steps"])
        yield (
            f"replay.beta grows to {reached:g}, not to 1: the run's {updates} updates end before "
            f"replay.beta_steps={node['beta_steps']}"
        )


def _between(start: float, end: float, part: float) -> float:
    return start + part * (end - start)
