"""metrics.jsonl, the record of a run: a JSON object on each line, as {"env_step": 1000, "losses/qf1_loss": 0.5}.

Floats are written as Python's repr, so they come back bit for bit. NaN and the infinities, which JSON
does not have, are written as null and come back as NaN.
"""

import json
import math
from collections.abc import Mapping
from numbers import Integral
from pathlib import Path
from typing import Any, SupportsFloat

from ddpg.errors import UserError

Row = dict[str, float]


def encode_row(row: Mapping[str, float]) -> bytes:
    """Write a row as a line of metrics.jsonl, newline included."""
    finite = {key: value if math.isfinite(value) else None for key, value in row.items()}
    return json.dumps(finite, allow_nan=False).encode() + b"\n"


def make_row(env_step: int, metrics: Mapping[str, float]) -> Row:
    """Make the row that every sink sees: plain ints and floats, whatever array scalars the caller had."""
    return {"env_step": env_step} | {key: _plain_number(value) for key, value in metrics.items()}


def read_metrics(path: Path) -> list[Row]:
    """Read all rows of a metrics.jsonl, null as NaN; a file that is not there yet has none.

    A last line that a killed process left incomplete is ignored.

    Raises:
        UserError: a line other than the last is not JSON.
    """
    if not path.exists():
        return []
    content = path.read_bytes()
    return decode_rows(content[: content.rfind(b"\n") + 1], path)


def decode_rows(content: bytes, path: Path) -> list[Row]:
    """Read whole lines of a metrics.jsonl, as `read_metrics` does; `path` is named where they are damaged."""
    import msgspec  # here, because a run that starts does without it

    try:
        rows = msgspec.json.Decoder().decode_lines(content)
    except msgspec.MsgspecError:  # the last line is torn, or another is damaged
        rows = _read_each_line(path, content)
    if b"null" in content:
        rows = [{key: math.nan if value is None else value for key, value in row.items()} for row in rows]
    return rows


def _read_each_line(path: Path, content: bytes) -> list[Row]:
    """Read line by line what cannot be read at once; raise UserError for a line other than the last."""
    lines = content.split(b"\n")[:-1]
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(json.loads(line))
        except ValueError as error:  # JSONDecodeError, or UnicodeDecodeError after a power cut
            if number < len(lines):
                raise UserError(f"{path}, line {number} is not JSON: {line[:60]!r}") from error
    return rows


def _plain_number(value: SupportsFloat) -> float:
    return int(value) if isinstance(value, Integral) else float(value)


class Means:
    """Running means of the losses since the last row that showed them.

    The sums of tensors stay on their device, so that no update waits for a GPU. They are new tensors, because the next
    update may write its losses over those of the last one.
    """

    def __init__(self) -> None:
        self._sums: dict[str, Any] = {}
        self._counts: dict[str, int] = {}

    def add(self, metrics: Mapping[str, Any]) -> None:
        """Add the losses of an update: numbers or scalar tensors."""
        for name, value in metrics.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def pop(self) -> dict[str, float]:
        """Return the means, and start anew."""
        means = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        self._sums = {}
        self._counts = {}
        return means

    def state_dict(self) -> dict[str, Any]:
        """Return the sums and counts since the last `pop`, as numbers."""
        return {"sums": {name: float(total) for name, total in self._sums.items()}, "counts": dict(self._counts)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`."""
        self._sums = {name: float(total) for name, total in state["sums"].items()}
        self._counts = dict(state["counts"])
