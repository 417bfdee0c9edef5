"""What an offline W&B run really holds on disk.

wandb-core writes in blocks of 32 KiB, so a kill loses rows that were handed over long before; only the
file tells which. W&B has no public reader. The framing is LevelDB's log format, the records are W&B's
own protobuf messages.
"""

import json
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

BLOCK = 32768
FILE_HEADER = 7  # ":W&B", a magic number of two bytes, a version of one
FIRST_OR_WHOLE = (1, 2)
WHOLE_OR_LAST = (1, 4)


def rows_on_disk(run_dir: Path, run_id: str) -> int:
    """How many rows of the record the offline segments of a run hold together, from row 0 on."""
    segments = _segments(run_dir, run_id)
    steps = (row["_step"] for path in segments for row in read_segment(path)["history"] if "_step" in row)
    return max(steps, default=-1) + 1


def mark_as_synced(run_dir: Path, run_id: str) -> None:
    """So that `wandb sync`, which takes rows twice and ends at a torn file, leaves the segments alone."""
    for segment in _segments(run_dir, run_id):
        segment.with_suffix(".wandb.synced").touch()


def read_segment(path: Path) -> dict[str, Any]:
    """Run, config, history, summary and exit code of one .wandb file, as far as it was written."""
    segment: dict[str, Any] = {"run": None, "config": {}, "history": [], "summary": {}, "exit": None}
    for record in _records(path.read_bytes()):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            segment["run"] = record.run
            segment["config"].update(_values(record.run.config.update))
        elif kind in ("config", "summary"):
            segment[kind].update(_values(getattr(record, kind).update))
        elif kind == "history":
            segment["history"].append(_values(record.history.item))
        elif kind == "exit":
            segment["exit"] = record.exit.exit_code
    return segment


def _segments(run_dir: Path, run_id: str) -> Iterator[Path]:
    return run_dir.glob(f"wandb/offline-run-*-{run_id}/run-{run_id}.wandb")


def _values(items: Iterable[Any]) -> dict[str, Any]:
    return {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in items}


def _records(data: bytes) -> Iterator[Any]:
    from wandb.proto import wandb_internal_pb2  # here, so that only a run with W&B imports it

    if data and data[:4] != b":W&B":
        raise ValueError("not a .wandb file")
    for payload in _payloads(data):
        record = wandb_internal_pb2.Record()  # type: ignore[attr-defined]
        record.ParseFromString(payload)
        yield record


def _payloads(data: bytes) -> Iterator[bytes]:
    position, payload = FILE_HEADER, b""
    while position + 7 <= len(data):
        left = BLOCK - position % BLOCK
        if left < 7:  # no room for a header: zeros up to the next block
            position += left
            continue
        _checksum, length, kind = struct.unpack_from("<IHB", data, position)
        chunk = data[position + 7 : position + 7 + length]
        if kind == 0 or len(chunk) < length:  # torn tail: the process was killed
            return
        position += 7 + length
        payload = chunk if kind in FIRST_OR_WHOLE else payload + chunk
        if kind in WHOLE_OR_LAST:
            yield payload
