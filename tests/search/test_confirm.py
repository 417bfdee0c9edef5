"""The second look at a search: which runs it trains, which it shows, and when."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.command_line import assert_has
from support.studies import FormulaStudy, valley, write_study

from ddpg.interrupt import InterruptFlag
from ddpg.record.run_folder import RunFolder
from ddpg.search.best import finished
from ddpg.search.confirm import confirm
from ddpg.search.confirmation import confirmation_folder
from ddpg.sweep.process import this_process
from ddpg.sweep.state.folder import Submission, SweepFolder, timestamp


class Trainer:
    """Stands for `hand_over`: trains runs of a second look by a formula, but for those that are killed."""

    def __init__(self, study: FormulaStudy) -> None:
        self._pool = study.pool
        #: The numbers of the runs that are killed.
        self.killed: Collection[int] = ()
        #: The numbers of the runs that each look has trained.
        self.looks: list[Sequence[int]] = []

    def __call__(self, sweep: SweepFolder, numbers: Sequence[int], options: object) -> Callable[[], None]:
        gone = f"{this_process()}{len(self.looks)}"  # a process that began at another time
        sweep.add_submission(Submission(timestamp(), os.getuid(), "local", {gone: list(numbers)}))
        self.looks.append(numbers)
        return lambda: self._train([sweep.runs[number] for number in numbers])

    def _train(self, runs: Sequence[Any]) -> None:
        for run in runs:
            if run.number in self.killed:
                RunFolder(run.path).write_status(state="failed", env_step=0, error="killed", by_machine=True)
            else:
                self._pool.train([run], InterruptFlag())


@pytest.fixture
def trainer(study: FormulaStudy, monkeypatch: pytest.MonkeyPatch) -> Trainer:
    """What trains the runs of second looks."""
    found = Trainer(study)
    monkeypatch.setattr("ddpg.sweep.launch.hand_over", found)
    return found


def listed(study: FormulaStudy) -> list[str]:
    """Return the runs of the second look in the order of their numbers."""
    sweep = confirmation_folder(study.folder)
    return [str(run.path.relative_to(sweep.path)) for run in sweep.runs]


def test_more_seeds_and_other_winners(
    study: FormulaStudy, trainer: Trainer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs keep their numbers, and new ones come after them; the winners are shown, on all seeds that they had."""

    def later_is_better(config: Mapping[str, Any], env_step: int) -> float:
        return valley(config, env_step) + 10 * config["extra"].get("trial", 0)

    study.pool.formula = later_is_better
    study.run("hydra.sweeper.n_trials=3")
    assert confirm(study.folder, top=2, seeds=1, changes={})
    first = ["trial_0002/seed_1001", "trial_0001/seed_1001"]
    assert listed(study) == first
    assert " looks" not in capsys.readouterr().out
    assert confirm(study.folder, top=2, seeds=2, changes={})
    second = [*first, "trial_0002/seed_1002", "trial_0001/seed_1002"]
    assert listed(study) == second
    assert_has(capsys.readouterr().out, "trial 2: 2 seeds in 2 looks ... trial 1: 2 seeds in 2 looks")
    study.run("hydra.sweeper.n_trials=4")
    capsys.readouterr()
    assert confirm(study.folder, top=2, seeds=1, changes={})
    assert listed(study) == [*second, "trial_0003/seed_1001"]
    assert trainer.looks == [[0, 1], [2, 3], [4]]
    table = capsys.readouterr().out.partition("confirmed")[2].splitlines()
    assert [line.split()[0] for line in table[1:3]] == ["3", "2"]
    assert "trial 1:" not in "".join(table)


def test_a_run_that_was_killed_goes_on(
    study: FormulaStudy, trainer: Trainer, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says nothing about its values, so there are no scores before it has ended; one that diverged has ended."""
    study.run("hydra.sweeper.n_trials=2")
    trainer.killed = [1]
    assert not confirm(study.folder, top=1, seeds=2, changes={})
    assert_has(capsys.readouterr().out, "1 failed ... no scores yet: 1 of 2 runs have ended ... the same command")
    trainer.killed = []

    def diverging(config: Mapping[str, Any], env_step: int) -> float:
        raise ArithmeticError("qf1_loss is not finite")

    study.pool.formula = diverging
    assert not confirm(study.folder, top=1, seeds=2, changes={})
    assert_has(capsys.readouterr().out, "confirmed ... failed on 1 of the new seeds, counted as")
    assert trainer.looks == [[0, 1], [1]]


def test_equal_trials_are_one(tmp_path: Path) -> None:
    """Choices can be drawn again, and equal values have equal runs, so only the first of such trials is looked at."""
    study = write_study(tmp_path / "study", 5)
    trials = study.trials()
    study.sweep.write({"directory": str(tmp_path)})
    (first, *others) = finished(study, study.definition())
    assert len(others) == 2
    for number in (5, 6):
        study.write(replace(trials[first.number], number=number))
    assert finished(study, study.definition()) == [first, *others]
