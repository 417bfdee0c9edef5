"""Populations that train by a formula: generations, copies, failures, crashes, mistakes and the second look."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.command_line import assert_has, user_error
from support.populations import WORDS, copied, grown, rows
from support.studies import FormulaPool, FormulaStudy, Planned, crash_at, formula_pool, work_on

from ddpg.interrupt import InterruptFlag
from ddpg.record.run_folder import RunFolder
from ddpg.search.best import best
from ddpg.search.confirm import confirm
from ddpg.search.control import retry
from ddpg.search.population.confirmation import read_replay
from ddpg.search.population.lineage import last_generation
from ddpg.search.study import StudyFolder
from ddpg.search.table import status
from ddpg.search.trials import Trial
from ddpg.search.turns import Turns
from ddpg.sweep.process import this_process
from ddpg.sweep.state.folder import Submission, timestamp


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[FormulaPool]:
    """Train, and fork, in this process in the place of others."""
    monkeypatch.setattr("ddpg.run.fork.fork", copied)
    with formula_pool(grown) as pool:
        yield pool


@pytest.fixture
def population(planned: Callable[..., Planned], tmp_path: Path, pool: FormulaPool) -> FormulaStudy:
    """A population that is not begun."""
    return FormulaStudy(planned, tmp_path / "study", pool, WORDS)


def results(trials: list[Trial]) -> list[tuple[object, ...]]:
    """Return of each trial all that must not depend on workers and crashes."""
    return [
        (one.number, dict(one.params), one.origin, one.part, one.result and (one.result.state, one.result.value))
        for one in trials
    ]


def test_a_population(population: FormulaStudy) -> None:
    """Each trial trains one part; its score is of that part alone, and its record has those before it as well."""
    trials = population.run()
    assert len(trials) == 16
    for trial in trials:
        part = trial.part
        assert part is not None
        assert (part.generation, part.slot) == divmod(trial.number, 4)
        assert (part.start, part.stop) == (100 * part.generation, 100 * part.generation + 100)
        run = RunFolder(population.folder.run_folder(trial, trial.seeds[0]))
        config = {**trial.params, "seed": trial.seeds[0]}
        assert trial.result is not None
        assert trial.result.value == pytest.approx(grown(config, part.stop))
        assert [row["env_step"] for row in rows(run)] == list(range(100, part.stop + 1, 100))
        if part.parent is None:
            continue
        source = trials[part.parent]
        assert rows(run)[:-1] == rows(RunFolder(population.folder.run_folder(source, source.seeds[0])))
        assert source.part is not None
        assert (source.part.slot == part.slot) == (trial.origin == "kept")
        assert (trial.params == source.params) == (trial.origin == "kept")
        assert tuple(trial.seeds) == (tuple(source.seeds) if trial.origin == "kept" else (1 + trial.number,))
    copies = [trial for trial in trials if trial.origin == "copied"]
    assert len(copies) == 3  # one in each generation but the first
    assert population.pool.trained == dict.fromkeys(range(16), 100)
    config = population.folder.run_folder(trials[1], 2) / "config.yaml"
    assert_has(config.read_text(), "seed: 2 ... eval: ... seed: 1 ... trial: 1")  # evaluated as the first member is
    require_described(population.folder.path, trials)


def require_described(path: Path, trials: list[Trial]) -> None:
    """Assert what status and best say of a population that has ended."""
    folder = StudyFolder(path)
    winner = max(trials[12:], key=lambda trial: trial.result.value if trial.result and trial.result.value else 0)
    printed = status(folder, None, width=None)
    assert_has(printed, f"copied trial ... 16 of 16 trials, generation 4 of 4 ... best: trial {winner.number}")
    assert_has(best(folder, 2), f"the schedule of trial {winner.number} ... 0 to ... to 400 ... ddpg-eval ... confirm")


def test_members_that_fail_copy(population: FormulaStudy) -> None:
    """In the second generation two fail; they go on from others, as in one whose failures were tried again in vain."""

    def failing(config: dict, env_step: int) -> float:
        if env_step == 200 and config["seed"] in (1, 4):
            raise ArithmeticError("qf1_loss is not finite")
        return grown(config, env_step)

    population.pool.formula = failing
    trials = population.run()
    assert [trial.result and trial.result.state for trial in trials[4:8]] == [
        "failed",
        "complete",
        "complete",
        "failed",
    ]
    assert [trial.origin for trial in trials[8:12]].count("copied") >= 2
    assert all(trials[number].origin == "copied" for number in (8, 11))
    assert all(trial.result and trial.result.state == "complete" for trial in trials[8:])
    before = results(population.trials())
    assert not retry_here(population)
    assert results(population.trials()) == before


def retry_here(study: FormulaStudy) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ddpg.search.control.start", lambda *_: study.work())
        return retry(StudyFolder(study.folder.path), {}, lost=None)


def test_a_generation_that_fails_stops_the_study(population: FormulaStudy) -> None:
    """When it is mended, its members are tried again."""

    def failing(config: dict, env_step: int) -> float:
        if env_step == 200:
            raise ArithmeticError("the disk is full")
        return grown(config, env_step)

    population.pool.formula = failing
    with user_error("all of the first 4 trials failed ... the disk is full ... ddpg-sweep retry"):
        population.run("hydra.sweeper.generations=2")
    population.pool.formula = grown
    assert retry_here(population)
    assert len(population.trials()) == 8


def test_a_worker_waits_for_the_others(population: FormulaStudy) -> None:
    """While another has a member of the generation, nothing can be taken, and more will come."""
    population.begin()
    turns = Turns(population.folder, this_process(), InterruptFlag())
    population.folder.sweep.add_submission(Submission(timestamp(), 0, "local", {"elsewhere:1:2": []}))
    first = turns.next()
    assert first is not None
    population.folder.write(first.trial.changed(owner="elsewhere:1:2"))
    for number in (1, 2, 3):
        turn = turns.next()
        assert turn is not None
        assert turn.trial.number == number
        turns.conclude(number, 1.0, {})
    assert turns.next() is None
    assert turns.others_will_come()
    assert turns.must_wait()
    population.folder.write(population.trials()[0].changed(owner=None))
    assert not turns.must_wait()
    turn = turns.next()
    assert turn is not None
    assert turn.trial.number == 0


def test_every_instant_of_a_crash(population: FormulaStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that ends before any of its writes, each time at the next one: the population is as if left alone."""
    calm = population.run("hydra.sweeper.generations=2", "hydra.sweeper.population=2")
    with formula_pool(grown) as pool:
        hit = population.elsewhere(tmp_path / "hit", pool)
        hit.begin("hydra.sweeper.generations=2", "hydra.sweeper.population=2", "hydra.sweeper.max_kills=999")
        crashes = 0
        while crash_at(monkeypatch, crashes, hit.work):
            crashes += 1
    assert crashes > 20
    assert results(hit.trials()) == results(calm)


