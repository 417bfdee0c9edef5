"""The pool: runs as processes with cores of their own, at each of their ends, and on a signal."""

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from ddpg.interrupt import InterruptFlag
from ddpg.record.run_folder import RunFolder
from ddpg.sweep.execute import pool as pool_module
from ddpg.sweep.execute.cores import usable
from ddpg.sweep.execute.pool import Pool
from ddpg.sweep.process import PROGRAM
from ddpg.sweep.state.folder import SweepRun
from ddpg.sweep.state.summary import summarize

Prepare = Callable[..., list[SweepRun]]
HERE = Path.cwd()

#: Instead of the worker: does what run.py in the run folder says.
WORKER = """
import json, os, pathlib, signal, sys, time
path = pathlib.Path(sys.argv[1])
def status(**values): (path / "status.json").write_text(json.dumps(values))
exec((path / "run.py").read_text())
"""


@pytest.fixture(autouse=True)
def _own_claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps that this machine trains meanwhile hold cores."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.fixture
def prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepare:
    """prepare("code", ...): a run for each piece of code, which the pool's workers execute instead of training."""
    worker = tmp_path / "worker.py"
    worker.write_text(WORKER)
    popen = subprocess.Popen

    def start(words: list[str], **options: object) -> subprocess.Popen[bytes]:
        assert words[1:3] == ["-c", PROGRAM.format("ddpg.sweep.execute.worker")]
        return popen([sys.executable, str(worker), *words[3:]], **options)

    monkeypatch.setattr("subprocess.Popen", start)
    monkeypatch.setattr(pool_module, "POLL_S", 0.01)

    def _prepare(*codes: str) -> list[SweepRun]:
        runs = [SweepRun(number, tmp_path / str(number), (f"seed={number}",)) for number in range(len(codes))]
        for run, code in zip(runs, codes, strict=True):
            run.path.mkdir()
            (run.path / "run.py").write_text(textwrap.dedent(code))
        return runs

    return _prepare


DONE = 'status(state="done", last_return=1.0)\n'
SAVES = """
def save(signum, frame):
    status(state="interrupted", error=signal.Signals(signum).name)
    sys.exit(128 + signum)
for s in (signal.SIGTERM, signal.SIGUSR2): signal.signal(s, save)
status(state="running")
(path / "ready").touch()
"""
WAIT = SAVES + "while True: time.sleep(0.01)\n"


def meet(name: str) -> str:
    """Return code that waits until the first two runs have this file."""
    return f"while not all((path.parent / n / '{name}').exists() for n in '01'): time.sleep(0.01)\n"


def state(run: SweepRun) -> tuple[str, str]:
    status = RunFolder(run.path).status()
    return status["state"], status.get("error", "")


def test_every_end_is_recorded(prepare: Prepare) -> None:
    """A process that dies without a word is no exception, and no end stops another run."""
    runs = prepare(
        DONE,
        'status(state="failed", error="ValueError: no"); sys.exit(1)',
        'status(state="running"); os.kill(os.getpid(), signal.SIGKILL)',
        "sys.exit(3)",
        'os.kill(os.getpid(), signal.SIGSEGV)',
        DONE,
    )  # fmt: skip
    assert Pool(2, 1, HERE).train(runs, InterruptFlag()) == runs[1:5]
    assert [state(run) for run in runs] == [
        ("done", ""),
        ("failed", "ValueError: no"),
        ("failed", "killed by SIGKILL (out of memory?)"),
        ("failed", "exit code 3"),
        ("failed", "killed by SIGSEGV"),
        ("done", ""),
    ]


def test_what_the_machine_has_ended(prepare: Prepare) -> None:
    """A kill or a full disk says nothing about the values of a run, unlike an error of its own, also after a kill."""
    full = 'status(state="failed", error="OSError: full"); sys.exit(71)'
    runs = prepare("os.kill(os.getpid(), signal.SIGKILL)", full, "sys.exit(71)", "sys.exit(1)", "sys.exit(1)")
    RunFolder(runs[4].path).write_status(state="failed", error="killed", by_machine=True)
    Pool(2, 1, HERE).train(runs, InterruptFlag())
    assert [state(run)[0] for run in runs] == ["failed"] * 5
    assert [summarize(run.path).by_machine for run in runs] == [True, True, True, False, False]
    assert state(runs[1]) == ("failed", "OSError: full")


