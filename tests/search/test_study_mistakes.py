"""Mistakes around a study, and what they leave behind."""

import errno
import fcntl
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig
from support.command_line import assert_has, user_error
from support.studies import FormulaStudy, plain_definition, write_study
from support.sweep_folders import LAUNCHERS

from ddpg.errors import UserError
from ddpg.search.control import retry
from ddpg.search.launch import search, start
from ddpg.search.recipe import Recipe
from ddpg.search.study import StudyFolder
from ddpg.sweep.options import LocalOptions
from ddpg.sweep.state.folder import Submission, timestamp
from ddpg.sweep.state.tasks import Task
from ddpg.training.progress import Progress
from ddpg.version import __version__


def test_a_command_whose_workers_all_died_fails(study: FormulaStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    definition = study.begin("hydra.sweeper.n_trials=4")
    monkeypatch.setattr("ddpg.search.launch._started", lambda *arguments: lambda: None)
    with user_error("all workers have ended, and 0 of 4 trials have a result: the same command goes on"):
        start(study.folder, definition, LocalOptions("local", processes=1, wait=True))


OTHER_STUDIES = {
    "gamma=interval(0.6,1)": "another space, gamma=interval(0.5,1)",
    "tau=tag(log,interval(1e-5,1))": "a narrower space, tau=tag(log,interval(1e-4,1)) ... widen=true",
    "batch_size=choice(8,16)": "another space, batch_size=(fixed)",
    "hydra.sweeper.seeds=2": "seeds=[1] ... [1, 2]",
    "buffer_size=777": "buffer_size=777 (before: 1000)",
    "hydra.sweeper.study_name=other": "study ... other",
    "hydra.sweeper.together=2": "hydra.sweeper.together=1, not 2",
    "hydra.sweeper.prune_after=0.5": "hydra.sweeper.prune_after=0.333, not 0.5",
    "hydra/sweeper/pruner=wilcoxon": "pruner._target_=optuna.pruners.PatientPruner, not optuna.pruners.WilcoxonPruner",
    "hydra.sweeper.pruner.wrapped_pruner.percentile=50": "pruner.wrapped_pruner.percentile=75.0, not 50",
}


def test_another_study_in_its_folder(study: FormulaStudy) -> None:
    study.begin()
    before = (study.folder.path / "study.json").read_bytes()
    for word, parts in OTHER_STUDIES.items():
        with user_error(f"{study.folder.path} ... {parts}"):
            study.begin(word)
    assert (study.folder.path / "study.json").read_bytes() == before


def test_workers_of_a_host_that_cannot_be_asked(study: FormulaStudy, capsys: pytest.CaptureFixture[str]) -> None:
    """They may be alive, so no other is started, and the user reads how to go on if they are not."""
    definition = study.begin()
    study.folder.sweep.add_submission(Submission(timestamp(), 0, "local", {"elsewhere:1:2": []}))
    start(study.folder, definition, LocalOptions("local", processes=1, wait=True))
    assert_has(capsys.readouterr().out, f"elsewhere ... ddpg-sweep retry {study.folder.quoted} lost=elsewhere")


@pytest.mark.parametrize(("lost", "owner"), [("far", None), ("near", "12")])
def test_a_cluster_that_is_gone(tmp_path: Path, lost: str, owner: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can ask it for its jobs, so the user says so; the trials of its workers are free then."""
    study = write_study(tmp_path / "study", 3)
    study.sweep.write({"launcher": LAUNCHERS["local"]})
    study.sweep.add_submission(Submission(timestamp(), 0, "slurm", {"12": []}, cluster="far"))
    study.write(study.trials()[2].changed(result=None, owner="12"))
    monkeypatch.setattr("ddpg.search.control.start", lambda *_: None)
    retry(study, {}, lost)
    assert study.trials()[2].owner == owner


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", fail)
    with user_error("study cannot be locked: Function not implemented"), StudyFolder(tmp_path / "study").lock():
        pass


def test_a_folder_with_another_sweep(study: FormulaStudy, tmp_path: Path) -> None:
    study.folder.path.mkdir()
    (study.folder.path / "sweep.json").write_text("{}")
    with user_error("holds another sweep ... hydra.sweep.dir"):
        study.begin()


@pytest.mark.parametrize(("metric", "trained"), [("eval/episodic_retrun", 100), ("losses/qf1", 400)])
def test_a_metric_that_no_run_logs(study: FormulaStudy, metric: str, trained: int) -> None:
    """The study stops at the first evaluation, or end of a run; with another metric it goes on from there."""
    with user_error(f"hydra.sweeper.metric={metric} ... eval/episodic_return ... the same command with another metric"):
        study.run("hydra.sweeper.seeds=2", f"hydra.sweeper.metric={metric}", "hydra.sweeper.last=2")
    (trial,) = study.trials()
    assert trial.result is None
    assert study.pool.trained == {0: trained}
    trials = study.run("hydra.sweeper.seeds=2")
    assert [trial.verdict for trial in trials] == ["complete"] * 4
    assert study.pool.trained == dict.fromkeys(range(8), 400)
    for word in (f"metric={metric}", "last=2"):
        with user_error(
            f"holds a study with hydra.sweeper.{word.partition('=')[0]} ... choose another hydra.sweep.dir"
        ):
            study.begin("hydra.sweeper.seeds=2", f"hydra.sweeper.{word}")


def test_workers_that_are_alive_keep_their_metric(study: FormulaStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would score by the one with which they began."""
    study.begin("hydra.sweeper.metric=eval/episodic_retrun")
    line = "metric=eval/episodic_return ... workers are at work ... eval/episodic_retrun ... ddpg-sweep cancel"
    with monkeypatch.context() as patch, user_error(line):
        patch.setattr(StudyFolder, "workers", lambda *_: [Task("started")])
        study.begin()
    study.begin()


def test_a_second_metric_that_no_run_logs(study: FormulaStudy) -> None:
    """A run that was done before says so at once: its trial is not tried again and again, and no seed is begun."""
    for metric in ("losses/qf1", "losses/qf2"):
        with user_error(f"hydra.sweeper.metric={metric}: ... /trial_0000/seed_1 has logged no such metric"):
            study.run("hydra.sweeper.seeds=2", f"hydra.sweeper.metric={metric}")
    (trial,) = study.trials()
    assert (trial.result, trial.kills, study.pool.trained) == (None, 0, {0: 400})


def test_files_of_another_version_and_damaged_ones(study: FormulaStudy) -> None:
    definition = study.begin()
    path = study.folder.path / "study.json"
    path.write_text(path.read_text().replace(f'"version": "{definition.version}"', '"version": "0.0.1"'))
    with user_error(f"version 0.0.1 ... {definition.version}"):
        study.work()
    path.write_text("{")
    with user_error("study.json ... damaged"):
        study.work()


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (["kind"], None, "it lacks 'kind'"),
        (["kind", "name"], None, "it lacks 'name'"),
        (["kind", "name"], "sobol", "there is no kind sobol"),
        (["kind", "colour"], "red", "unexpected keyword argument 'colour'"),
        (["options", "last"], None, "missing 1 required positional argument: 'last'"),
        (["threads"], None, "missing 1 required positional argument: 'threads'"),
        (["space"], ["tau"], "list indices"),
        (["seeds"], 3, "not iterable"),
        (["kind"], "search", "dictionary update sequence"),
    ],
)
def test_a_study_as_another_state_of_this_package_wrote_it(
    tmp_path: Path, path: list[str], value: object, why: str
) -> None:
    study = StudyFolder(tmp_path)
    study.define(replace(plain_definition(), version=__version__))
    content = json.loads((tmp_path / "study.json").read_bytes())
    place = content
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    (tmp_path / "study.json").write_text(json.dumps(content))
    with user_error(f"{tmp_path}/study.json is not as this package writes it: ... {why}"):
        study.definition()


