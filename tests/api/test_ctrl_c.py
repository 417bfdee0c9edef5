"""Ctrl-C during `ddpg.train`: it saves, is raised again, and the same call goes on."""

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command_line import user_error
from support.python_training import WORDS, at_step
from support.slurm_sweep import fingerprint

import ddpg
from ddpg import apart
from ddpg.api import process
from ddpg.interrupt import InterruptFlag
from ddpg.run.playing import processes as processes_module
from ddpg.training.snapshots import Snapshots

pytestmark = pytest.mark.usefixtures("without_pictures")


@pytest.fixture
def press_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Sends the signal that a notebook sends to interrupt a cell, and returns when the work has been told to stop.

    On a busy machine the main thread may see the signal after such a short run is over.
    """
    told = threading.Event()
    stop = InterruptFlag.stop

    def stop_and_tell(self: InterruptFlag, signum: int) -> None:
        stop(self, signum)
        told.set()

    def press() -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        assert told.wait(60)

    monkeypatch.setattr(InterruptFlag, "stop", stop_and_tell)
    return press


#: Steps of the environments: in the first evaluation, in an episode, after the first snapshot.
@pytest.mark.parametrize("step", [1, 150, 330])
def test_interrupted_run_goes_on_as_if_nothing_had_been(
    step: int, run: ddpg.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, press_ctrl_c: Callable[[], None]
) -> None:
    """By the same call, or by `resume`; it saves what it has, and KeyboardInterrupt comes through."""
    with (
        at_step(monkeypatch, step, press_ctrl_c),
        pytest.raises(KeyboardInterrupt, match=r"run is interrupted, and goes"),
    ):
        ddpg.train(WORDS, out=tmp_path / "run")
    stopped = ddpg.load_run(tmp_path / "run")
    assert stopped.status["state"] == "interrupted"
    assert (stopped.status["env_step"] > 0) == (step > 300)
    again = stopped.resume() if step > 100 else ddpg.train(WORDS, out=tmp_path / "run")
    assert again.status["state"] == "done"
    assert fingerprint(again.path) == fingerprint(run.path)


def test_ctrl_c_while_a_checkpoint_is_written(
    run: ddpg.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, press_ctrl_c: Callable[[], None]
) -> None:
    save = Snapshots.save
    presses = [press_ctrl_c]  # once, because what was interrupted saves again

    def interrupted_save(self: Snapshots) -> None:
        while presses:
            presses.pop()()
        save(self)

    with monkeypatch.context() as patched:
        patched.setattr(Snapshots, "save", interrupted_save)
        with pytest.raises(KeyboardInterrupt):
            ddpg.train(WORDS, out=tmp_path / "run")
    assert fingerprint(ddpg.train(WORDS, out=tmp_path / "run").path) == fingerprint(run.path)


def test_second_ctrl_c_does_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, press_ctrl_c: Callable[[], None]
) -> None:
    """As where a simulator hangs; the training that is left behind is named, and ends by itself."""
    hangs = threading.Event()
    stop = InterruptFlag.stop

    def hang() -> None:
        press_ctrl_c()
        hangs.wait()

    def stop_and_press_again(self: InterruptFlag, signum: int) -> None:
        stop(self, signum)
        press_ctrl_c()

    monkeypatch.setattr(InterruptFlag, "stop", stop_and_press_again)
    monkeypatch.setattr(apart, "IMPATIENCE_S", 0.0)
    with at_step(monkeypatch, 30, hang), pytest.raises(KeyboardInterrupt):
        ddpg.train(WORDS, out=tmp_path / "run")
    with user_error("run is being trained in this process already"):
        ddpg.train(WORDS, out=tmp_path / "other")
    hangs.set()
    with process._turn:
        assert ddpg.load_run(tmp_path / "run").status["state"] == "interrupted"


@pytest.mark.parametrize("processes", [1, 2])
def test_ctrl_c_ends_an_evaluation(
    processes: int, run: ddpg.Run, monkeypatch: pytest.MonkeyPatch, press_ctrl_c: Callable[[], None]
) -> None:
    """Within a step of this process, or while others play; nothing is left that keeps the next one out."""
    wait_for = processes_module._wait_for

    def interrupted_wait(*arguments: Any) -> None:
        press_ctrl_c()
        wait_for(*arguments)

    monkeypatch.setattr(processes_module, "_wait_for", interrupted_wait)
    with at_step(monkeypatch, 30, press_ctrl_c), pytest.raises(KeyboardInterrupt):
        run.evaluate(episodes=1000, processes=processes)
    assert not process._turn.locked()
    assert "ddpg" not in [thread.name for thread in threading.enumerate()]
