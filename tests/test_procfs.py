"""Fields of Linux's /proc."""

from pathlib import Path

import pytest

from ddpg import procfs
from ddpg.procfs import proc_field


def test_the_first_line_of_that_name_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(procfs, "PROC", tmp_path)
    (tmp_path / "cpuinfo").write_text(
        "processor\t: 0\nmodel name\t: Some: CPU\n\nprocessor\t: 1\nmodel name\t: other\n"
    )
    assert proc_field("cpuinfo", "model name") == "Some: CPU"
    assert proc_field("cpuinfo", "model") is None
    assert proc_field("meminfo", "MemAvailable") is None
