"""Forecasts for runs: hours, from probes of a few of them, and memory."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddpg.config.keys import flat
from ddpg.record.run_folder import RunFolder
from ddpg.sweep.forecast.probe import Speed, probe
from ddpg.sweep.forecast.requirements import BASE_GB, EnvFacts, env_facts, replay_gb
from ddpg.sweep.freeze import FrozenRun

#: The most configurations that are probed: a probe takes a few times as long as the learning that it measures.
MOST_PROBED = 4
#: GiB that a run takes beside what its probe sees: W&B's service, the pictures at the end.
UNSEEN_GB = 0.2


@dataclass(frozen=True)
class Forecast:
    """The time and memory of each of some runs, for which they are the same.

    Args:
        runs: the runs.
        replay_gb: GiB of the replay buffer.
        memory_gb: GiB of the whole process.
        speed: from a probe; None if there was none.
        own: whether one of these runs was probed, and not only a similar one.
        hours: from start to end; None without a probe.
    """

    runs: Sequence[FrozenRun]
    replay_gb: float
    memory_gb: float
    speed: Speed | None
    own: bool
    hours: float | None


def forecasts(runs: Sequence[FrozenRun], probe_s: float) -> list[Forecast]:
    """Return forecasts that cover all runs.

    Args:
        runs: the runs of a sweep.
        probe_s: seconds of learning in each probe, 0 for no probes.

    Raises:
        UserError: a probe fails, or an environment cannot be built.
    """
    groups = grouped(runs)
    facts = env_facts([group[0].config for group in groups])
    speeds: list[tuple[Speed | None, bool]] = [(None, False)] * len(groups)
    if probe_s:
        speeds = _speeds([group[0] for group in groups], probe_s)
    return [_forecast(*each) for each in zip(groups, facts, speeds, strict=True)]


def grouped(runs: Sequence[FrozenRun]) -> list[list[FrozenRun]]:
    """Put runs together that take the same time and memory: seeds, learning rates and the like make no difference."""
    groups: dict[str, list[FrozenRun]] = {}
    keys = ("total_steps", "learning_starts", "buffer_size", "eval", "checkpoint")
    for run in runs:
        amounts = [*(run.config[key] for key in keys), _forked_step(run.config)]
        name = json.dumps([cost(run.config), amounts], sort_keys=True)
        groups.setdefault(name, []).append(run)
    return list(groups.values())


def cost(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a config that decides the time of a step.

    Of optimizers and noises the kind matters, not the numbers.
    """
    keys = (
        "network", "algorithm", "replay", "batch_size", "updates_per_step", "update_every", "dtype",
        "device", "threads",
    )  # fmt: skip
    env = {key: value for key, value in config["env"].items() if key != "budget"}
    kinds = {key: _without_numbers(config[key]) for key in ("optimizer", "noise")}
    return {key: config[key] for key in keys} | kinds | {"env": env}


def hours(config: Mapping[str, Any], speed: Speed, episode_steps: int) -> float:
    """Return the hours of one run: start, acting, learning, evaluations of full length, and pictures at the end.

    The pictures take as long as the start. A fork has some of its steps behind it.
    """
    total = config["total_steps"]
    begun = _forked_step(config)
    evaluation = config["eval"]
    # at step 0 and at the end as well
    evaluations = 0 if evaluation["every"] is None else 1 + -(-(total - begun) // evaluation["every"])
    learning_starts = min(max(config["learning_starts"], begun), total)
    acting = learning_starts - begun + evaluations * evaluation["episodes"] * episode_steps
    learning = total - learning_starts
    return (2 * speed.startup_s + acting / speed.acting + learning / speed.learning) / 3600


def _forked_step(config: Mapping[str, Any]) -> int:
    """Return the env step from which a run goes on if it is a fork, else 0."""
    return 0 if config.get("fork") is None else RunFolder(Path(config["fork"])).saved_step()


def _forecast(runs: Sequence[FrozenRun], facts: EnvFacts, measured: tuple[Speed | None, bool]) -> Forecast:
    speed, own = measured
    config = runs[0].config
    replay = replay_gb(config, facts.transition_bytes)
    base = BASE_GB if speed is None or not speed.peak_gb else speed.peak_gb + UNSEEN_GB
    expected = None if speed is None else hours(config, speed, facts.episode_steps)
    return Forecast(runs, replay, base + replay, speed, own, expected)


def _speeds(runs: Sequence[FrozenRun], seconds: float) -> list[tuple[Speed | None, bool]]:
    """Probe a few of the runs, and return for each run a speed and whether it is that of its own configuration.

    A run that is not probed gets the speed of the most similar one that is.
    """
    costs = [cost(run.config) for run in runs]
    chosen = _chosen(costs)
    measured: dict[int, Speed] = {}
    for place in chosen:
        words = " ".join(runs[place].overrides) or runs[place].config["env"]["name"]
        print(f"probe {len(measured) + 1} of {len(chosen)}, {seconds:g} s of learning: {words}", flush=True)
        measured[place] = probe(runs[place].config, seconds)
    return [_nearest_speed(one, costs, measured) for one in costs]


def _nearest_speed(
    one: Mapping[str, Any], costs: Sequence[Mapping[str, Any]], measured: Mapping[int, Speed]
) -> tuple[Speed, bool]:
    """Return the speed of the measured place whose cost is most like `one`, and whether it is the same."""
    flattened = flat(one)
    place = max(measured, key=lambda place: (_likeness(flattened, flat(costs[place])), -place))
    return measured[place], costs[place] == one


def _chosen(costs: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the places of the runs to probe: one of every env before a second configuration of one."""
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
    """Replace the numbers in nested mappings and lists by None."""
    if isinstance(node, Mapping):
        return {key: _without_numbers(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_without_numbers(value) for value in node]
    return None if isinstance(node, int | float) and not isinstance(node, bool) else node
