"""Which runs ddpg-report compares, at which steps, and the notes on that."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.report_runs import RETURN, write_run

from ddpg.report.metric import EPISODES, Metric
from ddpg.report.reading import read_runs
from ddpg.report.samples import Sample, samples


def read(*folders: Path) -> list[Sample]:
    return samples(read_runs(folders, Metric(RETURN)), Metric(RETURN))


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
    write_run(tmp_path / "6", [5.0, 6.0, 7.0, 8.0], seed=6)
    write_run(tmp_path / "7", [9.0, 9.0, 9.0, 9.0], seed=7)
    write_run(tmp_path / "8", [0.0, 0.0, 0.0, 0.0], seed=8)
    [one] = read(tmp_path)
    assert (one.seeds, one.started, one.failed) == ((1, 6, 7, 8), 8, 2)
    [note] = one.notes
    summary, *reasons = note.split("; ")
    assert summary.startswith("4 of 8 seeds")
    assert summary.endswith("300")
    assert [re.findall(r"seed \d \(.*?\)", reason) for reason in reasons] == [
        ["seed 2 (failed at 100)", "seed 5 (failed at 300)"], ["seed 3 (running at 0)"], ["seed 4 (done at 100)"],
    ]  # fmt: skip
    assert [(run.seed, run.values.tolist()) for run in one.unfinished] == [
        (2, [1, 9]), (3, []), (4, [1, 2]), (5, [1, 2, 3, 4]),
    ]  # fmt: skip


@pytest.mark.parametrize("state", ["running", "done", "failed"])
def test_a_seed_that_goes_on_drops_no_other(tmp_path: Path, state: str) -> None:
    write_run(tmp_path / "1", [1.0, 2.0, 3.0, 4.0, 5.0], [1.0] * 40, state=state, total_steps=400)
    for seed in (2, 3):
        write_run(tmp_path / str(seed), [seed, seed, seed, seed], [1.0] * 30, seed=seed)
    [one] = read(tmp_path)
    assert (one.seeds, one.end, one.steps.tolist()) == ((1, 2, 3), 300, [0, 100, 200, 300])
    assert one.values[:, -1].tolist() == [4, 2, 3]
    assert [len(returns) for returns in one.episodes] == [30, 30, 30]
    [note] = one.notes
    assert note.startswith("compared at step 300,")
    assert note.endswith(f": seed 1 ({state} at 400)")


def test_a_finished_run_without_the_metric_is_named(tmp_path: Path) -> None:
    write_run(tmp_path / "1", [1.0, 2.0])
    (write_run(tmp_path / "2", [1.0, 2.0], seed=2) / "metrics.jsonl").write_text("")
    [one] = read(tmp_path)
    [note] = one.notes
    assert note.startswith("1 of 2 seeds")
    assert note.endswith("without a value: seed 2 (done at 100)")


def test_fewer_than_half_are_compared_where_most_have_finished(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_run(tmp_path / str(seed), [1.0, 2.0, 3.0, 4.0], seed=seed)
    for seed in (3, 4, 5):
        write_run(tmp_path / str(seed), [1.0, 2.0], seed=seed, state="running")
    [one] = read(tmp_path)
    assert (one.seeds, one.end) == ((1, 2), 300)


def test_thinned_evaluations_are_noted(tmp_path: Path) -> None:
    """Evaluated every 100 and every 200 steps, 5 and 10 episodes: 0, 200 are shared of 0, 100, 200."""
    write_run(tmp_path / "1", [1.0, 2.0, 3.0], total_steps=200, eval={"every": 100, "episodes": 5})
    keys: dict[str, Any] = {"seed": 2, "total_steps": 200, "eval": {"every": 200, "episodes": 10}}
    path = write_run(tmp_path / "2", [1.0, 2.0, 3.0], **keys) / "metrics.jsonl"
    path.write_text("\n".join(line for line in path.read_text().split("\n") if "100" not in line))
    [one] = read(tmp_path)
    assert one.steps.tolist() == [0, 200]
    thinned, lengths = one.notes
    assert thinned.startswith("compared at 2 of 3 evaluation steps")
    assert lengths.endswith(": 5 (seed 1), 10 (seed 2)")


# Metrics of training episodes


def write_episodes(folder: Path, rows: Mapping[int, float], seed: int) -> None:
    """A run of 1000 steps with an episode that ended at each of these env steps."""
    path = write_run(folder, [], seed=seed, total_steps=1000)
    (path / "status.json").write_text(json.dumps({"state": "done", "env_step": 1000}))
    lines = [json.dumps({"env_step": step, EPISODES: value}) + "\n" for step, value in rows.items()]
    (path / "metrics.jsonl").write_text("".join(lines))


def test_episodes_of_two_seeds_need_no_common_step(tmp_path: Path) -> None:
    write_episodes(tmp_path / "1", {25: 10.0, 500: 20.0, 995: 60.0}, seed=1)
    write_episodes(tmp_path / "2", {42: -1.0, 43: -3.0, 777: -8.0}, seed=2)
    [one] = samples(read_runs([tmp_path], Metric(EPISODES)), Metric(EPISODES))
    assert (one.seeds, one.notes, one.end) == ((1, 2), (), 1000)
    assert one.steps.tolist() == [float(step) for step in range(50, 1001, 10)]  # before, seed 2 had no episode
    by_step = dict(zip(one.steps.tolist(), one.values.T.tolist(), strict=True))
    assert by_step[50] == [10, -2]
    assert by_step[490] == [10, -2]
    assert by_step[500] == [15, -2]
    assert by_step[780] == [15, -4]
    assert by_step[1000] == [30, -4]
    assert [values.tolist() for values in one.episodes] == [[10, 20, 60], [-1, -3, -8]]


def test_episodes_of_three_seeds_are_averaged_over_the_last_hundred(tmp_path: Path) -> None:
    """Episodes of 4, 5 and 250 steps: return i of the i-th; of 250 the last 100 are 151 to 250."""
    for seed, length in ((1, 4), (2, 5), (3, 250)):
        write_episodes(tmp_path / str(seed), {i * length: float(i) for i in range(1, 1000 // length + 1)}, seed)
    [one] = samples(read_runs([tmp_path], Metric(EPISODES)), Metric(EPISODES))
    assert one.seeds == (1, 2, 3)
    assert one.values[:, -1].tolist() == [200.5, 150.5, 2.5]
    assert one.steps[0] == 250
    assert one.values[:, 0].tolist() == [31.5, 25.5, 1.0]  # 62 and 50 episodes, all of them


def test_while_none_has_finished_all_are_compared_as_far_as_they_are(tmp_path: Path) -> None:
    write_run(tmp_path / "1", [1.0, 2.0, 3.0], [7.0] * 20, state="running")
    write_run(tmp_path / "2", [3.0, 4.0], [8.0] * 10, state="interrupted", seed=2)
    write_run(tmp_path / "3", [], state="running", seed=3)
    [one] = read(tmp_path)
    assert (one.seeds, one.steps.tolist(), one.values.tolist()) == ((1, 2), [0, 100], [[1, 2], [3, 4]])
    assert [len(returns) for returns in one.episodes] == [10, 10]  # up to step 100
    arrived, empty, shortened = one.notes
    assert arrived.startswith("0 of 3 seeds reached the last step, 300")
    assert arrived.endswith(": seed 1 (running at 200), seed 2 (interrupted at 100), seed 3 (running at 0)")
    assert "seed 3" in empty
    assert shortened.startswith("compared up to step 100")


def test_a_seed_that_was_run_twice_counts_once(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1.0, 2.0], state="interrupted")
    write_run(tmp_path / "b", [1.0, 2.0, 3.0, 4.0])
    [one] = read(tmp_path)
    assert (one.seeds, one.values.tolist()) == ((1,), [[1, 2, 3, 4]])
    [note] = one.notes
    assert note.startswith("seed 1 was run more than once")


def test_diverged_evaluations_end_the_comparison(tmp_path: Path) -> None:
    write_run(tmp_path / "1", [1.0, 2.0, 3.0, 4.0])
    path = write_run(tmp_path / "2", [1.0, 2.0, 3.0, 4.0], seed=2) / "metrics.jsonl"
    path.write_text(path.read_text().replace("4.0", "null").replace("3.0", "null"))
    [one] = read(tmp_path)
    assert one.steps.tolist() == [0, 100]
    [note] = one.notes
    assert note.startswith("compared up to step 100")
