"""The notebook of examples/: executed with small numbers, and stopped once, as its reader does."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from execute_notebook import NOTEBOOK, STOPPED_RUN, execute

pytestmark = pytest.mark.xdist_group("notebook")  # one process executes it, where pytest-xdist runs several

SMALL = {"STEPS": "500", "SEEDS": "2"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="module")
def shown(folder: Path) -> dict[str, str]:
    """What each cell has shown, by its id, after all have been executed; a picture is `image/png`."""
    return {cell.id: text_of(cell) for cell in execute(NOTEBOOK, folder, SMALL).cells if cell.cell_type == "code"}


def text_of(cell: Any) -> str:
    parts: list[str] = []
    for output in cell.outputs:
        data = output.get("data", {})
        parts += [output.get("text", ""), data.get("text/plain", ""), *(kind for kind in data if kind == "image/png")]
    return "\n".join(parts)


def test_a_stopped_cell_saves_and_the_next_one_goes_on(shown: dict[str, str], folder: Path) -> None:
    assert "stopped\n" in shown["stopped"]
    assert re.search(r"interrupted, \d+ of 500 steps", shown["stopped"])
    assert "equal: True" in shown["resumed"]
    assert (folder / STOPPED_RUN / "metrics.jsonl").exists()


def test_the_frame_of_all_runs_is_drawn(shown: dict[str, str]) -> None:
    assert "0.005" in shown["frame"]
    assert "image/png" in shown["plot"]


def test_the_policy_is_evaluated_and_shown(shown: dict[str, str]) -> None:
    assert re.search(r"mean return -\d+, worst -\d+", shown["evaluate"])
    assert "image/png" in shown["show"]


def test_nothing_is_printed_by_training(shown: dict[str, str]) -> None:
    assert shown["sweep"] == ""


def test_the_notebook_shows_what_it_has_computed() -> None:
    """It is stored as scripts/execute_notebook.py writes it, without a path of a machine, an error or a warning."""
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"stream", "execute_result", "display_data"}
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert sum(text_of(cell) == "image/png" or "image/png" in text_of(cell) for cell in cells) == 2
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|tmp|work|Users|usr)/", text)
    assert len(text) < 300_000
