"""Who may write into a folder."""

from pathlib import Path

import pytest
from support.command_line import user_error

from ddpg.record.claims import claim, locked, new_folder, release


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


def test_a_file_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(FileExistsError):
        new_folder(tmp_path / "run" / "below")
