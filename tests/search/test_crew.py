"""The workers of a study on this machine: what they get when the command gets a signal."""

import signal
from pathlib import Path

import pytest

from ddpg.interrupt import Interrupted
from ddpg.search import crew
from ddpg.search.crew import Crew
from ddpg.search.study import StudyFolder


class Worker:
    """Stands for the process of a worker, which goes on until it gets a signal."""

    returncode: int | None = None

    def __init__(self) -> None:
        self.heard: list[int] = []

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, signum: int) -> None:
        self.heard.append(signum)

    def wait(self) -> None:
        self.returncode = 128 + self.heard[-1]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_workers_get_the_signal_that_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: signal.Signals
) -> None:
    """They print its name, and a user who typed Ctrl-C has not sent SIGTERM."""
    workers: list[Worker] = []
    monkeypatch.setattr(Crew, "_start", lambda _: workers.append(Worker()) or workers[-1])
    monkeypatch.setattr(crew.time, "sleep", lambda _: signal.raise_signal(sent))
    with pytest.raises(Interrupted, match=sent.name):
        Crew(StudyFolder(tmp_path), 2).run()
    assert [worker.heard for worker in workers] == [[sent], [sent]]
