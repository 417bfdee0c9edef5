"""wandb.json: a run folder's one W&B run."""

from pathlib import Path

import pytest
from support.tracked import log_rows, plain_rows, recorded, settings, tracker_of
from support.wandb_server import WandbServer

from ddpg.record.tracking.wandb_identity import WandbIdentity, known_identity

NEWEST = "wandb/run-20260101_120000-abc123def456"


def test_a_new_folder_has_none_and_gets_its_own(tmp_path: Path) -> None:
    assert known_identity(tmp_path) is None
    one, two = WandbIdentity.of(tmp_path, "g", "n"), WandbIdentity.of(tmp_path, "g", "n")
    assert one.id != two.id
    one.save(tmp_path)
    assert known_identity(tmp_path) == one
    assert WandbIdentity.of(tmp_path, "other group", "other name") == one


def test_the_agent_of_a_sweep_chooses_the_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """W&B ignores any other there. A folder that has an id keeps it, and a left-over variable alone means nothing."""
    monkeypatch.setenv("WANDB_RUN_ID", "agent1")
    assert WandbIdentity.of(tmp_path, "g", "n").id != "agent1"
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep1")
    WandbIdentity.of(tmp_path, "g", "n").save(tmp_path)
    monkeypatch.setenv("WANDB_RUN_ID", "agent2")
    assert WandbIdentity.of(tmp_path, "g", "n").id == "agent1"


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\0\0", b'{"id": "ab', b"[]", b'{"id": "a", "rows": 3}', b"\xff\xfe", None]
)
def test_a_lost_file_does_not_make_another_run(
    tmp_path: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    """A power cut can tear wandb.json on a file system without a working fsync."""
    for later in ("wandb/run-20251231_235959-older", NEWEST, "wandb/latest-run"):
        (tmp_path / later).mkdir(parents=True)
    if content is not None:
        (tmp_path / "wandb.json").write_bytes(content)
    assert WandbIdentity.of(tmp_path, "g", "n") == WandbIdentity("abc123def456", "g", "n")
    (warning,) = caplog.messages
    assert str(tmp_path / "wandb.json") in warning
    assert "abc123def456" in warning


@pytest.mark.parametrize("content", [b"", b"[]"])
def test_a_torn_file_before_the_first_start_is_a_new_run(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "wandb.json").write_bytes(content)
    assert len(WandbIdentity.of(tmp_path, "g", "n").id) == 12


def test_the_history_goes_on_after_a_loss(wandb_server: WandbServer, tmp_path: Path) -> None:
    first = tracker_of(tmp_path, settings(mode="online"))
    first.rewind(None)
    log_rows(first, 0, 10)
    first.finish(1, {})
    (tmp_path / "wandb.json").write_bytes(b"")
    again = tracker_of(tmp_path, settings(mode="online"))
    again.rewind(first.position())
    log_rows(again, 10, 20)
    again.finish(0, {})
    assert plain_rows(wandb_server.only_run().history) == recorded(tmp_path)
