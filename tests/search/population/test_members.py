"""Members of populations in memory: generations, parents, draws, and where they come from."""

from dataclasses import replace
from itertools import pairwise

import pytest
from support.command_line import user_error
from support.populations import plain_population, simulated
from support.studies import depth

from ddpg.search.population.lineage import last_generation, lineage, stages
from ddpg.search.population.members import may_be_tried_again, next_member
from ddpg.search.trials import Trial


def score(trial: Trial) -> float:
    """A member in the valley, where training helps little."""
    assert trial.part is not None
    return depth(trial.params) + 0.01 * trial.part.generation


def test_generations_follow_each_other() -> None:
    definition = plain_population(population=5, generations=3, truncation=0.4)
    trials = simulated(definition, score)
    for number, trial in trials.items():
        part = trial.part
        assert part is not None
        assert (part.generation, part.slot) == divmod(number, 5)
        assert part.eval_seed == 1
        if part.parent is None:
            assert (part.generation, trial.origin) == (0, "first")
            continue
        assert part.parent // 5 == part.generation - 1
        assert (trial.origin == "kept") == (part.parent % 5 == part.slot)
        assert trial.seeds == (trials[part.parent].seeds if trial.origin == "kept" else (number + 1,))
        assert (dict(trial.params) == dict(trials[part.parent].params)) == (trial.origin == "kept")
    assert [sum(trials[n].origin == "copied" for n in range(5 * g, 5 * g + 5)) for g in range(3)] == [0, 2, 2]


def test_the_draws_do_not_depend_on_who_ended_when() -> None:
    """A member needs all of the generation before, and nothing of its own."""
    definition = plain_population()
    trials = simulated(definition, score)
    member = next_member(definition, {n: trials[n] for n in range(4)}, 6)
    assert member is not None
    assert (member.params, member.part, member.seeds) == (trials[6].params, trials[6].part, trials[6].seeds)
    open_trial = trials[2].changed(result=None)
    assert next_member(definition, {**trials, 2: open_trial}, 4) is None


def test_a_population_finds_the_valley() -> None:
    """The best of 8 members after 12 generations is far better than the best of the 8 with which it began."""
    definition = plain_population(population=8, generations=12)
    gains = []
    for seed in range(5):
        seeded = replace(definition, options=replace(definition.options, seed=seed))
        trials = simulated(seeded, lambda trial: depth(trial.params))
        first, last = (max(depth(trials[n].params) for n in range(g * 8, g * 8 + 8)) for g in (0, 11))
        gains.append(last / first)
    assert sorted(gains)[2] < 0.3  # depths are negative


def test_failed_members() -> None:
    """They copy; a folder that was removed is a member that failed; where all have failed, nothing goes on."""
    definition = plain_population()
    trials = simulated(definition, lambda trial: None if trial.number in (1, 6) else score(trial))
    assert trials[5].origin == trials[10].origin == "copied"
    del trials[0]
    member = next_member(definition, trials, 4)
    assert member is not None
    assert member.origin == "copied"
    with user_error("all 4 members of a generation failed, the last with nan ... ddpg-sweep retry"):
        simulated(definition, lambda trial: None)


def test_who_may_be_tried_again() -> None:
    """A member that failed, until the population has gone on without it."""
    definition = plain_population()
    trials = simulated(definition, lambda trial: None if trial.number in (6, 13) else score(trial))
    assert may_be_tried_again(definition, trials, trials[13])
    assert not may_be_tried_again(definition, trials, trials[6])
    assert may_be_tried_again(definition, {n: trials[n] for n in range(8)}, trials[6])


def test_lineages() -> None:
    definition = plain_population()
    trials = simulated(definition, score)
    for trial in last_generation(definition, trials):
        line = lineage(trials, trial)
        assert [one.part.generation for one in line if one.part] == [0, 1, 2, 3]
        found = stages(line)
        assert (found[0].start, found[-1].stop) == (0, 400)
        assert all(before.stop == after.start for before, after in pairwise(found))
        assert [stage.copied for stage in found[1:]] == [
            one.part.parent for one in line if one.part and one.origin == "copied"
        ]
    assert last_generation(definition, {n: trials[n] for n in range(7)}) == [trials[n] for n in range(4)]
    assert last_generation(definition, {}) == []
    del trials[0], trials[1], trials[2], trials[3]
    with user_error("whose folder was removed"):
        lineage(trials, trials[12])


@pytest.mark.parametrize("population", [2, 3, 10])
def test_populations_of_any_size(population: int) -> None:
    trials = simulated(plain_population(population=population, truncation=0.5), score)
    assert len(trials) == 4 * population
