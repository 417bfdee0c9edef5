"""The record and its sinks. W&B is the real one, offline; no test needs a network."""

import json
import logging
import math
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from conftest import TINY, WALK
from omegaconf import DictConfig
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from test_resume import Alarm

from ddpg.errors import UserError
from ddpg.interrupt import Interrupted
from ddpg.run import run
from ddpg.tracking import (
    LoggerSettings,
    TensorboardSettings,
    Tracker,
    WandbSettings,
    open_tracker,
    read_metrics,
)
from ddpg.tracking.progress import Speed, duration
from ddpg.tracking.wandb_files import read_segment

CONF = Path(__file__).parents[1] / "conf" / "logger"


@pytest.fixture(autouse=True)
def _no_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No W&B key, no home directory of a user, no address that answers."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    yield
    if "wandb" in sys.modules:  # the next test gets a wandb-core that knows its own environment
        sys.modules["wandb"].teardown()


def settings(**wandb: Any) -> LoggerSettings:
    """conf/logger/default.yaml with W&B off unless said, and nothing on the screen."""
    node = yaml.safe_load((CONF / "default.yaml").read_text())
    nodes = {name: {k: v for k, v in node[name].items() if k != "_target_"} for name in ("wandb", "tensorboard")}
    return LoggerSettings(
        every=node["every"],
        progress="none",
        progress_seconds=node["progress_seconds"],
        tensorboard=TensorboardSettings(**nodes["tensorboard"]),
        wandb=WandbSettings(**{**nodes["wandb"], "mode": "disabled", **wandb}),
    )


def tracker_of(run_dir: Path, options: LoggerSettings) -> Tracker:
    config = {"seed": 1, "noise": {"sigma": 0.1}, "eval": {"episodes": [1, 2]}}
    return open_tracker(options, run_dir, 1000, run_config=config, group="g" * 200, name="n")


def log_rows(tracker: Tracker, first: int, last: int) -> None:
    for index in range(first, last):
        tracker.log(index * 10, {"losses/qf1_loss": math.sqrt(index) / 7, "charts/episodic_length": index})


def our_messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What this package logged; W&B's own log goes to its files, unless a test catches it."""
    return [record.getMessage() for record in caplog.records if record.name.startswith("ddpg")]


class Spy:
    """A sink that remembers its calls, and fails at the call it is told to."""

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

    def finish(self, exit_code: int, summary: Mapping[str, Any]) -> None:
        self._call("finish", exit_code, summary)

    def abandon(self) -> None:
        self._call("abandon")


# --- the record ---


def test_floats_come_back_bit_for_bit(tmp_path: Path) -> None:
    generator = random.Random(0)
    values = [generator.uniform(-1, 1) * 10.0 ** generator.randint(-300, 300) for _ in range(500)]
    tracker = Tracker(tmp_path / "metrics.jsonl", [])
    tracker.rewind(None)
    for step, value in enumerate(values):
        tracker.log(step, {"x": value, "single": np.float32(value % 1), "count": np.int64(step)})
    rows = read_metrics(tmp_path / "metrics.jsonl")
    assert [row["x"] for row in rows] == values
    assert [row["single"] for row in rows] == [float(np.float32(value % 1)) for value in values]
    assert [(row["env_step"], row["count"]) for row in rows] == [(i, i) for i in range(500)]
    assert list(rows[0]) == ["env_step", "x", "single", "count"]


def test_what_json_lacks_is_null_and_read_as_nan(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path / "metrics.jsonl", [])
    tracker.rewind(None)
    tracker.log(1, {"nan": math.nan, "inf": math.inf})
    text = (tmp_path / "metrics.jsonl").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {"env_step": 1, "nan": None, "inf": None}
    (row,) = read_metrics(tmp_path / "metrics.jsonl")
    assert math.isnan(row["nan"])
    assert math.isnan(row["inf"])


@pytest.mark.parametrize("tail", [b'{"env_step": 3, "x', b'{"env_step": 3}', b"\0\0\0\0\n", b"\xff\xfe\n", b""])
def test_torn_last_line_is_ignored(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"env_step": 1}\n{"env_step": 2}\n' + tail)
    assert [row["env_step"] for row in read_metrics(path)] == [1, 2]


