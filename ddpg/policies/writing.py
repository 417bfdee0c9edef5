"""Writes a policy as weights and a description."""

import json
from dataclasses import replace
from pathlib import Path

import safetensors.torch
from torch import Tensor, nn

from ddpg.errors import UserError
from ddpg.policies.description import FILE, Description
from ddpg.policies.load import FORMATS
from ddpg.policies.reading import sha256


def write_policy(actor: nn.Module, description: Description, folder: Path) -> Description:
    """Write an actor as safetensors, which copies its weights, and its description; return it with the hash."""
    path = folder / FORMATS["safetensors"].file
    write_weights(actor, path)
    return write_hashed(description, folder)


def write_weights(actor: nn.Module, path: Path) -> None:
    """Write the weights and the statistics of an actor as safetensors; raise UserError if its state has more."""
    state = actor.state_dict()
    others = [name for name, value in state.items() if not isinstance(value, Tensor)]
    if others:
        raise UserError(
            f"format=safetensors holds tensors alone, and the actor's state also has {', '.join(others)}, which "
            "get_extra_state returned: keep tensors with register_buffer, or choose format=onnx or format=pt2"
        )
    path.write_bytes(safetensors.torch.save({name: tensor.contiguous() for name, tensor in state.items()}))


def write_hashed(description: Description, folder: Path) -> Description:
    """Write policy.json with the hashes of the files that a folder has; return what was written."""
    hashes = {path.name: sha256(path.read_bytes()) for path in sorted(folder.iterdir())}
    hashed = replace(description, files=hashes)
    write_description(hashed, folder)
    return hashed


def write_description(description: Description, folder: Path) -> None:
    """Write policy.json; an infinite argument is `Infinity` there, as Python writes and reads it.

    Raises UserError for a part of the environment that would come back from it as another one.
    """
    text = json.dumps(description.as_json(), indent=2)
    read = json.loads(text)["environment"]
    for key, value in description.environment.items():
        if read[key] != value:
            raise UserError(f"env.{key}={value} would come back from {FILE} as {read[key]}: keys are texts there")
    (folder / FILE).write_text(f"{text}\n", encoding="utf-8")
