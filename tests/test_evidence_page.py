"""docs/results/evidence.md: scores by each convention, their intervals, and what they say of a published number."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from ddpg.errors import UserError
from ddpg.record.series import Series
from ddpg.report.compare.difference import smallest_p, welch
from ddpg.report.compare.single_runs import next_run
from reproduce import comparison, here, page, picture, plan, record, scores, tables, verdict
from reproduce.published import CONVENTIONS, Published

PLAN = plan.read_plan()
QUESTION = next(one for one in PLAN.comparisons if one.name == "walker2d")
CLEANRL = next(row for row in PLAN.rows if row.name == "cleanrl_halfcheetah-v4")
START = {
    "commit": "0123abc" * 5, "uncommitted": [], "kernels": "torch", "versions": {"torch": "2.13.0"},
    "machine": {"cpu": "EPYC"},
}  # fmt: skip


def made(evaluations: Sequence[float], episodes: Sequence[float] = (0.0,), state: str = "done") -> scores.Record:
    ends = np.arange(len(episodes)) + 1.0
    steps = np.arange(len(evaluations)) * 1000.0
    about = {"state": state, "env_step": 1_000_000, "error": "loss is not finite", "starts": [START]}
    config = {"env": {"id": "Any-v4"}, "eval": {"episodes": 10}}
    return scores.Record(steps, np.array(evaluations), ends, np.array(episodes), 400.0, config, about)


def seeds(*means: float) -> list[scores.Record]:
    """Seeds whose last 100 training episodes have these means, after others that do not count."""
    return [made([0.0], [-1e6] * 50 + [mean - 1, mean + 1] * 50) for mean in means]


def test_each_convention_is_what_its_name_says() -> None:
    runs = [made([5, 9, *[1] * 9, 3], [7] * 100), made([5, 1, *[1] * 9, 5], [9] * 100)]
    found = {convention: scores.estimate(runs, convention).mean for convention in CONVENTIONS}
    assert found == pytest.approx({"training": 8, "max": 5, "last_10": 1.3, "last": 4})


def test_seed_that_diverged_counts_with_its_last_values() -> None:
    runs = [made([1, 2, 3]), made([1, -7], state="failed")]
    assert scores.estimate(runs, "last").mean == pytest.approx(-2)
    assert scores.estimate(runs, "max").mean == pytest.approx(1)
    assert "1 (2), 1 diverged" in page.page(PLAN, {"cleanrl_hopper-v4_2": runs[1]})


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
    ("means", "expected"),
    [
        ([10400], "cannot be told yet: 1 of 3 seeds"),
        ([10300, 10400, 10500], "met (4% less to 4% more)"),
        ([8900, 9000, 9100], "missed by 1374 (13% less); to be looked into"),
        ([10900, 10910, 10920], "above by 536 (5% more); to be looked into"),
        ([20000], "cannot be told yet: 1 of 3 seeds; to be looked into"),
        ([], "cannot be told yet: 0 of 3 seeds"),
    ],
)
def test_verdict(means: list[float], expected: str) -> None:
    assert verdict.verdict(CLEANRL, "training", np.array(means)) == expected


def of_seeds(values: Series, known: bool = True) -> Published:
    """What a source publishes of these scores: their mean and, as NumPy has it, their deviation."""
    spread = float(values.std()) if known else None
    return Published(float(values.mean()), len(values), spread=spread, kind="standard deviation")


def test_published_deviation_is_that_of_other_seeds() -> None:
    scores_there = np.array([1.0, 2.0, 6.0, 7.0])
    assert of_seeds(scores_there).deviation == pytest.approx(scores_there.std(ddof=1))
    error = Published(4.0, 4, spread=float(scores_there.std()) / 2, kind="standard error")
    assert error.deviation == pytest.approx(scores_there.std(ddof=1))
    assert Published(4.0, 4).deviation is None
    assert Published(4.0, 1, spread=30.0, kind="precision of the reading").deviation is None


def test_published_scores_are_those_of_the_reports() -> None:
    """One file has them, with the environment's name without its version."""
    row = next(row for row in PLAN.rows if row.name == "td3_2018_hopper-v4")
    assert row.published == {"max": Published(1860.02, 10, "v1"), "last_10": Published(1061.77, 10, "v1")}
    read_off = next(row for row in PLAN.rows if row.name == "adi3e08_dmc_humanoid_walk").published["training"]
    assert (read_off.value, read_off.read_off, read_off.deviation) == (175, 25, None)


