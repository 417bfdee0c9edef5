"""ddpg-report from run folders to the data frame, its labels and what is compared; the command and its mistakes."""

import math
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import TINY, WALK
from omegaconf import DictConfig
from report_runs import CONFIG, RETURN, changed, write_run

from ddpg import cli, report
from ddpg.config import group
from ddpg.report.labels import Described, labels
from ddpg.report.reading import EPISODES, find_runs, frame
from ddpg.report.samples import Sample, samples
from ddpg.run import run


def read(*folders: Path) -> list[Sample]:
    return samples(frame(find_runs(folders), RETURN, EPISODES), RETURN)


# Reading


def test_frame_has_a_line_for_each_row_and_each_run(tmp_path: Path) -> None:
    write_run(tmp_path / "sweep" / "0_a", [-5.0, -4.0], [-9.0])
    write_run(tmp_path / "sweep" / "1_b", [], state="failed", seed=2)
    table = frame(find_runs([tmp_path]), RETURN, EPISODES)
    assert list(table.columns) == [
        "run", "environment", "seed", "state", "done_step", "total_steps",
        "configuration", "env_step", RETURN, EPISODES,
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


# Labels


def described(choices: Mapping[str, str] | None = None, typed: Sequence[str] | None = None, **keys: Any) -> Described:
    return Described(changed(CONFIG, **keys), choices or {}, None if typed is None else frozenset(typed))


def test_label_tells_what_was_typed_and_not_what_follows() -> None:
    ou, gaussian = {"noise": "ou", "preset": "paper"}, {"noise": "gaussian", "preset": "paper"}
    typed = ["noise", "noise.sigma", "seed"]
    assert labels(
        [
            described(ou, typed, noise__sigma=0.2),
            described(ou, typed, noise__sigma=0.5, noise__final_sigma=0.5),
            described(gaussian, ["noise"], noise={"_target_": "ddpg.noise.Gaussian", "sigma": 0.2}),
        ]
    ) == ["noise=ou sigma=0.2", "noise=ou sigma=0.5", "noise=gaussian sigma=0.2"]


def test_label_of_presets_hides_what_they_set_but_no_override() -> None:
    paper, td3 = {"preset": "paper", "noise": "ou"}, {"preset": "td3", "noise": "gaussian"}
    configurations = [
        described(paper, ["preset"], batch_size=64),
        described(td3, ["preset"], batch_size=256, noise={"_target_": "ddpg.noise.Gaussian", "sigma": 0.1}),
    ]
    assert labels(configurations) == ["preset=paper", "preset=td3"]
    with_override = described(paper, ["preset", "gamma"], gamma=0.9)
    assert labels([with_override, configurations[1]]) == ["preset=paper gamma=0.9", "preset=td3 gamma=0.99"]


def test_label_without_hydras_record() -> None:
    other = described(noise={"_target_": "ddpg.noise.Gaussian", "sigma": 0.1})
    assert labels([described(), other]) == ["noise=OrnsteinUhlenbeck", "noise=Gaussian"]
    assert labels([described(gamma=0.9, batch_size=32), described()]) == [
        "gamma=0.9 batch_size=32",
        "gamma=0.99 batch_size=64",
    ]


def test_label_has_as_little_of_a_key_as_is_clear() -> None:
    assert labels([described(optimizer__actor__lr=1e-3), described()]) == ["actor.lr=0.001", "actor.lr=0.0001"]


def test_label_of_the_only_configuration() -> None:
    assert labels([described({"preset": "td3"}, [])]) == ["preset=td3"]
    assert labels([described()]) == ["-"]


def test_what_was_not_typed_still_tells_configurations_apart() -> None:
    """The YAML was edited between two runs."""
    assert labels([described({}, [], gamma=0.9), described({}, [])]) == ["gamma=0.9", "gamma=0.99"]


# Which runs count


def test_seeds_become_a_matrix(tmp_path: Path) -> None:
    for seed in (2, 1):
        write_run(tmp_path / str(seed), [1.0 * seed, 2.0 * seed, 3.0 * seed, 4.0 * seed], [5.0, 6.0], seed=seed)
    [one] = read(tmp_path)
    assert (one.environment, one.seeds, one.notes, one.unfinished) == ("pendulum", (1, 2), (), ())
    assert one.steps.tolist() == [0, 100, 200, 300]
    assert one.values.tolist() == [[1, 2, 3, 4], [2, 4, 6, 8]]
    assert [returns.tolist() for returns in one.episodes] == [[5, 6], [5, 6]]


def test_unfinished_runs_are_left_out_and_named(tmp_path: Path) -> None:
    write_run(tmp_path / "1", [1.0, 2.0, 3.0, 4.0])
    write_run(tmp_path / "2", [1.0, 9.0], state="failed", seed=2)
    write_run(tmp_path / "3", [], state="running", seed=3)
    write_run(tmp_path / "4", [1.0, 2.0], seed=4, total_steps=100)  # done, but asked for less
    write_run(tmp_path / "5", [1.0, 2.0, 3.0, 4.0], state="failed", seed=5)  # in its last moment
    [one] = read(tmp_path)
    assert one.seeds == (1,)
    assert one.notes == (
        "1 of 5 seeds reached the last step, 300; left out: seed 2 (failed at 100), seed 3 (running at 0), "
        "seed 4 (done at 100), seed 5 (failed at 300)",
    )
    assert [(run.seed, run.values.tolist()) for run in one.unfinished] == [
        (2, [1, 9]), (3, []), (4, [1, 2]), (5, [1, 2, 3, 4]),
    ]  # fmt: skip


def test_while_none_has_finished_all_are_compared_as_far_as_they_are(tmp_path: Path) -> None:
    write_run(tmp_path / "1", [1.0, 2.0, 3.0], [7.0] * 20, state="running")
    write_run(tmp_path / "2", [3.0, 4.0], [8.0] * 10, state="interrupted", seed=2)
    write_run(tmp_path / "3", [], state="running", seed=3)
    [one] = read(tmp_path)
    assert (one.seeds, one.steps.tolist(), one.values.tolist()) == ((1, 2), [0, 100], [[1, 2], [3, 4]])
    assert [len(returns) for returns in one.episodes] == [10, 10]  # up to step 100
    assert one.notes == (
        "0 of 3 seeds reached the last step, 300, so all are compared as far as they have come: "
        "seed 1 (running at 200), seed 2 (interrupted at 100), seed 3 (running at 0)",
        "nothing to compare yet of seed 3",
        "compared up to step 100, the last one where all its seeds have a finite value",
    )


def test_a_seed_that_was_run_twice_counts_once(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1.0, 2.0], state="interrupted")
    write_run(tmp_path / "b", [1.0, 2.0, 3.0, 4.0])
    [one] = read(tmp_path)
    assert (one.seeds, one.values.tolist()) == ((1,), [[1, 2, 3, 4]])
    assert one.notes == ("seed 1 was run more than once: the run that came furthest counts",)


