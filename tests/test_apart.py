"""Work in a thread of its own: its results, its exceptions, and what Ctrl-C does to it."""

import gc
import importlib
import signal
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import gymnasium
import pytest
from support.command_line import user_error
from support.runs import TINY

from ddpg import apart as module
from ddpg.apart import apart, require_importable
from ddpg.interrupt import Interrupted, InterruptFlag


def press_ctrl_c() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def test_result_and_exception_come_back() -> None:
    assert apart(threading.current_thread) is not threading.current_thread()
    with pytest.raises(ZeroDivisionError):
        apart(lambda: 1 / 0)


def test_work_within_work_stays_in_its_thread() -> None:
    assert apart(lambda: apart(threading.current_thread) is threading.current_thread())


def test_ctrl_c_stops_the_work_and_waits_for_its_end() -> None:
    flag = InterruptFlag(signals=())
    ends: list[str] = []

    def work() -> None:
        press_ctrl_c()
        try:
            while True:
                flag.check()
        except Interrupted:
            ends.append("saved")
            raise

    with pytest.raises(KeyboardInterrupt) as pressed:
        apart(work, lambda: flag.stop(signal.SIGINT))
    assert ends == ["saved"]
    assert pressed.value.__cause__ is None


def test_a_failure_after_ctrl_c_is_the_cause() -> None:
    stopped = threading.Event()

    def work() -> None:
        press_ctrl_c()
        stopped.wait()
        raise OSError("the disk is full")

    with pytest.raises(KeyboardInterrupt) as pressed:
        apart(work, stopped.set)
    assert isinstance(pressed.value.__cause__, OSError)


def test_ctrl_c_leaves_work_alone_that_cannot_be_stopped() -> None:
    go_on = threading.Event()
    ended = threading.Event()

    def work() -> None:
        press_ctrl_c()
        go_on.wait()
        ended.set()

    with pytest.raises(KeyboardInterrupt):
        apart(work)
    assert not ended.is_set()
    go_on.set()
    assert ended.wait(10)


def test_ctrl_c_twice_at_once_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As wrappers send it, `poetry run` for example: the save is waited for."""
    ends: list[str] = []
    stopped = threading.Event()
    presses = iter([press_ctrl_c, stopped.set])
    monkeypatch.setattr(module, "IMPATIENCE_S", 1e6)

    def work() -> None:
        press_ctrl_c()
        stopped.wait(10)
        ends.append("saved")

    with pytest.raises(KeyboardInterrupt):
        apart(work, lambda: next(presses)())
    assert ends == ["saved"]
    assert stopped.is_set()


TRAINS = f"""
import gymnasium
import ddpg
from support.toys import Walk as Reach

gymnasium.register("Late-v0", "trains_at_import:Reach", max_episode_steps=20)
ddpg.train([*{TINY!r}, "env=gym", "env.id=Late-v0", WORDS, "total_steps=5"], out="run")
"""


#: The module is the home of the env's class, registers the env, is named by its id, has a class that a key names.
@pytest.mark.parametrize(
    "word",
    [
        "seed=1",
        "env.imports=[trains_at_import]",
        "env.id=trains_at_import:Late-v0",
        "noise._target_=trains_at_import.Noise",
    ],
)
def test_a_module_that_trains_while_it_is_imported(word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waited for ever: the main thread for the training, which waited for the end of the import."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "trains_at_import.py").write_text(TRAINS.replace("WORDS", repr(word)))
    with user_error("trains_at_import is still being imported ... a function that is called later"):
        importlib.import_module("trains_at_import")
    gymnasium.registry.pop("Late-v0")
    apart(lambda: require_importable("trains_at_import"))  # its import has ended


def test_another_module_may_import_the_one_that_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets what is defined so far, as in a circular import, and others wait for the end as before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    train = f'ddpg.train([*{TINY!r}, "env=pendulum", "env.imports=[needs_it]", "total_steps=5"], out="run")'
    (tmp_path / "trains_early.py").write_text(f"import ddpg\nready = True\nrun = {train}\nlate = True")
    (tmp_path / "needs_it.py").write_text(
        "from trains_early import ready\nimport trains_early\nfound = vars(trains_early)"
    )
    assert importlib.import_module("trains_early").run.status["state"] == "done"
    assert importlib.import_module("needs_it").found["late"]


class Large:
    """Stands for a trainer with its replay memory."""


@pytest.fixture
def _no_collection() -> Iterator[None]:
    """Collections come by the number of objects, so that a few large ones could stay for long."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collection")
@pytest.mark.parametrize("end", [OSError(), Interrupted(signal.SIGINT)])
def test_nothing_stays_in_memory_after_a_failure(end: BaseException) -> None:
    """Not even while Ctrl-C's exception is kept, as a notebook keeps the last one."""
    flag = InterruptFlag(signals=())
    left: list[weakref.ref[Large]] = []

    def work() -> None:
        large = Large()
        left.append(weakref.ref(large))
        if isinstance(end, Interrupted):
            time.sleep(0.05)  # the main thread waits by then
            press_ctrl_c()
            while True:
                flag.check()
        raise OSError

    kept: list[BaseException] = []
    try:
        apart(work, lambda: flag.stop(signal.SIGINT))
    except OSError:
        pass
    except KeyboardInterrupt as pressed:
        kept.append(pressed)
    for thread in threading.enumerate():
        if thread.name == "ddpg":  # about to end
            thread.join()
    assert [reference() for reference in left] == [None]
    assert len(kept) == isinstance(end, Interrupted)
