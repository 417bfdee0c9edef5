"""A job on Slurm at each of its ends: done, failed, ended, warned. Real jobs are in test_slurm_*.py."""

import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from submitit.core.utils import UncompletedJobError

from ddpg.errors import UserError
from ddpg.interrupt import InterruptFlag
from ddpg.sweep.execute.job import Job
from ddpg.sweep.state.folder import SweepRun

Prepare = Callable[..., Job]


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepare:
    """job(1, SIGTERM): a job of two runs, of which one does not end well, and which gets this signal."""

    def _job(undone: int = 0, *signals: signal.Signals) -> Job:
        def train(pool: object, runs: Sequence[SweepRun], interrupt: InterruptFlag) -> list[SweepRun]:
            for signum in signals:
                signal.raise_signal(signum)
            return list(runs[:undone])

        monkeypatch.setattr("ddpg.sweep.execute.pool.Pool.train", train)
        return Job(tuple(SweepRun(n, tmp_path / str(n), ()) for n in range(2)), 1, tmp_path)

    return _job


@pytest.fixture
def submitit() -> Iterator[list[int]]:
    """submitit's handler of SIGUSR2, which counts the attempts and requeues; the list has the signals that it got."""
    called: list[int] = []
    before = signal.signal(signal.SIGUSR2, lambda signum, frame: called.append(signum))
    yield called
    signal.signal(signal.SIGUSR2, before)


@pytest.mark.parametrize("signals", [(), (signal.SIGTERM,), (signal.SIGUSR2,)])
def test_all_done_is_a_success_whatever_came(
    job: Prepare, submitit: list[int], signals: Sequence[signal.Signals]
) -> None:
    """If Slurm requeues it all the same, the next attempt finds the runs done."""
    job(0, *signals)()
    assert submitit == []


def test_a_failed_run_fails_the_job(job: Prepare) -> None:
    with pytest.raises(UserError, match=r"1 of 2 runs .*#0, .*train\.log"):
        job(1)()


def test_ended_by_sigterm(job: Prepare, submitit: list[int]) -> None:
    """SIGTERM comes from scancel, or from a requeue by Slurm itself."""
    with pytest.raises(SystemExit) as end:
        job(2, signal.SIGTERM)()
    assert end.value.code == 128 + signal.SIGTERM
    assert submitit == []


@pytest.mark.parametrize(("in_grace", "handled"), [(True, [signal.SIGUSR2]), (False, [])])
def test_sigterm_before_a_preemption_is_a_warning(
    job: Prepare, submitit: list[int], monkeypatch: pytest.MonkeyPatch, in_grace: bool, handled: list[int]
) -> None:
    """Without preempt_send_user_signal a job hears SIGTERM alone, and is not requeued if it ends within its grace."""
    for name, value in {"SLURM_JOB_ID": "7", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "3"}.items():
        monkeypatch.setenv(name, value)  # 7 alone would mean the whole array
    monkeypatch.setattr("ddpg.sweep.slurm.is_in_grace", lambda asked: asked == "7_3" and in_grace)
    with pytest.raises(SystemExit):
        job(1, signal.SIGTERM)()
    assert submitit == handled


def test_a_warning_goes_on_to_submitit_after_the_runs_have_saved(job: Prepare, submitit: list[int]) -> None:
    with pytest.raises(SystemExit):
        job(1, signal.SIGUSR2)()
    assert submitit == [signal.SIGUSR2]


@pytest.mark.parametrize("signals", [(signal.SIGUSR2, signal.SIGTERM), (signal.SIGTERM, signal.SIGUSR2)])
def test_sigterm_too(job: Prepare, submitit: list[int], signals: Sequence[signal.Signals]) -> None:
    """scancel while it saves, or a preemption without grace: Slurm knows what becomes of the job."""
    with pytest.raises(SystemExit):
        job(1, *signals)()
    assert submitit == []


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """submitit's requeue fails; the list has Slurm's answers to the next attempts, after which it takes the job."""
    answers: list[str] = []

    def refused(signum: int, frame: object) -> None:
        raise subprocess.CalledProcessError(1, "scontrol requeue")

    def requeue(job: str) -> None:
        assert job == "7"
        if answers:
            raise UserError(answers.pop(0))

    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setattr("ddpg.sweep.slurm.requeue", requeue)
    monkeypatch.setattr("ddpg.sweep.execute.job.time.sleep", lambda seconds: None)
    before = signal.signal(signal.SIGUSR2, refused)
    yield answers
    signal.signal(signal.SIGUSR2, before)


@pytest.mark.parametrize(
    "answers", [["scontrol: Job is pending execution for job 7"], ["Unable to contact slurm controller"] * 3, []]
)
def test_a_requeue_that_fails_is_tried_again(job: Prepare, refusing: list[str], answers: list[str]) -> None:
    """It is no failure if Slurm takes the job in the end, or has taken it before."""
    refusing += answers
    with pytest.raises(SystemExit) as end:
        job(1, signal.SIGUSR2)()
    assert end.value.code == 128 + signal.SIGUSR2
    assert refusing == []


def test_no_requeue_at_all(job: Prepare, refusing: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddpg.sweep.execute.job.REQUEUE_S", -1.0)
    refusing += ["Unable to contact slurm controller"]
    with pytest.raises(UserError, match=r"saved, .*Unable to contact"):
        job(1, signal.SIGUSR2)()


def test_too_many_time_limits(job: Prepare) -> None:
    """The job is FAILED, and the runs are saved."""

    def no_more(signum: int, frame: object) -> None:
        raise UncompletedJobError("Job not requeued because: timed-out too many times.")

    before = signal.signal(signal.SIGUSR2, no_more)
    with pytest.raises(UserError, match=r"time limit, and saved: .*too many times"):
        job(1, signal.SIGUSR2)()
    signal.signal(signal.SIGUSR2, before)


def test_the_next_attempt_is_the_same(job: Prepare) -> None:
    this = job()
    assert this.checkpoint().function == this
