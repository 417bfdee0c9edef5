"""A run folder in a few numbers, also after a killed process, a power cut or a full disk."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.sweep_folders import TOTAL, row, write_run

from ddpg.record.tracking.metrics import encode_row
from ddpg.sweep.state.summary import RETURN, SPEED, TAILS, summarize

FRESH = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

values = st.floats(allow_infinity=False)
rows = st.lists(
    st.builds(
        lambda step, metrics: {"env_step": step, **metrics},
        st.integers(0, 10**9),
        st.dictionaries(st.sampled_from([RETURN, SPEED, "losses/qf1_loss"]), values),
    ),
    max_size=8,
)


def newest(content: bytes, name: str) -> float | None:
    """Return the newest value, reading from the start, line by line."""
    found = [json.loads(line) for line in content.split(b"\n")[:-1]]
    return next((one[name] for one in reversed(found) if name in one), None)


def same(a: float | None, b: float | None) -> bool:
    return a == b or (a is not None and math.isnan(a) and b is None)


@FRESH
@given(rows, st.data())
def test_newest_values_of_a_record_that_was_cut_anywhere(tmp_path: Path, rows: list[Any], data: st.DataObject) -> None:
    content = b"".join(map(encode_row, rows))
    content = content[: data.draw(st.integers(0, len(content)))]
    folder = write_run(tmp_path / "run", {"state": "running"})
    (folder / "metrics.jsonl").write_bytes(content)
    summary = summarize(folder)
    assert summary.reached_step == (newest(content, "env_step") or 0)
    assert same(summary.sps, newest(content, SPEED))
    assert same(summary.last_return, newest(content, RETURN))


@FRESH
@given(st.binary(max_size=200))
def test_nothing_in_a_folder_raises(tmp_path: Path, garbage: bytes) -> None:
    folder = tmp_path / "run"
    folder.mkdir(exist_ok=True)
    for name in ("status.json", "metrics.jsonl", "config.yaml"):
        (folder / name).write_bytes(garbage)
    assert summarize(folder).state is None


@pytest.mark.parametrize("content", ["", '{"state": "ru', "[]", "\0\0\0\0"])
def test_torn_status(tmp_path: Path, content: str) -> None:
    folder = write_run(tmp_path / "run", {}, [row(40, charts__SPS=3.0)])
    (folder / "status.json").write_text(content)
    summary = summarize(folder)
    assert (summary.state, summary.unreadable) == (None, "status.json cannot be read: it is torn")
    assert (summary.reached_step, summary.total_steps) == (40, TOTAL)


def test_evaluation_far_from_the_end(tmp_path: Path) -> None:
    """It is not in the short tail, but in the long one."""
    steps = [row(100, eval__episodic_return=5.0), *(row(101 + n, losses__qf1_loss=0.1) for n in range(TAILS[0] // 30))]
    summary = summarize(write_run(tmp_path / "run", {"state": "running"}, steps))
    assert summary.last_return == 5.0
    assert summary.reached_step == 100 + TAILS[0] // 30


def test_what_a_finished_run_says(tmp_path: Path) -> None:
    status = {"state": "done", "env_step": TOTAL, "last_return": 3.0, "best_return": 4.0}
    summary = summarize(write_run(tmp_path / "run", status, [row(990, charts__SPS=50.0)]))
    assert (summary.state, summary.saved_step, summary.reached_step) == ("done", TOTAL, TOTAL)
    assert (summary.total_steps, summary.last_return, summary.sps, summary.error) == (TOTAL, 3.0, 50.0, "")


@pytest.mark.parametrize(
    ("recorded", "env_step", "state"),
    [
        ("done", TOTAL, "done"),
        ("done", TOTAL + 1, "done"),
        ("done", TOTAL - 1, "interrupted"),  # the sweep was started again with more steps
        ("failed", 3, "failed"),
    ],
)
def test_done_is_as_many_steps_as_the_config_has(tmp_path: Path, recorded: str, env_step: int, state: str) -> None:
    folder = write_run(tmp_path / "run", {"state": recorded, "env_step": env_step})
    assert summarize(folder).state == state
    (folder / "config.yaml").unlink()  # nothing is known of more steps
    assert summarize(folder).state == recorded


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("reward is not finite (at env_step 3, episode 1)", "reward is not finite (at env_step 3, episode 1)"),
        ("ValueError: one\nand two", "ValueError: one"),
        ("Interrupted: SIGTERM", "Interrupted: SIGTERM"),
        (None, ""),
    ],
)
def test_first_line_of_the_error(tmp_path: Path, error: str | None, line: str) -> None:
    assert summarize(write_run(tmp_path / "run", {"state": "failed", "error": error})).error == line


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    for name in ("status.json", "metrics.jsonl", "config.yaml"):
        (folder / name).mkdir(parents=True)
    summary = summarize(folder)
    assert (summary.state, summary.total_steps) == (None, None)
    assert summary.unreadable == "status.json cannot be read: Is a directory"


def test_a_fork_has_no_speed_and_no_return_before_it_has_its_own(tmp_path: Path) -> None:
    inherited = row(40, charts__SPS=665.0, eval__episodic_return=-5.0)
    folder = write_run(tmp_path / "run", {"state": "running", "env_step": 40}, [inherited, row(50)])
    config = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(f"{config}forked:\n  configuration: 8d93be39\n  env_step: 40\n")
    summary = summarize(folder)
    assert (summary.reached_step, summary.sps, summary.last_return) == (50, None, None)
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(encode_row(row(60, charts__SPS=30.0, eval__episodic_return=-4.0)))
    summary = summarize(folder)
    assert (summary.sps, summary.last_return) == (30.0, -4.0)
