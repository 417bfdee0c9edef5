"""What a job on Slurm does at each end: done, failed, told to end, warned; the real ones are in test_slurm_*.py."""

import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from submitit.core.utils import UncompletedJobError

from ddpg.errors import UserError
from ddpg.interrupt import InterruptFlag
from ddpg.run_folder import RunFolder
from ddpg.sweep.folder import Run, SweepFolder
from ddpg.sweep.job import Job

Prepare = Callable[..., Job]


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepare:
    """job(undone=1, told=SIGTERM): of two runs so many do not end well, and the job is sent a signal."""
    sweep = SweepFolder(tmp_path)
    sweep.write({"launcher": {}, "threads": 1, "runs": [{"folder": str(n), "overrides": []} for n in range(2)]})

    def _job(undone: int = 0, told: signal.Signals | None = None) -> Job:
        def train(pool: object, runs: Sequence[Run], interrupt: InterruptFlag) -> list[Run]:
            if told is not None:
                signal.raise_signal(told)
                assert interrupt.signum == told
            return list(runs[:undone])

        monkeypatch.setattr("ddpg.sweep.pool.Pool.train", train)
        return Job(tmp_path, (0, 1), 1)

    return _job


@pytest.fixture
def submitit() -> Iterator[list[int]]:
    """Its handler of SIGUSR2, which counts the attempts and requeues; the list is what it was called with."""
    called: list[int] = []
    before = signal.signal(signal.SIGUSR2, lambda signum, frame: called.append(signum))
    yield called
    signal.signal(signal.SIGUSR2, before)


@pytest.mark.parametrize("told", [None, signal.SIGTERM, signal.SIGUSR2])
def test_all_done_is_a_success_whatever_came(job: Prepare, submitit: list[int], told: signal.Signals | None) -> None:
    """Also if Slurm requeues it all the same: the next attempt finds the same."""
    job(told=told)()
    assert submitit == []


def test_a_failed_run_fails_the_job(job: Prepare) -> None:
    with pytest.raises(UserError, match=r"1 of 2 runs failed: #0, see .*train\.log"):
        job(undone=1)()


def test_told_to_end(job: Prepare, submitit: list[int]) -> None:
    """scancel, or Slurm requeues by itself."""
    with pytest.raises(SystemExit) as end:
        job(undone=2, told=signal.SIGTERM)()
    assert end.value.code == 128 + signal.SIGTERM
    assert submitit == []


def test_a_warning_goes_on_to_submitit_after_the_runs_have_saved(job: Prepare, submitit: list[int]) -> None:
    with pytest.raises(SystemExit):
        job(undone=1, told=signal.SIGUSR2)()
    assert submitit == [signal.SIGUSR2]


def test_preempted_without_grace(job: Prepare) -> None:
    """Slurm has requeued the job before submitit tries to: no failure."""

    def refused(signum: int, frame: object) -> None:
        raise subprocess.CalledProcessError(1, "scontrol requeue")

    before = signal.signal(signal.SIGUSR2, refused)
    with pytest.raises(SystemExit) as end:
        job(undone=1, told=signal.SIGUSR2)()
    signal.signal(signal.SIGUSR2, before)
    assert end.value.code == 128 + signal.SIGUSR2


def test_too_many_time_limits(job: Prepare) -> None:
    """The job is FAILED, the runs are saved."""

    def no_more(signum: int, frame: object) -> None:
        raise UncompletedJobError("Job not requeued because: timed-out too many times.")

    before = signal.signal(signal.SIGUSR2, no_more)
    with pytest.raises(UserError, match=r"time limit, and saved: .*too many times"):
        job(undone=1, told=signal.SIGUSR2)()
    signal.signal(signal.SIGUSR2, before)


def test_the_next_attempt_is_the_same(job: Prepare) -> None:
    this = job()
    assert this.checkpoint().function == this
    assert RunFolder(this.sweep / "0").status() == {}
