"""Runs handed to this machine."""

from pathlib import Path
from typing import Any

import pytest
from support.sweep_folders import write_sweep

from ddpg.interrupt import Interrupted
from ddpg.sweep.execute.handover import train_here
from ddpg.sweep.state.status import states


def test_what_a_signal_kept_from_starting_is_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupt:
        def train(self, runs: Any, interrupt: Any) -> None:
            interrupt.signum = 2

    monkeypatch.setattr("ddpg.sweep.execute.handover.Pool", lambda *_: Interrupt())
    monkeypatch.setattr("ddpg.sweep.state.folder.SweepFolder.directory", tmp_path)
    sweep = write_sweep(tmp_path / "sweep", [{"state": "interrupted"}, None], [], "local")
    train = train_here(sweep, [0, 1], 1)
    with pytest.raises(Interrupted):
        train()
    assert [run.state for run in states(sweep)] == ["interrupted", "cancelled"]
    assert all(run.can_be_retried for run in states(sweep))
