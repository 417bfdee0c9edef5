"""Submission through submitit, with a program in the place of sbatch: arrays, limits, refusals, and the wait."""

import os
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.sweep_folders import LAUNCHERS

from ddpg.errors import UserError
from ddpg.interrupt import Interrupted
from ddpg.sweep import slurm
from ddpg.sweep.execute.submit import submit, wait
from ddpg.sweep.options import SlurmOptions, options
from ddpg.sweep.state.folder import SweepFolder


@pytest.fixture
def sweep(tmp_path: Path) -> SweepFolder:
    found = SweepFolder(tmp_path / "my sweep")
    found.path.mkdir()
    found.write(
        {
            "launcher": {},
            "threads": 2,
            "directory": str(tmp_path),
            "runs": [{"folder": str(n), "overrides": []} for n in range(7)],
        }
    )
    return found


@pytest.fixture
def sbatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """sbatch(code): makes a program of that name; COUNT keeps the scripts that it gets in tmp_path."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(slurm, "limits", lambda: slurm.Limits(3, 10000))
    monkeypatch.setattr(slurm, "cluster_name", lambda: "here")

    def _sbatch(code: str) -> None:
        for name in ("sbatch", "srun"):
            program = tmp_path / "bin" / name
            program.write_text(f"#!/bin/bash\ncd {tmp_path}\n{code}\n")
            program.chmod(0o755)

    return _sbatch


COUNT = 'n=$(ls script-* 2>/dev/null | wc -l); cp "$1" script-$n; echo "Submitted batch job $((100 + n))"'


def chosen(**values: object) -> SlurmOptions:
    found = options(LAUNCHERS["slurm"])
    assert isinstance(found, SlurmOptions)
    return replace(found, **values)


def test_arrays_within_the_limit(sweep: SweepFolder, sbatch: Callable[[str], None], tmp_path: Path) -> None:
    """With MaxArraySize=3, 7 jobs are 3 arrays, the last of a single job, whose name has no underscore."""
    sbatch(COUNT)
    jobs = submit(sweep, range(7), chosen())
    assert jobs == ["100_0", "100_1", "100_2", "101_0", "101_1", "101_2", "102"]
    assert sweep.tasks().newest == dict(enumerate(jobs))
    assert "--array=0-2%3" in (tmp_path / "script-0").read_text()


def test_what_sbatch_is_asked(sweep: SweepFolder, sbatch: Callable[[str], None], tmp_path: Path) -> None:
    sbatch(COUNT)
    more = {"qos": "high", "mem_gb": 5, "runs_per_job": 3, "additional_parameters": {"mail-type": "END"}}
    jobs = submit(sweep, [1, 3, 4, 6], chosen(partition="gpu", gpus_per_node=1, setup=["module load x"], **more))
    assert sweep.submissions()[0].cluster == "here"
    assert sweep.submissions()[0].tasks == dict(zip(jobs, [[1, 3, 4], [6]], strict=True))
    script = (tmp_path / "script-0").read_text()
    for line in (
        "--partition=gpu", "--qos=high", "--mem=5G", "--cpus-per-task=6", "--gpus-per-node=1", "--time=120",
        "--signal=USR2@120", "--requeue", f"--chdir={tmp_path}", "--mail-type=END", "--open-mode=append",
    ):  # fmt: skip
        assert f"#SBATCH {line}\n" in script
    assert "\nmodule load x\n" in script
    assert "--account" not in script


def test_the_tasks_of_an_array_write_into_a_folder_that_is_there_before(
    sweep: SweepFolder, sbatch: Callable[[str], None], tmp_path: Path
) -> None:
    """submitit's folder for each task would be made after sbatch, and Slurm ends a task that cannot open its log."""
    sbatch(f'test -d "{sweep.path}/.submitit" && {COUNT}')
    submit(sweep, range(2), chosen())
    (line,) = re.findall("#SBATCH --output=(.*)", (tmp_path / "script-0").read_text())
    assert Path(*shlex.split(line)).parent == sweep.path / ".submitit"


