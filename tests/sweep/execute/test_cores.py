"""The cores of this machine: each is claimed once, also by other processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from ddpg.sweep.execute.cores import claimed, usable


@pytest.fixture(autouse=True)
def _own_claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps that this machine trains meanwhile hold cores."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def test_a_core_is_claimed_once() -> None:
    """Also by another sweep on this machine; no core is better than one that is shared."""
    with claimed(len(usable())) as all_of_them:
        assert all_of_them == usable()
        other = "from ddpg.sweep.execute.cores import claimed\nwith claimed(1) as cores: print(cores)"
        assert subprocess.run([sys.executable, "-c", other], capture_output=True, text=True).stdout == "[]\n"
    with claimed(1) as again:
        assert again == usable()[:1]


def test_more_than_there_are() -> None:
    with claimed(len(usable()) + 1) as cores:
        assert cores == []
