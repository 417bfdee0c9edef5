"""metrics.jsonl, the record of a run: one JSON object a line, {"env_step": 1000, "losses/qf1_loss": 0.5}.

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
    """One line of metrics.jsonl, newline included."""
    finite = {key: value if math.isfinite(value) else None for key, value in row.items()}
    return json.dumps(finite, allow_nan=False).encode() + b"\n"


def make_row(env_step: int, metrics: Mapping[str, float]) -> Row:
    """The row as every sink sees it: plain ints and floats, whatever array scalars the caller had."""
    return {"env_step": env_step} | {key: _plain(value) for key, value in metrics.items()}


def read_metrics(path: Path) -> list[Row]:
    """All rows of a metrics.jsonl, null as NaN.

    What a killed process left of a last line is ignored; so is a file that is not there yet.

    Raises:
        UserError: a line other than the last is not JSON.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except ValueError as error:  # JSONDecodeError, or UnicodeDecodeError after a power cut
            if number == len(lines):
                break
            raise UserError(f"{path}, line {number} is not JSON: {line[:60]!r}") from error
        rows.append({key: math.nan if value is None else value for key, value in row.items()})
    return rows


def _plain(value: SupportsFloat) -> float:
    return int(value) if isinstance(value, Integral) else float(value)


class Means:
    """Running means of the losses since the last row that showed them.

    Sums of a GPU's tensors stay there, where nobody waits for them, and are sums of copies: the next update may write
    its losses over those of the last.
    """

    def __init__(self) -> None:
        self._sums: dict[str, Any] = {}
        self._counts: dict[str, int] = {}

    def add(self, metrics: Mapping[str, Any]) -> None:
        for name, value in metrics.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def pop(self) -> dict[str, float]:
        """The means, and a fresh start."""
        means = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        self._sums, self._counts = {}, {}
        return means

    def state_dict(self) -> dict[str, Any]:
        """Sums and counts since the last `pop`, as numbers."""
        return {"sums": {name: float(total) for name, total in self._sums.items()}, "counts": dict(self._counts)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self._sums = {name: float(total) for name, total in state["sums"].items()}
        self._counts = dict(state["counts"])
