"""A worker and its study: trials asked, trained, scored and told, in this process, by a formula."""

import math
import signal
import statistics
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from threading import Timer

import optuna
import pytest
from support.command_line import user_error
from support.studies import FormulaStudy, crash_at, formula_pool

from ddpg.interrupt import InterruptFlag
from ddpg.search.study import StudyFolder
from ddpg.search.trials import Trial
from ddpg.search.turns import Turns
from ddpg.search.worker import work
from ddpg.sweep.process import this_process
from ddpg.sweep.state.folder import SweepFolder, SweepRun


def stock(study: FormulaStudy) -> list[optuna.trial.FrozenTrial]:
    """Read the journal as Optuna's own tools do."""
    backend = optuna.storages.journal.JournalFileBackend(str(study.folder.journal))
    return optuna.load_study(study_name="study", storage=optuna.storages.JournalStorage(backend)).trials


def values(trials: list[Trial]) -> list[float | None]:
    return [trial.result.value if trial.result else None for trial in trials]


def test_a_study(study: FormulaStudy) -> None:
    """Each trial has its score: the mean over its seeds of their last evaluations; the journal says the same."""
    trials = study.run("hydra.sweeper.seeds=2", "hydra.sweeper.last=2")
    assert [trial.result and trial.result.state for trial in trials] == ["complete"] * 4
    for trial in trials:
        assert trial.result is not None
        config = {**trial.params, "total_steps": 400}
        at = [study.pool.formula({**config, "seed": seed}, step) for seed in (1, 2) for step in (300, 400)]
        assert trial.result.value == pytest.approx(statistics.mean(at))
        assert list(trial.values or {}) == [100, 200, 300, 400, 500, 600, 700, 800]
    told = stock(study)
    assert [one.value for one in told] == values(trials)
    assert [one.params for one in told] == [trial.params for trial in trials]
    assert [one.intermediate_values for one in told] == [trial.values for trial in trials]


def test_a_study_is_reproducible_and_goes_on(study: FormulaStudy, tmp_path: Path) -> None:
    """In two pieces, with a larger n_trials in the second, it has the trials of one that ran through."""
    first = study.run("hydra.sweeper.n_trials=8")
    with formula_pool() as pool:
        other = study.elsewhere(tmp_path / "other", pool)
        other.run("hydra.sweeper.n_trials=3")
        trained = dict(other.pool.trained)
        pieces = other.run("hydra.sweeper.n_trials=8")
    assert [trial.params for trial in pieces] == [trial.params for trial in first]
    assert values(pieces) == values(first)
    assert {number: other.pool.trained[number] for number in trained} == trained
    assert len({tuple(trial.params.values()) for trial in first}) == 8


def test_the_journal_is_made_again_after_the_last_trial(study: FormulaStudy) -> None:
    """A worker that finds nothing to do writes what a crash has left out, or all of a file that is lost."""
    trials = study.run()
    study.folder.journal.unlink()
    study.work()
    assert [one.value for one in stock(study)] == values(trials)


def test_what_another_process_changes_is_seen(study: FormulaStudy) -> None:
    """A pruned trial that another worker lets go on is no longer pruned for this one, which would train it as well."""
    study.run("hydra.sweeper.n_trials=1")
    trial = study.trials()[0]
    assert trial.result is not None
    pruned = trial.changed(result=replace(trial.result, state="pruned"))
    study.folder.write(pruned)
    assert study.folder.trials()[0] == pruned
    StudyFolder(study.folder.path).write(pruned.changed(result=None, owner="another:1:2"))
    assert study.folder.trials()[0].owner == "another:1:2"


def test_a_trial_that_another_worker_has_now(study: FormulaStudy) -> None:
    """A worker on a host that was called lost, and lives, counts nothing."""
    study.begin()
    turns = Turns(study.folder, this_process(), InterruptFlag())
    turn = turns.next()
    assert turn is not None
    theirs = turn.trial.changed(owner="another:1:2")
    study.folder.write(theirs)
    for tell in (lambda: turns.conclude(0, 1.0, {}), lambda: turns.report(0, {100: 1.0}), lambda: turns.release(0, 0)):
        with user_error("trial 0 ... another:1:2"):
            tell()
    (left,) = study.trials()
    assert (left.owner, left.result, left.values) == (theirs.owner, None, None)