def test_a_second_look(population: FormulaStudy, capsys: pytest.CaptureFixture[str]) -> None:
    """Members on new seeds follow the schedules; one that fails counts as the worst, and its training has ended."""
    trials = population.run("hydra.sweeper.generations=2")
    ranked = sorted(trials[4:], key=lambda trial: -trial.result.value)  # type: ignore[union-attr, operator]

    def failing(config: dict, env_step: int) -> float:
        if config["seed"] == 1002 and env_step > 200:
            raise ArithmeticError("qf1_loss is not finite")
        return grown(config, env_step)

    population.pool.formula = failing
    look = population.folder.path.with_name("study_confirm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ddpg.search.launch._started", lambda folder, *_: lambda: work_on(folder.path))
        assert not confirm(StudyFolder(population.folder.path), top=2, seeds=2, changes={})
    assert_has(capsys.readouterr().out, f"{ranked[0].number} ... 2 ... failed on 1 of the new seeds ... not known")
    followers = list(StudyFolder(look).trials().values())
    assert sum(trial.part.stop - trial.part.start for trial in followers if trial.part) == 2 * (400 + 400)
    with user_error("study_confirm is the second look at a population"):
        best(StudyFolder(look), 1)
    with user_error("study_confirm ... second look at trials"):
        confirm(StudyFolder(population.folder.path), top=1, seeds=2, changes={})


def test_a_second_look_before_the_end(population: FormulaStudy) -> None:
    """It trains as long as its winners have; when the population has gone on, it still can be read."""
    trials = population.run("eval.seed=9")
    study = StudyFolder(population.folder.path)
    for trial in trials[12:]:
        (study.path / trial.name).rename(study.path / f"later_{trial.number}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ddpg.search.launch._started", lambda folder, *_: lambda: work_on(folder.path))
        assert confirm(study, top=1, seeds=2, changes={})
    look = StudyFolder(study.path.with_name("study_confirm"))
    followers = look.trials().values()
    assert sorted((one.part.start, one.part.stop) for one in followers if one.part) == sorted(
        2 * [(0, 100), (100, 200), (200, 300)]
    )
    assert "seed: 9" in (look.run_folder(look.trials()[0], 1001) / "config.yaml").read_text()
    for trial in trials[12:]:
        (study.path / f"later_{trial.number}").rename(study.path / trial.name)
    members = last_generation(study.definition(), study.trials())
    found = read_replay(study, study.definition(), members, members)
    assert found.difference is not None


def test_a_population_that_begins_badly(population: FormulaStudy) -> None:
    """It goes on from one member, whoever ends first; a search would have stopped after five failures."""

    def failing(config: dict, env_step: int) -> float:
        if env_step == 100 and config["seed"] != 6:
            raise ArithmeticError("qf1_loss is not finite")
        return grown(config, env_step)

    population.pool.formula = failing
    trials = population.run("hydra.sweeper.population=6", "hydra.sweeper.generations=2")
    assert [trial.part.parent for trial in trials[6:] if trial.part] == [5] * 6


REFUSED = {
    "hydra.sweeper.population=1": "population=1 ... at least 2",
    "hydra.sweeper.truncation=0.6": "hydra.sweeper.truncation=0.6 ... at most 0.5",
    "hydra.sweeper.perturb=[]": "hydra.sweeper.perturb=[]",
    "+hydra.sweeper.n_trials=50": "hydra.sweeper.n_trials=50: ... population",
    "eval.every=null": "eval.every=null ... eval/episodic_return",
    "checkpoint.keep_replay=false": "checkpoint.keep_replay=false",
    "seed=choice(1,2)": "seed=choice(1,2): ... hydra/sweeper=pbt",
    "total_steps=choice(400,800)": "total_steps ... generations",
    "learning_starts=100": "generations=4 ... 100 ... learning_starts",
}


@pytest.mark.parametrize("word", REFUSED)
def test_mistakes(planned: Callable[..., Planned], word: str) -> None:
    with user_error(REFUSED[word]):
        planned(*WORDS, word)


def test_a_space_in_which_nothing_may_change(planned: Callable[..., Planned]) -> None:
    words = [word for word in WORDS if not word.startswith(("tau", "gamma"))]
    with user_error("network.actor.hidden: no key ... hydra/sweeper=search"):
        planned(*words, "network.actor.hidden=choice([8,8],[16,16])")


def test_another_population_in_its_folder(population: FormulaStudy) -> None:
    population.begin()
    with user_error("hydra.sweeper.generations=4, not 5"):
        population.begin("hydra.sweeper.generations=5")