def test_difference_from_published_seeds_is_welchs() -> None:
    published = np.array([1.0, 2.0, 6.0])
    here = np.array([5.0, 9.0, 10.0, 12.0])
    found = verdict.difference(of_seeds(published), here)
    expected = welch(here, published)
    assert expected is not None
    assert found == pytest.approx((6.0, expected.low, expected.high))


def test_difference_from_a_single_published_run_is_that_of_the_next_run() -> None:
    here = np.array([5.0, 9.0, 10.0])
    landing = next_run(here)
    assert landing is not None
    read_off = Published(3.0, spread=0.5, kind="precision of the reading")
    assert verdict.difference(read_off, here) == pytest.approx((5.0, landing.low - 3.5, landing.high - 2.5))
    assert verdict.difference(Published(3.0), here[:2]) is None


@pytest.mark.parametrize(
    ("here", "published", "ratio", "known", "least", "most"),
    [
        (3, 3, 1, True, 0.94, 0.98),
        (10, 3, 3, True, 0.90, 0.95),
        (3, 10, 1, False, 0.92, 0.97),
        (10, 10, 2, False, 0.78, 0.86),
        (10, 1, 2, False, 0.68, 0.78),
    ],
)
def test_difference_covers(here: int, published: int, ratio: float, known: bool, least: float, most: float) -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(1000):
        score = of_seeds(generator.normal(100, ratio, published), known)
        found = verdict.difference(score, generator.normal(100, 1, here))
        assert found is not None
        covered += found.low <= 0 <= found.high
    assert least < covered / 1000 < most


def test_results_to_look_into_name_themselves() -> None:
    learned = made([0, *[9000] * 10], [10374.0] * 100)
    records = {
        "cleanrl_halfcheetah-v4_1": learned,
        "td3_2018_walker2d-v4_1": made([3.0, 2000, *[4.0] * 10]),
        "td3_2018_walker2d-v4_2": made([3.0, 900.0], state="failed"),
        "sb3_published_pybullet_ant_1": made([0.0, *[3000.0] * 10]),
        **{f"sb3_published_lunarlander_{seed}": made([-200.0, *[450.0 + 50 * seed] * 10]) for seed in (0, 1, 2)},
        "paper_hopper-v4_1": made([3.0, *[2.0] * 10]),
    }
    assert list(verdict.to_look_into(PLAN, records)) == [
        "td3_2018_walker2d-v4, seed 1: ends as it began: last 10 evaluations 4.0, the untrained policy has 3.0",
        "td3_2018_walker2d-v4, seed 2: diverged at step 1,000,000 (loss is not finite)",
        "sb3_published_lunarlander: last evaluation 500.0 (3 seeds) is 5.4 standard deviations of seeds from the "
        "published 230.2; by luck alone it is so far in 4.3 % of cases",
        "sb3_published_lunarlander: last 10 evaluations 500.0 (3 seeds) is 6.6 standard deviations of seeds from the "
        "published 171.2; by luck alone it is so far in 2.9 % of cases",
        "paper_hopper-v4, seed 1: ends as it began: last 10 evaluations 2.0, the untrained policy has 3.0",
    ]
    text = page.page(PLAN, {"cleanrl_halfcheetah-v4_1": learned})
    assert "none among the results that can be judged" in text
    assert "No deviation is published for" not in text


def test_results_that_cannot_be_judged_are_named_with_their_distance() -> None:
    """One of the five that adi3e08 published has a seed; with three seeds it is judged."""
    name = "adi3e08_dmc_cartpole_swingup"
    text = page.page(PLAN, {f"{name}_1": made([0.0, 800.0], [600.0] * 100)})
    assert f"- {name}: last 100 training episodes 600.0 (1 seed) is 25% less than the published 800.0\n" in text
    assert re.search(r"\nNo deviation is published for 1 result, so that only 3 seeds", text)
    assert "| dm_control/cheetah-run-v0 | dm_control | last 100 training episodes | about 700 (± 30) |" in text
    records = {f"{name}_{seed}": one for seed, one in enumerate(seeds(590, 600, 610), start=1)}
    assert list(verdict.not_judged(PLAN, records)) == []


def test_the_command_of_a_source_has_the_seeds_that_its_verdict_needs() -> None:
    """The list stops at 2, 5 and 10 seeds of adi3e08, of which 2 allow no verdict."""
    row = next(row for row in PLAN.rows if row.label == "adi3e08")
    assert (row.seeds, row.judged_seeds) == (2, 5)
    assert "seed=1,2,3,4,5" in next(tables.commands([row]))
    assert verdict.verdict(row, "training", np.ones(3)).startswith("cannot be told yet: 3 of 5 seeds")


