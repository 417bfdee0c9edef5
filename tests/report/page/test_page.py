"""The page of a report in a real browser: it shows what the data say, and its controls do what they promise."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from support.browser import Browser
from support.report_payload import LOSS, RETURN, learning, missing, payload, run, sweep

from ddpg.report.arrays import decode
from ddpg.report.intervals import mean_interval
from ddpg.report.page.page import page, write_page

pytestmark = pytest.mark.xdist_group("browser")

HACK = "<img src=x onerror='window.hacked=1'></script><script>window.hacked=1</script>"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """Write the page of 2 environments, 3 presets and 5 seeds, of which two runs failed."""
    data = sweep()
    data["runs"][0] |= {"state": "failed", "error": f"RuntimeError: {HACK}\nsecond line", "counts": False}
    data["runs"][1] |= {"state": "failed", "error": "OutOfMemory", "counts": False, "note": "failed at 20k"}
    data["missing"] = [missing(99, seed=9, command="ddpg-train seed=9")]
    path = tmp_path_factory.mktemp("page") / "index.html"
    write_page(data, path)
    return data, path


def draw(browser: Browser, folder: Path, data: dict[str, Any], view: str = "") -> None:
    """Write and open the page of a payload."""
    path = folder / "index.html"
    write_page(data, path)
    browser.open(path, view)


def lines(browser: Browser) -> list[str]:
    """List the labels of the mean lines in the first chart."""
    return browser.value("[...charts][0].lines.filter((line) => !line.thin).map((line) => line.label)")


def rows(browser: Browser) -> list[str]:
    """List the configurations in the first table, from top to bottom."""
    return browser.texts("#tables article:first-of-type tbody th")


def test_page_draws_without_an_error_or_a_request(browser: Browser, made: tuple[dict[str, Any], Path]) -> None:
    browser.open(made[1])
    assert browser.texts("#panels h3") == ["halfcheetah-v4", "hopper-v4"]
    assert browser.value("document.querySelectorAll('#panels canvas').length") == 2
    assert "2 failed" in browser.texts("#glance p")[0]
    assert browser.requests() == []
    assert browser.errors() == []


def test_means_and_intervals_equal_pythons(browser: Browser, made: tuple[dict[str, Any], Path]) -> None:
    data, path = made
    browser.show(path)
    curve = "groupCurve(state.model.environments[1].groups[2], 'eval/episodic_return', 'step', state.payload.t)"
    drawn = browser.do(f"const c = {curve}; return [c.x, c.y, c.low, c.high]")
    same = [one for one in data["runs"] if one["environment"] == "hopper-v4" and one["keys"]["preset"] == "td3"]
    values = np.array([decode(one["curves"][RETURN]["value"]) for one in same])
    bounds = mean_interval(values)
    assert bounds is not None
    np.testing.assert_array_equal(drawn[0], decode(same[0]["curves"][RETURN]["step"]))
    np.testing.assert_allclose(drawn[1:], [values.mean(axis=0), *bounds], rtol=1e-6)
    rng = np.random.default_rng(0)
    for seeds in (1, 2, 3, 7, 20):
        sample = rng.lognormal(3, 1, seeds)
        shown = browser.do("return meanInterval(arguments[0], state.payload.t)", sample.tolist())
        expected = mean_interval(sample)
        close = {"rel": 1e-6, "abs": 1e-6 * sample.max()}
        assert shown["mean"] == pytest.approx(sample.mean(), **close)
        own = None if shown["low"] is None else [shown["low"], shown["high"]]
        assert own == (None if expected is None else pytest.approx(expected.tolist(), **close))
    one, other = values[:, -1], values[:3, 0]
    difference = browser.do("return differenceInterval(...arguments, state.payload.t)", one.tolist(), other.tolist())
    welch = stats.ttest_ind(one, other, equal_var=False).confidence_interval()
    width = difference["high"] - difference["low"]
    assert width == pytest.approx(welch.high - welch.low, rel=5e-3)  # the quantile between whole degrees of freedom
    assert difference["low"] + width / 2 == pytest.approx((welch.low + welch.high) / 2)


def test_curves_of_other_axes_and_metrics(browser: Browser, made: tuple[dict[str, Any], Path]) -> None:
    data, path = made
    browser.show(path, f"#metric={LOSS}&x=hours&log=y")
    assert browser.value("[...charts][0].scale") == "log"
    hours = browser.value("[...curveOf(state.payload.runs[3], 'losses/qf1_loss', 'hours').x]")
    steps = decode(data["runs"][3]["curves"][RETURN]["step"])
    np.testing.assert_allclose(hours, steps / data["runs"][3]["steps_per_second"] / 3600, rtol=1e-6)
    assert "wall time (hours)" in browser.do("return [...charts][0].options.x.label")
    browser.do("choose({x: 'updates'})")
    assert browser.value("curveOf(state.payload.runs[3], 'losses/qf1_loss', 'updates').x[0]") == pytest.approx(9000)
    browser.do("choose({metric: 'eval/episodic_return', x: 'step'})")
    assert browser.errors() == []


def test_toggle_and_the_back_button(browser: Browser, made: tuple[dict[str, Any], Path]) -> None:
    browser.show(made[1])
    browser.find("[data-key='line preset=td3']").click()
    assert browser.view == "#hidden=preset=td3"
    assert lines(browser) == ["preset=cleanrl", "preset=paper"]
    assert browser.value("document.activeElement.dataset.key") == "line preset=td3"
    browser.driver.back()
    browser.wait("state.view.hidden.length === 0")
    assert lines(browser) == ["preset=cleanrl", "preset=paper", "preset=td3"]


def test_single_seeds_and_those_left_out(browser: Browser, made: tuple[dict[str, Any], Path]) -> None:
    browser.show(made[1])
    count = "[...charts][0].lines.filter((line) => line.thin).length"
    assert browser.value(count) == 15
    assert browser.value("[...charts][0].lines.filter((line) => line.cross).length") == 2
    browser.do("choose({seeds: 'off'})")
    assert browser.value(count) == 0
    assert browser.view == "#seeds=off"


def test_filter_and_group_in_the_words_of_the_command_line(browser: Browser, tmp_path: Path) -> None:
    from selenium.webdriver import Keys

    draw(browser, tmp_path, sweep(environments=1, configurations=10, seeds=3, points=5))
    field = browser.find("input[data-key='filter']")
    field.send_keys("preset=td3,paper lr=1e-3\n")
    assert browser.view == "#preset=td3,paper&optimizer.actor.lr=1e-3"
    assert lines(browser) == ["preset=paper optimizer.actor.lr=0.001", "preset=td3 optimizer.actor.lr=0.001"]
    field = browser.find("input[data-key='group_by']")
    field.send_keys("optimizer.actor.lr\n")
    assert browser.view == "#group_by=optimizer.actor.lr&preset=td3,paper&optimizer.actor.lr=1e-3"
    assert lines(browser) == ["optimizer.actor.lr=0.001"]
    assert "2 configurations, not over seeds alone" in browser.texts("#panels .note")[0]
    field = browser.find("input[data-key='group_by']")
    field.send_keys(Keys.CONTROL, "a", Keys.NULL, "optimiser.actor.lr\n")
    assert "Did you mean optimizer.actor.lr?" in browser.find("#toolbar").text
    assert browser.errors() == []


def test_zoom_by_dragging_and_back(browser: Browser, made: tuple[dict[str, Any], Path]) -> None:
    from selenium.webdriver import ActionChains

    browser.show(made[1])
    chart = browser.find("#panels .u-over")
    drag = ActionChains(browser.driver, duration=20).move_to_element_with_offset(chart, -100, 0)
    drag.click_and_hold().move_by_offset(150, 2).release().perform()
    low, high = browser.value("[[...charts][0].plot.scales.x.min, [...charts][0].plot.scales.x.max]")
    assert 100_000 < low < high < 450_000
    assert browser.view.startswith("#zoom=halfcheetah-v4:")
    ActionChains(browser.driver, duration=20).double_click(browser.find("#panels .u-over")).perform()
    assert browser.view == ""
    assert browser.value("[...charts][0].plot.scales.x.max") == 500_000


def test_pointing_reads_values(browser: Browser, made: tuple[dict[str, Any], Path]) -> None:
    browser.show(made[1])
    browser.do("const { plot } = [...charts][0]; plot.setCursor({left: plot.valToPos(500000, 'x'), top: 50})")
    browser.wait("!document.querySelector('#panels .tooltip').hidden")
    text = browser.value("document.querySelector('#panels .tooltip').innerText")
    assert text.startswith("step 500k")
    assert "n = 3" in text
    assert "n = 5" in text


def test_table_sorts(browser: Browser, made: tuple[dict[str, Any], Path]) -> None:
    browser.show(made[1])
    assert rows(browser) == ["preset=cleanrl", "preset=td3", "preset=paper"]
    browser.find("#tables [data-key='sort last']").click()
    assert rows(browser) == ["preset=paper", "preset=td3", "preset=cleanrl"]
    assert browser.find("#tables th[aria-sort='ascending']").text.startswith("last evaluation")
    assert browser.view == "#sort=last"
    assert "3 of 5" in browser.texts("#tables article:first-of-type tbody tr")[0]
    assert browser.texts("#tables article:first-of-type td:nth-child(7)")[2] == "highest"
    few = "[3, 7, 0].map((count) => ({ averaged: { last10: count } }))"
    assert browser.value(f"conventionTitle('last10', {few})") == "last 3 to 7 evaluations"


def test_steps_to_a_threshold(browser: Browser, tmp_path: Path) -> None:
    curves = [[0.0, 50, 100], [0.0, 100, 20], [0.0, 10, 20], [0.0, 30, 100]]
    draw(browser, tmp_path, payload([run(n, "pendulum", {}, n, np.array(one)) for n, one in enumerate(curves)]))
    browser.find("[data-key='threshold pendulum']").send_keys("90\n")
    assert browser.view == "#threshold=pendulum:90"
    assert browser.texts("#tables tbody td")[-4:-2] == ["30k (3 of 4)", "2 of 4"]


def test_address_gives_the_same_view(browser: Browser, made: tuple[dict[str, Any], Path]) -> None:
    view = (
        "#x=hours&seeds=on&sort=-hours&score=last10&log=y&references=on&group_by=preset&hidden=preset=td3"
        "&zoom=hopper-v4:0.1:0.3:10:2000&threshold=hopper-v4:900&seed=1,2,3"
    )
    browser.open(made[1], view)
    assert browser.value("hashOf(state.view, state.payload)") == view.removeprefix("#")
    assert browser.value("[...charts][1].plot.scales.x.max") == pytest.approx(0.3)
    assert browser.value("state.model.runs.length") == 18
    assert browser.errors() == []


def test_text_of_users_stays_text(browser: Browser, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    runs = [run(n, f"env {HACK}", {"name": f"{HACK}{n % 2}"}, n, learning(rng, 9)) for n in range(8)]
    runs[0] |= {"state": "failed", "error": HACK, "note": HACK, "command": HACK, "config": HACK, "counts": False}
    data = payload(runs)
    data["references"][0] |= {"preset": HACK, "source": HACK, "url": "javascript:window.hacked=1", "differs": HACK}
    data["made"]["folders"] = [HACK]
    draw(browser, tmp_path, data, "#references=on")
    assert HACK in browser.find("#failures").text
    assert HACK in browser.find("#tables").text
    browser.do("openRun(0)")
    assert HACK in browser.find("#run pre").text
    assert browser.value("document.querySelectorAll('img, a[href^=javascript]').length") == 0
    assert browser.value("window.hacked") is None
    assert HACK not in page(data)


def test_failed_and_missing_runs_are_named(browser: Browser, made: tuple[dict[str, Any], Path]) -> None:
    browser.show(made[1])
    text = browser.find("#failures").text
    assert "second line" not in text
    assert "OutOfMemory" in text
    assert "failed at 20k" in text
    assert "S/99" in text
    assert "ddpg-train seed=9" in text
    assert "no verdict" not in browser.texts("#glance li")[0]


def test_few_seeds_get_no_verdict_and_many_waiting_runs_are_folded(browser: Browser, tmp_path: Path) -> None:
    data = sweep(environments=1, seeds=3)
    data["missing"] = [missing(number, seed=number) for number in range(100, 112)]
    draw(browser, tmp_path, data, "#score=nonsense")
    ordered = ["0.001", "lr=0.0003 b", "lr=0.001 a", "lr=2e-2", "r/9_a", "r/10_a"]
    assert browser.do("return [...arguments[0]].reverse().sort(byNature)", ordered) == ordered
    assert browser.do("return ['x=1', 'x=-2', 'x=-10'].sort(byNature)") == ["x=-10", "x=-2", "x=1"]
    assert "too few to tell" in browser.texts("#glance li")[0]
    assert len(browser.texts("#failures tbody tr")) == 8
    assert browser.texts("#failures summary") == ["and 4 without a record"]
    assert browser.errors() == []


def test_unequal_training_gets_no_verdict_and_a_repeated_seed_counts_once(browser: Browser, tmp_path: Path) -> None:
    data = sweep(environments=1, seeds=5)
    places = {name: place for place, name in enumerate(sorted({run["configuration"] for run in data["runs"]}), 1)}
    for one in data["runs"]:
        one["scored_at"] = 10_000 * places[one["configuration"]]
    data["runs"][0] |= {"counts": False, "superseded": True, "state": "failed"}
    draw(browser, tmp_path, data)
    verdict = browser.texts("#glance li")[0]
    assert "They are scored at different steps, 10k and 30k" in verdict
    assert "no verdict" in verdict
    assert "[" not in "".join(browser.texts("#tables td:nth-child(7)"))
    assert sorted(browser.texts("#tables td:nth-child(3)")) == ["10k", "20k", "30k"]
    assert browser.texts("#tables tbody td:nth-child(2)").count("4") == 1
    assert "failed" not in browser.texts("#glance .warn li")[0]


def test_runs_without_a_record_follow_the_filter_and_are_counted_by_what_is_known(
    browser: Browser, tmp_path: Path
) -> None:
    data = sweep(environments=1, configurations=2, seeds=4)
    data["missing"] = [missing(1, 5, keys={"preset": "td3"}), missing(2, environment=None, state="without a folder")]
    draw(browser, tmp_path, data)
    assert "10 runs in" in browser.texts("#glance p")[0]
    assert "8 done, 1 not started and 1 without a folder." in browser.texts("#glance p")[0]
    assert browser.texts("#failures td:nth-child(3)") == ["5", "\N{EN DASH}"]
    assert browser.texts("#failures td .state") == ["not started", "without a folder"]
    browser.do("choose({ filters: { preset: 'paper' } })")
    assert "4 done." in browser.texts("#glance p")[0]
    assert browser.texts("#failures td") == []


def test_page_of_a_run(browser: Browser, made: tuple[dict[str, Any], Path]) -> None:
    browser.show(made[1])
    browser.find("#failures a").click()
    assert browser.view == "#run=0"
    shown = browser.find("#run").text
    for words in ("ddpg-train env=halfcheetah-v4 seed=1", "second line", "node7", "0.005", "L of line 13."):
        assert words in shown
    assert browser.value("document.querySelectorAll('#run canvas').length") == 2
    browser.driver.back()
    browser.wait("!byId('overview').hidden")
    assert browser.value("charts.size") == 2
    browser.show(made[1], "#run=77")
    assert "This report has no run 77." in browser.find("#run").text
    assert browser.errors() == []


def test_swept_keys(browser: Browser, tmp_path: Path) -> None:
    data = sweep(environments=1, configurations=10, seeds=2, points=5)
    draw(browser, tmp_path, data)
    assert browser.value("document.querySelectorAll('#swept circle').length") == 40
    assert sorted(browser.texts("#swept tbody th code")) == ["optimizer.actor.lr", "preset"]
    scores = [one["scores"]["last"] for one in data["runs"] if one["keys"]["optimizer.actor.lr"] == "0.001"]
    effect = browser.value("effectOf(state.model.runs, 'optimizer.actor.lr').groups")
    mean = next(np.mean(group["scores"]) for group in effect if group["name"] == "0.001")
    assert mean == pytest.approx(np.mean(scores))
    assert len(browser.texts("#swept .heat tbody td")) == 10


def test_references_are_drawn_and_marked(browser: Browser, made: tuple[dict[str, Any], Path]) -> None:
    browser.show(made[1], "#references=on")
    assert browser.value("[...charts][0].plot.scales.y.max") >= 9500
    assert "≠ the protocol differs: training episodes" in browser.find("#panels").text
    assert browser.value("referenceLabel(state.payload.references[0])") == "≠ cleanrl 9500.0"


def test_new_data_keep_the_view(browser: Browser, made: tuple[dict[str, Any], Path]) -> None:
    browser.show(made[1], "#hidden=preset=td3&sort=seeds")
    browser.find("[data-key='threshold hopper-v4']").send_keys("12")
    browser.do("state.payload.runs.push({...state.payload.runs[14], id: 99, seed: 6}); showPayload({...state.payload})")
    assert lines(browser) == ["preset=cleanrl", "preset=paper"]
    assert "6" in browser.texts("#tables tbody tr:first-child td") + browser.texts("#tables tbody tr:last-child td")
    assert browser.view == "#hidden=preset=td3&sort=seeds"
    assert browser.value("document.activeElement.value") == "12"
    assert browser.errors() == []
    browser.do("state.payload.runs.pop(); showPayload(state.payload)")


@pytest.mark.parametrize("odd", ["one run", "no evaluations", "no runs", "one point", "40 configurations"])
def test_odd_data(odd: str, browser: Browser, tmp_path: Path) -> None:
    runs = {
        "one run": [run(0, "pendulum", {}, 1, np.array([-3.0, -2, -1]))],
        "no evaluations": [run(n, "pendulum", {}, n, np.empty(0)) for n in range(3)],
        "no runs": [],
        "one point": [run(n, "pendulum", {}, n, np.array([5.0])) for n in range(4)],
        "40 configurations": sweep(1, 40, 3, 5)["runs"],
    }[odd]
    draw(browser, tmp_path, payload(runs), "#log=y")
    empty = browser.value("[...document.querySelectorAll('#panels .panel')].every((one) => one.innerText.length > 20)")
    assert empty
    if odd == "40 configurations":
        looks = "new Set([...state.model.looks.values()].map((look) => JSON.stringify(look))).size"
        assert browser.value(looks) == 22
        browser.do("focusLine('preset=td3 optimizer.actor.lr=0.001 noise.sigma=0.1')")
        fills = browser.value("[...charts][0].plot.bands.map((band) => band.fill([...charts][0].plot))")
        assert sum(fill != "rgba(0,0,0,0)" for fill in fills) == 1
    assert browser.errors() == []


def test_theme_and_print(browser: Browser, made: tuple[dict[str, Any], Path]) -> None:
    browser.show(made[1])
    paper = "getComputedStyle(document.body).backgroundColor"
    assert browser.value(paper) == "rgb(255, 255, 255)"
    browser.find("#theme").click()
    assert browser.value(paper) == "rgb(20, 23, 28)"
    printed = browser.driver.execute_cdp_cmd("Page.printToPDF", {})["data"]
    assert len(printed) > 10_000
    assert browser.value(paper) == "rgb(20, 23, 28)"
    assert browser.errors() == []
