"""The folder of a fork: its files, and what leaves no half of it."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from support.forks import assert_same_tensors, forked, newest_state

from ddpg.config.settings import group
from ddpg.record.run_folder import RunFolder
from ddpg.run.fork import fork
from ddpg.sweep.freeze import FrozenRun, freeze
from ddpg.sweep.state.folder import SweepFolder
from ddpg.sweep.state.status import states
from ddpg.training.checkpoint import Checkpoints

Resolved = Callable[..., dict[str, Any]]


def test_the_folder_of_a_fork(source: Path, config: Resolved) -> None:
    """It stands where the source stands, says so, and shares the files that never change."""
    target = forked(source, config("tau=0.5"), overrides=[f"fork={source}", "tau=0.5", "seed=1"], submitted="now")
    state = newest_state(source)
    env_step = state["progress"]["env_step"]
    configuration = group(yaml.safe_load((source / "config.yaml").read_text()))
    assert target.status() == {"state": "interrupted", "env_step": env_step, "kernels": ["torch"]}
    written = yaml.safe_load(target.config.read_text())
    assert (written["tau"], written["forked"]) == (0.5, {"configuration": configuration, "env_step": env_step})
    origin = {"run": "source", "configuration": configuration, "env_step": env_step}
    words = ["noise=ou", "seed=1", f"fork={source}", "tau=0.5"]
    assert target.starts() == [{"overrides": words, "submitted": "now", "fork": origin}]
    assert target.metrics.read_bytes() == (source / "metrics.jsonl").read_bytes()[: state["tracker"]["bytes"]]
    assert_same_tensors(torch.load(target.actor, weights_only=True)["actor"], state["actor"])
    for path in target.checkpoints.glob("replay-*"):
        assert path.samefile(source / "checkpoint" / path.name)
    assert sorted(path.name for path in source.parent.iterdir()) == ["fork", "source"]


def test_a_source_that_trains_drops_what_was_found(
    source: Path, config: Resolved, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The states that are there when it is looked again count; a damaged one does not."""
    (newest_path,) = sorted((source / "checkpoint").glob("state-*.pt"))[-1:]
    late = newest_path.with_name("state-000000000170.pt")
    read = Checkpoints._read

    def _read(self: Checkpoints, path: Path, *checks: Any) -> dict[str, Any]:
        saved = read(self, path, *checks)
        if path == newest_path and not late.exists():
            newest_path.rename(late)
            late.with_name("state-000000000175.pt").write_bytes(b"damaged")
        return saved

    monkeypatch.setattr(Checkpoints, "_read", _read)
    target = forked(source, config())
    assert [path.name for path in target.checkpoints.glob("state-*")] == [late.name]


def test_the_state_is_read_once(source: Path, config: Resolved, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is written with another best return, because that of a run with priorities is large."""
    read = []
    load = torch.load
    monkeypatch.setattr(torch, "load", lambda path, **options: read.append(path) or load(path, **options))
    forked(source, config("tau=0.5"))
    assert read == [max((source / "checkpoint").glob("state-*.pt"))]


def test_a_fork_is_built_where_its_folder_is(source: Path, config: Resolved, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not beside a link to it, because no folder can be renamed from one disk to another."""
    folder = source.parent / "disk" / "run"
    folder.mkdir(parents=True)
    source.with_name("fork").symlink_to(folder)
    moved = []
    monkeypatch.setattr("ddpg.run.fork._move", lambda built, target: moved.append((built.parent, target)))
    forked(source, config())
    assert moved == [(folder.parent, folder)]


def test_a_best_actor_that_came_later_is_not_taken(source: Path, config: Resolved) -> None:
    stored = torch.load(source / "actor_best.pt", weights_only=True)
    torch.save(stored | {"env_step": 175}, source / "actor_best.pt")
    assert not forked(source, config()).best_actor.exists()


def test_without_hard_links_files_are_copied(source: Path, config: Resolved, monkeypatch: pytest.MonkeyPatch) -> None:
    def _refuse(*_: Any) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(os, "link", _refuse)
    target = forked(source, config())
    for path in target.checkpoints.iterdir():
        assert path.read_bytes() == (source / "checkpoint" / path.name).read_bytes()
        assert not path.samefile(source / "checkpoint" / path.name)


@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
def test_a_kill_leaves_no_half_of_a_fork(
    source: Path, config: Resolved, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    """Whatever step fails, the folder has no checkpoint, and the next attempt makes the whole fork."""
    target = RunFolder(source.with_name("fork"))
    if there:
        target.path.mkdir()
        (target.path / "train.log").touch()
    values = config()
    steps = 0

    def _counted(function: Callable[..., Any], last: int) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps > last:
                raise KeyboardInterrupt
            return function(*args, **kwargs)

        return call

    calls = ("os.link", "os.fsync", "pathlib.Path.replace", "pathlib.Path.rename")
    for last in range(0, 100, 3):
        steps = 0
        with monkeypatch.context() as patch:
            for name in calls:
                module, _, attribute = name.rpartition(".")
                owner: Any = {"os": os, "pathlib.Path": Path}[module]
                patch.setattr(owner, attribute, _counted(getattr(owner, attribute), last))
            try:
                fork(RunFolder(source), target, values, {})
                break
            except KeyboardInterrupt:
                assert there or not target.path.exists() or target.checkpoints.exists()
        if target.checkpoints.exists():  # the last of the files by which a run goes on
            break
    assert last > 10
    state = newest_state(target.path)
    assert target.saved_step() == RunFolder(source).saved_step()
    assert target.metrics.stat().st_size == state["tracker"]["bytes"]
    assert yaml.safe_load(target.config.read_text())["forked"]["env_step"] == state["progress"]["env_step"]
    assert json.loads((target.path / "provenance.json").read_text())
    assert sorted(path.name for path in source.parent.iterdir()) == ["fork", "source"]


def test_a_frozen_fork_does_not_depend_on_its_source(source: Path, config: Resolved) -> None:
    """It is made when its sweep is frozen; the same sweep frozen again, or without its source, leaves it as it is."""
    sweep = SweepFolder(source.with_name("sweep"))
    run = FrozenRun(0, sweep.path / "0", [f"fork={source}", "tau=0.5"], config("tau=0.5"))
    freeze(sweep, [run], alive=(), handling={})
    content = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    assert RunFolder(run.path).saved_step() == RunFolder(source).saved_step()
    assert "commit" in RunFolder(run.path).starts()[0]
    assert [one.state for one in states(sweep)] == ["interrupted"]
    shutil.rmtree(source)
    freeze(sweep, [run], alive=(), handling={})
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == content