def test_damage_inside_is_an_error_that_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"env_step": 1}\nrubbish\n{"env_step": 2}\n')
    with pytest.raises(UserError, match="line 2 is not JSON"):
        read_metrics(path)
    assert read_metrics(tmp_path / "absent.jsonl") == []


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
    with pytest.raises(UserError, match="does not go with the checkpoint"):
        Tracker(tmp_path / "metrics.jsonl", []).rewind({"bytes": 100, "rows": 3})
    with pytest.raises(UserError, match="does not go with the checkpoint"):
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
        from ddpg.tracking import Tracker
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


# --- sinks in general ---


@pytest.mark.parametrize("failing", ["start", "log", "step", "save", "finish"])
def test_failing_sink_is_off_after_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture, failing: str) -> None:
    broken, sound = Spy(failing), Spy()
    tracker = Tracker(tmp_path / "metrics.jsonl", [broken, sound])
    tracker.rewind(None)
    log_rows(tracker, 0, 2)
    tracker.step(15)
    tracker.save(tmp_path / "actor.pt", "model")
    log_rows(tracker, 2, 3)
    tracker.finish(0, {"best": 1.0})
    (warning,) = our_messages(caplog)
    assert warning == "spy is off from here on (ConnectionResetError: Connection lost); metrics.jsonl goes on"
    assert [call[0] for call in broken.calls[-2:]] == [failing, "abandon"]
    assert [call[0] for call in sound.calls] == ["start", "log", "log", "step", "save", "log", "finish"]
    assert len(read_metrics(tmp_path / "metrics.jsonl")) == 3


def test_a_sink_that_was_never_started_is_not_ended(tmp_path: Path) -> None:
    """A run that cannot be built ends before its first row."""
    spy = Spy()
    Tracker(tmp_path / "metrics.jsonl", [spy]).finish(1, {})
    assert spy.calls == []


def test_sinks_hear_of_steps_ten_times_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("ddpg.tracking.tracker.monotonic", lambda: now)
    spy = Spy()
    tracker = Tracker(tmp_path / "metrics.jsonl", [spy])
    tracker.rewind(None)
    for step in range(1000):  # two seconds of steps
        now = step / 500
        tracker.step(step)
    heard = [call for call in spy.calls if call[0] == "step"]
    assert heard[0] == ("step", 0)
    assert 18 <= len(heard) <= 20


def test_disabled_wandb_is_not_imported(tmp_path: Path) -> None:
    script = """
        import sys
        from ddpg.tracking import *
        wandb = WandbSettings("disabled", "p", None, None, None, "train", [], 1.0, 1.0, True)
        settings = LoggerSettings(1000, "auto", 30.0, TensorboardSettings(False), wandb)
        from pathlib import Path
        tracker = open_tracker(settings, Path(sys.argv[1]), 10, {}, "g", "n")
        tracker.rewind(None); tracker.log(1, {"x": 1}); tracker.finish(0, {})
        assert "wandb" not in sys.modules and "tensorboard" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(tmp_path)], check=True)


# --- W&B ---


def segments(run_dir: Path) -> list[dict[str, Any]]:
    return [read_segment(path) for path in sorted(run_dir.glob("wandb/offline-run-*/run-*.wandb"))]


def sent_rows(run_dir: Path) -> list[dict[str, float]]:
    """History over all segments in the order of `wandb sync`, without W&B's own fields."""
    rows = [row for segment in segments(run_dir) for row in segment["history"]]
    assert [row["_step"] for row in rows] == list(range(len(rows)))
    return [{k: v for k, v in row.items() if not k.startswith("_")} for row in rows]


def next_second() -> None:
    """W&B names a segment by the second; two attempts of a run never start in the same one in earnest."""
    time.sleep(1.01 - time.time() % 1)


