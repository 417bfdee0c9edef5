"""The panels of a study: what the page, the pictures and report.md get."""

import shutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.browser import Browser
from support.command_line import assert_has
from support.populations import write_population
from support.report_runs import write_run
from support.studies import depth, write_confirmation, write_study

from ddpg.report.page.page import write_page
from ddpg.report.payload import assemble, made, read_report
from ddpg.report.study.panels import all_panels, best_so_far, complete_trials, study_panels
from ddpg.report.study.pictures import draw_study
from ddpg.report.study.text import study_section
from ddpg.report.view import View
from ddpg.search.study import StudyFolder

pytestmark = pytest.mark.skipif(find_spec("optuna") is None, reason="needs Optuna")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    """A study of 60 trials, and a second look at its best."""
    folder = write_study(tmp_path_factory.mktemp("studies") / "valley", 60)
    best = complete_trials(study_panels(folder))[0]
    write_confirmation(folder, folder.trials()[best["number"]], [-1.0, -0.5, -0.9, None])
    return folder


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    """A population of 6 members and 8 generations, one of whose members failed."""
    folder = tmp_path_factory.mktemp("populations") / "valley"
    return write_population(
        folder, lambda trial: None if trial.number == 7 else depth(trial.params), population=6, generations=8
    )


def test_a_population(population: StudyFolder, tmp_path: Path) -> None:
    """Scores by generation, and the values of the newest members over env steps, the best first."""
    panels = study_panels(population)
    found = panels["population"]
    assert [len(scores) for scores in found["scores"]] == [6] * 8
    assert found["scores"][1][1] is None
    best = complete_trials(panels)
    assert [trial["number"] for trial in best] == [line["trial"] for line in found["lineages"]]
    assert all(trial["number"] >= 42 for trial in best)
    assert all((line["stages"][0]["start"], line["stages"][-1]["stop"]) == (0, 400) for line in found["lineages"])
    pictures = draw_study(panels, tmp_path)
    assert list(pictures) == ["history", "parallel", "schedule"]
    text = study_section(panels, {name: paths[0] for name, paths in pictures.items()})
    best_line = f"best: trial {best[0]['number']}"
    assert_has(text, f"48 of 48 trials ... {best_line} ... newest generation ... ](study_study_schedule.png)")


@pytest.mark.xdist_group("browser")
def test_the_table_of_scores_has_the_newest_generation(
    population: StudyFolder, browser: Browser, tmp_path: Path
) -> None:
    """Earlier generations trained less; a choice of these alone has them, and so has the table of all runs."""
    folder = tmp_path / "valley"
    shutil.copytree(population.path, folder)
    for trial in StudyFolder(folder).trials().values():
        returns = [0, trial.number, *([trial.number + 100] if trial.number >= 42 else [])]
        write_run(folder / trial.name / f"seed_{trial.seeds[0]}", returns, seed=1, gamma=trial.number)
    report = read_report([folder], View(), "ddpg-report valley")
    assert [float(one.values[0, -1]) for one in report.rated] == [*range(142, 148)]
    assert len(report.samples) == len(report.runs) == 48
    assert report.payload["notes"] == {"pendulum": []}
    joined = read_report([folder], View(group_by=("batch_size",)), "ddpg-report valley")
    assert [one["scored_at"] for one in joined.entries] == [100] * 42 + [200] * 6
    assert [one["scores"]["last"] for one in joined.entries] == [*range(42), *range(142, 148)]
    [note] = joined.payload["notes"]["pendulum"]
    assert note.startswith("batch_size=64: the mean of 6 configurations: gamma=42, ")
    assert len(read_report([folder], View(filters={"gamma": "3,4"}), "ddpg-report valley").rated) == 2
    write_page(report.payload, tmp_path / "index.html")
    browser.open(tmp_path / "index.html")
    assert len(browser.texts("#tables tbody tr")) == 6
    assert_has(browser.texts("#tables")[0], "newest generation")
    assert_has(browser.texts("#glance")[0], "48 runs ... gamma=47 ... is highest ... too few to tell")
    assert browser.value("document.querySelectorAll('#swept circle').length") == 6
    report.payload["runs"][0]["state"] = "running"
    write_page(report.payload, tmp_path / "index.html")
    browser.open(tmp_path / "index.html")
    assert_has(browser.texts("#glance")[0], "Not finished: no verdict")
    browser.open(tmp_path / "index.html", "#gamma=3,4")
    assert len(browser.texts("#tables tbody tr")) == 2


