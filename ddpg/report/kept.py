"""Runs as docs/results keeps them, to which a report gives the form of a run folder.

Such a folder has config.yaml, metrics.jsonl.gz, and provenance.json with what became of the run and its starts.
"""

import gzip
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddpg.errors import UserError
from ddpg.record.tracking.metrics import Row, decode_rows, read_metrics

#: The compressed record of such a run.
RECORD = "metrics.jsonl.gz"


def is_kept(path: Path) -> bool:
    """Whether a folder is such a run."""
    return (path / RECORD).exists() and (path / "provenance.json").exists()


def read_rows(folder: Path) -> list[Row]:
    """Read the record of a run in either form; raise UserError if it is damaged."""
    path = folder / RECORD
    if not path.exists():
        return read_metrics(folder / "metrics.jsonl")
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise UserError(f"{path} is damaged: {error}") from error
    return decode_rows(content, path)


def kept_status(folder: Path) -> dict[str, Any]:
    """Return what status.json would have; raise UserError if provenance.json is damaged."""
    return {name: value for name, value in _provenance(folder).items() if name in ("state", "env_step", "error")}


def kept_starts(folder: Path) -> list[Mapping[str, Any]]:
    """Return the starts of the run, each with its command and overrides; raise UserError if that is damaged."""
    content = _provenance(folder)
    command = str(content.get("command", ""))
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UserError(f"the command in {folder / 'provenance.json'} is damaged: {error}") from error
    overrides = {"command": command, "overrides": words[1:]} if words else {}
    return [{**start, **overrides} for start in content.get("starts", [])]


def _provenance(folder: Path) -> dict[str, Any]:
    path = folder / "provenance.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is damaged: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} is not that of a kept run: it has no `state`")
    return content
