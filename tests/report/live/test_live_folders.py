"""Run folders below a folder: found when they appear, missed when they go, and never outside."""

import os
from pathlib import Path

import pytest

from ddpg.report.live import folders as module
from ddpg.report.live.folders import Folders


def make_run(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / "status.json").write_text("{}")
    return path


def names(found: list[Path], top: Path) -> list[str]:
    return [str(path.relative_to(top)) for path in found]


def test_runs_and_sweeps_come_and_go(tmp_path: Path) -> None:
    folders = Folders([tmp_path])
    assert folders.find() == ([], [])
    make_run(tmp_path / "day" / "10_seed=1")
    make_run(tmp_path / "day" / "2_seed=1" / "checkpoint").parent.joinpath("status.json").write_text("{}")
    make_run(tmp_path / ".hidden" / "run")
    (tmp_path / "day" / "sweep.json").write_text("{}")
    runs, sweeps = folders.find()
    assert names(runs, tmp_path) == ["day/2_seed=1", "day/10_seed=1"]
    assert names(sweeps, tmp_path) == ["day"]
    (tmp_path / "day" / "2_seed=1").rename(tmp_path / ".gone")
    assert names(folders.find()[0], tmp_path) == ["day/10_seed=1"]


def test_a_folder_that_did_not_change_is_not_listed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "day").mkdir()
    make_run(tmp_path / "run")
    for path in (tmp_path, tmp_path / "day"):
        os.utime(path, (1e9, 1e9))
    listed: list[Path] = []
    list_folder = module._list
    monkeypatch.setattr(module, "_list", lambda path: listed.append(path) or list_folder(path))
    folders = Folders([tmp_path])
    folders.find()
    folders.find()
    assert listed == [tmp_path, tmp_path / "day"]
    make_run(tmp_path / "day" / "new")
    assert names(folders.find()[0], tmp_path) == ["day/new", "run"]
    assert listed == [tmp_path, tmp_path / "day", tmp_path / "day"]


def test_links_that_lead_out_are_left_out(tmp_path: Path) -> None:
    outside = make_run(tmp_path / "outside")
    served = tmp_path / "served"
    make_run(served / "with_link")
    (served / "with_link" / "config.yaml").symlink_to(outside / "status.json")
    (served / "folder_link").symlink_to(outside)
    make_run(served / "inside")
    (served / "inside" / "config.yaml").symlink_to("status.json")
    folders = Folders([served])
    assert names(folders.find()[0], served) == ["inside"]
    assert folders.holds(served / "inside" / "config.yaml")
    assert not folders.holds(served / "with_link" / "config.yaml")
    assert not folders.holds(served / ".." / "outside" / "status.json")


def test_a_folder_that_is_named_twice_gives_its_runs_once(tmp_path: Path) -> None:
    make_run(tmp_path / "day" / "run")
    assert len(Folders([tmp_path, tmp_path / "day", tmp_path]).find()[0]) == 1
