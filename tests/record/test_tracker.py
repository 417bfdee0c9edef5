"""The tracker appends to the record and feeds the sinks; it survives whatever happens to either."""

import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.tracked import log_rows, our_messages

from ddpg.errors import UserError
from ddpg.record.tracking import Tracker, read_metrics
from ddpg.record.tracking.tracker import WritePolicies


def test_rewind_restores_the_record_of_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    first = Tracker(path, [])
    first.rewind(None)
    log_rows(first, 0, 5)
    position = first.position()
    log_rows(first, 5, 9)
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(b'{"env_step": 90, "lo')

    spy = Spy()
    again = Tracker(path, [spy])
    again.rewind(position)
    assert spy.calls == [("start", 5)]
    assert len(read_metrics(path)) == 5
    log_rows(again, 5, 9)
    assert path.read_bytes() == whole
    assert [call[1] for call in spy.calls[1:]] == [5, 6, 7, 8]
    assert again.position() == {"bytes": len(whole), "rows": 9}


def test_rewind_to_nothing_empties_the_record(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"env_step": 1}\n{"env')
    Tracker(path, []).rewind(None)
    assert path.read_bytes() == b""


def test_a_record_that_is_not_the_checkpoints_is_refused(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"env_step": 1}\n')
    with pytest.raises(UserError, match=r"metrics\.jsonl does not go with the checkpoint, .* restore"):
        Tracker(tmp_path / "metrics.jsonl", []).rewind({"bytes": 100, "rows": 3})
    with pytest.raises(UserError, match=r"metrics\.jsonl does not go with the checkpoint, .* restore"):
        Tracker(tmp_path / "metrics.jsonl", []).rewind({"bytes": 16, "rows": 2})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_full_disk_stops_training_with_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").symlink_to("/dev/full")
    spy = Spy()
    tracker = Tracker(tmp_path / "metrics.jsonl", [spy])
    tracker.rewind(None)
    with pytest.raises(UserError, match=r"metrics\.jsonl: the disk or the quota is full"):
        tracker.log(1, {"x": 1.0})
    assert spy.calls == [("start", 0)]


def test_line_that_a_full_disk_tore_is_not_part_of_the_position(tmp_path: Path) -> None:
    script = """
        import resource, signal, sys
        from pathlib import Path
        from ddpg.errors import UserError
        from ddpg.record.tracking import Tracker
        tracker = Tracker(Path(sys.argv[1]), [])
        tracker.rewind(None)
        tracker.log(1, {"x": 1.0})
        resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))
        try:
            tracker.log(2, {"x": 2.0})
        except UserError as error:
            print(tracker.position(), error)
    """
    run = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "metrics.jsonl")]
    output = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert (tmp_path / "metrics.jsonl").stat().st_size == 40
    assert output.startswith("{'bytes': 26, 'rows': 1} cannot write ")
    assert len(read_metrics(tmp_path / "metrics.jsonl")) == 1


class Spy:
    """A sink that remembers its calls, and fails at one of them."""

    def __init__(self, failing: str = "") -> None:
        self.name = "spy"
        self.calls: list[tuple[Any, ...]] = []
        self._failing = failing

    def _call(self, *call: Any) -> None:
        self.calls.append(call)
        if call[0] == self._failing:
            raise ConnectionResetError("Connection lost\nand more")

    def start(self, rows: Sequence[dict[str, float]]) -> None:
        self._call("start", len(rows))

    def log(self, index: int, row: dict[str, float]) -> None:
        self._call("log", index, row)

    def step(self, env_step: int) -> None:
        self._call("step", env_step)

    def save(self, path: Path, kind: str) -> None:
        self._call("save", path, kind)

    def save_policies(self, write: WritePolicies) -> None:
        self._call("save_policies")

    def finish(self, exit_code: int, summary: Mapping[str, Any]) -> None:
        self._call("finish", exit_code, summary)

    def abandon(self) -> None:
        self._call("abandon")


@pytest.mark.parametrize("failing", ["start", "log", "step", "save", "save_policies", "finish"])
def test_failing_sink_is_off_after_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture, failing: str) -> None:
    broken, sound = Spy(failing), Spy()
    tracker = Tracker(tmp_path / "metrics.jsonl", [broken, sound])
    tracker.rewind(None)
    log_rows(tracker, 0, 2)
    tracker.step(15)
    tracker.save(tmp_path / "last.mp4", "video")
    tracker.save_policies(lambda top: [])
    log_rows(tracker, 2, 3)
    tracker.finish(0, {"best": 1.0})
    (warning,) = our_messages(caplog)
    assert warning.startswith("spy ")
    assert "ConnectionResetError: Connection lost" in warning
    assert "and more" not in warning
    assert [call[0] for call in broken.calls[-2:]] == [failing, "abandon"]
    expected = ["start", "log", "log", "step", "save", "save_policies", "log", "finish"]
    assert [call[0] for call in sound.calls] == expected
    assert len(read_metrics(tmp_path / "metrics.jsonl")) == 3


def test_a_sink_that_was_never_started_is_not_ended(tmp_path: Path) -> None:
    """A run that cannot be built ends before its first row."""
    spy = Spy()
    Tracker(tmp_path / "metrics.jsonl", [spy]).finish(1, {})
    assert spy.calls == []


def test_sinks_hear_of_steps_ten_times_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("ddpg.record.tracking.tracker.monotonic", lambda: now)
    spy = Spy()
    tracker = Tracker(tmp_path / "metrics.jsonl", [spy])
    tracker.rewind(None)
    for step in range(1000):  # two seconds of steps
        now = step / 500
        tracker.step(step)
    heard = [call for call in spy.calls if call[0] == "step"]
    assert heard[0] == ("step", 0)
    assert 18 <= len(heard) <= 20
