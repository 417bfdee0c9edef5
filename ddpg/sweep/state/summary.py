"""A run folder in a few numbers, read in a tenth of a millisecond; a torn or missing file leaves its numbers out."""

import json
import logging
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

#: Bytes that are read from the end of metrics.jsonl; the second number is for a record whose last evaluation or
#: speed is not in the first.
TAILS = (1 << 14, 1 << 20)
#: Run folders that are read at the same time.
READERS = 16
RETURN = "eval/episodic_return"
SPEED = "charts/SPS"
#: The lines of config.yaml that have `total_steps`, and the env step where a fork began.
TOTAL_STEPS = re.compile(rb"^total_steps: (\d+)\s*$", re.MULTILINE)
FORKED = re.compile(rb"^forked:\n(?:  .*\n)*?  env_step: (\d+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class RunSummary:
    """A run folder in a few numbers.

    Args:
        state: the state in status.json, None if there is none. "done" with fewer steps than config.yaml has now
            counts as "interrupted", because the run goes on from there.
        written_at: when status.json was written, in seconds since 1970.
        saved_step: the env step of the newest checkpoint.
        reached_step: the env step of the newest row of metrics.jsonl.
        total_steps: as in config.yaml; None if that cannot be read.
        last_return: of the newest evaluation; of a fork, of its own, not of its source.
        sps: env steps a second, likewise.
        error: the first line of the run's error, or "".
        by_machine: whether a kill or the machine ended it, as with a full disk, which says nothing about its values.
        unreadable: why status.json cannot be read, or "".
    """

    state: str | None
    written_at: float
    saved_step: int
    reached_step: int
    total_steps: int | None
    last_return: float | None
    sps: float | None
    error: str
    by_machine: bool
    unreadable: str


def summarize_all(folders: Sequence[Path]) -> list[RunSummary]:
    """Summarize many run folders, several at a time: a network disk takes milliseconds for each file."""
    size = len(folders) // READERS + 1
    shares = [folders[start : start + size] for start in range(0, len(folders), size)]
    with ThreadPoolExecutor(READERS) as readers:
        read = readers.map(lambda share: [summarize(folder) for folder in share], shares)
        return [summary for summaries in read for summary in summaries]


def summarize(folder: Path) -> RunSummary:
    """Summarize a run folder; nothing in it makes this raise."""
    status, written_at, unreadable = _status(folder / "status.json")
    config = _config(folder / "config.yaml")
    newest = _newest_rows(folder / "metrics.jsonl", _number(FORKED, config)) if status or unreadable else {}
    saved_step = _whole(status.get("env_step"))
    total_steps = _number(TOTAL_STEPS, config)
    state = status.get("state")
    return RunSummary(
        state="interrupted" if state == "done" and saved_step < (total_steps or 0) else state,
        written_at=written_at,
        saved_step=saved_step,
        reached_step=max(saved_step, _whole(newest.get("env_step"))),
        total_steps=total_steps,
        last_return=newest.get(RETURN, status.get("last_return")),
        sps=newest.get(SPEED),
        error=str(status.get("error") or "").partition("\n")[0],
        by_machine=status.get("by_machine") is True,
        unreadable=unreadable,
    )


def _status(path: Path) -> tuple[dict[str, Any], float, str]:
    """Return status.json, when it was written, and why it cannot be read."""
    try:
        with path.open("rb") as file:
            content = json.loads(file.read())
            written_at = os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return {}, 0.0, ""
    except OSError as error:
        return {}, 0.0, f"status.json cannot be read: {error.strerror}"
    except ValueError:
        return {}, 0.0, "status.json cannot be read: it is torn"
    if not isinstance(content, dict):
        return {}, written_at, "status.json cannot be read: it is torn"
    return content, written_at, ""


def _newest_rows(path: Path, forked: int | None) -> Mapping[str, Any]:
    """Return the newest values of `env_step`, RETURN and SPEED, as far as the end of a metrics.jsonl has them.

    A fork has those of its source up to the env step where it was forked, which are left out.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            for length in TAILS:
                file.seek(max(size - length, 0))
                found = dict(_newest_values(file.read(), length >= size, forked))
                if length >= size or len(found) == 3:
                    break
    except FileNotFoundError:  # the run has no record yet
        return {}
    except OSError as error:
        log.warning("%s cannot be read: %s", path, error.strerror)
        return {}
    return found


def _newest_values(tail: bytes, whole: bool, forked: int | None) -> Iterator[tuple[str, float]]:
    """Yield names and values from the complete lines of a tail; `whole`: its first line is complete, too."""
    start = 0 if whole else tail.find(b"\n") + 1
    stop = tail.rfind(b"\n") + 1
    for name in ("env_step", RETURN, SPEED):
        place = tail.rfind(b'"%s"' % name.encode(), start, stop)
        if place < 0:
            continue
        line = tail[tail.rfind(b"\n", 0, place) + 1 : tail.find(b"\n", place)]
        try:
            row = json.loads(line)
            value = row[name]
            is_own = name == "env_step" or forked is None or row["env_step"] > forked
        except (ValueError, LookupError, TypeError):  # a power cut can leave anything
            continue
        if is_own:
            yield name, math.nan if value is None else value


def _config(path: Path) -> bytes:
    """Read a config.yaml as it is written; nothing if that is not possible."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        log.warning("%s cannot be read: %s", path, error.strerror)
        return b""


def _number(key: re.Pattern[bytes], config: bytes) -> int | None:
    """Find a number in a config without a YAML parser, which would take 10 times as long as everything else."""
    found = key.search(config)
    return int(found[1]) if found else None


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0
