"""Episodes in several processes, each of which has an environment and a policy of its own.

A process is a new Python that is given one episode at a time, as a line of JSON, and answers with another line. Nothing
of this process is copied, so that it may be a notebook, a thread or a script without a guard.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import asdict
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

from ddpg.errors import UserError
from ddpg.run.playing.stage import OnStep, Task
from ddpg.training.evaluate import Episodes

#: The program of a worker; it finds modules where this process finds them.
PROGRAM = "import json, sys; sys.path = json.loads(sys.argv[1]); from ddpg.run.playing.worker import main; main()"
#: Seconds that a worker has to close its environment, before it is killed.
CLOSING_S = 5.0
#: Seconds between two calls of `on_step` while workers play.
STEP_S = 0.1

Worker = subprocess.Popen[str]
Json = dict[str, Any]


def play_in_processes(tasks: Sequence[Task], processes: int, on_step: OnStep | None = None) -> list[Episodes]:
    """Play each task in one of several processes; return the episodes in the order of the tasks.

    Raises UserError for what fails in a process, and if one dies; then, on Ctrl-C, and where `on_step` raises, which is
    called every STEP_S, all of them end.
    """
    if not tasks:
        return []
    waiting: SimpleQueue[tuple[int, Json]] = SimpleQueue()
    for place, task in enumerate(tasks):
        waiting.put((place, request(task)))
    answers: dict[int, Json] = {}
    number = min(processes, len(tasks))
    with ThreadPoolExecutor(number) as threads, _workers(number) as workers:  # whose end lets the threads end
        pending = [threads.submit(_keep_busy, worker, waiting, answers) for worker in workers]
        _wait_for(pending, on_step)
    return [_episode(answers[place]) for place in range(len(tasks))]


def _wait_for(pending: Sequence[Future[None]], on_step: OnStep | None) -> None:
    """Wait for the end of all, or raise what the first that fails, or `on_step`, raises."""
    left = set(pending)
    while left:
        done, left = wait(left, timeout=STEP_S, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        if on_step:
            on_step()


def request(task: Task) -> Json:
    """Return what a worker has to know of a task."""
    playable = task.part.playable
    where = {"folder": str(playable.folder), "which": playable.which}
    checks = {"trust": playable.trust, "digest": playable.digest}
    return where | checks | {"condition": asdict(task.part.condition), "seed": task.seed}


@contextmanager
def _workers(number: int) -> Iterator[list[Worker]]:
    """Start workers, and end them after the block; after an exception in the middle of their episodes."""
    workers: list[Worker] = []
    try:
        workers.extend(_start() for _ in range(number))
        yield workers
    except BaseException:
        for worker in workers:
            worker.terminate()
        raise
    finally:
        for worker in workers:
            _close(worker)


def _start() -> Worker:
    """Start a worker in a session of its own, because Ctrl-C is for this process, which ends the others."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, json.dumps(sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


def _close(worker: Worker) -> None:
    """Let a worker see the end of its input; kill one that does not end."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    with suppress(BrokenPipeError):  # it may have died
        worker.stdin.close()
    try:
        worker.wait(CLOSING_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
    worker.stdout.close()


def _keep_busy(worker: Worker, waiting: "SimpleQueue[tuple[int, Json]]", answers: dict[int, Json]) -> None:
    """Give a worker one request after the other, until none is left."""
    while True:
        try:
            place, task = waiting.get_nowait()
        except Empty:
            return
        answers[place] = _ask(worker, task)


def _ask(worker: Worker, task: Json) -> Json:
    """Return the answer to a request; raise UserError if the episode fails or the worker dies."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write(json.dumps(task) + "\n")
        worker.stdin.flush()
        line = worker.stdout.readline()
    except BrokenPipeError:
        line = ""
    if not line.endswith("\n"):
        raise UserError(f"a process that plays episodes {_end_of(worker)}; processes=1 plays in this one")
    answer: Json = json.loads(line)
    if "error" in answer:
        raise UserError(answer["error"])
    return answer


def _end_of(worker: Worker) -> str:
    """Say how a worker ended."""
    code = worker.wait()
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _episode(answer: Mapping[str, Any]) -> Episodes:
    return Episodes(np.array([answer["return"]]), np.array([answer["length"]]), [answer["info"]])
