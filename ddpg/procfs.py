"""Linux's /proc, where files describe the machine in lines `name: value`."""

from pathlib import Path

PROC = Path("/proc")


def proc_field(file: str, name: str) -> str | None:
    """Return the value of the first line called `name` in /proc/FILE; None without such a line, file or system."""
    try:
        lines = (PROC / file).read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    pairs = (line.partition(":") for line in lines)
    return next((value.strip() for key, _, value in pairs if key.strip() == name), None)
