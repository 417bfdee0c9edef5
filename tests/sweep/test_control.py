"""`ddpg-sweep retry` and `cancel`: exactly the right runs, once, and nothing of another sweep."""

import fcntl
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.command_line import assert_has
from support.slurm_answers import CONFIG, say
from support.sweep_folders import FakeSlurm, pool, write_run, write_sweep

from ddpg.errors import UserError
from ddpg.sweep import control
from ddpg.sweep.control import cancel, ranges, retry
from ddpg.sweep.options import Options
from ddpg.sweep.state.folder import SweepFolder
from ddpg.sweep.state.status import states

RUNNING, FAILED, DONE = {"state": "running"}, {"state": "failed"}, {"state": "done", "last_return": 1.0}
Start = Callable[[str], subprocess.Popen[str]]
#: A pool that prints the name of the signal that ends it.
POOL = """
import signal, sys
def end(signum, frame):
    print(signal.Signals(signum).name, flush=True)
    sys.exit(EXIT)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while True:
    signal.pause()
"""


@pytest.fixture
def slurm(fake_slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    monkeypatch.setattr(control, "POLL_S", (0.01, 0.01))
    monkeypatch.setattr("ddpg.sweep.control.require_submittable", lambda *_: None)
    return fake_slurm


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[int], Any]]:
    """The calls that hand runs over to be trained; nothing is trained."""
    calls: list[tuple[list[int], Any]] = []

    def hand_over(sweep: SweepFolder, numbers: Sequence[int], chosen: Options) -> Callable[[], None]:
        calls.append((list(numbers), chosen))
        return lambda: None

    monkeypatch.setattr("ddpg.sweep.control.hand_over", hand_over)
    return calls


@pytest.fixture
def start() -> Iterator[Start]:
    """start("sys.exit(0)"): a process that does this at SIGTERM."""
    started = []

    def _start(end: str) -> subprocess.Popen[str]:
        code = POOL.replace("sys.exit(EXIT)", end)
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield _start
    for process in started:
        process.kill()
        process.communicate()


