"""From run folders to the scores that are compared: failed runs, unfinished runs, and different numbers of steps."""

import json
from pathlib import Path

import pytest
from support.report_runs import RETURN, write_run

from ddpg.errors import UserError
from ddpg.report.compare.marks import length_marks
from ddpg.report.compare.scored import Scores, scored
from ddpg.report.metric import Metric
from ddpg.report.reading import read_runs
from ddpg.report.samples import samples


def scores_of(folder: Path, convention: str = "last", failed: str = "worst", metric: str = RETURN) -> Scores:
    compared = Metric(metric)
    return scored(samples(read_runs([folder], compared), compared), compared, convention, failed)


def test_conventions(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_run(tmp_path / f"{seed}", [0.0, 4.0, 8.0 * seed], [3.0, 5.0], seed=seed)
    for convention, expected in (("last", [8, 16]), ("last10", [6, 10]), ("training100", [4, 4])):
        [one] = scores_of(tmp_path, convention)["pendulum"].values()
        assert one.scores.tolist() == pytest.approx(expected)
        assert one.step == 200


def test_a_failed_run_has_the_worst_value_of_its_environment(tmp_path: Path) -> None:
    """The untrained policy has it here: where all others solve the task, a failure must not count as solved."""
    for seed in (1, 2, 3):
        write_run(tmp_path / f"a{seed}", [0.0, 10.0 * seed], seed=seed, gamma=0.1)
        write_run(tmp_path / f"b{seed}", [-7.0, 10.0 + seed], seed=seed, gamma=0.2)
    write_run(tmp_path / "a4", [5.0], seed=4, gamma=0.1, state="failed")
    one = scores_of(tmp_path)["pendulum"]["gamma=0.1"]
    assert one.scores.tolist() == [10, 20, 30, -7]
    assert (one.seeds, one.failed, one.unfinished) == ((1, 2, 3), (4,), ())
    assert scores_of(tmp_path, failed="leave_out")["pendulum"]["gamma=0.1"].scores.tolist() == [10, 20, 30]


def test_a_configuration_of_which_all_runs_failed_has_scores_of_the_kind_of_the_others(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [0.0, 1.0, 2.0], gamma=0.1)
    write_run(tmp_path / "b", [-5.0], gamma=0.2, state="failed")
    one, other = scores_of(tmp_path)["pendulum"].values()
    assert other.scores.tolist() == [-5]
    assert other.kind == one.kind == (200, "last evaluation")


def test_where_no_run_finished_those_that_failed_are_known(tmp_path: Path) -> None:
    for seed, state in enumerate(("failed", "running", "interrupted"), start=1):
        write_run(tmp_path / f"{seed}", [0.0, float(seed)], seed=seed, state=state)
    [one] = scores_of(tmp_path)["pendulum"].values()
    assert one.failed == (1,)
    assert [text.split(" at")[0] for text in one.unfinished] == ["seed 2 (running", "seed 3 (interrupted"]
    assert one.own.tolist() == [2, 3]


def test_different_numbers_of_steps_are_compared_where_all_have_come(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [0.0, 1.0, 2.0, 3.0], gamma=0.1)
    write_run(tmp_path / "b", [0.0, 5.0, 6.0], gamma=0.2)
    found = scores_of(tmp_path)["pendulum"]
    assert [one.scores.tolist() for one in found.values()] == [[2], [6]]
    assert [(one.step, one.reached) for one in found.values()] == [(200, 300), (200, 200)]
    for end in (1, 2):
        episodes = [float(number) for number in range(10 + 10 * end)]
        write_run(tmp_path / "episodes" / f"{end}", [0.0] * (2 + end), episodes, gamma=0.1 * end)
    found = scores_of(tmp_path / "episodes", "training100")["pendulum"]
    assert [(one.step, one.reached, one.scores.tolist()) for one in found.values()] == [
        (200, 200, [9.5]), (200, 300, [9.5]),
    ]  # fmt: skip


def test_who_trains_the_best_seeds_on_selects_none(tmp_path: Path) -> None:
    """Equal scores at step 100, of which the best three of one side were trained on to 200."""
    for seed in (1, 2, 3, 4, 5):
        write_run(tmp_path / f"a{seed}", [0.0, 10.0 * seed], seed=seed, gamma=0.1, total_steps=100)
        more = [99.0] if seed > 2 else []
        write_run(tmp_path / f"b{seed}", [0.0, 10.0 * seed, *more], seed=seed, gamma=0.2, total_steps=200)
    one, other = scores_of(tmp_path)["pendulum"].values()
    assert one.scores.tolist() == other.scores.tolist() == [10, 20, 30, 40, 50]
    assert (other.step, other.notes) == (100, ())


@pytest.mark.parametrize("done", [0, 3])
def test_a_run_counts_where_it_has_come_whatever_became_of_it_later(tmp_path: Path, done: int) -> None:
    """Compared at step 100: of the runs that were to have 300 steps, two failed at 200, one at 0, and one goes on."""
    write_run(tmp_path / "a", [0.0, 1.0], gamma=0.1, total_steps=100)
    for seed in range(done):
        write_run(tmp_path / f"b{seed}", [0.0, 2.0, 3.0, 4.0], seed=seed, gamma=0.2)
    for seed, (state, returns) in enumerate(
        [("failed", [0.0, 5.0, -8.0]), ("failed", [0.0, 6.0, -8.0]), ("failed", [0.0]), ("running", [0.0, 7.0, 8.0])], 4
    ):
        write_run(tmp_path / f"b{seed}", returns, seed=seed, state=state, gamma=0.2)
    one = scores_of(tmp_path)["pendulum"]["gamma=0.2"]
    assert one.scores.tolist() == [*[2.0] * done, 5, 6, 7, -8]
    assert (one.step, one.failed, one.unfinished) == (100, (6,), ())
    left_out, not_finished = one.notes
    assert left_out == f"{done + 3} of {done + 4} seeds reached step 100; failed: seed 6 (failed at 0)"
    assert not_finished == (
        "runs that have not finished count as they were at step 100: seed 4 (failed at 200), seed 5 (failed at 200), "
        "seed 7 (running at 200)"
    )


def test_joined_configurations_select_no_seeds_either(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        write_run(tmp_path / f"a{seed}", [0.0, 1.0], seed=seed, gamma=0.1, total_steps=100)
        more = [9.0] if seed > 1 else []
        write_run(tmp_path / f"b{seed}", [0.0, 2.0 * seed, *more], seed=seed, gamma=0.2, total_steps=200)
    metric = Metric(RETURN)
    runs = read_runs([tmp_path], metric)
    [one] = samples(runs, metric, {(run.environment, run.configuration): "all" for run in runs})
    assert (one.configuration, one.seeds, one.end) == ("all", (1, 2, 3, 1, 2, 3), 100)
    assert one.values[:, -1].tolist() == [1, 1, 1, 2, 4, 6]


def test_joined_configurations_have_every_seed_up_to_where_one_that_goes_on_has_come(tmp_path: Path) -> None:
    """The first has finished 300 steps with one seed, and failed at 200 with the other; the second is at 100."""
    write_run(tmp_path / "a1", [0.0, 1.0, 2.0, 3.0], seed=1, gamma=0.1)
    write_run(tmp_path / "a2", [0.0, 5.0, 6.0], seed=2, gamma=0.1, state="failed")
    write_run(tmp_path / "b", [0.0, 8.0], gamma=0.2, state="running")
    metric = Metric(RETURN)
    runs = read_runs([tmp_path], metric)
    [one] = samples(runs, metric, {(run.environment, run.configuration): "all" for run in runs})
    assert (one.seeds, one.end, one.values[:, -1].tolist()) == ((1, 2, 1), 100, [1, 5, 8])


def test_a_configuration_that_has_not_finished_does_not_move_the_step_of_the_others(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [0.0, 1.0, 2.0, 3.0], gamma=0.1)
    write_run(tmp_path / "b", [0.0, 5.0, 6.0, 7.0], gamma=0.2)
    write_run(tmp_path / "c", [0.0, 9.0], gamma=0.3, state="running")
    assert [one.step for one in scores_of(tmp_path)["pendulum"].values()] == [300, 300, 100]


def thin(folder: Path, every: int) -> None:
    """Keep of a run the rows at multiples of a step."""
    rows = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
    (folder / "metrics.jsonl").write_text("".join(row for row in rows if json.loads(row)["env_step"] % every == 0))


@pytest.mark.parametrize(("state", "steps"), [("running", [300, 300, 200]), ("done", [200, 200, 200])])
def test_a_configuration_that_goes_on_does_not_thin_the_evaluations_of_the_others(
    tmp_path: Path, state: str, steps: list[int]
) -> None:
    """Two have finished 300 steps; the third has passed them, and is evaluated half as often."""
    write_run(tmp_path / "a", [0.0, 1.0, 2.0, 3.0], gamma=0.1)
    write_run(tmp_path / "b", [0.0, 5.0, 6.0, 7.0], gamma=0.2)
    thin(write_run(tmp_path / "c", [0.0, 9.0, 9.0, 9.0, 9.0], gamma=0.3, state=state, total_steps=500), 200)
    group = scores_of(tmp_path)["pendulum"].values()
    assert [one.step for one in group] == steps
    going = ("seed 1 (running at 400)",) if state == "running" else ()
    assert [one.unfinished for one in group] == [(), (), going]


def test_a_configuration_that_goes_on_is_compared_where_it_has_the_evaluations_of_the_others(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [0.0, 1.0, 2.0, 3.0], gamma=0.1)
    write_run(tmp_path / "b", [0.0, 9.0, 8.0, 7.0, 6.0], gamma=0.2, state="running", total_steps=500)
    scores = scores_of(tmp_path)
    assert [(one.step, one.unfinished) for one in scores["pendulum"].values()] == [(300, ()), (300, ())]
    assert length_marks(scores) == ["pendulum: compared at step 300, where gamma=0.1 ends; others went on to 400"]


def test_where_all_runs_failed_or_go_on_these_are_compared(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [0.0, 1.0], gamma=0.1, state="failed")
    write_run(tmp_path / "b", [0.0, 5.0, 6.0], gamma=0.2, state="running")
    failed, running = scores_of(tmp_path)["pendulum"].values()
    assert (failed.scores.tolist(), failed.failed) == ([0], (1,))
    assert (running.scores.tolist(), running.step) == ([6], 200)


def test_configurations_are_scored_at_the_same_evaluations(tmp_path: Path) -> None:
    """Equal curves, one evaluated twice as often: otherwise the last 10 would be a later stretch of it."""
    write_run(tmp_path / "often", [float(step) for step in range(41)], gamma=0.1)
    thin(write_run(tmp_path / "rare", [float(step) for step in range(41)], gamma=0.2), 200)
    often, seldom = scores_of(tmp_path, "last10")["pendulum"].values()
    assert often.scores.tolist() == seldom.scores.tolist() == [31.0]
    assert "compared at 20 of 40 steps, those that all configurations have" in often.notes


def test_an_untrained_policy_is_no_result(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [0.0, 1.0, 2.0], gamma=0.1)
    write_run(tmp_path / "b", [0.0], gamma=0.2)
    assert [one.scores.tolist() for one in scores_of(tmp_path)["pendulum"].values()] == [[2.0], []]
    (tmp_path / "a" / "metrics.jsonl").write_text((tmp_path / "b" / "metrics.jsonl").read_text())
    with pytest.raises(UserError, match=r"convention=last: no run has such a score of .* at a step after 0 that all"):
        scores_of(tmp_path)


def test_configurations_that_share_one_evaluation_are_scored_by_it(tmp_path: Path) -> None:
    write_run(tmp_path / "often", [0.0, 1.0, 2.0], [7.0], gamma=0.1)
    seldom = write_run(tmp_path / "seldom", [0.0, 1.0, 3.0], [7.0], gamma=0.2) / "metrics.jsonl"
    seldom.write_text("".join(row for row in seldom.open() if '"env_step": 100,' not in row))
    found = scores_of(tmp_path, "last10")["pendulum"].values()
    assert [(one.convention, one.scores.tolist()) for one in found] == [
        ("last evaluation", [2.0]), ("last evaluation", [3.0]),
    ]  # fmt: skip
    by_episodes = scores_of(tmp_path, "training100")["pendulum"].values()
    assert not any("steps" in note for one in by_episodes for note in one.notes)


def test_a_metric_that_is_no_return_has_no_worst_value(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1.0, 2.0])
    write_run(tmp_path / "b", [1.0], seed=2, state="failed")
    for path in tmp_path.glob("*/metrics.jsonl"):
        path.write_text(path.read_text().replace(RETURN, "losses/qf1_loss"))
    [one] = scores_of(tmp_path, metric="losses/qf1_loss")["pendulum"].values()
    assert (one.scores.tolist(), one.failed) == ([2], (2,))
    with pytest.raises(UserError, match="convention=training100: no run has"):
        scores_of(tmp_path, "training100", metric="losses/qf1_loss")
