"""What a run folder says of its run, read in a tenth of a millisecond; a file that is torn or missing says nothing."""

import json
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Bytes read from the end of metrics.jsonl; the second only if the first have no evaluation or no speed in them.
TAILS = (1 << 14, 1 << 20)
#: Run folders that are read at the same time.
READERS = 16
RETURN, SPEED = "eval/episodic_return", "charts/SPS"


@dataclass(frozen=True)
class Glance:
    """`said` is the state of status.json and `at` when that was written (s since 1970); None: there is none.

    "done" with fewer steps than config.yaml has now is no end, but "interrupted": the run goes on from there.
    `saved` is the env step of the newest checkpoint, `reached` that of the newest row, `sps` env steps a second.
    `error` is the first line of the run's own, `fault` why status.json cannot be read.
    """

    said: str | None
    at: float
    saved: int
    reached: int
    total_steps: int | None
    last_return: float | None
    sps: float | None
    error: str
    fault: str


def glances(folders: Sequence[Path]) -> list[Glance]:
    """Of many: a network disk takes milliseconds for each file, so several are read at the same time."""
    size = len(folders) // READERS + 1
    shares = [folders[start : start + size] for start in range(0, len(folders), size)]
    with ThreadPoolExecutor(READERS) as readers:
        return [seen for share in readers.map(lambda share: list(map(glance, share)), shares) for seen in share]


def glance(folder: Path) -> Glance:
    """Of a run folder, whatever is in it."""
    status, at, fault = _status(folder / "status.json")
    newest = _newest_rows(folder / "metrics.jsonl") if status or fault else {}
    saved, total, said = _whole(status.get("env_step")), _total_steps(folder / "config.yaml"), status.get("state")
    return Glance(
        said="interrupted" if said == "done" and saved < (total or 0) else said,
        at=at,
        saved=saved,
        reached=max(saved, _whole(newest.get("env_step"))),
        total_steps=total,
        last_return=newest.get(RETURN, status.get("last_return")),
        sps=newest.get(SPEED),
        error=_first_line(status.get("error")),
        fault=fault,
    )


def _status(path: Path) -> tuple[dict[str, Any], float, str]:
    """status.json, when it was written, and why it cannot be read."""
    try:
        with path.open("rb") as file:
            content, at = json.loads(file.read()), os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return {}, 0.0, ""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is torn"
        return {}, 0.0, f"status.json cannot be read: {reason}"
    return (content, at, "") if isinstance(content, dict) else ({}, at, "status.json cannot be read: it is torn")


def _newest_rows(path: Path) -> Mapping[str, Any]:
    """The newest values of `env_step`, RETURN and SPEED in a metrics.jsonl; those that its end has."""
    found: dict[str, Any] = {}
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            for length in TAILS:
                file.seek(max(size - length, 0))
                found = dict(_newest_values(file.read(), whole=length >= size))
                if length >= size or len(found) == 3:
                    break
    except OSError:
        pass  # the run has no record yet, or it cannot be read now
    return found


def _newest_values(tail: bytes, whole: bool) -> Iterator[tuple[str, float]]:
    start, stop = 0 if whole else tail.find(b"\n") + 1, tail.rfind(b"\n") + 1
    for name in ("env_step", RETURN, SPEED):
        place = tail.rfind(b'"%s"' % name.encode(), start, stop)
        if place < 0:
            continue
        try:
            value = json.loads(tail[tail.rfind(b"\n", 0, place) + 1 : tail.find(b"\n", place)])[name]
        except (ValueError, LookupError, TypeError):
            continue  # a power cut can leave anything
        yield name, math.nan if value is None else value


def _total_steps(path: Path) -> int | None:
    """Without a YAML parser, which would take 10 times as long as everything else."""
    try:
        found = re.search(rb"^total_steps: (\d+)\s*$", path.read_bytes(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _first_line(error: Any) -> str:
    """Of what a run failed with."""
    return str(error or "").partition("\n")[0]
