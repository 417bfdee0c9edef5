"""The server stops a run, as W&B's hyperband does."""

import signal
from pathlib import Path

import pytest
from support.tracked import log_rows, settings, tracker_of, wait_until
from support.wandb_server import WandbServer
from wandb.sdk.lib.run_stopping import RunStopChecker

from ddpg.interrupt import InterruptFlag
from ddpg.record.tracking.wandb_core import stop_training


def test_a_stop_of_the_server_is_one_signal_that_saves(
    wandb_server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM, because SIGINT after a SIGTERM of the agent would cut the save short."""
    monkeypatch.setitem(RunStopChecker.__init__.__kwdefaults__, "poll_interval", 0.1)  # seconds, not 15
    tracker = tracker_of(tmp_path, settings(mode="online"))
    tracker.rewind(None)
    log_rows(tracker, 0, 5)
    wandb_server.only_run().stopped = True
    with InterruptFlag() as flag:
        wait_until(lambda: flag.signum is not None)
    assert flag.heard == {signal.SIGTERM}
    tracker.finish(128 + signal.SIGTERM, {})
    assert wandb_server.only_run().state == "failed"


def test_a_stop_of_the_server_does_not_end_a_command_that_only_sends() -> None:
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    stop_training()
