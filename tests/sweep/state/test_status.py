"""The state of every run of a sweep and the table of them, whatever became of its processes."""

import fcntl
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from support.slurm_answers import CONFIG, say
from support.sweep_folders import TOTAL, FakeSlurm, pool, row, write_run, write_sweep, written

from ddpg.errors import UserError
from ddpg.sweep.state.folder import Submission, SweepFolder, SweepRun, timestamp
from ddpg.sweep.state.status import STATES, RunState, State, state_of, states
from ddpg.sweep.state.table import ending, status, table
from ddpg.sweep.state.tasks import SLURM_IS_SILENT, Fate, Task

RECORDED = ("done", "running", "failed", "interrupted", None)
FATES: tuple[Fate | None, ...] = ("waiting", "started", "gone", "unknown", None)
RUNNING, FAILED, DONE = {"state": "running"}, {"state": "failed", "error": "no"}, {"state": "done"}


@pytest.fixture
def slurm(fake_slurm: FakeSlurm) -> FakeSlurm:
    """Take the place of the real Slurm."""
    return fake_slurm


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until the test ends."""
    with subprocess.Popen(["sleep", "600"]) as sleeping:
        yield sleeping
        sleeping.kill()


def states_of(sweep: SweepFolder) -> list[State]:
    return [run.state for run in states(sweep)]


def printed_at_the_end(sweep: SweepFolder) -> str:
    return ending(sweep, states(sweep))


class TestStateOf:
    """Every combination of the state in status.json, its age, the fate of the task and the lock of the folder."""

    @pytest.mark.parametrize(
        ("recorded", "is_newer", "fate", "locked"), list(product(RECORDED, (True, False), FATES, (True, False)))
    )
    def test_rules(self, recorded: str | None, is_newer: bool, fate: Fate | None, locked: bool) -> None:
        state = state_of(recorded, is_newer, fate, locked)
        assert state in STATES
        assert (state == "done") == (recorded == "done")
        assert (state == "not submitted") == (fate is None and recorded is None and not locked)
        if locked and recorded != "done":
            assert state == "running"
        if state in ("failed", "interrupted"):
            assert recorded == state
        if state == "vanished":
            assert fate in ("gone", None)
            assert recorded in ("running", None)
        if fate == "waiting" and not locked and recorded != "done":
            assert state == "pending"

    @pytest.mark.parametrize(("state", "fate"), list(product(STATES, FATES)))
    def test_retry_takes_what_is_neither_done_nor_alive(self, state: State, fate: Fate | None) -> None:
        task = None if fate is None else Task(fate)
        run = RunState(SweepRun(0, Path("x"), ()), state, 0, None, None, None, "", task)
        assert run.can_be_retried == (state not in ("done", "running") and fate in ("gone", None))

    @pytest.mark.parametrize(
        ("recorded", "is_newer", "fate", "state"),
        [
            ("running", True, "started", "running"),
            ("failed", True, "started", "failed"),  # its job goes on with other runs
            ("failed", False, "started", "pending"),  # the failure was of an earlier attempt
            ("running", False, "started", "pending"),  # so was this
            (None, False, "started", "pending"),
            ("running", True, "gone", "vanished"),
            ("running", False, "gone", "vanished"),
            (None, False, "gone", "vanished"),
            ("failed", False, "gone", "failed"),
            ("interrupted", True, "gone", "interrupted"),
            ("interrupted", True, "waiting", "pending"),  # requeued
            ("running", True, "unknown", "running"),
            (None, False, "unknown", "pending"),
            ("interrupted", True, None, "interrupted"),
        ],
    )
    def test_cases(self, recorded: str | None, is_newer: bool, fate: Fate | None, state: State) -> None:
        assert state_of(recorded, is_newer, fate, locked=False) == state


class TestOnSlurm:
    def test_every_state_with_one_question(self, tmp_path: Path, slurm: FakeSlurm) -> None:
        statuses = [DONE, RUNNING, None, FAILED, {"state": "interrupted"}, RUNNING, None, FAILED, None]
        tasks = {f"12_{n}": [n] for n in range(8)}
        slurm.queue(_12_1="RUNNING|None", _12_2="PENDING|Priority", _12_7="PENDING|BeginTime", _99_5="RUNNING|None")
        sweep = write_sweep(tmp_path / "sweep", statuses, [tasks])
        expected = [
            "done", "running", "pending", "failed", "interrupted", "vanished", "vanished", "pending", "not submitted"
        ]  # fmt: skip
        assert states_of(sweep) == expected
        assert [run.run.number for run in states(sweep) if run.can_be_retried] == [3, 4, 5, 6, 8]
        assert len(slurm.calls("squeue")) == 2  # one for each look
        assert f"--user={os.getuid()} " in slurm.calls("squeue")[0]

    def test_jobs_of_those_who_submitted_them(self, tmp_path: Path, slurm: FakeSlurm) -> None:
        """The owner of the folder does not matter: a colleague can retry, and a file system can show another owner."""
        slurm.queue(_12="RUNNING|None", _34="RUNNING|None")
        sweep = write_sweep(tmp_path / "sweep", [RUNNING, None], [{"12": [0]}, {"34": [1]}], users=[4343, 4242])
        assert states_of(sweep) == ["running", "pending"]
        assert ["--user=4242,4343" in words.split() for words in slurm.calls("squeue")] == [True]

    def test_newest_submission_counts(self, tmp_path: Path, slurm: FakeSlurm) -> None:
        """The retry of a run waits while the first job's failure is still in its folder."""
        slurm.queue(_34="RUNNING|None")
        sweep = write_sweep(tmp_path / "sweep", [FAILED, FAILED], [{"12_0": [0], "12_1": [1]}, {"34": [0]}])
        written(sweep.runs[0].path, hours_ago=1.5)
        assert states_of(sweep) == ["pending", "failed"]

    def test_clock_of_a_node_that_is_slow(self, tmp_path: Path, slurm: FakeSlurm) -> None:
        """The run seems to have begun a few seconds before it was submitted."""
        slurm.queue(_12="RUNNING|None")
        sweep = write_sweep(tmp_path / "sweep", [RUNNING], [{"12": [0]}])
        written(sweep.runs[0].path, hours_ago=1 + 3 / 3600)
        assert states_of(sweep) == ["running"]

    @pytest.mark.parametrize(
        ("job", "state", "shown"),
        [
            ("PENDING|JobHeldUser", "pending", "JobHeldUser"),
            ("PENDING|launch failed requeued held", "pending", "launch failed requeued held"),
            ("PENDING|Resources", "pending", ""),
            ("CONFIGURING|None", "pending", ""),
            ("COMPLETING|None", "running", ""),
            ("SUSPENDED|None", "running", ""),
        ],
    )
    def test_jobs_in_the_queue(self, job: str, state: State, shown: str, tmp_path: Path, slurm: FakeSlurm) -> None:
        slurm.queue(_12=job)
        (run,) = states(write_sweep(tmp_path / "sweep", [RUNNING], [{"12": [0]}]))
        assert (run.state, run.error) == (state, shown)

    def test_run_that_is_handed_over_while_it_looks(
        self, tmp_path: Path, slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It may see the sweep as it was before, or after."""
        sweep = write_sweep(tmp_path / "sweep", [FAILED], [{"12": [0]}])
        read = SweepFolder.submissions

        def and_add_one(folder: SweepFolder) -> list[Submission]:
            found = read(folder)
            folder.add_submission(Submission(timestamp(), os.getuid(), "slurm", {f"{100 + len(found)}": [0]}))
            return found

        monkeypatch.setattr(SweepFolder, "submissions", and_add_one)
        assert states_of(sweep) == ["failed"]

    def test_other_cluster(self, tmp_path: Path, slurm: FakeSlurm) -> None:
        """It has the same disk; a job of this one has the same number."""
        slurm.program("scontrol", say(CONFIG))
        slurm.queue(_12="RUNNING|None")
        statuses = [RUNNING, FAILED, None, DONE]
        far = write_sweep(tmp_path / "far", statuses, [{"12": [0, 1], "13": [2, 3]}], cluster="far")
        expected = [("running", "on far"), ("failed", "on far; no"), ("pending", "on far"), ("done", "")]
        assert [(run.state, run.error) for run in states(far)] == expected
        assert not any(run.can_be_retried for run in states(far))
        assert [run.state for run in states(far, lost="far")] == ["vanished", "failed", "vanished", "done"]
        assert not slurm.calls("squeue")
        here = write_sweep(tmp_path / "here", statuses, [{"12": [0, 1], "13": [2, 3]}], cluster="local")
        assert states_of(here) == ["running", "failed", "vanished", "done"]
        slurm.program("scontrol", "exit 1")
        assert [run.task for run in states(far)] == [SLURM_IS_SILENT] * 4

    def test_runs_that_share_a_job(self, tmp_path: Path, slurm: FakeSlurm) -> None:
        slurm.queue(_12_0="RUNNING|None")
        sweep = write_sweep(tmp_path / "sweep", [DONE, FAILED, RUNNING, FAILED], [{"12_0": [0, 1, 2], "12_1": [3]}])
        assert states_of(sweep) == ["done", "failed", "running", "failed"]
        assert [run.can_be_retried for run in states(sweep)] == [False, False, False, True]

    def test_run_that_ends_while_slurm_is_asked(self, tmp_path: Path, slurm: FakeSlurm) -> None:
        """Its job is not in the queue any more, and its folder says that it is done."""
        sweep = write_sweep(tmp_path / "sweep", [RUNNING], [{"12": [0]}])
        slurm.program(
            "squeue", f"echo '{json.dumps(DONE | {'env_step': TOTAL})}' > {sweep.runs[0].path / 'status.json'}"
        )
        assert states_of(sweep) == ["done"]

    def test_slurm_does_not_answer(self, tmp_path: Path, slurm: FakeSlurm) -> None:
        slurm.program("squeue", "exit 1")
        sweep = write_sweep(tmp_path / "sweep", [DONE, RUNNING, FAILED, None], [{"12_0": [0, 1, 2, 3]}])
        assert states_of(sweep) == ["done", "running", "failed", "pending"]
        lines = status(sweep, None, None).splitlines()
        assert lines[-2:] == [
            "4 runs: 1 done, 1 running, 1 pending, 1 failed",
            "Slurm cannot be asked (squeue): the states of runs that are not done are as of their folders",
        ]

    def test_nothing_is_asked_about_a_sweep_of_this_machine(self, tmp_path: Path, slurm: FakeSlurm) -> None:
        assert states_of(write_sweep(tmp_path / "sweep", [RUNNING], [{"host:1:2": [0]}])) == ["running"]
        assert not slurm.calls("squeue")

    def test_the_last_line_of_a_job_that_never_began(self, tmp_path: Path, slurm: FakeSlurm) -> None:
        """It is one of srun or of the shell; a run that says itself what was wrong does not need it."""
        tasks = {"12_0": [0], "12_1": [1], "13": [2]}
        sweep = write_sweep(tmp_path / "sweep", [None, FAILED | {"error": "loss is not finite"}, None], [tasks])
        logs = sweep.path / ".submitit"
        logs.mkdir()
        for task in ("12_0", "12_1"):
            (logs / f"{task}_0_log.err").write_text(
                "module: no such module\nsrun: error: More processors requested\n\n"
            )
        assert [(run.state, run.error) for run in states(sweep)] == [
            ("vanished", "srun: error: More processors requested"), ("failed", "loss is not finite"), ("vanished", ""),
        ]  # fmt: skip


class TestOnThisMachine:
    def test_pool_that_lives(self, tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
        sweep = write_sweep(tmp_path / "sweep", [RUNNING, None], [{pool(process.pid): [0, 1]}])
        assert states_of(sweep) == ["running", "pending"]

    def test_how_far_a_run_is(self, tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
        """As far as its record goes; where it does not run, as far as its checkpoint, from which it would go on."""
        sweep = write_sweep(tmp_path / "sweep", [RUNNING], [{pool(process.pid): [0]}])
        write_run(sweep.runs[0].path, RUNNING | {"env_step": 600}, [row(660)])
        assert [run.env_step for run in states(sweep)] == [660]
        process.kill()
        process.wait()
        assert [run.env_step for run in states(sweep)] == [600]

    def test_pool_that_has_not_come_to_a_run(self, tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
        """Its folder shows the end of an attempt before."""
        sweep = write_sweep(tmp_path / "sweep", [FAILED, FAILED], [{pool(process.pid): [0, 1]}])
        written(sweep.runs[0].path, hours_ago=1.001)
        written(sweep.runs[1].path, hours_ago=0.999)
        assert states_of(sweep) == ["pending", "failed"]

    def test_pool_that_was_killed(self, tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
        """It is a zombie until its parent looks; then there is no such process."""
        sweep = write_sweep(tmp_path / "sweep", [RUNNING, None], [{pool(process.pid): [0, 1]}])
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert states_of(sweep) == ["vanished", "vanished"]
        process.wait()
        assert states_of(sweep) == ["vanished", "vanished"]

    def test_process_number_that_was_given_again(self, tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
        task = f"{socket.gethostname()}:{process.pid}:17"
        assert states_of(write_sweep(tmp_path / "sweep", [RUNNING], [{task: [0]}])) == ["vanished"]

    def test_process_that_asks(self, tmp_path: Path) -> None:
        """A launcher that waited asks after the end of its last run."""
        sweep = write_sweep(tmp_path / "sweep", [FAILED, RUNNING], [{pool(os.getpid()): [0, 1]}])
        assert states_of(sweep) == ["failed", "vanished"]
        assert all(run.can_be_retried for run in states(sweep))

    @pytest.mark.parametrize("submissions", [[{f"{socket.gethostname()}:1:17": [0]}], []], ids=["gone", "none"])
    def test_run_that_somebody_trains(self, tmp_path: Path, submissions: list[dict[str, list[int]]]) -> None:
        """Its folder is locked, though its pool is gone or it never had one: it was started by hand, or still saves."""
        sweep = write_sweep(tmp_path / "sweep", [RUNNING], submissions)
        with (sweep.runs[0].path / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert states_of(sweep) == ["running"]
            assert not states(sweep)[0].can_be_retried
        assert states_of(sweep) == ["vanished"]

    def test_other_host(self, tmp_path: Path) -> None:
        sweep = write_sweep(tmp_path / "sweep", [RUNNING, FAILED, None, DONE], [{"far:1:17": [0, 1, 2, 3]}])
        assert [(run.state, run.error) for run in states(sweep)] == [
            ("running", "on far"), ("failed", "on far; no"), ("pending", "on far"), ("done", "")
        ]  # fmt: skip
        assert not any(run.can_be_retried for run in states(sweep))
        assert [run.state for run in states(sweep, lost="far")] == ["vanished", "failed", "vanished", "done"]


def test_more_steps_in_the_same_folder(tmp_path: Path) -> None:
    """A run is not done before it has the steps that its config asks for now; it goes on."""
    sweep = write_sweep(tmp_path / "sweep", [DONE | {"env_step": TOTAL - 1}, DONE], [{"far:1:17": [0, 1]}])
    assert [run.state for run in states(sweep, lost="far")] == ["interrupted", "done"]
    assert [run.can_be_retried for run in states(sweep, lost="far")] == [True, False]


class TestOfHydra:
    """Sweeps of Hydra's own launchers, which have no sweep.json."""

    def test_runs_in_their_order(self, tmp_path: Path) -> None:
        for number, run in enumerate([DONE, FAILED, *[DONE] * 9]):
            folder = write_run(tmp_path / f"{number}_run", run)
            (folder / ".hydra").mkdir()
            (folder / ".hydra" / "overrides.yaml").write_text(f"- env=hopper\n- seed={number}\n")
        (tmp_path / "report").mkdir()
        lines = status(SweepFolder(tmp_path), None, None).splitlines()
        assert [line.split()[:3] for line in lines[1:12]] == [
            [str(n), str(n), "failed" if n == 1 else "done"] for n in range(11)
        ]
        assert lines[12] == "11 runs: 10 done, 1 failed"
        assert "ddpg-train resume=" in lines[-2]

    def test_running_is_what_holds_its_folder(self, tmp_path: Path) -> None:
        folder = write_run(tmp_path / "0_run", RUNNING)
        (folder / "provenance.json").write_text(json.dumps([{"machine": {"host": socket.gethostname()}}]))
        assert states_of(SweepFolder(tmp_path)) == ["vanished"]
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert states_of(SweepFolder(tmp_path)) == ["running"]

    def test_running_on_another_host(self, tmp_path: Path) -> None:
        folder = write_run(tmp_path / "0_run", RUNNING)
        (folder / "provenance.json").write_text(json.dumps([{"machine": {"host": "far"}}]))
        (run,) = states(SweepFolder(tmp_path))
        assert (run.state, run.error) == ("running", "on far")

    def test_one_run_is_no_sweep(self, tmp_path: Path) -> None:
        write_run(tmp_path / "run", DONE)
        with pytest.raises(UserError, match=r"ddpg-train resume="):
            states(SweepFolder(tmp_path / "run"))

    def test_folder_of_sweeps(self, tmp_path: Path) -> None:
        for name in ("one", "two"):
            write_sweep(tmp_path / name, [DONE])
        with pytest.raises(UserError, match=r"2 sweeps.*two$"):
            states(SweepFolder(tmp_path))

    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="nope"):
            states(SweepFolder(tmp_path / "nope"))
        with pytest.raises(UserError, match=r"no sweep\.json.* no runs"):
            states(SweepFolder(tmp_path))


