"""ddpg-report from run folders to the data frame; the command and its mistakes."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from omegaconf import DictConfig
from support.report_runs import CONFIG, RETURN, changed, write_run
from support.runs import TINY, WALK

from ddpg import report
from ddpg.commands import cli
from ddpg.config.settings import group
from ddpg.report.metric import EPISODES
from ddpg.report.reading import find_runs, frame
from ddpg.run.lifecycle import run

# Reading


def test_frame_has_a_line_for_each_row_and_each_run(tmp_path: Path) -> None:
    write_run(tmp_path / "sweep" / "0_a", [-5.0, -4.0], [-9.0])
    write_run(tmp_path / "sweep" / "1_b", [], state="failed", seed=2)
    table = frame(find_runs([tmp_path]), RETURN, EPISODES)
    assert list(table.columns) == [
        "run", "environment", "seed", "state", "done_step", "total_steps", "eval_episodes",
        "configuration", "shared", "env_step", RETURN, EPISODES,
    ]  # fmt: skip
    assert table["run"].tolist() == [str(tmp_path / "sweep" / "0_a")] * 3 + [str(tmp_path / "sweep" / "1_b")]
    np.testing.assert_equal(table[RETURN].tolist(), [-5.0, -4.0, math.nan, math.nan])
    np.testing.assert_equal(table[EPISODES].tolist(), [math.nan, math.nan, -9.0, math.nan])
    np.testing.assert_equal(table["env_step"].tolist(), [0.0, 100.0, 10.0, math.nan])
    assert table["seed"].tolist() == [1, 1, 1, 2]
    assert table["state"].tolist() == ["done"] * 3 + ["failed"]


def test_every_run_is_found_once(tmp_path: Path) -> None:
    for name in ("10_x", "2_x"):
        write_run(tmp_path / "sweeps" / "today" / name, [1.0])
    write_run(tmp_path / "alone", [1.0])
    write_run(tmp_path / "alone" / "checkpoint", [1.0])  # inside a run: no other run
    found = find_runs([tmp_path, tmp_path / "sweeps", tmp_path / "alone"])
    names = [str(run.folder.path.relative_to(tmp_path)) for run in found]
    assert names == ["alone", "sweeps/today/2_x", "sweeps/today/10_x"]


def test_runs_are_grouped_as_by_wandb(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1.0])
    write_run(tmp_path / "b", [2.0], seed=2, eval__every=50, extra={"note": "again"}, total_steps=100)
    write_run(tmp_path / "c", [3.0], gamma=0.9)
    found = frame(find_runs([tmp_path]), RETURN)
    assert found["configuration"].tolist() == ["gamma=0.99", "gamma=0.99", "gamma=0.9"]
    assert group(CONFIG) == group(changed(CONFIG, seed=9)) != group(changed(CONFIG, gamma=0.9))


def test_a_frozen_run_is_labelled_by_what_its_sweep_has_kept(tmp_path: Path) -> None:
    """The first entry counts: who goes on with the run may say less."""
    for name, noise in (("0", "ou"), ("1", "gaussian")):
        folder = write_run(
            tmp_path / name, [1.0], noise={"_target_": f"ddpg.learner.noise.{noise}", "sigma": len(noise)}
        )
        choices = {"noise": noise, "env": "pendulum", "preset": None, "hydra/launcher": "local"}
        frozen = {"submitted": "now", "choices": choices, "overrides": [f"noise={noise}", "+extra.note=1"]}
        (folder / "provenance.json").write_text(json.dumps([frozen, {"command": "ddpg-train", "overrides": []}]))
    runs = find_runs([tmp_path])
    assert runs[0].choices == {"noise": "ou", "env": "pendulum"}
    assert runs[0].typed == {"noise", "extra.note"}
    assert frame(runs, RETURN)["configuration"].tolist() == ["noise=ou", "noise=gaussian"]


# The command


#: Two configurations: an option and the values that it brings.
SWEEP = (
    "env=pendulum", "env.max_episode_steps=20", "noise=gaussian,ou", "gamma=0.9", "total_steps=40", "random_steps=20",
    "learning_starts=20", "network.actor.hidden=[8]", "network.critic.hidden=[8]", "batch_size=8", "eval.episodes=1",
    "eval.every=20", "logger=silent",
)  # fmt: skip


def test_report_of_a_sweep_is_the_same_whoever_launched_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Callable[..., str]
) -> None:
    monkeypatch.chdir(tmp_path)
    train = [sys.executable, "-c", "from ddpg.commands.cli import train; train()", *SWEEP, "-m"]
    told = []
    for launcher in ("basic", "local"):
        words = [f"hydra/launcher={launcher}", "hydra.sweep.dir=sweep"]
        subprocess.run([*train, *words], check=True, capture_output=True)
        told.append(call("sweep", "reps=20"))
        Path("sweep").rename(launcher)
    assert "gaussian" in told[0]
    assert told[0] == told[1]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What `ddpg-report` prints, or the line with which it refuses."""

    def _call(*argv: str) -> str:
        monkeypatch.setattr(sys, "argv", ["ddpg-report", *argv])
        try:
            cli.report()
        except SystemExit as exit:
            if exit.code:  # 0 or None; W&B has a sys.exit of its own
                assert capsys.readouterr() == ("", "")
                return str(exit.code)
        return capsys.readouterr().out

    return _call


