"""The format pt2: a program of torch.export.

The archive is a zip of raw weights and JSON. `torch.export.load` unpickles what an archive marks as pickled, with
`weights_only=False`, runs libraries compiled by AOTInductor, and lets sympy evaluate the expressions in its JSON. An
archive of `ddpg-export` has neither pickles nor libraries; one that has any is refused here. The expressions remain:
load only what comes from somebody you trust.
"""

import io
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ddpg.errors import UserError, first_line
from ddpg.policies.actors import torch_policy
from ddpg.policies.description import Description
from ddpg.policies.policy import Policy

#: The members of an archive without code: its versions, the program as JSON, and tensors.
HARMLESS = re.compile(r"[^/]+/([\w.]+|\.data/[\w.]+|models/[\w.]+|data/(weights|constants|sample_inputs)/[\w.]+)")


def pt2_policy(content: bytes, description: Description, folder: Path) -> Policy:
    """Make a policy of the content of policy.pt2.

    Raises UserError if it has a pickle or a library, or if this version of torch cannot read it.
    """
    require_no_code(content, f"{folder}/policy.pt2")
    try:
        program = torch.export.load(io.BytesIO(content)).module(check_guards=False)
    except Exception as error:  # torch raises what it likes for programs of other versions
        written = description.versions.get("torch")
        raise UserError(
            f"{folder}/policy.pt2 was written by torch {written} and cannot be read by {torch.__version__}: "
            f"{first_line(error)}"
        ) from error
    return torch_policy(program, description, "pt2")


def require_no_code(content: bytes, name: str) -> None:
    """Raise UserError if an archive of torch.export has anything that `torch.export.load` would unpickle or run."""
    try:
        others = _others(content)
        pickled = _pickled(content)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{name} is no archive of torch.export: {first_line(error)}") from error
    if others:
        raise UserError(f"{name} has {others[0]}, which is not needed and could be code: it is not loaded")
    if pickled:
        raise UserError(f"{name} has the pickle {pickled[0]}, which could run any code: it is not loaded")


def _others(content: bytes) -> list[str]:
    """List the members of an archive that are neither tensors nor the program."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [name for name in archive.namelist() if not HARMLESS.fullmatch(name)]


def _pickled(content: bytes) -> list[str]:
    """List the members of an archive that are pickles, or objects that torch would restore in its own way."""
    found = []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            if member.filename.endswith(".pt") and member.file_size:
                found.append(member.filename)
            if member.filename.endswith(("_weights_config.json", "_constants_config.json")):
                payloads = json.loads(archive.read(member))["config"].values()
                found += [payload["path_name"] for payload in payloads if not _is_raw(payload)]
    return found


def _is_raw(payload: Mapping[str, Any]) -> bool:
    return not payload["use_pickle"] and payload["path_name"].startswith(("weight_", "tensor_"))
