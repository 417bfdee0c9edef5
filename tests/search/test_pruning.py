"""When a trial is stopped, and when one that was stopped goes on."""

from dataclasses import replace
from statistics import mean

import pytest
from support.studies import FormulaStudy, depth, plain_definition

from ddpg.search.pruning import promoted, reported, should_prune
from ddpg.search.score import RunSoFar
from ddpg.search.study import Definition
from ddpg.search.trials import Result, Trial

WHEN = "2026-01-01T00:00:00+00:00"


def trial(number: int, values: dict[int, float], done: bool = True) -> Trial:
    """Return a trial with these scores so far."""
    result = Result("complete", values[max(values)], number, WHEN) if done else None
    params = {"tau": 0.01, "gamma": 0.9}
    return Trial(number, params, "sampler", (1,), WHEN, attrs={}, study_attrs={}, values=values, result=result)


def finished(count: int) -> dict[int, Trial]:
    """Return trials whose curves differ by one: 0, 1, 2 ... at each of four evaluations."""
    return {n: trial(n, dict.fromkeys((100, 200, 300, 400), float(n))) for n in range(count)}


def is_pruned(definition: Definition, values: dict[int, float], others: int = 8) -> bool:
    return should_prune(definition, finished(others), trial(others, values, done=False))[0]


@pytest.mark.parametrize(
    ("pruner", "values", "expected"),
    [
        ("none", {300: -9.0}, False),
        ("median", {300: 3.0}, True),
        ("median", {300: 4.0}, False),
        ("median", {100: 9.0, 300: 3.0}, False),  # its best so far counts
        ("median", {100: 0.0}, False),  # before a third of the budget
        ("percentile", {100: 1.0, 200: 0.9, 300: 0.9, 350: 0.9, 400: 0.9}, True),
        ("percentile", {100: 2.0, 200: 1.9, 300: 1.9, 350: 1.9, 400: 1.9}, False),  # better than a quarter
        ("percentile", {100: 0.1, 200: 0.2, 300: 0.3, 350: 0.4, 400: 0.5}, False),  # it improves
    ],
)
def test_who_is_stopped(pruner: str, values: dict[int, float], expected: bool) -> None:
    assert is_pruned(of(pruner), values) is expected


def of(pruner: str) -> Definition:
    return plain_definition(pruner=pruner, seeds=1)


def test_the_first_trials_are_not_stopped() -> None:
    assert not is_pruned(of("median"), {300: -9.0}, others=4)
    assert is_pruned(of("median"), {300: -9.0}, others=5)


def test_wilcoxon_compares_seeds() -> None:
    """What it gets is a score for each seed; nine seeds that are all worse than the best trial's are enough."""
    definition = plain_definition(pruner="wilcoxon", seeds=10, last=1)
    runs = [RunSoFar({400: 1.0}, 400, is_done=True), RunSoFar({200: 2.0}, 400, is_done=False)]
    assert reported(definition, runs) == {0: 1.0}
    best = {0: trial(0, {seed: 10.0 + seed for seed in range(10)})}
    worse = trial(1, {seed: 9.0 + 0.9 * seed for seed in range(9)}, done=False)
    assert should_prune(definition, best, worse)[0]
    better = trial(1, {seed: 11.0 + 1.1 * seed for seed in range(9)}, done=False)
    assert not should_prune(definition, best, better)[0]


def test_wilcoxon_stops_a_trial_after_a_seed(study: FormulaStudy) -> None:
    """No other seed is begun, and the score of the trial is that over the seeds which it has trained."""
    study.pool.formula = lambda config, env_step: depth(config) + 0.01 * config["seed"] ** 2
    trials = study.run("hydra/sweeper/pruner=wilcoxon", "hydra.sweeper.seeds=8", "hydra.sweeper.n_trials=8")
    pruned = [one for one in trials if one.verdict == "pruned"]
    assert pruned
    for one in pruned:
        values = list((one.values or {}).values())
        assert 2 < len(values) < 8
        assert one.score == pytest.approx(mean(values))
        assert sum(study.pool.trained.get(one.run_number(place), 0) for place in range(8)) == 400 * len(values)


def test_the_name_of_a_study_changes_nothing() -> None:
    """Hyperband draws the bracket of a trial by the name of the study it sees, and names have the time in them."""

    def who_is_stopped(definition: Definition) -> list[bool]:
        others = {n: one.changed(attrs={"completed_rung_0": float(n)}) for n, one in finished(12).items()}
        bad = [trial(number, {140: -1.0}, done=False) for number in range(12, 24)]
        return [should_prune(definition, others, one)[0] for one in bad]

    definition = plain_definition(pruner="hyperband", seeds=1, prune_after=0.111)
    expected = who_is_stopped(definition)
    assert {True, False} == set(expected)
    assert all(who_is_stopped(replace(definition, name=f"2026-11-{day}")) == expected for day in range(10, 14))


@pytest.mark.parametrize("pruner", ["halving", "hyperband"])
def test_a_promoted_trial_goes_on_from_its_checkpoint(study: FormulaStudy, pruner: str) -> None:
    """Trials stop at a rung; one that has come among the best third there goes on, and no step is trained twice."""
    study.pool.formula = lambda config, env_step: depth(config) * env_step
    words = (f"hydra/sweeper/pruner={pruner}", "hydra.sweeper.prune_after=0.25", "hydra/sweeper/method=random")
    trials = study.run(*words, "hydra.sweeper.n_trials=12")
    steps = {number: study.pool.trained[number] for number in range(12)}
    complete = [one.number for one in trials if one.result and one.result.state == "complete"]
    assert 0 < len(complete) < 12
    assert all(steps[number] == 400 for number in complete)
    assert all(steps[one.number] < 400 for one in trials if one.result and one.result.state == "pruned")
    order = [one.number for one in sorted(trials, key=lambda one: one.result.order if one.result else -1)]
    assert pruner == "hyperband" or order != list(range(12)), "one was promoted after others had begun"
    definition = study.folder.definition()
    assert promoted(definition, {one.number: one for one in trials}) is None


def test_a_pruned_run_can_be_trained_further(study: FormulaStudy) -> None:
    """It was stopped at an evaluation, and its folder is one of a run that was interrupted."""
    words = ("hydra/sweeper/pruner=median", "hydra.sweeper.pruner.n_startup_trials=1", "hydra.sweeper.seeds=2")
    trials = study.run(*words, "hydra.sweeper.n_trials=6")
    pruned = [one for one in trials if one.result and one.result.state == "pruned"]
    assert pruned
    for one in pruned:
        assert one.result is not None
        assert one.values is not None
        assert one.result.value == one.values[max(one.values)]
        trained = sum(study.pool.trained.get(one.run_number(place), 0) for place in range(2))
        assert 0.333 * 800 <= max(one.values) == trained < 800


def test_a_trial_that_is_trained_to_its_end_is_not_pruned(study: FormulaStudy) -> None:
    """At its last evaluation nothing is left to save, so its whole score counts."""
    words = ("hydra/sweeper/pruner=median", "hydra.sweeper.pruner.n_startup_trials=1", "hydra.sweeper.prune_after=1")
    trials = study.run(*words, "hydra.sweeper.n_trials=6")
    assert {one.result and one.result.state for one in trials} == {"complete"}