def test_a_second_attempt_that_dies_is_not_taken_for_the_first(prepare: Prepare) -> None:
    runs = prepare("sys.exit(3)")
    RunFolder(runs[0].path).write_status(state="interrupted", error="SIGTERM", env_step=500)
    Pool(1, 1, HERE).train(runs, InterruptFlag())
    assert RunFolder(runs[0].path).status() == {"state": "failed", "error": "exit code 3", "env_step": 500}


def test_a_second_attempt_that_fails_like_the_first(prepare: Prepare) -> None:
    """The text of status.json does not change, but the run has written it again."""
    runs = prepare('status(state="failed", error="ValueError: no"); sys.exit(1)')
    RunFolder(runs[0].path).write_status(state="failed", error="ValueError: no")
    Pool(1, 1, HERE).train(runs, InterruptFlag())
    assert state(runs[0]) == ("failed", "ValueError: no")


def test_a_failure_before_the_run_writes_its_status(prepare: Prepare) -> None:
    """The last line of this attempt says why: a mistake in the config, a package that the node lacks."""
    error = "logging.error('no Python module nope is installed')"
    log = "import logging; logging.basicConfig(stream=sys.stdout, format='[%(asctime)s][%(levelname)s] %(message)s')\n"
    runs = prepare(log + error + "; sys.exit(1)", "raise ValueError('no\\nluck')", "sys.exit(1)")
    for run in runs:
        (run.path / "train.log").write_text("of an earlier attempt\n")
    Pool(1, 1, HERE).train(runs, InterruptFlag())
    reasons = ["no Python module nope is installed", "luck", "exit code 1"]
    assert [state(run) for run in runs] == [("failed", reason) for reason in reasons]


def test_a_folder_of_another_process_is_left_alone(prepare: Prepare) -> None:
    runs = prepare("sys.exit(1)")
    folder = RunFolder(runs[0].path)
    folder.write_status(state="running", env_step=5)
    with folder.lock():
        assert Pool(1, 1, HERE).train(runs, InterruptFlag()) == runs
    assert folder.status() == {"state": "running", "env_step": 5}


@pytest.mark.parametrize(
    ("sent", "heard"),
    [(signal.SIGTERM, "SIGTERM"), (signal.SIGUSR2, "SIGUSR2"), (signal.SIGINT, "SIGTERM")],
    ids=lambda value: str(value),
)
def test_a_signal_is_passed_on(
    prepare: Prepare, caplog: pytest.LogCaptureFixture, sent: signal.Signals, heard: str
) -> None:
    """The runs save and end, and no other run starts. SIGINT comes as SIGTERM: a second one would cut a save short."""
    signaller = f"{meet('ready')}os.kill({os.getpid()}, {sent})\n"
    runs = prepare(WAIT, WAIT, SAVES + signaller + "while True: time.sleep(0.01)\n", DONE)
    with InterruptFlag() as interrupt:
        assert Pool(3, 1, HERE).train(runs, interrupt) == runs
    assert interrupt.signum == sent
    assert [state(run) for run in runs[:3]] == [("interrupted", heard)] * 3
    assert RunFolder(runs[3].path).status() == {}
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [line.partition(" (")[0] for line in told] == [f"#{k} interrupted: {sent.name}" for k in range(3)]


def test_a_signal_before_a_run_can_hear(prepare: Prepare) -> None:
    """Python is still starting, or loads torch, or the run draws its pictures: there is nothing to save."""
    runs = prepare(f"os.kill({os.getpid()}, signal.SIGTERM)\nwhile True: time.sleep(0.01)")
    with InterruptFlag() as interrupt:
        Pool(1, 1, HERE).train(runs, interrupt)
    assert state(runs[0]) == ("interrupted", "SIGTERM before or after its training")


