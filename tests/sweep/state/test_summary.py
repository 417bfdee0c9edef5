"""What a run folder says, also one that a killed process, a power cut or a full disk left."""

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
    """Read from the start, line by line."""
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
    seen = summarize(folder)
    assert seen.reached_step == (newest(content, "env_step") or 0)
    assert same(seen.sps, newest(content, SPEED))
    assert same(seen.last_return, newest(content, RETURN))


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
    seen = summarize(folder)
    assert (seen.state, seen.unreadable) == (None, "status.json cannot be read: it is torn")
    assert (seen.reached_step, seen.total_steps) == (40, TOTAL)


def test_evaluation_far_from_the_end(tmp_path: Path) -> None:
    """The short tail has none, the long one has."""
    steps = [row(100, eval__episodic_return=5.0), *(row(101 + n, losses__qf1_loss=0.1) for n in range(TAILS[0] // 30))]
    seen = summarize(write_run(tmp_path / "run", {"state": "running"}, steps))
    assert seen.last_return == 5.0
    assert seen.reached_step == 100 + TAILS[0] // 30


def test_what_a_finished_run_says(tmp_path: Path) -> None:
    status = {"state": "done", "env_step": TOTAL, "last_return": 3.0, "best_return": 4.0}
    seen = summarize(write_run(tmp_path / "run", status, [row(990, charts__SPS=50.0)]))
    assert (seen.state, seen.saved_step, seen.reached_step) == ("done", TOTAL, TOTAL)
    assert (seen.total_steps, seen.last_return, seen.sps, seen.error) == (TOTAL, 3.0, 50.0, "")


@pytest.mark.parametrize(
    ("said", "env_step", "shown"),
    [
        ("done", TOTAL, "done"),
        ("done", TOTAL + 1, "done"),
        ("done", TOTAL - 1, "interrupted"),  # the sweep was started again with more steps
        ("failed", 3, "failed"),
    ],
)
def test_done_is_as_many_steps_as_the_config_has(tmp_path: Path, said: str, env_step: int, shown: str) -> None:
    folder = write_run(tmp_path / "run", {"state": said, "env_step": env_step})
    assert summarize(folder).state == shown
    (folder / "config.yaml").unlink()  # nothing is known of more steps
    assert summarize(folder).state == said


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("reward is not finite (at env_step 3, episode 1)", "reward is not finite (at env_step 3, episode 1)"),
        ("ValueError: one\nand two", "ValueError: one"),
        ("Interrupted: SIGTERM", "Interrupted: SIGTERM"),
        (None, ""),
    ],
)
def test_first_line_of_the_error(tmp_path: Path, said: str | None, shown: str) -> None:
    assert summarize(write_run(tmp_path / "run", {"state": "failed", "error": said})).error == shown


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    for name in ("status.json", "metrics.jsonl", "config.yaml"):
        (folder / name).mkdir(parents=True)
    seen = summarize(folder)
    assert (seen.state, seen.total_steps) == (None, None)
    assert seen.unreadable == "status.json cannot be read: Is a directory"
