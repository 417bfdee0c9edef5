"""A run folder's life: started again when it is done, cut, damaged or in use, and the status that says how it ended."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig
from support.resume import Alarm
from support.runs import TINY, WALK, record
from support.threads import threads

from ddpg.errors import UserError
from ddpg.interrupt import Interrupted
from ddpg.record.run_folder import RunFolder
from ddpg.run.build import build_trainer
from ddpg.run.lifecycle import recorded_end, run
from ddpg.training.trainer import Trainer

Start = Callable[..., float]


@pytest.fixture
def start(compose: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch) -> Start:
    """start(folder, "seed=2"): a TINY run of 200 steps, as `ddpg-train` starts it, without its pictures."""
    monkeypatch.setattr("ddpg.run.lifecycle._show", lambda *_: None)
    return lambda folder, *overrides: run(compose(*WALK, *TINY, "total_steps=200", *overrides), folder, overrides)


def test_finished_run_returns_its_result(tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    result = start(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    monkeypatch.setattr("ddpg.run.lifecycle.build_trainer", None)  # nothing is built
    assert start(tmp_path) == result
    for state in ("done", "interrupted"):
        RunFolder(tmp_path).write_status(**RunFolder(tmp_path).status() | {"state": state})
        with pytest.raises(
            UserError, match=r"total_steps=100: .* has been trained for 200 steps, and no run goes back"
        ):
            start(tmp_path, "total_steps=100")
    RunFolder(tmp_path).write_status(**RunFolder(tmp_path).status() | {"state": "done"})
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_start_forgets_how_the_one_before_ended(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_status(state="failed", env_step=5, error="killed by SIGKILL", by_machine=True)
    with recorded_end(folder):
        assert folder.status() == {"state": "running", "env_step": 5}


@pytest.mark.parametrize("choice", ["replay=uniform", "replay=prioritized", "noise=ou", "algorithm=td3"])
def test_more_steps_continue(tmp_path: Path, start: Start, choice: str) -> None:
    """With a larger memory, too, for one of 200 transitions was all that 200 steps could fill."""
    start(tmp_path, choice)
    before = record(tmp_path)
    start(tmp_path, choice, "total_steps=300")
    rows = record(tmp_path)
    assert rows[: len(before)] == before
    assert rows[-1]["env_step"] == 300
    status = RunFolder(tmp_path).status()
    assert (status["state"], status["env_step"]) == ("done", 300)


def test_a_film_of_the_policy_before_is_removed_when_a_run_goes_on(tmp_path: Path, start: Start) -> None:
    start(tmp_path)
    film = RunFolder(tmp_path).last_video
    film.parent.mkdir()
    film.write_bytes(b"film")
    start(tmp_path)  # it is done
    assert film.exists()
    start(tmp_path, "total_steps=250")
    assert not film.exists()


@pytest.mark.parametrize("change", ["gamma=0.5", "seed=2", "network.actor.hidden=[9,9]", "noise=none"])
def test_another_config_is_refused(tmp_path: Path, start: Start, change: str) -> None:
    start(tmp_path)
    before = record(tmp_path)
    with pytest.raises(UserError, match=change.split("=")[0]):
        start(tmp_path, change, "total_steps=300")
    assert record(tmp_path) == before


@pytest.mark.parametrize("content", [b"", b'{"state": "do', b"\0" * 80, b"\xff\xfe"], ids=str)
@pytest.mark.parametrize("name", ["status.json", "provenance.json"])
def test_a_damaged_file_is_no_end_and_no_fresh_start(
    tmp_path: Path, start: Start, name: str, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning; the run stands where its checkpoint is, and the file is there again."""
    result = start(tmp_path)
    before, status = record(tmp_path), RunFolder(tmp_path).status()
    (tmp_path / name).write_bytes(content)
    assert start(tmp_path) == result
    assert (record(tmp_path), RunFolder(tmp_path).status()) == (before, status)
    if name == "provenance.json":  # not looked at when there is nothing to do
        start(tmp_path, "total_steps=300")
    assert f"{name} cannot be read" in caplog.text
    assert len(RunFolder(tmp_path).starts()) == (2 if name == "status.json" else 1)


def test_a_finished_run_may_drop_its_replay_memory(tmp_path: Path, start: Start) -> None:
    """Its networks and its result stay; training it further is refused, and changes nothing."""
    result = start(tmp_path, "checkpoint.keep_replay=false")
    assert not list(tmp_path.glob("checkpoint/replay-*"))
    assert torch.load(tmp_path / "checkpoint" / "state-000000000200.pt", weights_only=True)["state"]["agent"]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=r"total_steps=300: .* was finished at 200, its replay memory is gone"):
        start(tmp_path, "total_steps=300")
    assert start(tmp_path) == result
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    (tmp_path / "checkpoint" / "replay-000000000100-000000000200.npz").touch()  # a kill came before it was removed
    assert start(tmp_path, "checkpoint.keep_replay=false") == result
    assert not RunFolder(tmp_path).has_replay()