def test_a_study_whose_first_trials_all_fail_stops(study: FormulaStudy) -> None:
    study.pool.formula = lambda config, env_step: 1 / 0
    with user_error("all of the first 5 trials failed ... division by zero ... ddpg-sweep retry"):
        study.run("hydra.sweeper.n_trials=9")
    assert len(study.trials()) == 5


def later(error: Callable[[Progress], Exception]) -> Callable[[dict[str, Any], int], float]:
    """Return a formula that raises an error in all trials but the first, in each at another step."""

    def formula(config: dict[str, Any], env_step: int) -> float:
        trial = config["extra"]["trial"]
        if trial > 0:
            raise error(Progress(env_step=10 * trial, episode=trial))
        return 1.0

    return formula


def test_a_study_whose_last_trials_fail_alike_stops(study: FormulaStudy) -> None:
    """Also after a success; not where numbers are not finite, which values explain."""
    study.pool.formula = later(lambda progress: ArithmeticError(f"CUDA error: no device {progress.place}"))
    with user_error("the last 5 trials failed alike ... no device ... ddpg-sweep retry"):
        study.run("hydra.sweeper.n_trials=8")
    assert len(study.trials()) == 6
    study.pool.formula = later(lambda progress: ArithmeticError(f"qf1_loss is not finite {progress.place}"))
    for trial in study.trials()[1:]:
        study.folder.write(trial.changed(result=None))
    study.work()
    assert [trial.verdict for trial in study.trials()] == ["complete", *["failed"] * 7]


