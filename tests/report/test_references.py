"""Published scores: those of the documentation, with what differs from the runs of a report."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.report_runs import RETURN, write_run

from ddpg.report.metric import EPISODES, Metric
from ddpg.report.metric_words import WORDS
from ddpg.report.reading import find_runs
from ddpg.report.references import CONVENTIONS, Reference, published, references

ROOT = Path(__file__).parents[2]


def rows_of_documentation() -> list[list[str]]:
    """The rows of the table "Scores to reach": preset, score, here, convention, source."""
    text = (ROOT / "docs" / "presets.md").read_text(encoding="utf-8")
    table = text.partition("## Scores to reach")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| `")]


def numbers_of(scores: Mapping[str, Any]) -> set[float]:
    """Every score, and every ±."""
    return {float(n) for score in scores.values() for n in (score if isinstance(score, list) else [score])}


def test_documentation_has_the_same_numbers() -> None:
    """Whatever the table has in brackets, after "after" or after "from" is a number of steps or of episodes."""
    told: dict[str, set[float]] = {}
    for preset, score, *_ in rows_of_documentation():
        bare = re.sub(r"\([^)]*\)|after \d+( episodes)?|from [\d.]+M|[vV]\d:|\d+ to \d+", "", score)
        found = {
            float(n.replace(",", "")) for n in re.findall(r"-?\d[\d,.]*\d|-?\d", re.sub(r"Walker2d|v\d", "", bare))
        }
        told.setdefault(preset.strip("`"), set()).update(found)
    listed: dict[str, set[float]] = {}
    for table in published().values():
        listed.setdefault(table["preset"], set()).update(numbers_of(table["scores"]))
    precision = {30.0, 175.0, 25.0}  # in words there: "150 to 200", "read off to ± 30"
    for preset, numbers in listed.items():
        assert numbers - precision == told[preset] - precision, preset


def test_every_table_is_complete() -> None:
    presets = {path.stem for path in (ROOT / "conf" / "preset").glob("*.yaml")}
    for table in published().values():
        assert table["preset"] in presets
        assert table["convention"] in CONVENTIONS
        assert str(table["url"]).startswith("https://")


def references_of(tmp_path: Path, metric: str = RETURN, **keys: Any) -> list[Reference]:
    write_run(tmp_path / "a", [1.0], choices={"preset": "cleanrl"}, **keys)
    return references(find_runs([tmp_path]), Metric(metric))


def test_a_difference_of_the_protocol_is_said(tmp_path: Path) -> None:
    [one] = references_of(tmp_path, env__name="halfcheetah-v5", total_steps=300)
    assert (one["score"], one["spread"], one["environment"]) == (10374.07, 157.37, "halfcheetah-v5")
    for words in ("v4 there, v5 here", "1M steps there, 300 here", "with exploration noise there"):
        assert words in one["differs"]


def test_nothing_differs_where_all_is_the_same(tmp_path: Path) -> None:
    [one] = references_of(tmp_path, EPISODES, env__name="halfcheetah-v4", total_steps=1_000_000)
    assert one["differs"] is None


@pytest.mark.parametrize(
    ("metric", "name"), [(RETURN, "pendulum"), ("losses/qf1_loss", "halfcheetah-v4"), (RETURN, "half")]
)
def test_no_reference_for_other_environments_and_metrics(tmp_path: Path, metric: str, name: str) -> None:
    assert references_of(tmp_path, metric, env__name=name) == []


def test_every_metric_of_the_documentation_has_words() -> None:
    text = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8").partition("## Metrics")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)) == WORDS.keys()
