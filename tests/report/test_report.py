"""ddpg-report as a command: a sweep, real runs, and the mistakes of users."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig
from support.fake_runs import write_sweep
from support.report_runs import write_run
from support.runs import TINY, WALK

from ddpg.commands.report import main
from ddpg.record.run_folder import RunFolder
from ddpg.run.lifecycle import run


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """call(*argv) returns what `ddpg-report` prints, or the line with which it refuses."""

    def _call(*argv: str) -> str:
        monkeypatch.setattr(sys, "argv", ["ddpg-report", *argv])
        try:
            main()
        except SystemExit as exit:
            if exit.code:  # 0 or None; W&B has a sys.exit of its own
                assert capsys.readouterr() == ("", "")
                return str(exit.code)
        return capsys.readouterr().out

    return _call


def test_report_of_a_sweep_is_the_same_whoever_launched_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Callable[..., str]
) -> None:
    """Hydra's own launchers leave no sweep.json, and no entry in provenance.json from before a run's start."""
    monkeypatch.chdir(tmp_path)
    folders = write_sweep(Path("sweep"), seeds=[1])
    planned = call("sweep")
    Path("sweep/sweep.json").unlink()
    for folder in folders:
        _, *starts = RunFolder(folder).starts()
        (folder / "provenance.json").write_text(json.dumps(starts))
    assert "preset=td3" in planned
    assert call("sweep") == planned


def test_real_runs_through_the_command(
    tmp_path: Path, compose: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch, call: Callable[..., str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for seed in (1, 2):
        run(compose(*WALK, *TINY, f"seed={seed}"), Path(f"runs/{seed}"), [])
    text = call("runs")
    assert "2 (1, 2)" in text
    assert "solved" not in text
    assert "last 4 evaluations" in text
    assert "reached" not in text  # both are whole
    assert Path("runs/report/Walk-v0.png").exists()
    assert "2 of 2" in call("runs", "solved=-1000", "out=solved")
    assert "last 100 values" not in call("runs", "metric=charts/episodic_length", "out=length")
    assert "# losses/qf1_loss" in call("runs", "out=loss", "metric=losses/qf1_loss")
    assert Path("loss/report.md").exists()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("", ["ddpg-report FOLDER...", "out=", "metric=", "solved="]),
        ("solved=3", ["ddpg-report FOLDER..."]),
        ("nope", ["nope"]),
        ("runs nope", ["nope"]),
        ("runs gama=0.9", ["gama=0.9", "gamma"]),
        ("runs gamma=0.5", ["gamma=0.5", "0.99"]),
        ("runs group_by=gama", ["group_by=gama", "gamma"]),
        ("runs group_by=seed", ["group_by=seed", "seed=1,2"]),
        ("empty", ["empty", "config.yaml", "status.json"]),
        ("runs solve=3", ["solve=3", "solved"]),
        ("runs solved=3 more", ["more", "KEY=VALUE"]),
        ("runs metric=eval/episodic_retrun", ["metric=eval/episodic_retrun", "eval/episodic_return"]),
        ("new", ["metric=eval/episodic_return", "nothing"]),
        ("broken", ["broken/x/config.yaml", "env", "total_steps"]),
        ("torn", ["torn/x/config.yaml", "line 1"]),
        ("runs metric=env_step", ["metric=env_step", "eval/episodic_return"]),
        ("runs solved=x", ["solved=x", "finite number"]),
        ("runs out=runs/a/config.yaml", ["runs/a/config.yaml"]),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Callable[..., str], argv: str, words: list[str]
) -> None:
    write_run(tmp_path / "runs" / "a", [1.0, 2.0])
    write_run(tmp_path / "new" / "a", [])
    write_run(tmp_path / "broken" / "x", [1.0])
    (tmp_path / "broken" / "x" / "config.yaml").write_text("seed: 1\n")
    write_run(tmp_path / "torn" / "x", [1.0])
    (tmp_path / "torn" / "x" / "config.yaml").write_text("seed: [1\n")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    line = call(*argv.split())
    assert line.startswith("ddpg-report: ")
    assert "\n" not in line
    for word in words:
        assert word in line


def test_help_names_every_option(call: Callable[..., str]) -> None:
    text = call("--help")
    for word in ("FOLDER", "out=null", "metric=eval/episodic_return", "solved=null"):
        assert word in text


def test_the_other_commands_need_no_pictures() -> None:
    code = "import ddpg.commands.train, sys; assert not {'matplotlib', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_report_needs_neither_pandas_nor_rliable_nor_torch() -> None:
    code = "import ddpg.report.write, sys; assert not {'pandas', 'rliable', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
