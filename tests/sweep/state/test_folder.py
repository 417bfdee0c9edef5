"""The sweep folder: what a launcher writes is what the commands read, and a lock that ends with its process."""

from pathlib import Path

import pytest

from ddpg.errors import UserError
from ddpg.sweep.state.folder import Submission, SweepFolder, SweepRun, swept_keys


@pytest.fixture
def sweep(tmp_path: Path) -> SweepFolder:
    found = SweepFolder(tmp_path)
    runs = [{"folder": f"{n}_run", "overrides": ["env=hopper", f"seed={n}"]} for n in range(3)]
    found.write({"launcher": {"kind": "local"}, "threads": 2, "directory": "/home", "runs": runs})
    return found


def test_what_was_written(sweep: SweepFolder, tmp_path: Path) -> None:
    assert sweep.exists
    assert (sweep.launcher, sweep.threads, sweep.directory) == ({"kind": "local"}, 2, Path("/home"))
    assert sweep.runs[2] == SweepRun(2, tmp_path / "2_run", ("env=hopper", "seed=2"))


def test_the_newest_task_counts(sweep: SweepFolder) -> None:
    assert sweep.submissions() == []
    first = Submission("2026-01-01T00:00:00+00:00", 1000, "slurm", {"7_0": [0, 1], "7_1": [2]})
    again = Submission("2026-01-02T00:00:00+00:00", 1000, "slurm", {"9": [1]})
    sweep.add_submission(first)
    sweep.add_submission(again)
    assert sweep.submissions() == [first, again]
    assert sweep.tasks().newest == {0: "7_0", 1: "9", 2: "7_1"}


def test_no_sweep(tmp_path: Path) -> None:
    assert not SweepFolder(tmp_path).exists
    with pytest.raises(UserError, match=r"sweep\.json"):
        _ = SweepFolder(tmp_path).runs


def test_one_command_hands_over_at_a_time(sweep: SweepFolder) -> None:
    with sweep.lock(), pytest.raises(UserError, match="see what it did"), sweep.lock():
        pass
    with sweep.lock():
        pass


def test_swept_keys(sweep: SweepFolder) -> None:
    """Keys with different values, and keys that only some runs have."""
    assert swept_keys(sweep.runs) == ["seed"]
    several = [
        SweepRun(0, Path(), ("a=1", "b=2")),
        SweepRun(1, Path(), ("a=1", "b=3", "c=x")),
        SweepRun(2, Path(), ("c=y",)),
    ]
    assert swept_keys(several) == ["b", "c"]
