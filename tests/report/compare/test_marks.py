"""Marks of selection: trials of a study, values tuned on the very seeds, and the best of several."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.report_runs import write_run
from support.studies import plain_definition

import ddpg
from ddpg.report.compare.marks import best_of, flattery, length_marks, study_marks, version_marks
from ddpg.report.compare.scored import Scored
from ddpg.report.reading import find_runs
from ddpg.search.selection import optimism
from ddpg.search.study import StudyFolder


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    """A study whose trials have the seeds 1, 2 and 3."""
    folder = tmp_path / "lr study"
    folder.mkdir()
    found = StudyFolder(folder)
    found.define(replace(plain_definition(seeds=[1, 2, 3]), version=ddpg.__version__))
    return found


def test_trials_of_a_study_are_marked(study: StudyFolder) -> None:
    for trial in (0, 1):
        for seed in (1, 2):
            write_run(study.path / f"trial_{trial}" / f"seed_{seed}", [1.0], seed=seed, gamma=trial / 10)
    [mark] = study_marks(find_runs([study.path]))
    assert mark.startswith("2 trials of the study lr study are here: the best of them was chosen by these scores")
    assert f"ddpg-sweep confirm '{study.path}'" in mark


@pytest.mark.parametrize(
    "words",
    [
        "--config-dir 'lr study'",
        "'--config-dir=lr study'",
        """--config-dir 'lr study' "hydra.searchpath=['file:///own']" """,
    ],
)
def test_values_that_were_tuned_on_the_very_seeds_are_marked(study: StudyFolder, words: str) -> None:
    for seed in (2, 3, 1001):
        folder = write_run(study.path.parent / f"final/{seed}", [1.0], seed=seed)
        start = {"command": f"ddpg-train {words} experiment=best", "directory": str(study.path.parent)}
        (folder / "provenance.json").write_text(json.dumps([start]))
    [mark] = study_marks(find_runs([study.path.parent / "final"]))
    assert "tuned on these very seeds" in mark
    assert "by seeds 2, 3, and these" in mark


def test_other_runs_have_no_mark(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a", [1.0])
    (folder / "provenance.json").write_text(
        json.dumps([{"command": "ddpg-train experiment=best --config-dir /nowhere"}])
    )
    assert study_marks(find_runs([tmp_path])) == []


def test_different_versions_are_marked(tmp_path: Path) -> None:
    for place, mujoco in enumerate(("3.1", "3.2", "3.2")):
        folder = write_run(tmp_path / f"{place}", [1.0], seed=place)
        start = {"versions": {"mujoco": mujoco, "torch": "2.13", "tqdm": f"{place}"}}
        (folder / "provenance.json").write_text(json.dumps([{"submitted": "now"}, start]))
    assert version_marks(find_runs([tmp_path])) == ["the runs had different versions of packages: mujoco 3.1, 3.2"]


def scored(label: str, scores: list[float]) -> Scored:
    values = np.array(scores)
    return Scored("pendulum", label, tuple(range(len(scores))), (), (), values, values, 100.0, 100.0, "last", (), ())


def test_a_step_that_one_configuration_sets_for_all_is_marked() -> None:
    group = {label: replace(scored(label, [1.0]), reached=reached) for label, reached in (("a", 100.0), ("b", 2000.0))}
    assert length_marks({"pendulum": group}) == ["pendulum: compared at step 100, where a ends; others went on to 2k"]
    same = {label: replace(one, reached=2000.0) for label, one in group.items()}
    text = "pendulum: compared at step 100, the last one that all configurations have; others went on to 2k"
    assert length_marks({"pendulum": same}) == [text]
    assert length_marks({"pendulum": {"a": group["a"]}}) == []
    running = replace(group["b"], unfinished=("seed 1 (running at 2k)",))
    assert length_marks({"pendulum": {"a": group["a"], "b": running}}) == []


def test_the_best_of_three_is_marked_by_how_much_that_flatters() -> None:
    three = [scored(label, [0.0, shift, 4.0]) for label, shift in (("a", 1.0), ("b", 2.0), ("c", 3.0))]
    amount = best_of(three)
    assert amount == optimism([one.scores.tolist() for one in three], maximize=True)
    assert "c is the best of 3 and chosen by its score" in (flattery(three) or "")
    assert flattery(three[:2]) is None
    assert best_of([*three, scored("d", [1.0])]) is None