def test_damaged_plan(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path / "sweep", [DONE])
    (sweep.path / "sweep.json").write_text('{"runs": [')
    with pytest.raises(UserError, match=r"sweep\.json is damaged: "):
        states(sweep)


def test_one_bad_folder_breaks_nothing(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path / "sweep", [DONE, DONE, DONE, DONE], [{f"{socket.gethostname()}:1:17": range(4)}])
    folders = [run.path for run in sweep.runs]
    (folders[0] / "status.json").write_text('{"state": "do')
    (folders[1] / "metrics.jsonl").write_bytes(b"\0" * 100)
    for path in folders[2].iterdir():
        path.unlink()
    folders[2].rmdir()
    assert [(run.state, run.error) for run in states(sweep)] == [
        ("vanished", "status.json cannot be read: it is torn"), ("done", ""), ("vanished", ""), ("done", "")
    ]  # fmt: skip
    assert status(sweep, None, None).splitlines()[-3] == "4 runs: 2 done, 2 vanished"


class TestTable:
    def test_columns(self, tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
        sweep = write_sweep(tmp_path / "a sweep", [DONE, RUNNING, FAILED], [{pool(process.pid): [0, 1, 2]}])
        rows = [row(500, eval__episodic_return=-12.5), row(660, charts__SPS=151.4)]
        write_run(sweep.runs[1].path, RUNNING | {"env_step": 600}, rows)
        write_run(sweep.runs[0].path, DONE | {"last_return": 7.0})
        process.kill()
        process.wait()
        assert status(sweep, None, None).splitlines() == [
            "job  seed  state                env_step  return  steps/s  error",
            "  0  0     done      1000 of 1000 (100%)    7.00",
            "  1  1     vanished   600 of 1000  (60%)  -12.50      151",
            "  2  2     failed       0 of 1000   (0%)                   no",
            "3 runs: 1 done, 1 failed, 1 vanished",
            f"go on with 2 runs: ddpg-sweep retry '{sweep.path}'",
            f"curves and scores: ddpg-report '{sweep.path}'",
        ]

    def test_cut_at_the_terminal(self, tmp_path: Path) -> None:
        sweep = write_sweep(tmp_path / "sweep", [{"state": "failed", "error": 60 * "x"}])
        whole, cut = (status(sweep, None, width).splitlines() for width in (None, 80))
        assert whole[1].endswith(60 * "x")
        assert [len(line) for line in cut[:2]] == [len(whole[0]), 80]
        assert cut[1].endswith("x…")

    def test_only_some_states(self, tmp_path: Path) -> None:
        sweep = write_sweep(tmp_path / "sweep", [DONE, FAILED, None])
        lines = status(sweep, ["failed", "not submitted"], None).splitlines()
        assert [line.split()[0] for line in lines] == ["job", "1", "2", "3", "go", "curves"]
        assert status(sweep, ["running"], None).splitlines()[0] == "3 runs: 1 done, 1 failed, 1 not submitted"

    def test_ending_shows_what_ended_and_is_not_done(self, tmp_path: Path) -> None:
        lines = printed_at_the_end(write_sweep(tmp_path / "sweep", [DONE, FAILED])).splitlines()
        assert [line.split()[0] for line in lines] == ["job", "1", "2", "go", "curves"]
        done = write_sweep(tmp_path / "done", [DONE])
        assert printed_at_the_end(done) == f"1 run: 1 done\ncurves and scores: ddpg-report {done.path}"
        assert printed_at_the_end(write_sweep(tmp_path / "begun", [RUNNING, None], [{"far:1:17": [0, 1]}])) == (
            "2 runs: 1 running, 1 pending"
        )

    def test_a_key_is_as_long_as_it_is_clear_in_the_config(self, tmp_path: Path) -> None:
        """Whether or not the sweep varies the other key of that name."""
        config = "noise: {sigma: 1}\noptimizer: {actor: {lr: 1}, critic: {lr: 1}}\n"
        (tmp_path / "config.yaml").write_text(config)
        keys = ["noise.sigma", "optimizer.actor.lr"]
        run = SweepRun(0, tmp_path, tuple(f"{key}=1" for key in keys))
        header = table([RunState(run, "done", 0, None, None, None, "", None)], keys, None)[0]
        assert header.split()[1:3] == ["sigma", "actor.lr"]


def test_starts_without_torch_and_hydra(tmp_path: Path) -> None:
    write_sweep(tmp_path / "sweep", [DONE])
    code = (
        "import sys; from ddpg.commands.sweep import sweep; sys.argv = ['ddpg-sweep', 'status', 'sweep']; sweep();"
        "assert not {'torch', 'hydra', 'pandas', 'submitit', 'wandb'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-2:] == ["1 run: 1 done", "curves and scores: ddpg-report sweep"]
