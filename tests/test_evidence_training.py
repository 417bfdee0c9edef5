"""scripts/evidence.py train: a kill in between, a run that fails."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

from support.evidence import NAMES, NICENESS, TINY, Tool

from ddpg.report.kept import read_rows
from reproduce import status
from reproduce.plan import read_plan


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def sessions_of_children(pid: int) -> list[str]:
    """How Linux schedules the sessions of the children of a process beside other sessions."""
    parents = {
        path.parent: path.read_text().rpartition(")")[2].split()[1] for path in Path("/proc").glob("[0-9]*/stat")
    }
    return [(process / "autogroup").read_text() for process, parent in parents.items() if parent == str(pid)]


def test_interrupted_list_is_continued_and_recorded(tmp_path: Path) -> None:
    tool = Tool(tmp_path)
    process = tool.start("train", "--jobs", "1")
    wait_until(lambda: list(tool.runs.glob("td3_pendulum_1/checkpoint/*.pt")))
    if Path("/proc/self/autogroup").exists():
        assert [session.split()[-1] for session in sessions_of_children(process.pid)] == [str(NICENESS)]
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGINT, output
    assert json.loads((tool.runs / NAMES[0] / "status.json").read_text())["state"] == "interrupted"
    assert tool.recorded() == []
    assert "0 of 2 runs done" in status.report(read_plan(tool.list), tool.runs, tool.records)

    code, output = tool.run("train", "--jobs", "1")
    assert code == 0, output
    assert f"{NAMES[0]} continues" in output
    assert tool.recorded() == NAMES
    starts = [json.loads((tool.records / name / "provenance.json").read_text())["starts"] for name in NAMES]
    assert [len(one) for one in starts] == [2, 1]
    steps = [row["env_step"] for row in read_rows(tool.records / NAMES[0]) if "charts/SPS" in row]
    assert steps == list(range(100, 6001, 100))

    assert tool.run("train") == (0, "")
    assert "2 of 2 runs done, 0.0 core-hours left" in tool.run("status")[1]


def test_run_that_fails_is_told_and_leaves_no_record(tmp_path: Path) -> None:
    tool = Tool(tmp_path, TINY.replace("batch_size=8", "batch_size=0").replace("seeds: 2", "seeds: 1"))
    code, output = tool.run("train")
    assert code == 1
    assert f"{NAMES[0]} failed" in output
    assert "batch_size=0" in (tool.runs / f"{NAMES[0]}.log").read_text()
    assert tool.recorded() == []