def test_variables_of_the_shell_change_no_job(
    sweep: SweepFolder, sbatch: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SBATCH_* would beat options of the launcher; those of a job around this process would reach the new jobs."""
    kept = {
        "SLURM_CONF": "/etc/slurm.conf", "SLURM_CLUSTERS": "big", "SBATCH_ACCOUNT": "lab", "SBATCH_RESERVATION": "c",
    }  # fmt: skip
    dropped = {
        "SBATCH_TIMELIMIT": "3", "SBATCH_NO_REQUEUE": "1", "SBATCH_PARTITION": "debug", "SBATCH_MEM_PER_CPU": "1G",
        "SBATCH_NICE": "5", "SLURM_NTASKS": "4", "SLURM_MEM_PER_CPU": "500", "SLURM_JOB_ID": "7",
    }  # fmt: skip
    for name, value in {**kept, **dropped}.items():
        monkeypatch.setenv(name, value)
    sbatch(f"env > seen; {COUNT}")
    submit(sweep, [0], chosen(partition="gpu", additional_parameters={"nice": 9}))
    seen = (tmp_path / "seen").read_text().splitlines()
    assert {line for line in seen if line.startswith(("SBATCH_", "SLURM_"))} == {f"{k}={v}" for k, v in kept.items()}
    assert os.environ["SLURM_NTASKS"] == "4"
    monkeypatch.delenv("SLURM_JOB_ID")
    submit(sweep, [0], chosen())
    assert "SLURM_NTASKS=4" in (tmp_path / "seen").read_text().splitlines()  # a setting of the user's, outside of jobs


def test_a_mark_beside_its_record_is_of_no_account(sweep: SweepFolder, sbatch: Callable[[str], None]) -> None:
    """The process ended between the record and the removal of the mark."""
    sbatch(COUNT)
    sweep.begin_submission()
    mark = (sweep.path / "submitting").read_bytes()
    submit(sweep, [0], chosen())
    (sweep.path / "submitting").write_bytes(mark)
    sweep.require_recorded()


def test_refused_in_the_middle(sweep: SweepFolder, sbatch: Callable[[str], None]) -> None:
    """The jobs that Slurm has taken stay on record, and the others can be retried."""
    sbatch(f'[ -e script-0 ] && {{ echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2; exit 1; }}\n{COUNT}')
    with pytest.raises(UserError, match=r"QOSMaxSubmitJobPerUserLimit.* 3 of 7 jobs .*ddpg-sweep retry"):
        submit(sweep, range(7), chosen())
    assert sorted(sweep.tasks().newest) == [0, 1, 2]
    sweep.require_recorded()


def test_jobs_on_no_record_leave_a_mark(
    sweep: SweepFolder, sbatch: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slurm has taken them, so that a retry would submit them once more."""
    sbatch(COUNT)

    def full(*_: object) -> None:
        raise OSError(122, "Disk quota exceeded", "submissions.jsonl")

    monkeypatch.setattr(SweepFolder, "add_submission", full)
    with pytest.raises(UserError, match=r"submissions\.jsonl: Disk quota exceeded; 0 of 2 jobs.*squeue --user"):
        submit(sweep, range(2), chosen())
    with pytest.raises(UserError, match=r"ended before its jobs were on record.*remove .*/submitting'.*squeue --user"):
        sweep.require_recorded()


@pytest.mark.parametrize(
    "code",
    [
        "echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2; exit 1",
        "echo 'sbatch: error: Batch job submission failed: Unable to contact slurm controller' >&2; exit 1",
        "echo 'sbatch: error: Batch job submission failed: Zero Bytes were transmitted or received' >&2; exit 1",
        "echo Submitted",
    ],
)
def test_no_answer_is_no_refusal(sweep: SweepFolder, sbatch: Callable[[str], None], code: str) -> None:
    """Slurm may have taken the jobs, which a retry would submit once more."""
    sbatch(code)
    line = (
        r"^sbatch: .*taken the jobs all the same; 0 of 2 jobs are submitted\. .*squeue --user=[0-9]+ --name='my sweep'$"
    )
    with pytest.raises(UserError, match=line):
        submit(sweep, range(2), chosen())
    with pytest.raises(UserError, match="on record"):
        sweep.require_recorded()


def test_a_full_disk(sweep: SweepFolder, sbatch: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """sbatch may have taken jobs before, so the message says how to find them."""
    sbatch(COUNT)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "x.pkl")

    monkeypatch.setattr("submitit.core.utils.JobPaths.move_temporary_file", full)
    with pytest.raises(UserError, match=r"x\.pkl: No space left.*squeue --user=[0-9]+ --name='my sweep'"):
        submit(sweep, range(2), chosen())


def test_ctrl_c_between_two_arrays(
    sweep: SweepFolder, sbatch: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An array that Slurm has taken is on record before anything else happens."""
    sbatch(f"kill -INT {os.getpid()}\n{COUNT}")
    with pytest.raises(Interrupted):
        submit(sweep, range(7), chosen())
    assert sorted(sweep.tasks().newest) == [0, 1, 2]


def test_waits_for_its_own_jobs_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It waits while Slurm does not answer, and while requeued jobs are in the queue."""
    running, pending = slurm.QueuedJob("RUNNING", "None"), slurm.QueuedJob("PENDING", "BeginTime")
    answers = [{"7_0": running, "7_1": pending}, None, {"7_0": pending}, None, {"8": running}]
    asked = iter(answers)
    monkeypatch.setattr(slurm, "queue", lambda: next(asked))
    monkeypatch.setattr("ddpg.sweep.execute.submit.POLL_S", (0.0, 0.0))
    wait(["7_0", "7_1"], SweepFolder(tmp_path))
    assert list(asked) == []