def test_a_lost_checkpoint_is_no_fresh_start(tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("ddpg.training.trainer.SNAPSHOT_EVERY", 20)
        patch.setattr("ddpg.run.lifecycle.InterruptFlag", lambda: Alarm(150, signal.SIGTERM))
        with pytest.raises(Interrupted):
            start(tmp_path)
    before = record(tmp_path)
    shutil.rmtree(tmp_path / "checkpoint")
    status = tmp_path / "status.json"
    advice = re.escape(f"remove {tmp_path / 'checkpoint'} and {status} to start afresh")
    with pytest.raises(UserError, match=rf"no checkpoint is left in .*: restore it, or {advice}"):
        start(tmp_path)
    assert record(tmp_path) == before
    status.unlink()
    start(tmp_path)
    assert RunFolder(tmp_path).status()["env_step"] == 200


def test_pictures_are_made_before_it_is_done(tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a start after a kill makes them."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ddpg.run.lifecycle._show", killed)
    with pytest.raises(KeyboardInterrupt):
        start(tmp_path)
    assert RunFolder(tmp_path).status()["state"] == "interrupted"


def test_a_picture_that_fails_is_a_warning(
    tmp_path: Path,
    compose: Callable[..., DictConfig],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("no luck")

    monkeypatch.setattr("ddpg.record.learning_curve.learning_curve", broken)
    monkeypatch.setattr("ddpg.run.lifecycle.require_video", lambda cfg: None)  # it could be drawn at the start
    monkeypatch.setattr("ddpg.run.lifecycle.record", broken)
    result = run(compose(*WALK, *TINY, "total_steps=200", "eval.video=true"), tmp_path)
    assert RunFolder(tmp_path).status() | {"state": "done", "last_return": result} == RunFolder(tmp_path).status()
    assert "no learning_curve.png: ValueError: no luck" in caplog.messages
    assert "no video: ValueError: no luck" in caplog.messages


def test_second_process_is_refused(tmp_path: Path, start: Start) -> None:
    hold = (
        "import sys; from pathlib import Path; from ddpg.record.run_folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).lock(): print('held', flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", hold, tmp_path], text=True, **pipes) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="is in use: another process trains in it"):
            start(tmp_path)
        holder.communicate("")
    start(tmp_path)  # the lock ends with its process


def test_interrupt_is_told_in_the_status(tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("ddpg.run.lifecycle.InterruptFlag", lambda: Alarm(150, signal.SIGTERM))
        with pytest.raises(Interrupted) as caught:
            start(tmp_path)
    assert caught.value.exit_code == 143
    status = RunFolder(tmp_path).status()
    assert status["state"] == "interrupted"
    assert status["resume"].startswith("not promised: support.toys ")
    start(tmp_path)
    assert RunFolder(tmp_path).status()["resume"] == status["resume"]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_while_the_run_is_built(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch, signum: signal.Signals
) -> None:
    """It raises nothing there, because libraries in C++ are imported, and ends the run before its first step."""

    def build(*arguments: Any) -> Trainer:
        signal.raise_signal(signum)
        return build_trainer(*arguments)

    monkeypatch.setattr("ddpg.run.lifecycle.build_trainer", build)
    with pytest.raises(Interrupted, match=signum.name):
        start(tmp_path)
    assert RunFolder(tmp_path).status().items() >= {"state": "interrupted", "env_step": 0}.items()
    assert not (tmp_path / "metrics.jsonl").read_text()


def test_evaluation_that_is_not_finite_is_no_result(tmp_path: Path, start: Start) -> None:
    with pytest.raises(UserError, match="nan as the reward"):
        start(tmp_path, "+env.kwargs.nan_reward=10")
    status = RunFolder(tmp_path).status()
    assert status["state"] == "failed"
    assert status["error"].startswith("evaluation: env.id=Walk-v0: step returned nan as the reward")
    assert "last_return" not in status


def test_failed_extension_keeps_the_results_so_far(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(tmp_path)
    before = RunFolder(tmp_path).status()

    def fail(trainer: Trainer) -> None:
        raise UserError("the simulator failed")

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_run_episode", fail)
        with pytest.raises(UserError):
            start(tmp_path, "total_steps=300")
    expected = before | {"state": "failed", "error": "the simulator failed"}
    assert RunFolder(tmp_path).status() == expected
    start(tmp_path, "total_steps=300")
    status = RunFolder(tmp_path).status()
    assert (status["state"], status["env_step"]) == ("done", 300)
    assert "error" not in status


def test_updates_have_the_threads_of_the_config(tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[int] = set()

    def build(*arguments: Any) -> Trainer:
        trainer = build_trainer(*arguments)
        update = trainer.agent.update
        monkeypatch.setattr(trainer.agent, "update", lambda batch: seen.add(torch.get_num_threads()) or update(batch))
        return trainer

    monkeypatch.setattr("ddpg.run.lifecycle.build_trainer", build)
    with threads(1):
        start(tmp_path, "threads=2", "total_steps=44", "updates_per_step=1", "eval.every=null", "compile=false")
    assert seen == {2}


def test_provenance_lists_every_start(tmp_path: Path, start: Start) -> None:
    start(tmp_path)
    start(tmp_path)  # is done already: no start
    start(tmp_path, "total_steps=300")
    starts = json.loads((tmp_path / "provenance.json").read_text())
    assert [(entry["device"], entry["threads"], entry["seed"]) for entry in starts] == [("cpu", 1, 1)] * 2
    assert all(entry["started"] and entry["versions"] for entry in starts)
