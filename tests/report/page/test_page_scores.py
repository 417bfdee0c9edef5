"""Of which scores a page makes a mean or says which is better, and that it says what report.md says."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.browser import Browser
from support.report_payload import payload, run
from support.report_runs import write_run

from ddpg.report.page.page import write_page
from ddpg.report.payload import read_report
from ddpg.report.text import number
from ddpg.report.view import View
from ddpg.report.write import write_report

pytestmark = pytest.mark.xdist_group("browser")

#: The scores in the first table by the chosen convention, from top to bottom, and where they are of.
SCORES = "#tables tbody td:nth-child(4)"
STEPS = "#tables tbody td:nth-child(3)"


def draw(browser: Browser, folder: Path, data: dict[str, Any], view: str = "") -> None:
    """Write and open the page of a payload."""
    write_page(data, folder / "index.html")
    browser.open(folder / "index.html", view)


def line(seed: int, steps: int) -> list[float]:
    """Return the evaluations of a run that gains 10 every 100 steps."""
    return [10.0 * place + seed for place in range(steps // 100 + 1)]


def test_no_mean_is_made_of_scores_at_different_steps(browser: Browser, tmp_path: Path) -> None:
    """Of sigma=0.2 one lr was trained for twice as long: joined where both have been it is the lower group."""
    for sigma, rate, steps, gain in ((0.2, 0.1, 1000, 0), (0.2, 0.3, 2000, 0), (0.5, 0.1, 1000, 3)):
        for seed in (1, 2, 3, 4):
            folder = tmp_path / "runs" / f"{sigma}_{rate}_{seed}"
            write_run(folder, line(seed + gain, steps), seed=seed, noise__sigma=sigma, optimizer__actor__lr=rate)
    text = write_report([tmp_path / "runs"], tmp_path, View(group_by=("noise.sigma",)), "")
    assert "| 102.5 ± 1.12" in text
    browser.open(tmp_path / "index.html")
    verdict = browser.texts("#glance li")[0]
    assert "sigma=0.5 with 105.5" in verdict
    assert verdict.endswith("1 group has no mean, because its runs are scored at different steps, 1k and 2k. ")
    assert browser.texts(STEPS) == ["1k", "1k and 2k"]
    assert browser.texts(SCORES)[1] == "\N{EN DASH}"
    warning = "These runs are scored at different steps, 1k and 2k"
    assert browser.texts("#swept .warn")[0].startswith(warning)
    assert browser.texts("#tables article summary") == ["1 note"]
    [note] = browser.texts("#tables article li")
    assert note.startswith("sigma=0.2: the mean of 2 configurations: ")
    browser.do("choose({ groupBy: [] })")
    assert browser.texts("#swept .warn")[0].startswith(warning)
    assert browser.texts("#tables article summary") == ["1 note on all runs, grouped by noise.sigma"]
    browser.do("choose({ filters: { 'optimizer.actor.lr': '0.1' } })")
    assert browser.texts("#swept .warn") == []
    assert browser.errors() == []


def test_curves_that_are_evaluated_more_or_less_often_get_no_verdict(browser: Browser, tmp_path: Path) -> None:
    """The same rising line every 100 and every 1000 steps: only its last value can be compared."""
    for every, episodes, gamma in ((100, 10, 0.9), (1000, 5, 0.8)):
        for seed in (1, 2, 3, 4, 5):
            keys: dict[str, Any] = {"seed": seed, "gamma": gamma, "eval": {"every": every, "episodes": episodes}}
            folder = write_run(tmp_path / "runs" / f"{every}_{seed}", line(seed, 10_000), **keys)
            rows = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
            (folder / "metrics.jsonl").write_text("".join(rows[:: every // 100]))
    draw(browser, tmp_path, read_report([tmp_path / "runs"], View(), "").payload)
    assert "cannot tell them apart" in browser.texts("#glance li")[0]
    for score in ("last10", "best"):
        browser.do("choose({ score: arguments[0] })", score)
        verdict = browser.texts("#glance li")[0]
        assert (
            "evaluated more or less often, so that the last 10 evaluations begin at 1k and 9.1k: no verdict" in verdict
        )
        assert "[" not in "".join(browser.texts("#tables td:nth-child(7)"))
        assert "begin at 1k and 9.1k" in browser.texts("#swept .warn")[0]
    notes = " ".join(browser.texts("#tables li"))
    assert "differ in eval.episodes: 5, 10 episodes an evaluation" in notes
    assert "differ in their numbers of evaluations, 11, 101" in notes


def test_scores_by_training_episodes_are_alike_where_they_are_of_one_stretch(browser: Browser, tmp_path: Path) -> None:
    """Evaluations at other steps change nothing; 100 episodes of one and 30 of the other are not alike."""

    def training(episodes: int, evaluations: int, end: int = 90_000) -> dict[str, Any]:
        runs = []
        for lr, count, points in ((0.1, 100, 9), (0.2, episodes, evaluations)):
            for seed in range(4):
                returns = np.arange(float(points)) + lr + seed
                averaged = {"last10": points, "training100": count}
                scores = {"last": returns[-1], "last10": 1.0, "training100": lr + seed, "best": returns[-1]}
                to = end if lr == 0.2 else 90_000
                facts = {"averaged": averaged, "scores": scores, "trained_to": to}
                runs.append(run(len(runs), "pendulum", {"lr": str(lr)}, seed, returns, **facts))
        return payload(runs)

    for data, verdict in (
        (training(100, 7), "cannot tell them apart"),
        (training(30, 9), "They are scored by different numbers of training episodes, 30 and 100: no verdict."),
        (training(100, 9, 80_000), "They are scored at different steps, 80k and 90k: no verdict."),
    ):
        draw(browser, tmp_path, data, "#score=training100")
        assert verdict in browser.texts("#glance li")[0]
    assert browser.errors() == []


def test_notes_are_on_the_runs_that_the_command_chose(browser: Browser, tmp_path: Path) -> None:
    """Of one gamma the runs were trained for 300 steps, of the other for 100: of one alone that is no note."""
    for seed in (1, 2):
        write_run(tmp_path / "runs" / f"a{seed}", line(seed, 300), seed=seed, gamma=0.1)
        write_run(tmp_path / "runs" / f"b{seed}", line(seed, 100), seed=seed, gamma=0.2, total_steps=100)
    report = read_report([tmp_path / "runs"], View(filters={"gamma": "0.1"}), "")
    assert report.payload["notes"] == {"pendulum": []}
    data = read_report([tmp_path / "runs"], View(), "").payload
    [note] = data["notes"]["pendulum"]
    assert note.endswith("100 to 300 (column step)")
    draw(browser, tmp_path, data)
    assert browser.texts("#tables article summary") == ["1 note"]
    browser.do("choose({ filters: { gamma: '0.1' } })")
    assert browser.texts("#tables article summary") == ["1 note on all runs"]


def test_a_filter_of_seeds_says_that_the_steps_are_those_of_all_seeds(browser: Browser, tmp_path: Path) -> None:
    runs = [run(seed, "pendulum", {}, seed, np.arange(9.0)) for seed in range(4)]
    draw(browser, tmp_path, payload(runs), "#seed=1,2")
    assert any("leave out seeds of a configuration" in note for note in browser.texts("#tables .note"))
    browser.do("choose({ filters: {} })")
    assert not any("leave out seeds of a configuration" in note for note in browser.texts("#tables .note"))


def test_numbers_are_written_as_in_report_md(browser: Browser, tmp_path: Path) -> None:
    draw(browser, tmp_path, payload([run(0, "pendulum", {}, 1, np.arange(9.0))]))
    sizes = [0.0, -0.0, 1e7, -1.5e12, 9_999_999.4, 12345.678, 1000.0, 999.96, -100.0, 99.987, 1.0, 0.5, 0.012345, -0.0]
    ties = [100.25, 100.75, -100.25, 2.125, 2.375, 1.005, 0.3125, 0.1875, 12_345_000.0, 12_355_000.0, 1.5 * 2**-14]
    values = [*sizes, *ties, 0.00012345, 1.2345e-5, -2e-12, math.pi * 1e-7]
    assert browser.do("return arguments[0].map(scoreNumber)", values) == [number(value) for value in values]
