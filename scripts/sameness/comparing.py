"""Two run folders compared, number by number and bit by bit."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

#: What may differ, and why: patterns for whole names as in `files:key`.
ALLOWED = {
    r"metrics:(time/.*|charts/SPS)": "the clock's",
    r"state:state\.tracker(\..*)?": "bytes of metrics.jsonl, with the clock's numbers in it",
    r"state:state\.actor\..*": "the actor is stored by itself, beside the agent that has it too",
    r"state:state\.progress\.updates": "updates are counted where they are ordered, too",
    r"state:state\.progress\.best_(of|starts)|best:episodes": "the evaluations that chose the best actor are known",
}

#: What may differ too in a run with batch norm.
ALLOWED_WITH_BATCH_NORM = {
    r"metrics:diagnostics/actor_grad_norm": (
        "the critic's running statistics as they are; the reference's diagnostic had moved them itself"
    ),
}

#: Names of the reference that the new code has changed: pattern, replacement (see re.sub), reason.
RENAMED: list[tuple[str, str, str]] = [
    (
        r"state:state\.(env_step|episode|last_return|best_return|evaluated_at)",
        r"state:state.progress.\1",
        "counters and results are a part of the state like the others",
    ),
    (
        r"state:state\.(sums|counts)(\..*)?",
        r"state:state.means.\1\2",
        "the means are a part of the state like the others",
    ),
    (
        r"state:state\.replay_total",
        r"state:state.transitions",
        "how many transitions the buffer had seen",
    ),
]

Values = dict[str, Any]


def difference(reference: Path, new: Path) -> str | None:
    """The first difference of two run folders, in words; None if there is none."""
    return next(_differences(reference, new), None)


def _differences(reference: Path, new: Path) -> Iterator[str]:
    allowed = _allowed(reference)
    yield from _of_rows(_rows(reference), _rows(new), allowed)
    for kind, file in (("best", "actor_best.pt"), ("state", "checkpoint"), ("actor", "actor.pt")):
        before, after = _newest(reference / file), _newest(new / file)
        if before.name != after.name:
            yield f"{before.name} became {after.name}"
        for told in _of_values(_tensors(kind, before), _tensors(kind, after), allowed):
            yield f"{before.name}, {told}"


def _rows(run: Path) -> list[dict[str, Any]]:
    lines = (run / "metrics.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _allowed(reference: Path) -> list[str]:
    """The patterns of names that may differ from this run of the reference."""
    actor = _tensors("actor", reference / "actor.pt")
    batch_norm = any(name.endswith("num_batches_tracked") for name in actor)
    return [*ALLOWED, *(ALLOWED_WITH_BATCH_NORM if batch_norm else ())]


def _of_rows(before: list[dict[str, Any]], after: list[dict[str, Any]], allowed: list[str]) -> Iterator[str]:
    for number, (old, new) in enumerate(zip_longest(before, after), start=1):
        if old is None or new is None:
            side = "reference" if new is None else "new"
            yield f"metrics.jsonl, line {number}: there in the {side} record alone"
            return
        for told in _of_values(flat(old, "metrics:"), flat(new, "metrics:"), allowed):
            yield f"metrics.jsonl, line {number}, env_step {old['env_step']}, {told}"


def _newest(path: Path) -> Path:
    """The file itself, or the last state in a folder of checkpoints."""
    return max(path.glob("state-*.pt")) if path.is_dir() else path


def _tensors(kind: str, path: Path) -> Values:
    return flat(torch.load(path, map_location="cpu", weights_only=True), f"{kind}:")


def flat(value: Any, name: str) -> Values:
    """Nested mappings and lists as one, by the way to each value: `state:segments.0.1`."""
    if isinstance(value, Mapping):
        parts = {str(key): part for key, part in value.items()}
    elif isinstance(value, list | tuple):
        parts = {str(place): part for place, part in enumerate(value)}
    else:
        return {name: value}
    start = name if name.endswith(":") else f"{name}."
    found: Values = {}
    for key, part in parts.items():
        found |= flat(part, start + key)
    return found


def _of_values(before: Values, after: Values, allowed: list[str]) -> Iterator[str]:
    """Every difference of two flat mappings, in the reference's order."""
    before = {_renamed(name): value for name, value in before.items()}
    for name in [*before, *(name for name in after if name not in before)]:
        if any(re.fullmatch(pattern, name) for pattern in allowed):
            continue
        if name not in after:
            yield f"{name}: there in the reference alone"
        elif name not in before:
            yield f"{name}: there in the new code alone"
        elif not _same(before[name], after[name]):
            yield f"{name}: {_told(before[name], after[name])}"


def _renamed(name: str) -> str:
    for pattern, replacement, _ in RENAMED:
        if re.fullmatch(pattern, name):
            return re.sub(pattern, replacement, name)
    return name


def _same(before: Any, after: Any) -> bool:
    """Bit for bit: -0.0 is not 0.0, 1 is not 1.0, NaN is NaN."""
    if isinstance(before, Tensor) and isinstance(after, Tensor):
        alike = before.dtype == after.dtype and before.shape == after.shape
        return alike and before.numpy().tobytes() == after.numpy().tobytes()
    return type(before) is type(after) and repr(before) == repr(after)


def _told(before: Any, after: Any) -> str:
    """A difference in a few words."""
    if not (isinstance(before, Tensor) and isinstance(after, Tensor)):
        return f"{_short(before)} became {_short(after)}"
    if before.shape != after.shape or before.dtype != after.dtype:
        return f"{_short(before)} became {_short(after)}"
    off = (before != after).sum().item()
    most = (before.double() - after.double()).abs().max().item()
    return f"{off} of {before.numel()} numbers differ, by {most:.3g} at most"


def _short(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)}"
    return repr(value)[:60]
