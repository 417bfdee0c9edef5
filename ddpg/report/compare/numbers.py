"""The numbers of a comparison, for compare.json."""

from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite
from typing import Any

import numpy as np

from ddpg.report.compare.design import Pairing
from ddpg.report.compare.overall import THRESHOLDS
from ddpg.report.compare.pairs import Comparison
from ddpg.report.compare.result import Result
from ddpg.report.compare.scored import Scored
from ddpg.report.compare.sentences import details, verdicts
from ddpg.report.compare.single_runs import between_extremes, next_run, solved_rate
from ddpg.report.intervals import iqm, iqm_interval, mean_interval


def numbers_of(found: Result) -> dict[str, Any]:
    """Return all numbers for compare.json; what is not known or infinite is null."""
    environments = {
        name: {label: _configuration(one, found) for label, one in group.items()}
        for name, group in found.scores.items()
    }
    overall = {
        one.configuration: {
            "runs": one.runs,
            "mean": one.mean._asdict(),
            "iqm": one.iqm._asdict(),
            "optimality_gap": one.gap._asdict(),
            "profile": {name: values.tolist() for name, values in one.profile._asdict().items()},
        }
        for one in found.overall
    }
    return plain(
        {
            "options": asdict(found.options),
            "sentences": [*verdicts(found), *found.marks],
            "environments": environments,
            "comparisons": [_comparison(one, found) for one in found.comparisons],
            "over_environments": {
                "environments": list(found.shared),
                "ranges": {name: list(found.ranges[name]) for name in found.shared},
                "thresholds": THRESHOLDS.tolist(),
                "configurations": overall,
                "improvement": [
                    {"first": first, "second": second, **one._asdict()}
                    for (first, second), one in found.improvements.items()
                ],
            },
        }
    )


def _configuration(one: Scored, found: Result) -> dict[str, Any]:
    scores = one.scores
    known = len(scores) > 0
    bounds, iqm_bounds = (mean_interval(scores), iqm_interval(scores)) if known else (None, None)
    landing = next_run(scores) if known else None
    solved = found.options.solved
    runs = len(one.own) + len(one.failed)
    return {
        "seeds": list(one.seeds),
        "failed": list(one.failed),
        "unfinished": list(one.unfinished),
        "step": one.step,
        "convention": one.convention,
        "scores": scores.tolist(),
        "mean": float(scores.mean()) if known else None,
        "mean_interval": None if bounds is None else bounds.tolist(),
        "iqm": float(iqm(scores)) if known else None,
        "iqm_interval": None if iqm_bounds is None else iqm_bounds.tolist(),
        "next_run": None if landing is None else landing._asdict(),
        "extremes": between_extremes(scores)._asdict() if known else None,
        "solved": None if solved is None else solved_rate(int((one.own >= solved).sum()), runs)._asdict(),
        "notes": list(one.notes),
    }


def _comparison(one: Comparison, found: Result) -> dict[str, Any]:
    return {
        "environment": one.environment,
        "first": one.first.configuration,
        "second": one.second.configuration,
        "seeds": list(one.counts),
        "difference": one.difference,
        "effect": one.effect,
        "improvement": None if one.improvement is None else one.improvement._asdict(),
        "tests": None if one.tests is None else asdict(one.tests),
        "refused": one.refused,
        "pairing": None if one.pairing is None else _pairing(one.pairing),
        "sentence": details(one, found),
    }


def _pairing(one: Pairing) -> dict[str, Any]:
    return {
        "seeds": list(one.seeds),
        "differences": one.differences.tolist(),
        "left_out": {label: list(seeds) for label, seeds in one.left_out.items()},
        "correlation": one.correlation,
        "next_seed": None if one.next_seed is None else one.next_seed._asdict(),
    }


def plain(value: Any) -> Any:
    """Return a value as JSON has it, with null for nan and infinity."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float | np.floating):
        return float(value) if isfinite(value) else None
    return value
