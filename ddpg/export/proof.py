"""Runs what was written before it is kept: the files' actions and returns beside those of the run."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ddpg.errors import UserError
from ddpg.policies import Policy, load
from ddpg.policies.description import Evaluation
from ddpg.run.playing import Part, Playable, play_seeds
from ddpg.run.playing.play import joined, play_parts
from ddpg.run.playing.stage import Stage
from ddpg.training.seeding import derived_seed, process_generators_kept

#: On how many observations of the run's environment each format is compared with the run's actor, at least.
OBSERVATIONS = 1000
#: How far an action may be from that of the run's actor, as a part of half its range.
TOLERANCE = 1e-6
#: Observations that are given in one call, because a batch is summed in another order than a single observation.
BATCH = 64

log = logging.getLogger(__name__)


class Comparison:
    """The actions of a written policy beside those of the run's actor."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.observations = 0
        self.exact = True
        #: the largest difference so far of an action for one observation, as a part of half its range
        self.largest = 0.0
        self._half_ranges = policy.description.action.half_ranges()

    def add(self, obs: np.ndarray, expected: np.ndarray) -> None:
        """Compare the action for one observation."""
        action = self.policy(obs)
        self.observations += 1
        self.largest = max(self.largest, self._require_close(action, expected))
        self.exact = self.exact and np.array_equal(action, expected)

    def add_batch(self, obs: np.ndarray, expected: np.ndarray) -> None:
        """Compare the actions for a batch with those for its observations one by one."""
        self._require_close(self.policy(obs), expected)

    def _require_close(self, action: np.ndarray, expected: np.ndarray) -> float:
        """Return the largest difference as a part of half the range; raise UserError if it is more than allowed."""
        kept = f"format={self.policy.format} cannot be kept"
        if action.shape != expected.shape or action.dtype != expected.dtype:
            raise UserError(
                f"{kept}: it gives {action.dtype} of shape {action.shape}, not {expected.dtype} of {expected.shape}"
            )
        difference = float(np.max(abs(action.astype(np.float64) - expected) / self._half_ranges))
        if not difference <= TOLERANCE:  # which NaN is not
            raise UserError(
                f"{kept}: an action differs from the run's by {difference:.1e} of half its range, and at most "
                f"{TOLERANCE:g} is allowed; choose other formats, as in format=safetensors"
            )
        return difference


def prove(
    folder: Path,
    formats: Sequence[str],
    original: Policy,
    playable: Playable,
    episodes: int,
    classes: Sequence[Callable[..., Any]],
) -> tuple[Evaluation, Mapping[str, Mapping[str, Any]]]:
    """Load each format from a folder and run it beside the run's actor.

    The run's actor plays `episodes` episodes, those of `ddpg-eval`, and more until it has met 1,000 observations; on
    each of them every format must give its action, to 1e-6 of half the action's range. Then each format plays the same
    episodes by itself. Returns the evaluation of the run's actor and, by format, what was found.

    Raises UserError if a format cannot be loaded or its actions differ.

    Args:
        folder: where the formats were written, with policy.json.
        formats: their names.
        original: the run's actor.
        playable: the run, whose environment is played.
        episodes: how many are played.
        classes: the class of the actor, if it is not this package's.
    """
    comparisons = [Comparison(load(folder, format, classes)) for format in formats]
    seeds = play_seeds(episodes, seed=0)
    evaluation = _compare(comparisons, original, playable, seeds)
    found = {}
    for comparison in comparisons:
        own = _played(playable, comparison.policy, seeds)
        if comparison.exact and own != evaluation.returns:
            log.warning(
                "%s: the same actions had other returns: the environment's episodes do not follow from their seeds",
                comparison.policy.format,
            )
        found[comparison.policy.format] = {
            "observations": comparison.observations,
            "largest_difference": comparison.largest,
            "exact": comparison.exact,
            "returns": own,
        }
    return evaluation, found


def _compare(
    comparisons: Sequence[Comparison], original: Policy, playable: Playable, seeds: Sequence[int]
) -> Evaluation:
    """Let the run's actor play, and every format answer the observations that it meets."""
    met: list[np.ndarray] = []
    count = 0

    def compared(obs: np.ndarray) -> np.ndarray:
        nonlocal count
        count += 1
        action = original(obs)
        if len(met) < BATCH:
            met.append(obs.copy())
        for comparison in comparisons:
            comparison.add(obs, action)
        return action

    with process_generators_kept(), Stage(_part(playable, compared)) as stage:
        played = joined([stage.episode(seed) for seed in seeds])
        further = len(seeds)
        while count < OBSERVATIONS:
            stage.episode(derived_seed(0, "play", further))
            further += 1
    batch = np.stack(met)
    actions = np.stack([original(obs) for obs in batch])
    for comparison in comparisons:
        comparison.add_batch(batch, actions)
    return Evaluation(list(seeds), played.returns.tolist(), played.lengths.tolist())


def _played(playable: Playable, policy: Policy, seeds: Sequence[int]) -> list[float]:
    """Return the returns of a policy in the environment of a run."""
    (episodes,) = play_parts([_part(playable, policy)], seeds)
    return episodes.returns.tolist()


def _part(playable: Playable, policy: Callable[[np.ndarray], np.ndarray]) -> Part:
    return Part(replace(playable, load=lambda env: policy))
