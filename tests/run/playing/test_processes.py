"""Episodes in several processes: the same returns as in one, and an end of all when one fails."""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.command_line import user_error
from support.stored_runs import stored_run

from ddpg.errors import UserError
from ddpg.run.playing import open_playable, play, play_seeds, processes
from ddpg.run.playing.conditions import NOMINAL
from ddpg.run.playing.stage import Part, Task, play_here
from ddpg.run.playing.worker import Stages


@pytest.fixture
def tasks() -> list[Any]:
    """Three episodes of a policy that no worker of these tests looks for."""
    playable = SimpleNamespace(folder=Path("run"), which="last", trust=False, digest="")
    return [Task(SimpleNamespace(playable=playable, condition=NOMINAL), seed) for seed in (5, 6, 7)]  # type: ignore[arg-type]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """program("print(line)"): what each worker does with a line of its input, in place of playing."""

    def _set(action: str) -> None:
        start = "import json, os, signal, sys, time\n"
        monkeypatch.setattr(
            processes, "PROGRAM", f"{start}for line in sys.stdin:\n    {action}\n    sys.stdout.flush()"
        )

    return _set


def test_two_processes_have_the_returns_of_one(tmp_path: Path) -> None:
    """The environment keeps something across resets, so that each episode has a new one."""
    stored_run(tmp_path / "run", "env.id=Leaky-v0", "env.resets_fully=false", "+env.info_metrics.loss=sum")
    playable = open_playable(tmp_path / "run")
    alone = play(playable, episodes=4, seed=3)
    together = play(playable, episodes=4, seed=3, processes=2)
    np.testing.assert_array_equal(together.returns, alone.returns)
    np.testing.assert_array_equal(together.lengths, alone.lengths)
    assert together.info == alone.info
    assert len(set(alone.returns)) == 4
    np.testing.assert_array_equal(play(playable, episodes=2, seed=3).returns, alone.returns[:2])


def test_a_worker_plays_the_actor_that_was_found(tmp_path: Path) -> None:
    """Not one that a training has stored since."""
    run = stored_run(tmp_path / "run")
    task = Task(Part(open_playable(run.path)), *play_seeds(1, 3))
    request = json.loads(json.dumps(processes.request(task)))
    with ExitStack() as opened:
        answer = Stages(opened).answer(request)
    assert [answer["return"]] == play(task.part.playable, 1, 3).returns.tolist()
    run.actor.write_bytes(stored_run(tmp_path / "later", "seed=2").actor.read_bytes())
    with ExitStack() as opened, user_error("run has stored another last actor meanwhile ... a copy"):
        Stages(opened).answer(request)
    with user_error("run has stored another last actor meanwhile"):
        list(play_here([task]))


def test_answers_come_back_in_the_order_of_the_tasks(tasks: list[Any], program: Callable[[str], None]) -> None:
    program("seed = json.loads(line)['seed']; print(json.dumps({'return': seed / 2, 'length': seed, 'info': {}}))")
    played = processes.play_in_processes(tasks, 2)
    assert [(one.returns.tolist(), one.lengths.tolist()) for one in played] == [
        ([2.5], [5]),
        ([3.0], [6]),
        ([3.5], [7]),
    ]


def test_nothing_to_play_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the only episode was recorded."""
    started = watch(monkeypatch)
    assert processes.play_in_processes([], 4) == []
    assert started == []


@pytest.mark.parametrize(
    ("action", "parts"),
    [
        ("print(json.dumps({'error': 'env.id=X: the simulator failed'}))", "env.id=X: the simulator failed"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "a process that plays episodes was killed by SIGKILL"),
        ("print('{', end=''); sys.exit(3)", "a process that plays episodes ended with exit code 3"),
        ("if '5' in line: os._exit(3)\n    time.sleep(60)", "a process that plays episodes ended with exit code 3"),
    ],
    ids=["failure", "killed", "torn", "others are busy"],
)
def test_what_fails_in_one_ends_all(
    tasks: list[Any], program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, action: str, parts: str
) -> None:
    program(action)
    started = watch(monkeypatch)
    begun = time.monotonic()
    with user_error(parts):
        processes.play_in_processes(tasks, 2)
    assert [worker.poll() is None for worker in started] == [False, False]
    assert time.monotonic() - begun < 10


def test_an_interrupt_ends_all(
    tasks: list[Any], program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that does not heed SIGTERM is killed."""
    program("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    time.sleep(60)")
    started = watch(monkeypatch)

    def interrupted(*_: object, **__: object) -> None:
        time.sleep(0.3)
        raise KeyboardInterrupt

    monkeypatch.setattr(processes, "wait", interrupted)
    monkeypatch.setattr(processes, "CLOSING_S", 0.2)
    with pytest.raises(KeyboardInterrupt):
        processes.play_in_processes(tasks, 2)
    assert [worker.poll() is None for worker in started] == [False, False]


def watch(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A list that gets every worker that is started."""
    started: list[Any] = []
    start = processes._start

    def noted() -> Any:
        started.append(start())
        return started[-1]

    monkeypatch.setattr(processes, "_start", noted)
    return started


def test_only_one_environment_can_exist(tmp_path: Path) -> None:
    stored_run(tmp_path / "run", "env.single=true")
    with pytest.raises(UserError, match=r"^processes=2: .*env\.single=true.*processes=1$"):
        play(open_playable(tmp_path / "run"), processes=2)
