"""The cores of this machine: each is claimed once, also by other processes."""

import os
import stat
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


def test_claims_of_all_users_meet(tmp_path: Path) -> None:
    """Any user can lock a file that is readable; anybody can make one in the folder, and nobody remove another's."""
    before = os.umask(0o077)
    try:
        with claimed(1) as cores:
            (file,) = (tmp_path / "ddpg-cores").iterdir()
            assert file.name == str(cores[0])
            assert stat.S_IMODE(file.stat().st_mode) == 0o644
            assert stat.S_IMODE(file.parent.stat().st_mode) == 0o1777
            file.chmod(0o444)
            with claimed(1) as others:
                assert others != cores
    finally:
        os.umask(before)
