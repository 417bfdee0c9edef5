"""journal.log: stock Optuna reads it, whatever a kill has left, and the folders can make it again."""

import json
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from support.command_line import user_error
from support.studies import FormulaStudy

from ddpg.search.journal import Journal, cut_torn_line
from ddpg.search.study import StudyFolder


def stock(path: Path) -> list[tuple[object, ...]]:
    """Return what stock Optuna reads."""
    backend = optuna.storages.journal.JournalFileBackend(str(path))
    trials = optuna.load_study(study_name="study", storage=optuna.storages.JournalStorage(backend)).trials
    return [(one.number, one.state, one.value, one.params, one.intermediate_values) for one in trials]


def follow(study: FormulaStudy) -> None:
    """Let the journal follow the folders, as the next worker would."""
    folder = StudyFolder(study.folder.path)
    with folder.lock():
        Journal(folder, folder.definition()).follow(folder.trials())


def test_tears_damage_and_loss(study: FormulaStudy, caplog: pytest.LogCaptureFixture) -> None:
    """A journal that is torn at any byte of its last lines, damaged in its middle, or gone is whole afterwards."""
    study.run()
    path = study.folder.journal
    whole = path.read_bytes()
    told = stock(path)
    ends = [place for place, byte in enumerate(whole) if byte == ord("\n")]
    for cut in (*range(ends[-2] + 1, len(whole), 9), ends[-3] + 5, ends[3] + 1, 0):
        path.write_bytes(whole[:cut])
        follow(study)
        assert stock(path) == told, cut
    path.write_bytes(whole[:300] + b"\0" * 50 + whole[350:])
    follow(study)
    assert "damaged" in caplog.text
    path.unlink()
    follow(study)
    assert stock(path) == told


def test_a_journal_that_another_worker_made_again(study: FormulaStudy) -> None:
    """It is read from the beginning, also in the inode of the old one; where it cannot be read on, it is made again."""
    trials = {trial.number: trial for trial in study.run("hydra.sweeper.n_trials=3")}
    first = trials[0].result
    assert first is not None
    failed = trials[0].changed(result=replace(first, state="failed", value=None))
    path = study.folder.journal
    path.unlink()
    ours, others = (Journal(study.folder, study.folder.definition()) for _ in range(2))
    ours.follow({0: failed})
    old = path.with_name("old")
    old.hardlink_to(path)
    others.follow(trials)
    whole = path.read_bytes()
    old.write_bytes(whole)
    old.replace(path)
    ours.follow(trials)
    assert path.read_bytes() == whole
    told = stock(path)
    path.write_bytes(whole + b"{\n{}\n")
    ours.follow(trials)
    assert path.with_suffix(".damaged").exists()
    assert stock(path) == told


def test_a_journal_is_made_again_in_one_step(study: FormulaStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that whoever reads it meanwhile finds a study."""
    study.run("hydra.sweeper.n_trials=2")
    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok=False: path == study.folder.journal and 1 / 0)
    study.folder.write(study.trials()[0].changed(result=None))
    follow(study)
    assert [one[1] for one in stock(study.folder.journal)] == [
        optuna.trial.TrialState.RUNNING,
        optuna.trial.TrialState.COMPLETE,
    ]


def test_lines_after_a_tear_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for content, kept in ((b"", b""), (b"a\nb\n", b"a\nb\n"), (b"a\nb", b"a\n"), (b"ab", b"")):
        path.write_bytes(content)
        cut_torn_line(path)
        assert path.read_bytes() == kept


def test_a_journal_that_is_not_this_one(study: FormulaStudy) -> None:
    """Of another study, or of a newer Optuna: it is left as it is, and the trials too."""
    study.run("hydra.sweeper.n_trials=2")
    path = study.folder.journal
    whole = path.read_bytes()
    for content, parts in (
        (whole.replace(b'"study_name":"study"', b'"study_name":"other"'), "other ... study ... move it away"),
        (whole + json.dumps({"op_code": 99, "worker_id": "x"}).encode() + b"\n", "newer Optuna"),
    ):
        path.write_bytes(content)
        with user_error(parts):
            follow(study)
        assert path.read_bytes() == content
    assert len(study.trials()) == 2


def test_a_trial_whose_folder_was_removed(study: FormulaStudy) -> None:
    """The journal keeps its number for it, as failed; the study goes on with the others."""
    study.run()
    removed = study.folder.path / "trial_0001"
    removed.rename(study.folder.path.with_name("removed"))
    follow(study)
    told = stock(study.folder.journal)
    assert [one[0] for one in told] == [0, 1, 2, 3]
    assert told[1][1] == optuna.trial.TrialState.FAIL
    study.folder.path.joinpath("trial_0003").rename(study.folder.path.with_name("last"))
    study.work()
    assert [trial.number for trial in study.trials()] == [0, 2, 3]
    assert len(stock(study.folder.journal)) == 4
