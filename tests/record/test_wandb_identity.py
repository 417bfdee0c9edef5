"""wandb.json: a run folder's one W&B run."""

from pathlib import Path

import pytest
from support.tracked import log_rows, segments, sent_rows, settings, tracker_of

from ddpg.record.tracking.wandb_identity import WandbIdentity, known_identity

SEGMENT = "wandb/offline-run-20260101_120000-abc123def456"


def test_a_new_folder_has_none_and_gets_its_own(tmp_path: Path) -> None:
    assert known_identity(tmp_path) is None
    one, two = WandbIdentity.of(tmp_path, "g", "n"), WandbIdentity.of(tmp_path, "g", "n")
    assert one.id != two.id
    one.keep(tmp_path)
    assert known_identity(tmp_path) == one
    assert WandbIdentity.of(tmp_path, "g", "other name") == WandbIdentity(one.id, "g", "other name", 0)


@pytest.mark.parametrize("content", [b"", b"\0\0\0\0", b'{"id": "ab', b"[]", b'{"rows": 3}', b"\xff\xfe", None])
def test_a_lost_file_does_not_make_another_run(
    tmp_path: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    """A power cut in a file system that does not keep its word."""
    for later in ("wandb/run-20251231_235959-older", SEGMENT, "wandb/latest-run"):
        (tmp_path / later).mkdir(parents=True)
    if content is not None:
        (tmp_path / "wandb.json").write_bytes(content)
    assert WandbIdentity.of(tmp_path, "g", "n") == WandbIdentity("abc123def456", "g", "n", 0)
    (warning,) = caplog.messages
    assert warning.endswith("its W&B run is abc123def456")


@pytest.mark.parametrize("content", [b"", b"[]"])
def test_a_torn_file_before_the_first_start_is_a_new_run(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "wandb.json").write_bytes(content)
    assert len(WandbIdentity.of(tmp_path, "g", "n").id) == 12


@pytest.mark.usefixtures("no_wandb_account")
def test_the_history_goes_on_after_a_loss(tmp_path: Path) -> None:
    first = tracker_of(tmp_path, settings(mode="offline"))
    first.rewind(None)
    log_rows(first, 0, 10)
    first.finish(1, {})
    (folder,) = tmp_path.glob("wandb/offline-run-*")
    folder.rename(folder.with_name(folder.name.replace(folder.name[12:27], "20260101_120000")))
    (tmp_path / "wandb.json").write_bytes(b"")
    again = tracker_of(tmp_path, settings(mode="offline"))
    again.rewind(first.position())
    log_rows(again, 10, 20)
    again.finish(0, {})
    assert len(sent_rows(tmp_path)) == 20
    assert len({segment["run"].run_id for segment in segments(tmp_path)}) == 1
