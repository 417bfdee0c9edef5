"""What is printed never raises, whatever became of the terminal, the pipe or the disk behind it."""

import subprocess
import sys
from pathlib import Path

import pytest

PRINTS = """
import os, sys
from ddpg.streams import lost_output, outlast_readers
outlast_readers()
with open("file", "w") as file:
    for number in range(3000):
        print(number)
        print(number, file=sys.stderr)
    os.system("echo of another process; echo of another process >&2")
    file.write(f"whole, lost: {lost_output()}")
"""


@pytest.mark.parametrize(
    ("redirection", "loss"),
    [
        ("| head -1", "None"),
        ("2>&1 | head -1", "None"),
        (">&- 2>&-", "None"),
        ("<&- >&- 2>&-", "None"),
        (">/dev/full 2>&1", "No space left on device"),
    ],
)
@pytest.mark.parametrize("flags", ["", "-u"])
def test_printing_never_raises(tmp_path: Path, redirection: str, loss: str, flags: str) -> None:
    """Nor does it go into the files of the program, which would get the numbers of closed streams."""
    line = f"'{sys.executable}' {flags} -c '{PRINTS}' {redirection}"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0
    assert "Error" not in done.stderr
    assert (tmp_path / "file").read_text() == f"whole, lost: {loss}"
