"""`ddpg-sweep sync` against W&B servers that refuse, break or do not answer."""

from pathlib import Path
from typing import Any

import pytest
import wandb
from support.tracked import HangingTeardown, sync_lines, trained
from support.wandb_server import WandbServer

from ddpg.errors import UserError
from ddpg.record.tracking import wandb_sync
from ddpg.sweep.sync import sync


def test_rows_that_the_server_refuses_are_no_success(
    wandb_server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """wandb's finish() raises nothing then. The next runs are sent nevertheless."""
    monkeypatch.setattr("ddpg.record.tracking.wandb_sync.ARRIVAL_S", 0.0)
    for name in ("a", "b"):
        trained(tmp_path / name, 5, "done", mode="offline")
    wandb_server.refuse = lambda operation: 403 if operation == "file_stream" and len(wandb_server.runs) == 1 else None
    assert not sync(tmp_path)
    refused, taken = capsys.readouterr().out.splitlines()
    assert refused.startswith(f"{tmp_path / 'a'}: failed: W&B did not take all of it; see ")
    assert taken == f"{tmp_path / 'b'}: sent 5 rows"
    wandb_server.refuse = lambda operation: None
    assert sync(tmp_path)
    assert sync_lines(capsys) == ["a: sent 5 rows", "b: nothing to send"]


def test_a_folder_that_is_damaged_does_not_stop_the_others(
    wandb_server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = trained(tmp_path / "a", 5, "done", mode="offline")
    damaged.metrics.write_text("rubbish\nrubbish\n")
    trained(tmp_path / "b", 5, "done", mode="offline")
    assert not sync(tmp_path)
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("metrics.jsonl, line 1 is not JSON: b'rubbish'")
    assert second.endswith("b: sent 5 rows")


@pytest.mark.parametrize("key", [None, "a" * 40], ids=["without key", "without server"])
@pytest.mark.usefixtures("no_wandb_account")
def test_without_key_or_server_it_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str | None) -> None:
    if key:
        monkeypatch.setenv("WANDB_API_KEY", key)
    monkeypatch.setattr("ddpg.record.tracking.wandb_core.CONNECT_S", 1)
    trained(tmp_path / "a", 5, "done", mode="offline")
    with pytest.raises(UserError, match="W&B cannot be reached: ") as caught:
        sync(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_run_that_wandb_has_deleted_does_not_stop_the_others(
    wandb_server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its id is refused for ever; the next run has a new connection."""
    for name in ("a", "b"):
        trained(tmp_path / name, 5, "done", mode="offline")
    attempts = []

    def refuse(operation: str) -> int | None:
        attempts.extend([operation] * (operation == "UpsertBucket"))
        return 404 if operation == "UpsertBucket" and len(attempts) == 1 else None

    wandb_server.refuse = refuse
    assert not sync(tmp_path)
    deleted, taken = capsys.readouterr().out.splitlines()
    assert deleted.startswith(f"{tmp_path / 'a'}: failed: ")
    assert taken == f"{tmp_path / 'b'}: sent 5 rows"


def test_a_connection_that_breaks_does_not_stop_the_others(
    wandb_server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If wandb-core is killed, everything that asks through it fails from then on."""
    for name in ("a", "b"):
        trained(tmp_path / name, 5, "done", mode="offline")
    send = wandb_sync.WandbServer._send_missing

    def broken(server: Any, settings: Any, identity: Any, run: Any) -> wandb_sync.Sent | None:
        if run.folder.name == "a":
            wandb.teardown()
        return send(server, settings, identity, run)

    monkeypatch.setattr(wandb_sync.WandbServer, "_send_missing", broken)
    assert not sync(tmp_path)
    failed, taken = capsys.readouterr().out.splitlines()
    assert failed.startswith(f"{tmp_path / 'a'}: failed: ")
    assert taken == f"{tmp_path / 'b'}: sent 5 rows"


@pytest.mark.usefixtures("no_wandb_account")
def test_a_wandb_core_that_does_not_end_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a server that did not answer, wandb's exit hook sometimes waits without end."""
    trained(tmp_path / "a", 5, "done", mode="offline")
    with monkeypatch.context() as patch:
        teardown = HangingTeardown(patch)
        with pytest.raises(UserError, match="W&B cannot be reached: "):
            sync(tmp_path)
        assert teardown.asked.wait(10)
        assert not teardown.has_ended.is_set()
        teardown.may_end.set()
