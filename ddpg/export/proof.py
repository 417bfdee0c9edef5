"""Runs what was written before it is kept: the files' actions and returns beside those of the run."""

import copy
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch import nn

from ddpg.errors import UserError
from ddpg.patience import Patience
from ddpg.policies import Description, Policy, load
from ddpg.policies.actors import policy_of
from ddpg.policies.description import Evaluation
from ddpg.run.playing import Part, Playable, play_seeds
from ddpg.run.playing.play import joined
from ddpg.run.playing.stage import Stage
from ddpg.training.evaluate import Episodes
from ddpg.training.seeding import derived_seed, process_generators_kept

#: On how many observations of the run's environment each format is compared with the run's actor, at least.
OBSERVATIONS = 1000
#: How far an action may be from that of the run's actor, as a part of half its range ...
TOLERANCE = 1e-6
#: ... or this many times as far as rounding moves the actions of the run's actor itself, whichever is more.
ROUNDINGS = 10
#: Observations that are given in one call, because a batch is summed in another order than a single observation.
BATCH = 64

log = logging.getLogger(__name__)


class Original(NamedTuple):
    """The run's actor as a policy, and with its weights in float64; None for a network that cannot compute in it."""

    policy: Policy
    exact: Policy | None


def original_of(actor: nn.Module, description: Description) -> Original:
    """Make the policy that formats are compared with."""
    policy = policy_of(actor, description, "run")
    double = replace(description, network=replace(description.network, dtype="float64"))
    exact = policy_of(copy.deepcopy(actor).double(), double, "run")
    try:
        exact(np.zeros((1, *description.observation.shape), description.observation.dtype))
    except RuntimeError:  # a user's network makes tensors of another format
        return Original(policy, None)
    return Original(policy, exact)


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
        self.largest = max(self.largest, self._difference(action, expected))
        self.exact = self.exact and np.array_equal(action, expected)

    def require_close(self, allowed: float, obs: np.ndarray, expected: np.ndarray) -> None:
        """Raise UserError if a difference so far, or one of the actions for a batch of observations, is not allowed."""
        difference = max(self.largest, self._difference(self.policy(obs), expected))
        if not difference <= allowed:  # which NaN is not
            raise UserError(
                f"format={self.policy.format} cannot be kept: an action differs from the run's by {difference:.1e} of "
                f"half its range, and at most {allowed:.1e} is allowed; choose other formats, as in format=safetensors"
            )

    def _difference(self, action: np.ndarray, expected: np.ndarray) -> float:
        if action.shape != expected.shape or action.dtype != expected.dtype:
            raise UserError(
                f"format={self.policy.format} cannot be kept: it gives {action.dtype} of shape {action.shape}, not "
                f"{expected.dtype} of {expected.shape}"
            )
        return distance(action, expected, self._half_ranges)


def distance(action: np.ndarray, other: np.ndarray, half_ranges: np.ndarray) -> float:
    """Return the largest difference of two actions, or of two batches, as a part of half the action's range."""
    return float(np.max(abs(action.astype(np.float64) - other) / half_ranges))


def prove(
    folder: Path,
    formats: Sequence[str],
    original: Original,
    playable: Playable,
    episodes: int,
    classes: Sequence[Callable[..., Any]],
) -> tuple[Evaluation, Mapping[str, Mapping[str, Any]]]:
    """Load each format from a folder and run it beside the run's actor.

    The run's actor plays `episodes` episodes, those of `ddpg-eval`, and more until it has met 1,000 observations. On
    each of them every format must give its action, to 1e-6 of half the action's range. Sums in another order round
    otherwise, and in networks with large weights by more than that; so a difference is also allowed that is not above
    ten times the largest distance of the run's actor from itself in float64. Then each format plays the same episodes
    by itself. Every ten seconds a line says who plays which episode. Returns the evaluation of the run's actor and, by
    format, what was found.

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
    patience = Patience(log)
    evaluation, rounding = _compare(comparisons, original, playable, seeds, patience)
    found = {}
    for comparison in comparisons:
        own = _played(playable, comparison.policy, seeds, patience)
        if comparison.exact and own != evaluation.returns:
            log.warning(
                "%s: the same actions had other returns: the environment's episodes do not follow from their seeds",
                comparison.policy.format,
            )
        found[comparison.policy.format] = {
            "observations": comparison.observations,
            "largest_difference": comparison.largest,
            "rounding": rounding,
            "exact": comparison.exact,
            "returns": own,
        }
    return evaluation, found


def _compare(
    comparisons: Sequence[Comparison],
    original: Original,
    playable: Playable,
    seeds: Sequence[int],
    patience: Patience,
) -> tuple[Evaluation, float]:
    """Let the run's actor play, and every format answer the observations that it meets.

    Returns the evaluation, and how far rounding moves the actions of the run's actor.
    """
    policy, exact = original
    half_ranges = policy.description.action.half_ranges()
    met: list[np.ndarray] = []
    count = 0
    rounding = 0.0

    def compared(obs: np.ndarray) -> np.ndarray:
        nonlocal count, rounding
        count += 1
        action = policy(obs)
        if len(met) < BATCH:
            met.append(obs.copy())
        if exact is not None:
            rounding = max(rounding, distance(action, exact(obs), half_ranges))
        for comparison in comparisons:
            comparison.add(obs, action)
        return action

    with process_generators_kept(), Stage(_part(playable, compared)) as stage:
        played = _episodes(stage, seeds, "the run's actor", patience)
        further = len(seeds)
        while count < OBSERVATIONS:
            stage.episode(
                derived_seed(0, "play", further),
                on_step=lambda: patience.info("the run's actor has met %d of %d observations", count, OBSERVATIONS),
            )
            further += 1
    batch = np.stack(met)
    actions = np.stack([policy(obs) for obs in batch])
    for comparison in comparisons:
        comparison.require_close(max(TOLERANCE, ROUNDINGS * rounding), batch, actions)
    return Evaluation(list(seeds), played.returns.tolist(), played.lengths.tolist()), rounding


def _played(playable: Playable, policy: Policy, seeds: Sequence[int], patience: Patience) -> list[float]:
    """Return the returns of a policy in the environment of a run."""
    with process_generators_kept(), Stage(_part(playable, policy)) as stage:
        return _episodes(stage, seeds, policy.format, patience).returns.tolist()


def _episodes(stage: Stage, seeds: Sequence[int], who: str, patience: Patience) -> Episodes:
    """Play an episode from each seed; at times a line says who plays which."""
    played = []
    for number, seed in enumerate(seeds, start=1):
        line = partial(patience.info, "%s plays episode %d of %d", who, number, len(seeds))
        played.append(stage.episode(seed, on_step=line))
    return joined(played)


def _part(playable: Playable, policy: Callable[[np.ndarray], np.ndarray]) -> Part:
    return Part(replace(playable, load=lambda env: policy))