def test_wandb_is_told_how_the_run_ended(
    tmp_path: Path, compose: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ddpg.trainer.InterruptFlag", lambda: Alarm(150, signal.SIGTERM))
    with pytest.raises(Interrupted):
        run(compose(*WALK, *TINY, "logger.wandb.mode=offline"), tmp_path, [])
    (segment,) = segments(tmp_path)
    assert (segment["summary"]["state"], segment["exit"]) == ("interrupted", 143)


def test_wandb_offline_has_all_that_the_record_has(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="ddpg")
    tags = ["t" * 80, "short"]
    tracker = tracker_of(tmp_path, settings(mode="offline", tags=tags, project="walkers"))
    tracker.rewind(None)
    log_rows(tracker, 0, 20)
    model = tmp_path / "actor.pt"
    model.write_bytes(b"weights")
    tracker.save(model, "model")
    tracker.finish(3, {"eval/best_return": -150.5})

    (segment,) = segments(tmp_path)
    assert sent_rows(tmp_path) == read_metrics(tmp_path / "metrics.jsonl")
    assert segment["config"]["noise"] == {"sigma": 0.1}
    assert segment["config"]["eval"] == {"episodes": [1, 2]}
    assert segment["summary"]["eval/best_return"] == -150.5
    assert segment["exit"] == 3
    run = segment["run"]
    assert run.run_id == json.loads((tmp_path / "wandb.json").read_text())["id"]
    assert (run.project, run.run_group, run.job_type, run.display_name) == (
        "walkers",
        "g" * 128,
        "train",
        "n",
    )
    assert list(run.tags) == ["t" * 64, "short"]
    assert list((tmp_path / "wandb" / "artifacts" / "staging").iterdir())  # in the run folder, not at home
    assert "WANDB_DATA_DIR" in os.environ  # as the fixture set it
    assert not (tmp_path / "home" / ".local").exists()
    assert capfd.readouterr() == ("", "")
    (message,) = our_messages(caplog)
    assert message.startswith("W&B run, offline; upload it with: wandb sync ")


def test_wandb_media_join_the_last_row(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (4, 4)).save(tmp_path / "learning_curve.png")
    (tmp_path / "step_10.mp4").write_bytes(b"film")
    tracker = tracker_of(tmp_path, settings(mode="offline", save_model=False))
    tracker.rewind(None)
    log_rows(tracker, 0, 2)
    tracker.save(tmp_path / "learning_curve.png", "image")
    tracker.save(tmp_path / "step_10.mp4", "video")
    tracker.save(tmp_path / "actor.pt", "model")  # save_model=false: not even looked for
    tracker.finish(0, {})
    history = segments(tmp_path)[0]["history"]
    assert len(history) == 2
    assert {"media/learning_curve._type", "media/video._type"} <= set(history[1])


def test_wandb_history_over_resumes_is_the_record(tmp_path: Path) -> None:
    first = tracker_of(tmp_path, settings(mode="offline"))
    first.rewind(None)
    log_rows(first, 0, 12)
    position = first.position()
    log_rows(first, 12, 20)  # rows after the checkpoint: sent once, and not again after the resume
    first.finish(75, {})

    next_second()
    silent = tracker_of(tmp_path, settings(mode="disabled"))  # an attempt of which W&B learns later
    silent.rewind(position)
    log_rows(silent, 12, 25)
    position = silent.position()
    silent.finish(75, {})

    last = tracker_of(tmp_path, settings(mode="offline"))
    last.rewind(position)
    log_rows(last, 25, 30)
    last.finish(0, {})
    rows = read_metrics(tmp_path / "metrics.jsonl")
    assert len(rows) == 30
    assert sent_rows(tmp_path) == rows
    one, two = segments(tmp_path)
    assert one["run"].run_id == two["run"].run_id
    assert (one["exit"], two["exit"]) == (75, 0)


CHILD = """
    import json, os, signal, sys, time
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    from test_tracking import log_rows, settings, tracker_of
    tracker = tracker_of(Path(sys.argv[1]), settings(mode="offline"))
    tracker.rewind(None)
    log_rows(tracker, 0, 300)
    print(json.dumps(tracker.position()), flush=True)
    core = [int(child) for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
"""
needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds wandb-core in Linux's /proc")


def child(run_dir: Path, ending: str) -> subprocess.CompletedProcess[str]:
    script = textwrap.dedent(CHILD) + textwrap.dedent(ending)
    return subprocess.run(
        [sys.executable, "-c", script, str(run_dir), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
    )


@needs_proc
def test_wandb_rows_lost_by_a_kill_are_sent_at_the_next_start(tmp_path: Path) -> None:
    ending = """
        for process in [*core, os.getpid()]:
            os.kill(process, signal.SIGKILL)
    """
    killed = child(tmp_path, ending)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    next_second()
    assert len(segments(tmp_path)[0]["history"]) < 300
    again = tracker_of(tmp_path, settings(mode="offline"))
    again.rewind(json.loads(killed.stdout))
    log_rows(again, 300, 310)
    again.finish(0, {})
    rows = read_metrics(tmp_path / "metrics.jsonl")
    assert len(rows) == 310
    assert sent_rows(tmp_path) == rows


@needs_proc
def test_sigterm_to_the_whole_job_costs_one_warning(tmp_path: Path) -> None:
    ending = """
        signal.signal(signal.SIGTERM, lambda *_: None)
        for process in [*core, os.getpid()]:
            os.kill(process, signal.SIGTERM)
        time.sleep(0.5)
        log_rows(tracker, 300, 310)
        tracker.finish(75, {})
        sys.exit(75)
    """
    job = child(tmp_path, ending)
    assert job.returncode == 75
    (warning,) = job.stderr.splitlines()
    assert warning.startswith("W&B is off from here on (ConnectionResetError")
    assert len(read_metrics(tmp_path / "metrics.jsonl")) == 310


@pytest.mark.parametrize(
    ("key", "reason"),
    [(None, "UsageError: no API key"), ("a" * 40, "CommError")],
    ids=["without key", "without network"],
)
def test_online_falls_back_to_offline_with_one_warning(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    key: str | None,
    reason: str,
) -> None:
    if key:
        monkeypatch.setenv("WANDB_API_KEY", key)
    monkeypatch.setenv("WANDB_MODE", "offline")  # the configuration has the last word
    caplog.set_level(logging.WARNING, logger="ddpg")
    tracker = tracker_of(tmp_path, settings(mode="online", init_timeout=1.0))
    tracker.rewind(None)
    log_rows(tracker, 0, 3)
    tracker.finish(0, {})
    (warning,) = our_messages(caplog)
    assert warning.startswith(f"W&B goes offline ({reason}")
    assert "\n" not in warning
    assert sent_rows(tmp_path) == read_metrics(tmp_path / "metrics.jsonl")
    assert capfd.readouterr() == ("", "")


def test_two_runs_in_one_process_are_two_wandb_runs(tmp_path: Path) -> None:
    ids = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        tracker = tracker_of(tmp_path / name, settings(mode="offline"))
        tracker.rewind(None)
        log_rows(tracker, 0, 3)
        if name == "two":  # the first one failed without a finish, as in Hydra's basic launcher
            tracker.finish(0, {})
        ids.add(json.loads((tmp_path / name / "wandb.json").read_text())["id"])
    assert len(ids) == 2
    assert [len(segments(tmp_path / name)) for name in ("one", "two")] == [1, 1]
    assert len(sent_rows(tmp_path / "two")) == 3


# --- TensorBoard ---


def scalars(run_dir: Path) -> list[tuple[int, float]]:
    events = EventAccumulator(str(run_dir / "tensorboard")).Reload()
    return [(event.step, event.value) for event in events.Scalars("losses/qf1_loss")]


def test_tensorboard_has_the_record_also_after_a_resume(tmp_path: Path) -> None:
    options = settings()
    options = LoggerSettings(**{**vars(options), "tensorboard": TensorboardSettings(enabled=True)})
    first = tracker_of(tmp_path, options)
    first.rewind(None)
    log_rows(first, 0, 5)
    position = first.position()
    log_rows(first, 5, 8)  # and never finished
    again = tracker_of(tmp_path, options)
    again.rewind(position)
    log_rows(again, 5, 10)
    again.finish(0, {})
    rows = read_metrics(tmp_path / "metrics.jsonl")
    assert len(rows) == 10
    wanted = [(row["env_step"], float(np.float32(row["losses/qf1_loss"]))) for row in rows]
    assert scalars(tmp_path) == wanted


def test_tensorboard_that_is_not_installed_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    options = LoggerSettings(**{**vars(settings()), "tensorboard": TensorboardSettings(enabled=True)})
    with pytest.raises(UserError, match=r"pip install 'ddpg\[tensorboard\]'"):
        tracker_of(tmp_path, options)


# --- progress ---


class Clock:
    """Seconds, as many as the test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        for module in ("tracker", "progress"):
            monkeypatch.setattr(f"ddpg.tracking.{module}.monotonic", lambda: self.now)


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
