"""Proposals of samplers, on studies in memory whose scores are a formula."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from support.command_line import user_error
from support.studies import depth, plain_definition

from ddpg.search.optuna_study import pruned_as_complete
from ddpg.search.sampling import make_sampler, most_trials, propose
from ddpg.search.space import Choice, Number, Space
from ddpg.search.study import Definition
from ddpg.search.trials import Result, Trial, Verdict

#: A choice, a number that is there for one option alone, and a range.
MIXED = Space(
    (
        Choice("noise", "", ("gaussian", "ou")),
        Number("noise.theta", "", 0.1, 0.3, step=None, log=False, whole=False),
        Number("random_steps", "", 0, 90, step=10, log=False, whole=True),
    ),
    {"noise.theta": (("noise", "ou"),)},
    (),
)


def study(definition: Definition, count: int, scored: bool = True) -> dict[int, Trial]:
    """Return the first trials of a study, each scored before the next is proposed."""
    trials: dict[int, Trial] = {}
    for number in range(count):
        trial = propose(definition, trials, number)
        value = depth(trial.params) if scored else float(-number)
        trials[number] = trial.changed(result=Result("complete", value, number, trial.asked))
    return trials


def test_tpe_beats_random_by_a_margin() -> None:
    """The median best of five studies of 40 trials is better than 99 % of such medians of random search."""
    rng = np.random.default_rng(0)
    tau = 10 ** rng.uniform(-4, 0, (1000, 5, 40))
    gamma = rng.uniform(0.5, 1, tau.shape)
    at_random = -((np.log10(tau) + 2) ** 2) - 10 * (gamma - 0.9) ** 2
    bar = np.quantile(np.median(at_random.max(axis=2), axis=1), 0.99)
    best = [max(map(depth, params_of(study(plain_definition(seed=seed), 40)))) for seed in range(5)]
    assert np.median(best) > bar


def params_of(trials: Mapping[int, Trial]) -> list[Mapping[str, float]]:
    return [trial.params for trial in trials.values() if trial.origin == "sampler"]


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes", "qmc", "random"])
def test_every_sampler(sampler: str) -> None:
    """Each draws other points within the space, the same again from the same trials, and takes a study further."""
    definition = plain_definition(sampler)
    definition.search.method.update({"n_startup_trials": 4} if sampler in ("tpe", "gp", "cmaes") else {})
    trials = study(definition, 9)
    drawn = {(trial.params["tau"], trial.params["gamma"]) for trial in trials.values()}
    assert len(drawn) == 9
    assert all(1e-4 <= tau <= 1 and 0.5 <= gamma <= 1 for tau, gamma in drawn)
    again = propose(definition, {n: trial for n, trial in trials.items() if n < 8}, 8)
    assert again.params == trials[8].params
    assert propose(plain_definition(sampler, seed=1), {}, 0).params != trials[0].params


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes", "qmc", "random"])
def test_choices_conditions_and_ranges(sampler: str) -> None:
    trials = study(plain_definition(sampler, space=MIXED), 12, scored=False)
    for trial in trials.values():
        assert ("noise.theta" in trial.params) == (trial.params["noise"] == "ou")
        assert trial.params["random_steps"] % 10 == 0
    assert {trial.params["noise"] for trial in trials.values()} == {"gaussian", "ou"}


@pytest.mark.parametrize(
    ("low", "high", "log", "most"),
    [(1e-5, 1e-2, True, 4), (0.999, 0.99999, False, 7), (-1.0, 1.0, False, 4), (2.0, 2.0, False, 1)],
)
def test_numbers_are_short(low: float, high: float, log: bool, most: int) -> None:
    """Four digits of the number or of its interval, whichever are finer; and nothing leaves the bounds."""
    space = Space((Number("x", "", low, high, step=None, log=log, whole=False),), {}, ())
    definition = plain_definition("random", space=space)
    values = [float(propose(definition, {}, number).params["x"]) for number in range(20)]
    assert all(low <= value <= high for value in values)
    digits = [len(np.format_float_scientific(value).split("e")[0].replace(".", "").strip("-0")) for value in values]
    assert max(digits) <= most
    assert len(set(values)) == (1 if low == high else 20)


def test_pruned_trials_count_as_complete() -> None:
    """With their scores so far, but at best with the median of the complete ones."""
    trials = {n: at(n, float(value)) for n, value in enumerate((-3, -1, -2))}
    pruned = {3: at(3, -2.5, "pruned"), 4: at(4, 9.0, "pruned"), 5: trials[0].changed(result=None)}
    for direction, expected in (("maximize", [-2.5, -2.0]), ("minimize", [-2.0, 9.0])):
        found = pruned_as_complete({**trials, **pruned}, plain_definition(direction=direction).options)
        assert [found[n].score for n in range(6)] == [-3.0, -1.0, -2.0, *expected, None]
        assert [found[n].verdict for n in range(6)] == [*["complete"] * 5, None]


def at(number: int, value: float | None, state: Verdict = "complete") -> Trial:
    """Return a trial that has ended."""
    result = Result(state, value, number, "2026-01-01T00:00:00+00:00")
    params = {"tau": 0.1 / (number + 1), "gamma": 0.9}
    return Trial(number, params, "sampler", (1,), result.time, attrs={}, study_attrs={}, result=result)


@pytest.mark.parametrize("sampler", ["gp", "cmaes"])
def test_samplers_learn_from_pruned_trials(sampler: str) -> None:
    """They propose what they would after a complete trial with that score; without it they would propose it again."""
    definition = plain_definition(sampler, control=0.0)
    definition.search.method["n_startup_trials"] = 4
    trials = study(definition, 10)  # the last six are a generation of CMA-ES
    pruned = trials | {9: trials[9].changed(result=Result("pruned", -9.0, 9, trials[9].asked))}
    complete = trials | {9: trials[9].changed(result=Result("complete", -9.0, 9, trials[9].asked))}
    assert propose(definition, pruned, 10).params == propose(definition, complete, 10).params


def test_gp_leaves_a_point_that_fails() -> None:
    """Also where failures have no score, of which it knows nothing but that they are there."""
    definition = plain_definition("gp", failed="fail", control=0.0)
    definition.search.method["n_startup_trials"] = 4
    trials = study(definition, 6)
    for number in range(6, 9):
        trial = propose(definition, trials, number)
        trials[number] = trial.changed(result=Result("failed", None, number, trial.asked))
    failed = [(np.log10(trials[n].params["tau"]) / 4, trials[n].params["gamma"] * 2) for n in range(6, 9)]
    assert all(np.hypot(*np.subtract(failed[i], failed[j])) > 0.01 for i, j in ((0, 1), (0, 2), (1, 2)))


#: Twelve points, two of which have no theta.
FEW = Space(
    (MIXED.dimensions[0], replace(MIXED.dimensions[1], step=0.05), Choice("preset", "", ("td3", "ddpg"))),
    MIXED.conditions,
    (),
)


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes", "qmc", "random"])
def test_no_values_are_tried_twice(sampler: str) -> None:
    """The seeds are the same, so the score would be. A study ends with the last point of its space."""
    definition = plain_definition(sampler, space=FEW)
    assert most_trials(definition) == 12
    trials = study(definition, 12, scored=False)
    assert len({tuple(trial.params.items()) for trial in trials.values()}) == 12


def test_a_wider_grid_tries_what_is_new() -> None:
    space = Space((MIXED.dimensions[0], replace(MIXED.dimensions[2], high=10)), {}, ())
    trials = study(plain_definition("grid", space=space), 4, scored=False)
    wider = replace(space, dimensions=(Choice("noise", "", ("gaussian", "ou", "none")), space.dimensions[1]))
    definition = plain_definition("grid", space=wider)
    for number in (4, 5):
        trials[number] = propose(definition, trials, number)
    assert sorted(tuple(trials[n].params.values()) for n in (4, 5)) == [("none", 0), ("none", 10)]


def test_a_grid_is_tried_once() -> None:
    space = Space((*MIXED.dimensions[:1], replace(MIXED.dimensions[2], high=20)), {}, ())
    definition = plain_definition("grid", space=space)
    trials = study(definition, most_trials(definition), scored=False)
    points = [tuple(trial.params.values()) for trial in trials.values()]
    assert sorted(points) == [(noise, steps) for noise in ("gaussian", "ou") for steps in (0, 10, 20)]
    with user_error("conditions"):
        make_sampler(plain_definition("grid", space=MIXED), seed=0)


def test_controls_are_spread_over_the_study() -> None:
    """Chance chooses every tenth, whatever was learned: the same points as in a study with other scores."""
    trials = study(plain_definition(n_trials=20), 20)
    others = study(plain_definition(n_trials=20), 20, scored=False)
    control = [number for number, trial in trials.items() if trial.origin == "control"]
    assert control == [9, 19]
    assert [trials[n].params for n in control] == [others[n].params for n in control]
    assert trials[18].params != others[18].params


def test_a_removed_trial_leaves_the_others_their_numbers() -> None:
    trials = study(plain_definition(), 6)
    del trials[2]
    assert propose(plain_definition(), trials, 6).number == 6


def test_a_space_too_large_for_a_list_has_a_point_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sampler and chance propose what was tried; the first points of 10^12 are looked at, and no others."""
    steps = [Number(key, "", 1, 10**6, step=None, log=False, whole=True) for key in ("buffer_size", "random_steps")]
    definition = plain_definition(space=Space(tuple(steps), {}, ()))
    tried = {"buffer_size": 1, "random_steps": 1}
    monkeypatch.setattr("ddpg.search.sampling._drawn", lambda asked, space: tried)
    first = propose(definition, {}, 0)
    second = propose(definition, {0: first.changed(result=Result("complete", 1.0, 0, first.asked))}, 1)
    assert first.params == tried
    assert second.params in [{"buffer_size": 1, "random_steps": steps} for steps in (2, 3)]