def test_a_maximum_is_judged_with_as_many_seeds_as_are_published() -> None:
    """Fewer seeds have a higher one, however they learn."""
    row = next(row for row in PLAN.rows if row.name == "td3_2018_walker2d-v4")
    values = 100 + np.arange(10.0)
    assert verdict.verdict(row, "max", values[:5]).startswith("cannot be told yet: 5 of 10 seeds")
    assert verdict.verdict(row, "max", values).startswith("missed by")
    assert verdict.verdict(row, "last_10", values[:3]).startswith("missed by")


def question(seeds: int, **means: float) -> dict[str, scores.Record]:
    """Seeds of the rows of the open question, which end around these means by label, or else around 1000."""
    found = {}
    for row in PLAN.rows_of(QUESTION):
        for seed in range(1, seeds + 1):
            mean = means.get(row.label, 1000.0)
            found[f"{row.name}_{seed}"] = made([0.0, mean], [mean + 10 * seed] * 100)
    return found


def test_open_question_says_what_it_waits_for() -> None:
    records = question(3)
    del records["cleanrl_batch_walker2d-v4_2"]
    assert comparison.compared(PLAN, QUESTION, records) is None
    text = page.page(PLAN, records)
    assert "3 seeds of each are needed. Missing are the seeds: cleanrl_batch_walker2d-v4 2." in text
    assert (
        "have 3, 5 or 10 seeds, and not in between, at 5 % each time. With fewer than 6 seeds of each, none of" in text
    )


def test_open_question_is_answered_by_the_statistics_of_the_report() -> None:
    records = question(10, td3_2018=2000.0, cleanrl_networks=1001.0)
    found = comparison.compared(PLAN, QUESTION, records)
    assert found is not None
    assert (found.seeds, len(found.differences)) == (10, 13)
    by_pair = {one.pair: one for one in found.differences}
    tests = by_pair["td3_2018", "cleanrl"].tests
    assert tests is not None
    assert tests.p == pytest.approx(smallest_p(10, 10))
    assert tests.adjusted == pytest.approx(13 * tests.p)
    assert by_pair["cleanrl_networks", "cleanrl"].difference == pytest.approx(1)
    text = page.page(PLAN, records)
    assert "| Any-v4 | td3_2018 - cleanrl: 1000.0 | [971.6, 1028.4] | 1.1e-05 | 0.00014 | td3_2018 is better |" in text
    assert "| Any-v4 | cleanrl_batch - td3_2018: -1000.0 |" in text
    assert re.search(r"cleanrl_networks - cleanrl: 1\.0 \| \[.*\] \| 0\.\d+ \| 1 \| cannot be told \|", text)


def test_open_question_is_not_looked_at_between_the_numbers_of_the_list() -> None:
    found = comparison.compared(PLAN, QUESTION, question(4, td3_2018=2000.0))
    assert found is not None
    assert found.seeds == 3
    assert not any(one.tests and one.tests.better for one in found.differences)
    assert "**3 seeds cannot tell any of these apart**" in page.page(PLAN, question(4))


def test_every_label_is_compared_with_something() -> None:
    published = {rows[0].label for rows in PLAN.published_sources()}
    compared = {label for one in PLAN.comparisons for label in one.labels}
    assert {row.label for row in PLAN.rows} == published | compared
    assert all(set(one.baselines) <= set(one.labels) for one in PLAN.comparisons)


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


def test_pictures_have_a_panel_for_each_environment_with_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "PICTURES", tmp_path)
    records = question(2) | {f"{CLEANRL.name}_1": made([0.0], [1.0, 2.0])}
    sizes = {path.stem: image.imread(path).shape[1::-1] for path in picture.draw_all(PLAN, records)}
    assert sizes == {
        "cleanrl_gymnasium": (2 * 540, 540),  # HalfCheetah and Walker2d
        "td3_2018_gymnasium": (2 * 540, 540),
        "walker2d": (1365, 540),
    }


def test_pictures_of_the_page_exist() -> None:
    names = re.findall(r"\]\((evidence/[^)]+\.png)\)", page.PAGE.read_text(encoding="utf-8"))
    assert names
    assert [name for name in names if not (page.PAGE.parent / name).exists()] == []