def test_a_worker_that_is_killed_again_and_again(study: FormulaStudy) -> None:
    """It takes its trial's kills with it, so a trial that kills its workers fails; one that was given back does not."""
    study.begin("hydra.sweeper.max_kills=3", "hydra.sweeper.failed=fail", "hydra.sweeper.n_trials=2")
    for kills in (0, 1, 2):
        turn = Turns(study.folder, this_process(), InterruptFlag()).next()
        assert turn is not None
        assert (turn.trial.number, turn.trial.kills) == (0, kills)
    turns = Turns(study.folder, this_process(), InterruptFlag())
    for _ in range(4):
        turn = turns.next()
        assert turn is not None
        assert (turn.trial.number, turn.trial.kills) == (1, 0)
        turns.give_back(1)
    failed = study.trials()[0].result
    assert failed is not None
    assert (failed.state, failed.value, failed.why) == ("failed", None, "its processes were killed 3 times")
    assert stock(study)[0].state == optuna.trial.TrialState.FAIL


def test_a_trial_that_is_not_listed_yet(study: FormulaStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network disk may list folders late: no worker takes the place of another's trial, or loses one to a kill."""
    study.begin("hydra.sweeper.n_trials=2")
    (study.folder.path / "trial_0000").mkdir()
    turn = Turns(study.folder, "another:1:2", InterruptFlag()).next()
    assert turn is not None
    assert turn.trial.number == 0
    listed = StudyFolder.trials
    late = iter([True, True])  # before the lock is taken, and after it
    monkeypatch.setattr(StudyFolder, "trials", lambda study: {} if next(late, False) else listed(study))
    monkeypatch.setattr("ddpg.search.turns.LIST_AGAIN_S", 0.0)
    own = Turns(study.folder, this_process(), InterruptFlag()).next()
    assert own is not None
    monkeypatch.undo()
    assert [trial.owner for trial in study.trials()] == ["another:1:2", this_process()]


def test_a_worker_waits_for_the_lock(study: FormulaStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker waits as long as another process is at work, unlike a command."""
    study.begin()
    asked = []
    monkeypatch.setattr(SweepFolder, "lock", lambda folder, patience_s, **_: asked.append(patience_s) or nullcontext())
    Turns(study.folder, this_process(), InterruptFlag()).next()
    assert asked == [math.inf]


def test_a_signal_ends_the_wait_for_the_lock(study: FormulaStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that cannot report, nor give its trial back, ends; the next one goes on with the trial."""
    monkeypatch.setattr("ddpg.search.turns.GIVE_BACK_S", 0.05)
    study.begin("hydra.sweeper.n_trials=1")
    with ExitStack() as lock, InterruptFlag(()) as interrupt:

        def take_lock(run: SweepRun, env_step: int) -> None:
            if env_step == 200:
                lock.enter_context(study.folder.lock())
                Timer(0.1, interrupt.stop, [signal.SIGTERM]).start()

        study.pool.before = take_lock
        work(study.folder, this_process(), interrupt)
    (left,) = study.trials()
    assert (left.owner, left.result, left.values) == (this_process(), None, {100: left.values[100]})
    study.pool.before = lambda run, env_step: None
    study.work()
    assert [trial.verdict for trial in study.trials()] == ["complete"]
    assert study.pool.trained == {0: 400}


def test_a_study_that_grows_under_a_worker(study: FormulaStudy) -> None:
    """A worker that is at work takes the wider space, with its configs, and writes the journal with it."""
    study.begin()
    turns = Turns(study.folder, this_process(), InterruptFlag())
    turn = turns.next()
    assert turn is not None
    study.begin("tau=tag(log,interval(1e-5,1))", "hydra.sweeper.widen=true", "hydra.sweeper.n_trials=9")
    turns.conclude(0, 1.0, {400: 1.0})
    assert turns.options.n_trials == 9
    assert stock(study)[0].distributions["tau"].low == 1e-5  # type: ignore[attr-defined]
    assert stock(study)[0].value == 1.0


def test_every_instant_of_a_crash(study: FormulaStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that ends before any of its writes, each time at the next one: no trial is lost, repeated or changed."""
    calm = study.run("hydra.sweeper.n_trials=3", *MEDIAN)
    with formula_pool() as pool:
        hit = study.elsewhere(tmp_path / "hit", pool)
        hit.begin("hydra.sweeper.n_trials=3", "hydra.sweeper.max_kills=99", *MEDIAN)
        crashes = 0
        while crash_at(monkeypatch, crashes, hit.work):
            crashes += 1
        trials = hit.trials()
    assert crashes > 20
    assert [trial.params for trial in trials] == [trial.params for trial in calm]
    assert [trial.result and trial.result.state for trial in trials] == [t.result and t.result.state for t in calm]
    assert values(trials) == values(calm)
    assert [trial.result and trial.result.order for trial in trials] == [0, 1, 2]
    assert [one.value for one in stock(hit)] == [one.value for one in stock(study)]
    assert hit.pool.trained.keys() == study.pool.trained.keys()


#: Stops what is worse than half of the trials before.
MEDIAN = ("hydra/sweeper/pruner=median", "hydra.sweeper.pruner.n_startup_trials=1", "hydra.sweeper.prune_after=0")
