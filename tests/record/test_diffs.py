"""Each uncommitted diff is in provenance.json once."""

from pathlib import Path
from typing import Any

import pytest

from ddpg.record.run_folder import RunFolder


def start(diff: str, of_directory: str | None = None) -> dict[str, Any]:
    directory = None if of_directory is None else {"root": "there", "diff": of_directory}
    return {"git": {"root": "here", "diff": diff, "diff_cut_by": 0}, "git_of_directory": directory}


def test_a_run_that_is_started_again_and_again(tmp_path: Path) -> None:
    """The file grows by a few bytes a start, and all starts are read as they were."""
    frozen = {"commit": "abc", "submitted": "now"}
    long, other = 1000 * "x", 1000 * "y"
    starts = [frozen, start(long), start(long, long), start(other, long), start(long, other), start(""), start("")]
    folder = RunFolder(tmp_path)
    for one in starts:
        folder.add_start(one)
    folder.amend_start(more=1)
    assert folder.starts() == [*starts[:-1], starts[-1] | {"more": 1}]
    text = folder.provenance.read_text()
    assert (text.count(long), text.count(other)) == (2, 2)
    assert text.count('"diff_of_start": 1') == 2


@pytest.mark.parametrize("damaged", ["[1]", '[{"git": 1}]', '[{"git": {"diff_of_start": 7}}]'])
def test_a_file_that_somebody_has_changed(tmp_path: Path, damaged: str) -> None:
    folder = RunFolder(tmp_path)
    folder.provenance.write_text(damaged)
    folder.add_start({})
    assert len(folder.starts()) == 2
