"""From `ddpg-train -m hydra/launcher=local` to trained runs; Slurm's part is in test_slurm_*.py."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from support.command_line import assert_has, call, user_error
from support.runs import record

from ddpg.commands.train import main
from ddpg.record.run_folder import RunFolder
from ddpg.sweep.launch import launcher_options
from ddpg.sweep.state.folder import SweepFolder
from ddpg.sweep.state.status import states

#: Two short runs whose environment is built and trained in seconds.
SWEEP = (
    "env=pendulum", "env.max_episode_steps=20", "logger=silent", "seed=1,2", "random_steps=20", "learning_starts=20",
    "network.actor.hidden=[8]", "network.critic.hidden=[8]", "batch_size=8", "eval.episodes=1", "hydra.sweep.dir=sweep",
    "hydra/launcher=local", "-m",
)  # fmt: skip


def words(*changes: str) -> list[str]:
    """Return the words of SWEEP, in which these changes replace others of the same keys."""
    keys = {change.partition("=")[0] for change in changes}
    others = [word for word in SWEEP if word.partition("=")[0] not in keys]
    return [*others, *changes]


def command(*changes: str) -> list[str]:
    """Return the command that trains SWEEP with these changes, in a process of its own."""
    return [sys.executable, "-c", "from ddpg.commands.train import main; main()", *words(*changes)]


@pytest.fixture
def ddpg_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.CompletedProcess[str]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # other sweeps on this machine hold cores
    return lambda *changes: subprocess.run(command(*changes), capture_output=True, text=True, timeout=300)


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def recorded_states(runs: list[Path]) -> list[str | None]:
    return [RunFolder(run).status().get("state") for run in runs]


def test_what_to_type_where_a_study_has_no_launcher() -> None:
    """The one that is chosen then has a name that nobody has typed."""
    launcher = {"_target_": "hydra_plugins.ddpg_launcher.SerialLauncher"}
    config = OmegaConf.create({"hydra": {"launcher": launcher, "overrides": {"hydra": []}}})
    with user_error("add hydra/launcher=local or hydra/launcher=slurm"):
        launcher_options(config)


def test_from_start_to_end_and_on(
    ddpg_train: Callable[..., subprocess.CompletedProcess[str]],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Train what is not done, and that alone, by the same command again; go on with all runs for more steps.

    Another sweep is refused where the folder is the same.
    """
    first = ddpg_train("total_steps=100", "+extra.note=first")
    sweep = SweepFolder(Path("sweep"))
    assert first.returncode == 0, first.stderr
    assert "2 runs: 2 done" in first.stdout
    runs = [run.path for run in sweep.runs]
    returns = [RunFolder(run).status()["last_return"] for run in runs]
    assert returns[0] != returns[1]  # their seeds differ
    before = [record(run) for run in runs]
    (runs[1] / "status.json").unlink()
    call(monkeypatch, main, *words("total_steps=100", "+extra.note=first"))
    assert [record(run) for run in runs] == before
    capfd.readouterr()
    call(monkeypatch, main, *words("total_steps=200", "+extra.note=first"))
    assert "2 runs: 2 done" in capfd.readouterr().out
    assert [list(submission.tasks.values()) for submission in sweep.submissions()] == [[[0, 1]], [[1]], [[0, 1]]]
    assert [RunFolder(run).status()["env_step"] for run in runs] == [200, 200]
    with pytest.raises(SystemExit) as refusal:
        call(monkeypatch, main, *words("seed=3,4"))
    assert_has(str(refusal.value.code), "ddpg-train: ... another sweep ... hydra.sweep.dir")


def test_a_failure_is_reported_and_does_not_stop_the_others(
    ddpg_train: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    result = ddpg_train("total_steps=100", "device=cuda:7,cpu", "seed=1")
    assert result.returncode == 1
    assert "2 runs: 1 done, 1 failed" in result.stdout
    assert result.stdout.count("device=cuda:7 cannot be used") == 2  # when it happens, and at the end
    assert_has(result.stderr.splitlines()[-1], "ddpg-train: ... 1 of 2 runs ... ddpg-sweep retry sweep")
    assert "Traceback" not in result.stderr


def test_ctrl_c_saves_and_the_same_command_goes_on(
    ddpg_train: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    started = command("total_steps=100000", "checkpoint.every=200")
    process = subprocess.Popen(started, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    runs = [tmp_path / "sweep" / f"{n}_pendulum_ddpg_td3_seed{n + 1}" for n in (0, 1)]
    until(lambda: all((run / "checkpoint").exists() for run in runs) or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert recorded_states(runs) == ["interrupted"] * 2
    assert "2 runs: 2 interrupted" in out


def test_detached(ddpg_train: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """The command ends and the runs go on; their states show that they are alive, and a signal stops them."""
    result = ddpg_train("total_steps=100000", "hydra.launcher.wait=false")
    assert result.returncode == 0, result.stderr
    sweep = SweepFolder(Path("sweep"))
    pid = int(sweep.tasks().newest[0].split(":")[1])
    assert {one.state for one in states(sweep)} <= {"pending", "running"}
    until(lambda: [one.state for one in states(sweep)] == ["running"] * 2)
    os.kill(pid, signal.SIGTERM)
    until(lambda: [one.state for one in states(sweep)] == ["interrupted"] * 2)
