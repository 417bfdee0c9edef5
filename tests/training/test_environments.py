"""Environments of which one instance can exist, runs without evaluations, and environments that do not stay open."""

import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from omegaconf import DictConfig
from support.odd_envs import Only
from support.resume import Alarm, assert_resumes
from support.runs import ODD, TINY, flat, record

from ddpg.errors import UserError
from ddpg.interrupt import Interrupted
from ddpg.record.run_folder import RunFolder
from ddpg.run.lifecycle import run
from ddpg.run.playing import open_playable, play
from ddpg.training.trainer import Trainer

Make = Callable[..., Trainer]
Start = Callable[..., float | None]
ONLY = ["env.id=Only-v0", *ODD]
SINGLE = [*ONLY, "env.single=true"]


@pytest.fixture(autouse=True)
def _free() -> None:
    Only.in_use = False


def evaluated_at(folder: Path) -> list[int]:
    return [row["env_step"] for row in record(folder) if "eval/episodic_return" in row]


def test_a_second_instance_that_cannot_be_made_says_what_to_write(tmp_path: Path, make_trainer: Make) -> None:
    with pytest.raises(UserError) as caught:
        make_trainer(tmp_path, *ONLY).train()
    line = str(caught.value)
    for word in ("env.id=Only-v0", "Address already in use", "env.single=true", "eval.every=null", "env_step 0"):
        assert word in line
    assert not Only.in_use


def test_evaluations_in_the_training_environment_wait_for_the_end_of_an_episode(tmp_path: Path, train: Make) -> None:
    """Episodes of 20 steps. Training is the same as with an environment of its own for evaluations."""
    shared = train(tmp_path / "shared", *SINGLE, "eval.every=50", "total_steps=210", "compile=false")
    assert evaluated_at(tmp_path / "shared") == [0, 60, 100, 160, 200, 210]
    own = train(tmp_path / "own", "env.id=Odd-v0", *ODD, "eval.every=50", "total_steps=210", "compile=false")
    assert evaluated_at(tmp_path / "own") == [0, 50, 100, 150, 200, 210]
    states = [flat(trainer.agent.state_dict()) for trainer in (shared, own)]
    assert all(np.array_equal(states[0][name], states[1][name]) for name in states[0])
    assert not Only.in_use


@pytest.mark.parametrize("resets_fully", ["true", "false"])
def test_resume_is_exact(
    tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch, resets_fully: str
) -> None:
    """With false, the shared environment is made anew around each evaluation."""
    monkeypatch.setattr("ddpg.training.trainer.SNAPSHOT_EVERY", 20)
    words = [*SINGLE, f"env.resets_fully={resets_fully}", "eval.every=35", "total_steps=130", "compile=false"]
    assert_resumes(make_trainer, tmp_path, words, [60, 45])


@pytest.fixture
def start(compose: Callable[..., DictConfig], tmp_path: Path) -> Start:
    """start("env.id=Only-v0"): a TINY run in the test's folder, as `ddpg-train` starts it, without recordings."""
    return lambda *words: run(compose("env=gym", *ODD, *TINY, "compile=false", *words), tmp_path)


@pytest.mark.parametrize("choice", ["env.single=true", "eval.every=null"])
def test_a_whole_run_has_one_instance_at_a_time(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch, choice: str
) -> None:
    """From the start over a signal, a finished run and a longer one to the stored actor's episodes and their video."""
    words = ["env.id=Only-v0", choice]
    with monkeypatch.context() as patch:
        patch.setattr("ddpg.run.lifecycle.InterruptFlag", lambda: Alarm(50, signal.SIGTERM))
        with pytest.raises(Interrupted):
            start(*words, "total_steps=120")
    result = start(*words, "total_steps=120", "eval.video=true")
    assert (tmp_path / "videos" / "last.mp4").exists()
    assert start(*words, "total_steps=120") == result
    monkeypatch.setattr("ddpg.run.lifecycle._show", lambda *_: None)
    longer = start(*words, "total_steps=160")
    status = RunFolder(tmp_path).status()
    assert (status["state"], status["env_step"], status["last_return"]) == ("done", 160, longer)
    assert (result is None) == (longer is None) == (choice == "eval.every=null")
    assert not (tmp_path / "videos" / "last.mp4").exists()  # it was that of the policy before
    play(open_playable(tmp_path), episodes=2)
    assert not Only.in_use
    if result is None:
        with pytest.raises(UserError, match=r"actor_best\.pt does not exist, .*eval\.every=null"):
            play(open_playable(tmp_path, "best"), episodes=1)


@pytest.mark.parametrize(
    "words",
    [
        ["algorithm.head.v_min=3", "algorithm/head=categorical", "algorithm.head.v_max=2"],
        ["buffer_size=10000000000000", "total_steps=1000000000000"],
        ["network.actor.norm=batch", "batch_size=1"],
        ["env.id=Endless-v0"],
    ],
    ids=["network", "memory", "check", "environment"],
)
def test_what_fails_before_the_first_step_leaves_no_environment_open(start: Start, words: list[str]) -> None:
    with pytest.raises(UserError):
        start("env.id=Only-v0", *words)
    assert not Only.in_use


@pytest.mark.parametrize(("at", "kept"), [(270, 200), (150, 0)])
def test_what_was_learned_is_said_to_be_kept_where_something_was(
    tmp_path: Path, start: Start, caplog: pytest.LogCaptureFixture, at: int, kept: int
) -> None:
    """The environment ends the program, which ends the run as any other failure does."""
    line = rf"^env\.id=Odd-v0: step ended the program by sys\.exit\(3\) \(at env_step {at - 1}"
    with pytest.raises(UserError, match=line):
        start("env.id=Odd-v0", "eval.every=null", f"+env.kwargs={{odd: sys.exit, at: {at}}}")
    status = RunFolder(tmp_path).status()
    assert (status["state"], status["env_step"]) == ("failed", kept)
    assert ("what was learned is kept" in caplog.text) == (kept > 0)


def test_a_close_that_fails_does_not_lose_the_run(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("support.odd_envs.Odd.close", lambda env: 1 / 0)
    monkeypatch.setattr("ddpg.run.lifecycle._show", lambda *_: None)
    start("env.id=Odd-v0", "total_steps=40")
    assert RunFolder(tmp_path).status()["state"] == "done"
    assert "env.id=Odd-v0: close failed: ZeroDivisionError" in caplog.text
