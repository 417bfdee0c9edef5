"""Who may write into a folder."""

import errno
import fcntl
from pathlib import Path
from threading import Timer

import pytest
from support.command_line import user_error

from ddpg.record import claims
from ddpg.record.claims import claim, locked, new_folder, release
from ddpg.record.run_folder import RunFolder


def test_a_new_folder_is_nobody_elses(tmp_path: Path) -> None:
    names = [new_folder(tmp_path / "outputs" / "run").name for _ in range(3)]
    assert names == ["run", "run-2", "run-3"]


def test_a_claim_keeps_others_out_until_its_block_ends(tmp_path: Path) -> None:
    claim(tmp_path, "run", "in use")
    with user_error("in use"):
        claim(tmp_path, "run", "in use")
    with locked(tmp_path, "run", "in use"), user_error("in use"), locked(tmp_path, "run", "in use"):
        pass
    with locked(tmp_path, "run", "in use"):
        pass


def test_a_claim_without_a_block_is_released(tmp_path: Path) -> None:
    claim(tmp_path, "run", "in use")
    release(tmp_path)
    with locked(tmp_path, "run", "in use"):
        release(tmp_path)  # which is not for the lock of a block
        with user_error("in use"):
            claim(tmp_path, "run", "in use")


@pytest.fixture
def broken_flock(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A file system whose flock fails with the errno of the test's parameter."""

    def fail(*_: object) -> None:
        raise OSError(request.param, "no luck")

    monkeypatch.setattr(fcntl, "flock", fail)
    claims._warn_of_missing_locks.cache_clear()


@pytest.mark.parametrize("broken_flock", [errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK], indirect=True)
@pytest.mark.usefixtures("broken_flock")
def test_a_file_system_without_locks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One warning; processes that cannot do without are refused."""
    claim(tmp_path, "run", "in use")
    for _ in range(2):
        with locked(tmp_path, "run", "in use"):
            pass
    (warning,) = caplog.messages
    assert "no luck" in warning
    with user_error("study cannot be locked: no luck"), locked(tmp_path, "study", "in use", is_shared=True):
        pass


@pytest.mark.parametrize("broken_flock", [errno.EIO], indirect=True)
@pytest.mark.usefixtures("broken_flock")
def test_a_lock_that_fails(tmp_path: Path) -> None:
    with user_error("run cannot be locked: no luck"), locked(tmp_path, "run", "in use"):
        pass


def test_a_look_at_a_run_does_not_keep_it_from_starting(tmp_path: Path) -> None:
    """Whoever asks for the state of a run holds its lock for an instant."""
    with (tmp_path / ".lock").open("w") as look:
        fcntl.flock(look, fcntl.LOCK_SH)
        Timer(0.05, lambda: fcntl.flock(look, fcntl.LOCK_UN)).start()
        with RunFolder(tmp_path).lock():
            pass


def test_a_file_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(FileExistsError):
        new_folder(tmp_path / "run" / "below")
