"""Which keys decide, and how much of that chance can do."""

import re

import numpy as np
from support.studies import plain_definition

from ddpg.search.importance import Importances, importances
from ddpg.search.trials import Result, Trial, Verdict

WHEN = "2026-01-01T00:00:00+00:00"


def found(count: int, pruned_below: float) -> Importances | None:
    """Return the importances in a study where gamma alone decides; trials with a bad score are pruned."""
    rng = np.random.default_rng(0)
    trials = {}
    for number in range(count):
        params = {"tau": 10 ** rng.uniform(-4, 0), "gamma": rng.uniform(0.5, 1)}
        state: Verdict = "pruned" if params["gamma"] < pruned_below else "complete"
        result = Result(state, params["gamma"] + (state == "pruned"), number, WHEN)
        trials[number] = Trial(number, params, "sampler", (1,), WHEN, {}, {}, result=result)
    return importances(plain_definition(), trials)


def test_pruned_trials_are_among_the_others() -> None:
    """Without them there are too few; and that their scores so far are high does not make them the best."""
    assert found(49, 0.8) is None
    one = found(60, 0.8)
    assert one is not None
    assert one.shares["gamma"] > 0.8
    assert "best tenth of 60 trials" in one.evaluator


def test_the_share_of_chance_is_named() -> None:
    """Of two keys without influence one has the larger share, so more than half."""
    one = found(60, 0.0)
    assert one is not None
    named = re.search(r"the largest share is (\d+) % on average where scores are shuffled", one.evaluator)
    assert named
    assert 50 < int(named[1]) < 95