class TestRetry:
    def test_exactly_what_is_neither_done_nor_alive(
        self, tmp_path: Path, slurm: FakeSlurm, handed: list[Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        statuses = [DONE, RUNNING, None, FAILED, {"state": "interrupted"}, RUNNING, None]
        slurm.queue(_12_1="RUNNING|None", _12_2="PENDING|Priority")
        sweep = write_sweep(tmp_path / "sweep", statuses, [{f"12_{n}": [n] for n in range(6)}])
        assert not retry(sweep, {}, None)  # it waits, and they are not done afterwards
        assert [numbers for numbers, _ in handed] == [[3, 4, 5, 6]]
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "retry of 4 runs: 3-6"
        assert lines[-2].startswith("7 runs: 1 done")

    def test_options_of_the_launcher(self, tmp_path: Path, slurm: FakeSlurm, handed: list[Any]) -> None:
        sweep = write_sweep(tmp_path / "sweep", [FAILED], [{"12": [0]}], partition="gpu")
        assert retry(sweep, {"mem_gb": 16, "wait": False}, None)
        ((_, options),) = handed
        assert (options.mem_gb, options.partition, options.wait) == (16, "gpu", False)
        assert SweepFolder(sweep.path).launcher["mem_gb"] == 2

    def test_the_memory_is_estimated_for_the_jobs_of_this_attempt(
        self, tmp_path: Path, slurm: FakeSlurm, handed: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of runs_per_job=4, not of the jobs before; from the configs of the runs that are retried."""
        configs: list[Any] = []

        def estimated(found: Sequence[Any], runs_per_job: int, gpu: bool) -> int:
            configs.extend(found)
            return 3 * runs_per_job

        monkeypatch.setattr("ddpg.sweep.forecast.requirements.estimated_job_gb", estimated)
        sweep = write_sweep(tmp_path / "sweep", [FAILED, DONE], mem_gb=None, wait=False)
        assert retry(sweep, {"runs_per_job": 4}, None)
        ((_, options),) = handed
        assert options.mem_gb == 12
        assert [config["seed"] for config in configs] == [1]

    def test_a_folder_that_is_away_stops_its_own_run_alone(
        self, tmp_path: Path, slurm: FakeSlurm, handed: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ddpg.sweep.forecast.requirements.estimated_job_gb", lambda configs, *_: len(configs))
        sweep = write_sweep(tmp_path / "sweep", [FAILED, FAILED, FAILED], mem_gb=None, wait=False)
        (sweep.runs[0].path / "config.yaml").unlink()
        (sweep.runs[1].path / "config.yaml").write_text("seed: [")
        assert retry(sweep, {}, None)
        ((numbers, options),) = handed
        assert (numbers, options.mem_gb) == ([0, 1, 2], 1)

    def test_jobs_on_no_record_are_looked_for_first(
        self, tmp_path: Path, slurm: FakeSlurm, handed: list[Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """`cancel` still ends what is known; a colleague looks for the jobs of whoever submitted them."""
        sweep = write_sweep(tmp_path / "sweep", [FAILED], wait=False)
        sweep.begin_submission()
        look = f"squeue --user={os.getuid()} --name=sweep"
        with pytest.raises(UserError, match=look):
            retry(sweep, {}, None)
        cancel(sweep)
        printed = capsys.readouterr().out
        assert printed.startswith("nothing of this sweep is alive\n")
        assert look in printed
        assert handed == []
        sweep.end_submission()
        assert retry(sweep, {}, None)

    def test_keys_of_a_mapping_are_added(self, tmp_path: Path, slurm: FakeSlurm, handed: list[Any]) -> None:
        more = {"exclude": "n1", "comment": "mine"}
        sweep = write_sweep(tmp_path / "sweep", [FAILED], additional_parameters=more, wait=False)
        assert retry(sweep, {"additional_parameters": {"exclude": "n7", "nice": 5}}, None)
        ((_, options),) = handed
        assert options.additional_parameters == {"exclude": "n7", "comment": "mine", "nice": 5}

    def test_jobs_are_checked_as_they_will_be(
        self, tmp_path: Path, slurm: FakeSlurm, handed: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Three runs with four threads each."""
        asked: list[tuple[int, ...]] = []
        monkeypatch.setattr("ddpg.sweep.control.require_submittable", lambda _, *amounts: asked.append(amounts))
        sweep = write_sweep(tmp_path / "sweep", [FAILED, DONE, FAILED, FAILED], wait=False)
        sweep.write(sweep.manifest() | {"threads": 4})
        assert retry(sweep, {"runs_per_job": 2, "mem_gb": 3}, None)
        assert asked == [(3, 4)]

    def test_true_when_all_that_were_retried_are_done(
        self, tmp_path: Path, slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        slurm.queue(_12_1="RUNNING|None")
        sweep = write_sweep(tmp_path / "sweep", [FAILED, RUNNING], [{"12_0": [0], "12_1": [1]}])
        done = partial(write_run, sweep.runs[0].path, DONE)
        monkeypatch.setattr("ddpg.sweep.control.hand_over", lambda *_: done)
        assert retry(sweep, {}, None)

    @pytest.mark.parametrize(
        ("options", "line"),
        [
            ({"mem": 3}, "mem=3: hydra/launcher=slurm has no such option; did you mean mem_gb?"),
            ({"kind": "local"}, "kind=local: hydra/launcher=slurm has no such option"),
            ({"mem_gb": "x"}, "mem_gb=x must be a whole number"),
            ({"timeout_min": 0}, "timeout_min=0 is out of range: it must be at least 1"),
        ],
    )
    def test_wrong_options(
        self, options: dict[str, Any], line: str, tmp_path: Path, slurm: FakeSlurm, handed: list[Any]
    ) -> None:
        with pytest.raises(UserError) as refusal:
            retry(write_sweep(tmp_path / "sweep", [FAILED]), options, None)
        assert line in str(refusal.value)
        assert not handed

    def test_nothing_to_retry(
        self, tmp_path: Path, slurm: FakeSlurm, handed: list[Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        slurm.queue(_12_1="RUNNING|None")
        assert retry(write_sweep(tmp_path / "sweep", [DONE, RUNNING], [{"12_0": [0], "12_1": [1]}]), {}, None)
        assert capsys.readouterr().out == "nothing to retry\n2 runs: 1 done, 1 running\n"
        assert not handed

    def test_slurm_does_not_answer(self, tmp_path: Path, slurm: FakeSlurm, handed: list[Any]) -> None:
        slurm.program("squeue", "exit 1")
        with pytest.raises(UserError, match="squeue"):
            retry(write_sweep(tmp_path / "sweep", [FAILED], [{"12": [0]}]), {}, None)
        assert not handed

    def test_other_host(
        self, tmp_path: Path, slurm: FakeSlurm, handed: list[Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Left alone, unless the user says that it is gone."""
        sweep = write_sweep(tmp_path / "sweep", [DONE, RUNNING, FAILED], [{"far:1:17": [0, 1, 2]}], "local", wait=False)
        assert retry(sweep, {}, None)
        assert not handed
        assert f"ddpg-sweep retry {sweep.path} lost=far" in capsys.readouterr().out
        assert retry(sweep, {}, "far")
        assert [numbers for numbers, _ in handed] == [[1, 2]]

    def test_two_at_the_same_moment(
        self, tmp_path: Path, slurm: FakeSlurm, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The second is refused until the first has recorded who has the runs; then it finds nothing to do."""
        sweep = write_sweep(tmp_path / "sweep", [FAILED], launcher="local")
        handed: list[Sequence[int]] = []

        def hand_over(sweep: SweepFolder, numbers: Sequence[int], chosen: Options) -> Callable[[], None]:
            with pytest.raises(UserError, match=r"sweep: see what it did"):
                retry(sweep, {}, None)
            handed.append(numbers)
            write_sweep(sweep.path, [FAILED], [{pool(start("sys.exit(0)").pid): [0]}], "local")
            return lambda: results.append(retry(sweep, {}, None))

        results: list[bool] = []
        monkeypatch.setattr("ddpg.sweep.control.hand_over", hand_over)
        assert not retry(sweep, {}, None)
        assert results == [True]
        assert handed == [[0]]

    def test_lock_ends_with_a_failed_submission(
        self, tmp_path: Path, slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(*_: Any, **__: Any) -> None:
            raise UserError("sbatch refuses the jobs")

        sweep = write_sweep(tmp_path / "sweep", [FAILED])
        monkeypatch.setattr("ddpg.sweep.control.hand_over", refused)
        for _ in range(2):
            with pytest.raises(UserError, match="sbatch refuses"):
                retry(sweep, {}, None)


class TestCancel:
    def test_jobs_of_this_sweep_alone(
        self, tmp_path: Path, slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]
    ) -> None:
        slurm.queue(_12_1="RUNNING|None", _12_2="PENDING|Priority", _34="RUNNING|None", _99_1="RUNNING|None")
        submissions: list[dict[str, list[int]]] = [{"12_0": [0], "12_1": [1], "12_2": [2]}, {"34": [0]}, {"56": [3]}]
        cancel(write_sweep(tmp_path / "sweep", [RUNNING, RUNNING, None, DONE], submissions))
        assert slurm.calls("scancel") == ["12 34"]
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "asked to save and end: Slurm's 12, 34"
        assert lines[1] == "4 runs: 1 done, 3 cancelled"

    def test_pool_of_this_machine(self, tmp_path: Path, slurm: FakeSlurm, start: Start) -> None:
        """It returns when the pool has ended; processes with other start times are left alone."""
        mine, other = start("sys.exit(0)"), start("sys.exit(0)")
        stale = pool(other.pid).rpartition(":")[0] + ":17"
        sweep = write_sweep(
            tmp_path / "sweep", [RUNNING, RUNNING], [{stale: [0, 1]}, {pool(mine.pid): [0, 1]}], "local"
        )
        cancel(sweep)
        assert mine.wait(timeout=60) == 0
        assert mine.stdout is not None
        assert mine.stdout.read() == "SIGTERM\n"
        assert other.poll() is None
        assert [run.state for run in states(sweep)] == ["cancelled", "cancelled"]

    def test_nothing_is_alive(self, tmp_path: Path, slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]) -> None:
        cancel(write_sweep(tmp_path / "sweep", [DONE], [{"12_0": [0]}]))
        assert capsys.readouterr().out == "nothing of this sweep is alive\n1 run: 1 done\n"
        assert not slurm.calls("scancel")

    def test_jobs_of_all_who_submitted(self, tmp_path: Path, slurm: FakeSlurm) -> None:
        slurm.queue(_12="RUNNING|None", _34="PENDING|Priority")
        submissions: list[dict[str, list[int]]] = [{"12": [0]}, {"34": [0]}]
        cancel(write_sweep(tmp_path / "sweep", [RUNNING], submissions, users=[4343, 4242]))
        assert slurm.calls("scancel") == ["12 34"]
        assert all("--user=4242,4343" in words for words in slurm.calls("squeue")[1:-1])

    def test_what_does_not_end(self, tmp_path: Path, slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(control, "PATIENCE_S", 0.1)
        slurm.program("scancel", "")
        slurm.queue(_12="COMPLETING|None")
        with pytest.raises(UserError, match=r"0 s: 12\b"):
            cancel(write_sweep(tmp_path / "sweep", [RUNNING], [{"12": [0]}]))

    def test_slurm_does_not_answer(self, tmp_path: Path, slurm: FakeSlurm) -> None:
        slurm.program("squeue", "exit 1")
        with pytest.raises(UserError, match="squeue"):
            cancel(write_sweep(tmp_path / "sweep", [RUNNING], [{"12": [0]}]))
        assert not slurm.calls("scancel")

    def test_slurm_does_not_answer_and_a_pool_is_alive(self, tmp_path: Path, slurm: FakeSlurm, start: Start) -> None:
        """The pool is ended all the same; the jobs of a sweep whose runs are all done are no obstacle."""
        slurm.program("squeue", "exit 1")
        mine = start("sys.exit(0)")
        sweep = write_sweep(tmp_path / "sweep", [RUNNING], [{"12": [0]}, {pool(mine.pid): [0]}])
        with pytest.raises(UserError, match="squeue"):
            cancel(sweep)
        assert mine.wait(timeout=60) == 0
        cancel(write_sweep(tmp_path / "done", [DONE], [{"12": [0]}]))

    def test_other_host(self, tmp_path: Path, slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]) -> None:
        cancel(write_sweep(tmp_path / "sweep", [RUNNING], [{"far:1:17": [0]}], "local"))
        assert_has(capsys.readouterr().out, "1 run ... far ... lost=far")

    def test_other_cluster(self, tmp_path: Path, slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]) -> None:
        """Its job 12 is not the one of this cluster, also when Slurm does not say which cluster this is."""
        slurm.queue(_12="RUNNING|None")
        sweep = write_sweep(tmp_path / "sweep", [RUNNING, DONE], [{"12": [0, 1]}], cluster="far")
        slurm.program("scontrol", say(CONFIG))
        cancel(sweep)
        assert_has(capsys.readouterr().out, "nothing of this sweep is alive ... 1 run ... far ... lost=far")
        slurm.program("scontrol", "exit 1")
        with pytest.raises(UserError, match="squeue"):
            cancel(sweep)
        assert not slurm.calls("scancel")


@pytest.mark.parametrize("command", [lambda sweep: retry(sweep, {}, None), cancel])
class TestNoSweepOfOurs:
    def test_hydras(self, command: Callable[[SweepFolder], Any], tmp_path: Path) -> None:
        write_run(tmp_path / "0_run", FAILED)
        with pytest.raises(UserError, match=r"sweep\.json.* ddpg-train resume=RUN"):
            command(SweepFolder(tmp_path))

    def test_one_run(self, command: Callable[[SweepFolder], Any], tmp_path: Path) -> None:
        with pytest.raises(UserError, match="ddpg-train resume="):
            command(SweepFolder(write_run(tmp_path / "run", FAILED)))

    def test_nothing_there(self, command: Callable[[SweepFolder], Any], tmp_path: Path) -> None:
        with pytest.raises(UserError, match="nope"):
            command(SweepFolder(tmp_path / "nope"))


@pytest.mark.parametrize("command", [lambda sweep: retry(sweep, {}, None), cancel])
def test_one_at_a_time(command: Callable[[SweepFolder], Any], tmp_path: Path, slurm: FakeSlurm) -> None:
    sweep = write_sweep(tmp_path / "sweep", [FAILED])
    with (sweep.path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match=r"sweep: see what it did"):
            command(sweep)


@given(st.sets(st.integers(0, 40)))
def test_ranges(numbers: set[int]) -> None:
    """Reading them back gives the numbers; neighbours are joined."""
    spans = [span.split("-") for span in ranges(sorted(numbers)).split(", ") if span]
    ends = [(int(span[0]), int(span[-1])) for span in spans]
    assert [n for low, high in ends for n in range(low, high + 1)] == sorted(numbers)
    assert all(high + 1 < low for (_, high), (low, _) in itertools.pairwise(ends))
