"""docs/results/evidence.md: scores by each convention, their intervals, and what they say of a published number."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from ddpg.errors import UserError
from reproduce import here, page, picture, plan, record, scores

PLAN = plan.read_plan()
CLEANRL = next(row for row in PLAN.rows if row.name == "cleanrl_halfcheetah-v4")
START = {
    "commit": "0123abc" * 5, "uncommitted": [], "kernels": "torch", "versions": {"torch": "2.13.0"},
    "machine": {"cpu": "EPYC"},
}  # fmt: skip


def made(evaluations: Sequence[float], episodes: Sequence[float] = (0.0,), state: str = "done") -> scores.Record:
    ends = np.arange(len(episodes)) + 1.0
    return scores.Record(np.array(evaluations), np.array(episodes), ends, 400.0, {"state": state, "starts": [START]})


def seeds(*means: float) -> list[scores.Record]:
    """Seeds whose last 100 training episodes have these means, after others that do not count."""
    return [made([0.0], [-1e6] * 50 + [mean - 1, mean + 1] * 50) for mean in means]


def test_each_convention_is_what_its_name_says() -> None:
    runs = [made([5, 9, *[1] * 9, 3], [7] * 100), made([5, 1, *[1] * 9, 5], [9] * 100)]
    found = {convention: scores.estimate(runs, convention).mean for convention in plan.CONVENTIONS}
    assert found == pytest.approx({"training": 8, "max": 5, "last_10": 1.3, "last": 4})


def test_seed_that_diverged_counts_with_its_last_values() -> None:
    runs = [made([1, 2, 3]), made([1, -7], state="failed")]
    assert scores.estimate(runs, "last").mean == pytest.approx(-2)
    assert scores.estimate(runs, "max").mean == pytest.approx(1)
    assert "2 (1 diverged)" in page.page(PLAN, {"cleanrl_hopper-v4_2": runs[1]})


def test_interval_is_that_of_the_report() -> None:
    assert math.isnan(scores.estimate(seeds(5, 9), "training").low)
    five = scores.estimate(seeds(1, 2, 3, 4, 5), "training")
    half = 2.776445 * math.sqrt(2.5 / 5)  # the quantile of Student's t with 4 degrees of freedom
    assert (five.low, five.mean, five.high, five.seeds) == pytest.approx((3 - half, 3, 3 + half, 5))


def test_interval_of_the_maximum_is_that_at_its_step() -> None:
    estimate = scores.estimate([made([10, 0]), made([12, 20]), made([14, 0])], "max")
    half = 4.302653 * 2 / math.sqrt(3)
    assert (estimate.mean, estimate.low, estimate.high) == pytest.approx((12, 12 - half, 12 + half))


@pytest.mark.parametrize(
    ("means", "said"),
    [
        ([10400], "cannot be told yet: 1 of 3 seeds"),
        ([10300, 10400, 10500], "met"),
        ([8900, 9000, 9100], "missed by 1374 (13%); more than 2 published deviations away"),
        ([10640, 10650, 10660], "above by 276 (3%)"),
        ([20000], "cannot be told yet: 1 of 3 seeds; more than 2 published deviations away"),
    ],
)
def test_verdict(means: list[float], said: str) -> None:
    score = CLEANRL.published["training"]
    assert scores.verdict(CLEANRL, score, scores.estimate(seeds(*means), "training")) == said


def test_nothing_is_said_without_a_seed() -> None:
    assert scores.verdict(CLEANRL, CLEANRL.published["training"], None) == "cannot be told yet: 0 of 3 seeds"


def test_standard_error_is_no_standard_deviation() -> None:
    score = plan.Published(100.0, spread=10.0)
    of_error = replace(CLEANRL, kind_of_spread="standard error", published_seeds=4)
    assert scores.published_deviation(CLEANRL, score) == 10
    assert scores.published_deviation(of_error, score) == 20
    assert scores.published_interval(of_error, score) == pytest.approx((80.4, 119.6))


def test_documents_are_made_from_the_records_that_the_page_names() -> None:
    document = page.PAGE.read_text(encoding="utf-8")
    names = re.findall(r"\]\(data/evidence/([^)]+)\)", document)
    assert names
    records = {name: scores.read(record.RECORDS / name) for name in names}
    assert page.page(PLAN, records) == document
    presets = here.PRESETS_PAGE.read_text(encoding="utf-8")
    assert here.filled(presets, PLAN, records) == presets


def test_half_written_record_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".cleanrl_hopper-v4_1.tmp").mkdir()
    assert scores.read_all(tmp_path) == {}


def test_column_here_has_the_scores_of_its_source_by_its_convention() -> None:
    text = (
        "| `cleanrl` | 1 | <!-- here cleanrl training -->old<!-- end --> |\n| <!-- here td3_2018 max --><!-- end --> |"
    )
    records = {f"{CLEANRL.name}_{seed}": one for seed, one in enumerate(seeds(5, 7, 9), start=1)}
    filled = here.filled(text, PLAN, records)
    assert "-->halfcheetah-v4 7 [2, 12] (3)<!-- end -->" in filled
    assert "here td3_2018 max -->not yet<!--" in filled
    assert here.filled(filled, PLAN, records) == filled


def test_column_here_of_an_unknown_source_is_refused() -> None:
    with pytest.raises(UserError, match=r"td4 is not in the list, which has cleanrl, "):
        here.filled("<!-- here td4 max --><!-- end -->", PLAN, {})
    with pytest.raises(UserError, match="training"):
        here.filled("<!-- here cleanrl mean --><!-- end -->", PLAN, {})


def test_picture_has_a_panel_for_each_environment_with_and_without_records(tmp_path: Path) -> None:
    rows = [row for row in PLAN.rows if row.label == picture.LABEL]
    path = picture.draw(tmp_path / "picture.png", rows, {f"{CLEANRL.name}_1": made([0.0], [1.0, 2.0])})
    height, width = image.imread(path).shape[:2]
    assert width > height * len(rows)