def test_real_runs_through_the_command(
    tmp_path: Path, compose: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch, call: Callable[..., str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for seed in (1, 2):
        run(compose(*WALK, *TINY, f"seed={seed}"), Path(f"runs/{seed}"), [])
    told = call("runs", "reps=20")
    assert "2 (1, 2)" in told
    assert "solved" not in told
    assert "last 5 evaluations" in told
    assert "reached" not in told  # both are whole
    assert Path("runs/report/Walk-v0.png").exists()
    assert "2 of 2" in call("runs", "reps=20", "solved=-1000", "out=solved")
    assert "last 100 values" not in call("runs", "reps=20", "metric=charts/episodic_length", "out=length")
    assert "# losses/qf1_loss" in call("runs", "out=loss", "metric=losses/qf1_loss")
    assert Path("loss/report.md").exists()


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        ("", "folders come first: ddpg-report FOLDER... [out=...] [metric=...] [reps=...]"),
        ("reps=3", "folders come first"),
        ("nope", "nope: there is no such folder"),
        ("runs nope", "nope: there is no such folder"),
        ("empty", "empty holds no run folder (one with config.yaml, status.json and metrics.jsonl)"),
        ("runs rep=3", "rep=3: there is no such key; did you mean reps?"),
        ("runs reps=0", "reps=0 is out of range: it must be at least 1"),
        ("runs reps=x", "reps=x must be a whole number"),
        ("runs reps=3 more", "more: values are written KEY=VALUE, as in reps=500"),
        (
            "runs metric=eval/episodic_retrun",
            "metric=eval/episodic_retrun is not in the only run; did you mean eval/",
        ),
        ("new", "metric=eval/episodic_return is not in the only run: nothing has been recorded yet"),
        ("broken", "broken/x/config.yaml is not the config of a run: env, seed or total_steps is missing"),
        ("torn", 'YAML: while parsing a flow sequence in "torn/x/config.yaml", line 1'),
        ("runs metric=env_step", "metric=env_step is what the values are drawn over, not a metric"),
        ("runs solved=x", "solved=x must be a finite number"),
        ("runs out=runs/a/config.yaml", "runs/a/config.yaml: File exists"),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Callable[..., str], argv: str, line: str
) -> None:
    write_run(tmp_path / "runs" / "a", [1.0, 2.0])
    write_run(tmp_path / "new" / "a", [])
    write_run(tmp_path / "broken" / "x", [1.0])
    (tmp_path / "broken" / "x" / "config.yaml").write_text("seed: 1\n")
    write_run(tmp_path / "torn" / "x", [1.0])
    (tmp_path / "torn" / "x" / "config.yaml").write_text("seed: [1\n")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    told = call(*argv.split())
    assert told.startswith(f"ddpg-report: {line}")
    assert "\n" not in told


def test_missing_rliable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Callable[..., str]) -> None:
    find = report.importlib.util.find_spec
    monkeypatch.setattr(report.importlib.util, "find_spec", lambda name: None if name == "rliable" else find(name))
    told = call(str(write_run(tmp_path / "a", [1.0])))
    assert told == "ddpg-report: ddpg-report needs rliable, which is not installed: pip install 'ddpg[report]'"


def test_help_names_every_option(call: Callable[..., str]) -> None:
    told = call("--help")
    for word in ("FOLDER", "out=null", "metric=eval/episodic_return", "reps=2000", "solved=null"):
        assert word in told


def test_the_other_commands_need_neither_pandas_nor_rliable() -> None:
    code = "import ddpg.commands.cli, ddpg.report, sys; assert not {'pandas', 'rliable', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