def test_what_is_drawn(study: StudyFolder, tmp_path: Path) -> None:
    panels = study_panels(study)
    states = [trial["state"] for trial in panels["trials"]]
    assert states == ["failed", "pruned", *["complete"] * 58]
    assert panels["score"] == "mean over 2 seeds of the last value of eval/episodic_return"
    assert [one["kind"] for one in panels["dimensions"]] == ["log", "linear"]
    best = complete_trials(panels)[0]
    assert panels["best"][0][0] == 3  # the first trials have no complete score
    assert panels["best"][-1] == [60, best["value"]]
    shares = dict(panels["importances"]["shares"])
    assert shares["tau"] > 0.6 > shares["gamma"]
    assert sum(shares.values()) == pytest.approx(1)
    [row] = panels["confirmation"]["rows"]
    assert (row["trial"], row["confirmed"]["failed"], len(row["confirmed"]["scores"])) == (best["number"], 1, 4)
    assert panels["confirmation"]["difference"] == pytest.approx(row["confirmed"]["score"] - best["value"], abs=1e-6)
    pictures = draw_study(panels, tmp_path)
    assert list(pictures) == ["history", "importances", "parallel", "confirmation"]
    assert all(path.stat().st_size for paths in pictures.values() for path in paths)
    text = study_section(panels, {name: paths[0] for name, paths in pictures.items()})
    assert_has(text, f"60 of 60 ... best: trial {best['number']} ... on new seeds ... ](study_study_history.png)")


def test_a_promoted_trial_ends_once_in_the_history(tmp_path: Path) -> None:
    """Trial 0 was stopped first, went on and ended after trial 1: it has the second place."""
    study = write_study(tmp_path / "promoted", 2)
    first = study.trials()[0]
    assert first.result is not None
    study.write(first.changed(result=replace(first.result, order=2)))
    assert [trial["order"] for trial in study_panels(study)["trials"]] == [1, 0]


def test_studies_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """By their folders, in headings and in the names of pictures, none of which replaces another."""
    places = ("hopper/deep/valley", "walker/deep/valley", "walker/hill")
    for place in places:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    studies = [write_study(tmp_path / place, 2) for place in places]
    found = all_panels([one.path / "trial_0000" / "seed_1" for one in studies])
    assert found is not None
    assert [one["name"] for one in found["studies"]][:2] == ["hopper/deep/valley", "walker/deep/valley"]
    files = [path for one in found["studies"] for paths in draw_study(one, tmp_path).values() for path in paths]
    assert len(set(files)) == len(files) >= 9
    assert study_section(found["studies"][1], {}).startswith("## Study walker/deep/valley")


def test_studies_with_little_to_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without scores, a second look, or Optuna, and of another version: a line says what is missing."""
    study = write_study(tmp_path / "young", 2)
    panels = study_panels(study)
    assert (panels["best"], panels["confirmation"]) == ([], None)
    assert "50 trials" in panels["importances"]["note"]
    assert list(draw_study(panels, tmp_path)) == ["history"]
    assert_has(study_section(panels, {}), "2 of 2 ... no second look yet: ddpg-sweep confirm")
    monkeypatch.setattr("ddpg.report.study.panels.find_spec", lambda name: None)
    assert "Optuna" in study_panels(study)["importances"]["note"]
    path = study.path / "study.json"
    path.write_text(path.read_text().replace('"version": "', '"version": "9'))
    assert "version 9" in study_panels(study)["note"]
    assert all_panels([tmp_path / "elsewhere" / "run"]) is None
    assert best_so_far([], maximize=True) == []


@pytest.mark.xdist_group("browser")
def test_the_page(study: StudyFolder, population: StudyFolder, browser: Browser, tmp_path: Path) -> None:
    """It draws each panel of a search and of a population, without an error in the console."""
    view = View("eval/episodic_return", (), {}, None, None)
    panels = all_panels([one.path / "trial_0000" / "seed_1" for one in (study, population)])
    payload = assemble([], [], view, made([study.path], "ddpg-report", live=False), panels)
    write_page(payload, tmp_path / "page.html")
    browser.open(tmp_path / "page.html")
    assert browser.texts("#study h3") == [
        "Search against confirmation", "History", "Importances", "Parallel coordinates", "Scores so far",
        "tau", "gamma",
        "Search against confirmation", "Generations", "Scores so far", "tau", "gamma",
    ]  # fmt: skip
    assert browser.value("document.querySelectorAll('#study svg[role=img]').length") == 10
    assert browser.value("document.querySelector('#study').innerHTML.includes('NaN')") is False
    assert_has(browser.texts("#study p")[0], "60 of 60 trials: 58 complete, 1 pruned, 1 failed")
    assert browser.errors() == []
