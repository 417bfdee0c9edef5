"""What runs will take: hours, from probes of a few of them, and memory."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ddpg.config.settings import flat
from ddpg.sweep.forecast.memory import BASE_GB, EnvFacts, env_facts, replay_gb
from ddpg.sweep.forecast.probe import Speed, probe
from ddpg.sweep.freeze import FrozenRun

#: Configurations that are probed, each for half a minute.
MOST_PROBED = 4
#: GiB that a run takes beside what its probe sees: W&B's service, the pictures at the end.
UNSEEN_GB = 0.2


@dataclass(frozen=True)
class Forecast:
    """Of runs that take the same. `own`: one of them was probed, not one like them; without probes hours are None."""

    runs: Sequence[FrozenRun]
    replay_gb: float
    memory_gb: float
    speed: Speed | None
    own: bool
    hours: float | None


def forecasts(runs: Sequence[FrozenRun], probe_s: float) -> list[Forecast]:
    """Of all runs. `probe_s`: seconds of learning in each probe, 0 for none. UserError if a probe fails."""
    groups = grouped(runs)
    configs = [group[0].config for group in groups]
    facts = env_facts(configs)
    speeds = _speeds([group[0] for group in groups], probe_s) if probe_s else [(None, False)] * len(groups)
    return [_forecast(*each) for each in zip(groups, facts, speeds, strict=True)]


def grouped(runs: Sequence[FrozenRun]) -> list[list[FrozenRun]]:
    """Runs that take the same time and memory together: seeds, learning rates and the like make no difference."""
    groups: dict[str, list[FrozenRun]] = {}
    for run in runs:
        amounts = [run.config[key] for key in ("total_steps", "learning_starts", "buffer_size", "eval", "checkpoint")]
        groups.setdefault(json.dumps([cost(run.config), amounts], sort_keys=True), []).append(run)
    return list(groups.values())


def cost(config: Mapping[str, Any]) -> dict[str, Any]:
    """What decides the time of a step; of optimizers and noises their kind, not their numbers."""
    keys = ("network", "algorithm", "replay", "batch_size", "updates_per_step", "update_every", "dtype", "device")
    env = {key: value for key, value in config["env"].items() if key != "budget"}
    kinds = {key: _without_numbers(config[key]) for key in ("optimizer", "noise")}
    return {key: config[key] for key in (*keys, "threads")} | kinds | {"env": env}


def hours(config: Mapping[str, Any], speed: Speed, episode_steps: int) -> float:
    """Of one run: acting, learning, evaluations with episodes of full length; the start, and as long for pictures."""
    total, evaluation = config["total_steps"], config["eval"]
    acting = min(total, config["learning_starts"])
    times = 1 + -(-total // evaluation["every"])  # at step 0 and at the end as well
    acting += times * evaluation["episodes"] * episode_steps
    learning = max(0, total - config["learning_starts"])
    return (2 * speed.startup_s + acting / speed.acting + learning / speed.learning) / 3600


def _forecast(runs: Sequence[FrozenRun], facts: EnvFacts, measured: tuple[Speed | None, bool]) -> Forecast:
    (speed, own), config = measured, runs[0].config
    replay = replay_gb(config, facts.transition_bytes)
    base = BASE_GB if speed is None or not speed.peak_gb else speed.peak_gb + UNSEEN_GB
    expected = None if speed is None else hours(config, speed, facts.episode_steps)
    return Forecast(runs, replay, base + replay, speed, own, expected)


def _speeds(runs: Sequence[FrozenRun], seconds: float) -> list[tuple[Speed | None, bool]]:
    """Each run's, and whether it is its own: a few are probed, for the others the most similar of those stands."""
    costs = [cost(run.config) for run in runs]
    chosen = _chosen(costs)
    measured: dict[int, Speed] = {}
    for place in chosen:
        words = " ".join(runs[place].overrides) or runs[place].config["env"]["name"]
        print(f"probe {len(measured) + 1} of {len(chosen)}, {seconds:g} s of learning: {words}", flush=True)
        measured[place] = probe(runs[place].config, seconds)
    flattened = [flat(one) for one in costs]
    nearest = [max((_likeness(one, flattened[place]), -place) for place in chosen)[1] for one in flattened]
    return [(measured[-near], costs[-near] == one) for near, one in zip(nearest, costs, strict=True)]


def _chosen(costs: Sequence[Mapping[str, Any]]) -> list[int]:
    """Places of those to probe: every env before a second configuration of one."""
    first: dict[str, int] = {}
    for place, one in enumerate(costs):
        first.setdefault(json.dumps(one, sort_keys=True), place)
    of_env: dict[str, int] = {}
    for place in first.values():
        of_env.setdefault(costs[place]["env"]["name"], place)
    rest = [place for place in first.values() if place not in of_env.values()]
    return [*of_env.values(), *rest][:MOST_PROBED]


def _likeness(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[bool, int]:
    return one["env.name"] == other["env.name"], sum(other.get(key) == value for key, value in one.items())


def _without_numbers(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _without_numbers(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_without_numbers(value) for value in node]
    return None if isinstance(node, int | float) and not isinstance(node, bool) else node
