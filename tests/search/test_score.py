"""From records to scores: of a run, of a trial, and so far."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from support.command_line import user_error
from support.studies import plain_definition

from ddpg.record.run_folder import RunFolder
from ddpg.search.score import RunSoFar, read_curve, require_metric, scores_by_seed, scores_so_far, trial_score

#: Two seeds, the second of which has come half way.
FIRST = {100: 1.0, 200: 2.0, 300: 3.0, 400: 4.0}
SECOND = {100: 11.0, 200: 12.0}


def test_a_torn_record(tmp_path: Path) -> None:
    """Rows of other metrics, null, the evaluation before learning, and a line that a kill has cut."""
    rows = [
        {"env_step": 0, "r": 9},
        {"env_step": 5, "loss": 1},
        {"env_step": 10, "r": 1.5},
        {"env_step": 20, "r": None},
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"env_step": 30, "r": 4')
    curve = read_curve(tmp_path, "r")
    assert list(curve) == [10, 20]
    assert curve[10] == 1.5
    assert math.isnan(curve[20])
    assert read_curve(tmp_path / "none", "r") == {}
    require_metric(tmp_path, "r", after=0)
    require_metric(tmp_path, "los", after=0)  # it may still come
    RunFolder(tmp_path).write_status(state="done", env_step=30)
    with user_error("hydra.sweeper.metric=los ... loss"):
        require_metric(tmp_path, "los", after=0)


def test_what_the_environment_says_need_not_be_in_the_first_evaluation(tmp_path: Path) -> None:
    rows = [{"env_step": 10, "eval/episodic_return": 1.0, "eval/info/is_success": 0.0}]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    require_metric(tmp_path, "eval/info/time_to_goal", after=0)
    with user_error("hydra.sweeper.metric=eval/episodic_length"):
        require_metric(tmp_path, "eval/episodic_length", after=0)


@pytest.mark.parametrize(
    ("over_seeds", "last", "expected"), [("mean", 1, 8.0), ("mean", 2, 7.5), ("min", 1, 4.0), ("max", 3, 11.5)]
)
def test_score_of_a_trial(over_seeds: str, last: int, expected: float) -> None:
    options = plain_definition(over_seeds=over_seeds, last=last).options
    assert trial_score([FIRST, SECOND], options) == expected


def test_scores_so_far() -> None:
    """One seed after the other: the second counts on top of the first. Side by side: both at the same step."""
    options = plain_definition(last=1).options
    runs = [RunSoFar(FIRST, 400, is_done=True), RunSoFar(SECOND, 400, is_done=False)]
    in_turn = {100: 1.0, 200: 2.0, 300: 3.0, 400: 4.0, 500: 7.5, 600: 8.0}
    assert scores_so_far(runs, options) == in_turn
    assert scores_so_far(runs, replace(options, together=2)) == {200: 6.0, 400: 7.0}
    assert scores_so_far([RunSoFar({}, 400, is_done=False)] * 2, options) == {}
    assert scores_by_seed(runs, 2) == {0: 3.5}


def test_a_metric_without_a_value_at_the_last_step() -> None:
    """An episode seldom ends there; a run counts as whole when it is done, and not before."""
    options = plain_definition(last=1).options
    second = RunSoFar(SECOND, 400, is_done=False)
    ended = {90: 1.0, 390: 4.0}
    assert scores_so_far([RunSoFar(ended, 400, is_done=True), second], options) == {**ended, 500: 7.5, 600: 8.0}
    assert scores_so_far([RunSoFar(ended, 400, is_done=False), second], options) == ended
    assert scores_by_seed([RunSoFar(ended, 400, is_done=True), second], 1) == {0: 4.0}
