"""Progress on the screen."""

from pathlib import Path

import pytest
from support.tracked import settings, tracker_of

from ddpg.record.tracking import LoggerSettings, Tracker
from ddpg.record.tracking.progress import Speed, duration


class Clock:
    """A clock that the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        for module in ("tracker", "progress"):
            monkeypatch.setattr(f"ddpg.record.tracking.{module}.monotonic", lambda: self.now)


def test_plain_lines_without_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock(monkeypatch)
    tracker = tracker_of(tmp_path, LoggerSettings(**{**vars(settings()), "progress": "auto"}))
    tracker.rewind(None)
    for step in range(1, 701):  # eight steps a second
        clock.now += 0.125
        tracker.step(step)
        if step % 100 == 0:
            tracker.log(step, {"charts/episodic_return": -step, "losses/qf1_loss": 0.5})
        if step == 450:
            tracker.log(step, {"eval/episodic_return": -123.45, "eval/episodic_return_std": 6.0})
    tracker.finish(0, {})
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("step 240 of 1,000 (24%), 8 steps/s, 1:35 left, return -200")
    assert lines[0].endswith(", critic loss 0.5")
    assert lines[1] == "step 450: evaluation return -123.5 ± 6.0"
    assert lines[2].startswith("step 480 of 1,000 (48%), 8 steps/s, 1:05 left, return -400")
    assert captured.err == ""


def test_bar_goes_on_where_the_run_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock(monkeypatch)
    first = Tracker(tmp_path / "metrics.jsonl", [])
    first.rewind(None)
    first.log(390, {"charts/episodic_return": -77.0})
    tracker = tracker_of(tmp_path, LoggerSettings(**{**vars(settings()), "progress": "bar"}))
    tracker.rewind(first.position())
    tracker.step(400)
    clock.now += 1.0
    tracker.step(420)
    tracker.log(420, {"eval/episodic_return": -70.0})
    tracker.finish(0, {})
    captured = capsys.readouterr()
    assert captured.out == "step 420: evaluation return -70.0\n"
    assert "400/1,000, return -77" in captured.err
    assert "420/1,000, 20 steps/s, 0:29 left, return -77" in captured.err
    assert " 0/1,000" not in captured.err
    assert "1,000/1,000" in captured.err


def test_speed_is_that_of_the_last_half_minute() -> None:
    speed = Speed()
    assert speed.update(0.0, 0) == 0.0
    for second in range(1, 101):
        fast = speed.update(second, 1000 * second)
    assert fast == pytest.approx(1000)
    for second in range(101, 200):
        slow = speed.update(second, 100_000 + 10 * (second - 100))
    assert slow == pytest.approx(10)
    assert (duration(75.4), duration(3675)) == ("1:15", "1:01:15")