def test_a_full_disk_says_nothing_about_values(study: FormulaStudy) -> None:
    """The trial is given back and counts nothing, and the worker ends with one line; with free space it goes on."""
    formula = study.pool.formula
    study.pool.formula = later(lambda _: OSError(errno.ENOSPC, "No space left on device"))
    with user_error("trial 1 counts nothing ... No space left on device ... ddpg-sweep retry"):
        study.run()
    left = study.trials()[1]
    assert (left.result, left.owner, left.kills) == (None, None, 0)
    study.pool.formula = formula
    study.work()
    assert [trial.verdict for trial in study.trials()] == ["complete"] * 4


def test_a_full_disk_under_a_worker(study: FormulaStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    study.begin()
    full = OSError(errno.ENOSPC, "No space left on device", "trial.json")
    monkeypatch.setattr("ddpg.search.study.write_trial", Mock(side_effect=full))
    with user_error("OSError: ... No space left on device ... ddpg-sweep retry"):
        study.work()


def test_a_folder_that_was_copied(study: FormulaStudy) -> None:
    """It is none of the study's trials, whatever its name."""
    trials = study.run()
    for name in ("trial_0001_backup", "trial_0001_2", "trial_1"):
        shutil.copytree(study.folder.path / "trial_0001", study.folder.path / name)
    assert study.trials() == trials


def test_values_that_do_not_fit_together(study: FormulaStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a trial has failed before it began, and those after it have their own runs."""
    original = Recipe.run

    def refuse(recipe: Recipe, number: int, *others: Any) -> Any:
        if number == 1:
            raise UserError("batch_size=64 does not fit buffer_size=10")
        return original(recipe, number, *others)

    monkeypatch.setattr(Recipe, "run", refuse)
    trials = study.run()
    assert [trial.result and trial.result.state for trial in trials] == ["complete", "failed", "complete", "complete"]
    assert trials[1].result is not None
    assert trials[1].result.why == "batch_size=64 does not fit buffer_size=10"
    folders = [f"trial_000{n}" for n in range(4)]
    assert [run.path.parent.name for run in study.folder.sweep.runs] == folders
    assert study.pool.trained.keys() == {0, 2, 3}
    monkeypatch.setattr("ddpg.search.control.start", lambda *_: study.run("hydra.sweeper.n_trials=5"))
    assert not retry(StudyFolder(study.folder.path), {}, lost=None)
    assert [run.path.parent.name for run in study.folder.sweep.runs] == [*folders, "trial_0004"]
    assert study.pool.trained.keys() == {0, 2, 3, 4}


def test_a_space_that_is_refused_leaves_no_folder(
    study_config: Callable[..., DictConfig], loader: ConfigLoader, tmp_path: Path
) -> None:
    """It was claimed before the space was composed; a folder with something in it is left alone."""
    config = study_config("batch_size=choice(64,none)")
    (tmp_path / "study").mkdir()
    with user_error("batch_size"):
        search(config, loader, list(config.hydra.overrides.task))
    assert not (tmp_path / "study").exists()
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "notes").touch()
    with user_error("batch_size"):
        search(config, loader, list(config.hydra.overrides.task))
    assert (tmp_path / "study" / "notes").exists()