def test_diverged_evaluations_end_the_comparison(tmp_path: Path) -> None:
    write_run(tmp_path / "1", [1.0, 2.0, 3.0, 4.0])
    path = write_run(tmp_path / "2", [1.0, 2.0, 3.0, 4.0], seed=2) / "metrics.jsonl"
    path.write_text(path.read_text().replace("4.0", "null").replace("3.0", "null"))
    [one] = read(tmp_path)
    assert one.steps.tolist() == [0, 100]
    assert one.notes == ("compared up to step 100, the last one where all its seeds have a finite value",)


# The command


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What `ddpg-report` prints, or the line with which it refuses."""

    def _call(*argv: str) -> str:
        monkeypatch.setattr(sys, "argv", ["ddpg-report", *argv])
        try:
            cli.report()
        except SystemExit as exit:
            if exit.code is not None:
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
    assert "last 5 evaluations" in told
    assert "reached" not in told  # both are whole
    assert Path("runs/report/Walk-v0.png").exists()
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
            "metric=eval/episodic_retrun is in none of the 1 runs; did you mean eval/",
        ),
        ("new", "metric=eval/episodic_return is in none of the 1 runs: nothing has been recorded yet"),
        ("broken", "broken/x/config.yaml is not the config of a run: env, seed or total_steps is missing"),
        ("torn", 'YAML: while parsing a flow sequence in "torn/x/config.yaml", line 1'),
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
    for word in ("FOLDER", "out=null", "metric=eval/episodic_return", "reps=2000"):
        assert word in told


def test_the_other_commands_need_neither_pandas_nor_rliable() -> None:
    code = "import ddpg.cli, ddpg.report, sys; assert not {'pandas', 'rliable', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
