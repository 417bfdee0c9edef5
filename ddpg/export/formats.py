"""Writes an actor in each of the formats that `ddpg.policies` loads."""

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from ddpg.distribution import install_hint
from ddpg.errors import UserError, first_line
from ddpg.policies import Description
from ddpg.policies.actors import Deployed
from ddpg.policies.load import FORMATS, absent, pip_install
from ddpg.policies.writing import write_weights

#: The set of operators in the ONNX file: the newest that torch 2.13 writes without converting versions.
OPSET = 20


def require_packages(formats: Sequence[str]) -> None:
    """Raise UserError if a package is not installed, or is too old, that writes one of these formats."""
    for format in formats:
        missing = absent(FORMATS[format].writers)
        if missing:
            how = install_hint("onnx") if format == "onnx" else pip_install(missing)
            raise UserError(f"format={format} needs {' and '.join(missing)}: {how}")


def write(format: str, deployed: Deployed, description: Description, folder: Path) -> None:
    """Write the file of a format into a folder. Raises UserError if the network cannot be written so."""
    try:
        with _quietly():
            _WRITERS[format](deployed, description, folder / FORMATS[format].file)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # the converters have many, and a user's network can be anything
        target = description.network.target
        raise UserError(f"format={format} cannot be written of {target}: {first_line(error)}") from error


def _write_safetensors(deployed: Deployed, description: Description, path: Path) -> None:
    write_weights(deployed.actor, path)


def _write_pt2(deployed: Deployed, description: Description, path: Path) -> None:
    program = torch.export.export(deployed, _example(description), dynamic_shapes=_dynamic())
    program.example_inputs = None  # they would be the one pickle in the archive
    torch.export.save(program, path)


def _write_onnx(deployed: Deployed, description: Description, path: Path) -> None:
    program = torch.onnx.export(
        deployed,
        _example(description),
        dynamo=True,
        opset_version=OPSET,
        input_names=["obs"],
        output_names=["action"],
        dynamic_shapes=_dynamic(),
        verbose=False,
    )
    assert program is not None  # which it is for dynamo=False
    program.model.metadata_props.update(onnx_metadata(description))
    program.save(str(path), external_data=False)


def onnx_metadata(description: Description) -> dict[str, str]:
    """Return what an ONNX file repeats of policy.json, each entry as JSON.

    The hashes, the evaluation and the checks are missing: they come from the file when it is written.
    """
    content = description.as_json()
    for later in ("files", "evaluation", "checks"):
        del content[later]
    return {f"policy.{name}": json.dumps(value) for name, value in content.items()}


def _example(description: Description) -> tuple[torch.Tensor]:
    """Return a batch of two observations; with one, the converters would take the size for a constant."""
    dtype = getattr(torch, description.observation.dtype)
    return (torch.zeros(2, *description.observation.shape, dtype=dtype),)


def _dynamic() -> tuple[dict[int, torch.export.Dim]]:
    return ({0: torch.export.Dim("batch", min=1)},)


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep what the converters log and warn of to themselves; it is not for the users of this package."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


_WRITERS: dict[str, Callable[[Deployed, Description, Path], None]] = {
    "safetensors": _write_safetensors,
    "pt2": _write_pt2,
    "onnx": _write_onnx,
}