def test_done_with_fewer_steps_than_the_config_has_now(prepare: Prepare) -> None:
    """The sweep was started again with more steps, so a run is done when it has these."""
    done = """
        steps = int((path / "steps").read_text()) if (path / "steps").exists() else 60
        status(state="done", env_step=steps, last_return=1.0)
    """
    runs = prepare(done, done)
    for run in runs:
        (run.path / "config.yaml").write_text("total_steps: 120\n")
    (runs[1].path / "steps").write_text("120")
    assert Pool(1, 1, HERE).train(runs, InterruptFlag()) == runs[:1]


def test_a_finished_run_that_cannot_be_extended_stays_finished(
    prepare: Prepare, caplog: pytest.LogCaptureFixture
) -> None:
    runs = prepare("print('its replay memory is gone'); sys.exit(1)")
    before = {"state": "done", "env_step": 60, "last_return": 1.0}
    RunFolder(runs[0].path).write_status(**before)
    (runs[0].path / "config.yaml").write_text("total_steps: 120\n")
    assert Pool(1, 1, HERE).train(runs, InterruptFlag()) == runs
    assert RunFolder(runs[0].path).status() == before
    assert "#0 interrupted: its replay memory is gone" in caplog.text


@pytest.mark.parametrize(
    "mishap",
    ["path.rename(path.with_name('away'))", "(path / '.status.json.tmp').mkdir()"],
    ids=["moved away while it is trained", "nothing can be written"],
)
def test_one_bad_folder_stops_no_other_run(mishap: str, prepare: Prepare, caplog: pytest.LogCaptureFixture) -> None:
    runs = prepare(DONE, f"{mishap}; sys.exit(1)", DONE)
    (runs[0].path / "run.py").unlink()
    runs[0].path.rmdir()
    assert Pool(1, 1, HERE).train(runs, InterruptFlag()) == runs[:2]
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert [message.partition(" ")[0] for message in warnings] == ["#0", "#1"]
    assert not runs[0].path.exists()


def test_runs_find_packages_where_the_sweep_was_started(
    prepare: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The folder in which `ddpg-sweep retry` is called does not matter."""
    (started_in := tmp_path / "project").mkdir()
    (run,) = prepare(DONE + "print(os.getcwd(), flush=True)\n")
    monkeypatch.chdir(tmp_path)
    relative = SweepRun(0, run.path.relative_to(tmp_path), run.overrides)
    for directory in (started_in, tmp_path / "gone"):
        assert Pool(1, 1, directory).train([relative], InterruptFlag()) == []
    assert (run.path / "train.log").read_text().splitlines() == [str(started_in), str(tmp_path)]
    assert f"{tmp_path / 'gone'} is gone" in caplog.text


def test_runs_have_their_own_cores_threads_and_log(prepare: Prepare) -> None:
    code = DONE + "print(json.dumps([sorted(os.sched_getaffinity(0)), os.environ['OMP_NUM_THREADS']]), flush=True)\n"
    here = "(path / 'here').touch()\n" + meet("here")
    runs, before = prepare(code + here, code + here), usable()
    Pool(2, 1, HERE).train(runs, InterruptFlag())
    assert usable() == before
    printed = [json.loads((run.path / "train.log").read_text()) for run in runs]
    assert [threads for _, threads in printed] == ["1", "1"]
    if len(usable()) > 1:
        assert all(len(cores) == 1 for cores, _ in printed)
        assert printed[0][0] != printed[1][0]


def test_a_run_whose_cores_were_taken_away_goes_on(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "sched_setaffinity", refused)
    runs = prepare("time.sleep(0.2)\n" + DONE)
    assert Pool(1, 1, HERE).train(runs, InterruptFlag()) == []


def test_gpus_are_shared_out(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    runs = prepare(*[DONE + "print(os.environ['CUDA_VISIBLE_DEVICES'], flush=True)\ntime.sleep(0.3)\n"] * 3)
    Pool(3, 1, HERE).train(runs, InterruptFlag())
    assert sorted((run.path / "train.log").read_text() for run in runs) == ["3\n", "3\n", "5\n"]
