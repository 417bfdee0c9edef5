"""`ddpg-sweep sync` of a study, against the W&B server of support/wandb_server.py."""

import os
from pathlib import Path
from typing import Any

import pytest
from support.studies import FormulaStudy, write_study
from support.tracked import plain_rows, recorded, sync_lines
from support.wandb_server import WandbServer

from ddpg.commands.sweep import sweep
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import wandb_sync
from ddpg.record.tracking.wandb_identity import WandbIdentity
from ddpg.search.sync import StudyRuns, sync
from ddpg.sweep.process import this_process
from ddpg.sweep.state.folder import Submission, SweepRun, timestamp
from ddpg.sweep.state.status import is_locked
from ddpg.sweep.sync import LeftAlone


def test_a_study_is_sent_while_it_runs_and_after_it(
    wandb_server: WandbServer, study: FormulaStudy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs arrive once, in the study's group, with number and score of their trials; its lock is free meanwhile."""
    send = wandb_sync.WandbServer.send_missing
    folder = study.folder.path

    def send_unlocked(*arguments: Any) -> wandb_sync.Sent | None:
        with study.folder.sweep.lock():
            pass
        return send(*arguments)

    def sync_in_the_second_trial(run: SweepRun, env_step: int) -> None:
        WandbIdentity(f"run{run.number}", "", f"n{run.number}").save(run.path)
        if (run.number, env_step) == (1, 400):
            with monkeypatch.context() as patch:
                patch.setattr("ddpg.search.sync.find_tasks", lambda names: {})  # the worker, this process, is not gone
                assert sync(folder, study.folder)

    monkeypatch.setattr(wandb_sync.WandbServer, "send_missing", send_unlocked)
    study.pool.before = sync_in_the_second_trial
    first, second = study.run("hydra.sweeper.n_trials=2", "logger.wandb.save_model=false")
    assert sync_lines(capsys) == ["seed_1: sent 4 rows", "seed_1: its trial may go on: not sent now"]

    del wandb_server.runs["run0"].summary["trial/score"]  # as when the run was online, and its trial had not ended
    monkeypatch.setattr("sys.argv", ["ddpg-sweep", "sync", str(folder)])
    sweep()
    assert sync_lines(capsys) == ["seed_1: sent 0 rows", "seed_1: sent 4 rows"]
    for trial in (first, second):
        run = wandb_server.runs[f"run{trial.number}"]
        assert trial.result is not None
        score = {"trial/number": trial.number, "trial/state": "complete", "trial/score": trial.result.value}
        assert run.summary.items() >= {"state": "done", **score}.items()
        assert run.config["extra"]["value"] == {"study": "study", "trial": trial.number}
        assert run.settings["groupName"] == "study"
        assert plain_rows(run.history) == recorded(folder / trial.name / "seed_1")
        assert (run.starts, run.state) == (1, "finished")


@pytest.mark.parametrize(
    ("pruner", "alive", "trial", "sent"),
    [
        ("percentile", True, "failed", True),
        ("percentile", True, "pruned", True),
        ("hyperband", True, "pruned", False),  # another worker may let it go on
        ("hyperband", False, "pruned", True),
        ("percentile", True, "open", False),
        ("percentile", False, "open", True),
    ],
)
def test_what_a_worker_may_go_on_with_is_left_alone(
    tmp_path: Path, pruner: str, alive: bool, trial: str, sent: bool
) -> None:
    study = write_study(tmp_path / "study", 3, pruner=pruner)
    trials = {"open": study.trials()[2].changed(result=None)}
    trials |= {one.result.state: one for one in study.trials().values() if one.result is not None}
    study.write(trials[trial])
    run = RunFolder(study.run_folder(trials[trial], trials[trial].seeds[0]))
    run.write_status(state="interrupted")
    runs = StudyRuns(study)
    if alive:  # a worker that has come since
        study.sweep.add_submission(Submission(timestamp(), os.getuid(), "local", {this_process(): [0]}))
    if sent:
        with runs.reserved(run), study.lock():
            assert is_locked(run.path)
    else:
        with pytest.raises(LeftAlone, match="its trial may go on"), runs.reserved(run):
            pass
    assert not is_locked(run.path)
