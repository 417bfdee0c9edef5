"""Reads policy.json, and the files that it names."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ddpg.errors import UserError, one_line
from ddpg.policies.description import FILE, FORMAT, Description, Evaluation, Network
from ddpg.policies.space import Space

Part = TypeVar("Part")


def read_description(folder: Path) -> Description:
    """Read the description of an exported policy.

    Raises UserError if there is none, or one that is damaged or of a newer form.
    """
    path = folder / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(_no_policy(folder)) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # no JSON, or no text at all
        raise UserError(f"{path} is damaged: {one_line(error)}") from error
    _require_known_form(content, path)
    try:
        return _description(content)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{path} is damaged: {one_line(error)}") from error


def read_checked(folder: Path, name: str, description: Description) -> bytes:
    """Read a file of an exported policy.

    Raises UserError if it is missing, or not the file that the description has the SHA-256 of.
    """
    path = folder / name
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path} is missing, although {FILE} names it") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    expected = description.files[name]
    found = sha256(content)
    if found != expected:
        raise UserError(
            f"{path} is damaged, or another policy's: its SHA-256 is {found[:12]}..., and {FILE} has {expected[:12]}..."
        )
    return content


def sha256(content: bytes) -> str:
    """Return the SHA-256 of a file's content in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _no_policy(folder: Path) -> str:
    if not folder.exists():
        return f"{folder}: there is no such folder"
    if (folder / "config.yaml").is_file():
        return f"{folder} is a run and no exported policy: ddpg-export {folder} makes one of it"
    return f"{folder} is no exported policy: it has no {FILE}"


def _require_known_form(content: Any, path: Path) -> None:
    form = content.get("format") if isinstance(content, Mapping) else None
    if not isinstance(form, int):
        raise UserError(f"{path} is damaged, or not of an exported policy: it has no format number")
    if form != FORMAT:
        age = "a newer" if form > FORMAT else "another"
        raise UserError(f"{path} has format {form}, of {age} version of this program; this version reads {FORMAT}")


def _description(content: Mapping[str, Any]) -> Description:
    values = {name: value for name, value in content.items() if name != "format"}
    evaluation = values.get("evaluation")
    return _part(
        Description,
        values
        | {
            "network": _part(Network, values["network"]),
            "observation": _space(values["observation"]),
            "action": _space(values["action"]),
            "evaluation": None if evaluation is None else _part(Evaluation, evaluation),
            "environment": dict(values["environment"]),
            "versions": dict(values["versions"]),
            "files": _hashes(values["files"]),
        },
    )


def _space(values: Mapping[str, Any]) -> Space:
    space = _part(Space, dict(values) | {"shape": tuple(map(int, values["shape"]))})
    if not isinstance(space.dtype, str) or np.dtype(space.dtype).kind not in "fiu" or not space.shape:
        raise ValueError(f"{values} are no arrays of numbers")
    space.bounds()  # raises for what no array can be made of
    return space


def _hashes(files: Mapping[str, Any]) -> dict[str, str]:
    """Return the hashes of the files. Raises ValueError for a name by which a stranger could mean another folder."""
    for name, found in dict(files).items():
        if not re.fullmatch(r"policy\.\w+", name) or not isinstance(found, str):
            raise ValueError(f"files has {name!r}: {found!r}")
    return dict(files)


def _part(kind: type[Part], values: Mapping[str, Any]) -> Part:
    """Make a part of the description from its object in JSON; further keys are for later versions."""
    known = fields(kind)  # type: ignore[arg-type]
    missing = [f.name for f in known if f.name not in values and f.default is MISSING and f.default_factory is MISSING]
    if missing:
        raise KeyError(f"{kind.__name__.lower()} lacks {', '.join(missing)}")
    names = {f.name for f in known}
    return kind(**{name: value for name, value in values.items() if name in names})
