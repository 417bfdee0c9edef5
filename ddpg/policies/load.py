"""Loads an exported policy, from the format that is asked for or from one that can be read here."""

import importlib.metadata
import importlib.util
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ddpg.errors import UserError
from ddpg.policies.description import FILE, Description, full_name
from ddpg.policies.policy import Policy
from ddpg.policies.reading import read_checked, read_description


class Format(NamedTuple):
    """A form in which a policy is written: its file, the packages that read it, and those that write and prove it.

    A package is named as for pip, with its oldest release if not every one does: torch>=2.9.
    """

    file: str
    packages: tuple[str, ...]
    writers: tuple[str, ...]


FormatName = Literal["safetensors", "onnx", "pt2"]
#: The formats by name; the first that a folder has and that can be read is the default. torch before 2.9 pickles the
#: weights of a program of torch.export; its converter to ONNX was tried with 2.7 and later.
FORMATS: dict[str, Format] = {
    "safetensors": Format("policy.safetensors", ("torch", "safetensors"), ("torch", "safetensors")),
    "onnx": Format("policy.onnx", ("onnxruntime",), ("torch>=2.7", "onnx", "onnxscript", "onnxruntime")),
    "pt2": Format("policy.pt2", ("torch>=2.9",), ("torch>=2.9",)),
}


def is_exported(folder: Path) -> bool:
    """Whether a folder has the description of an exported policy.

    Raises UserError for a file of such a folder, and for a policy without its description, such as one that was copied
    alone.
    """
    if folder.is_file() and is_exported(folder.parent):
        raise UserError(f"{folder} is a file of an exported policy; did you mean {folder.parent}?")
    if (folder / FILE).is_file():
        return True
    alone = [format.file for format in FORMATS.values() if (folder / format.file).is_file()]
    if alone:
        raise UserError(f"{folder} has {alone[0]} without {FILE}: take the whole folder that ddpg-export has written")
    return False


def load(folder: str | Path, format: str | None = None, classes: Sequence[Callable[..., Any]] = ()) -> Policy:
    """Load an exported policy.

    Args:
        folder: what `ddpg-export` has written.
        format: "safetensors", "onnx" or "pt2"; None: the first of safetensors and onnx that the folder has and for
            which the packages are installed. pt2 is read only when it is asked for, because `torch.export.load` runs
            code that a stranger can have put there.
        classes: classes of networks that are not this package's, which a policy may be built of. Without them such a
            policy is loaded from onnx or pt2.

    Raises UserError if the folder is no exported policy, is damaged, or cannot be read with what is installed.
    """
    folder = Path(folder)
    description = read_description(folder)
    name = format if format is not None else _default(folder, description, classes)
    _require_format(name, folder, description)
    content = read_checked(folder, FORMATS[name].file, description)
    if name == "onnx":
        from ddpg.policies.onnx_session import onnx_policy

        return onnx_policy(content, description, folder)
    if name == "pt2":
        from ddpg.policies.pt2_archive import pt2_policy

        return pt2_policy(content, description, folder)
    from ddpg.policies.weights import weights_policy

    return weights_policy(content, description, folder, classes)


def require_known(name: str) -> None:
    """Raise UserError unless there is a format of this name."""
    if name not in FORMATS:
        raise UserError(f"format={name} is not one of {', '.join(FORMATS)}")


def absent(packages: Sequence[str]) -> list[str]:
    """List the packages that are not installed, or only in an older release than is needed."""
    return [package for package in packages if not _is_there(package)]


def pip_install(packages: Sequence[str]) -> str:
    """Return what to type so that packages are installed."""
    return f"pip install {shlex.join(packages)}"


def _default(folder: Path, description: Description, classes: Sequence[Callable[..., Any]]) -> str:
    """Choose a format that can be read here."""
    written = [name for name, format in FORMATS.items() if format.file in description.files]
    reasons = {name: _obstacle(name, description, classes) for name in written}
    for name, reason in reasons.items():
        if reason is None:
            return name
    listed = "; ".join(f"{name} {reason}" for name, reason in reasons.items())
    raise UserError(f"{folder} cannot be loaded here: {listed or 'it has no file of a policy'}")


def _obstacle(name: str, description: Description, classes: Sequence[Callable[..., Any]]) -> str | None:
    """Return why a format is not chosen, after its name in a message; None if it can be."""
    if name == "pt2":
        return "can run code of whoever wrote it, so ask for it by format=pt2 if you trust it"
    missing = absent(FORMATS[name].packages)
    if missing:
        return f"needs {' and '.join(missing)}"
    given = [full_name(own, "classes") for own in classes]
    lacking = [target for target in description.network.foreign if target not in given]
    if name == "safetensors" and lacking:
        return (
            f"needs the class{'es' * (len(lacking) > 1)} {' and '.join(lacking)}, which load_policy takes in "
            "classes=[...] and ddpg-eval imports with trust=true"
        )
    return None


def _require_format(name: str, folder: Path, description: Description) -> None:
    require_known(name)
    if FORMATS[name].file not in description.files:
        written = [other for other, format in FORMATS.items() if format.file in description.files]
        raise UserError(f"format={name}: {folder} has no {FORMATS[name].file}; it was exported as {', '.join(written)}")
    missing = absent(FORMATS[name].packages)
    if missing:
        raise UserError(f"format={name} needs {' and '.join(missing)}: {pip_install(missing)}")


def _is_there(package: str) -> bool:
    name, _, oldest = package.partition(">=")
    if not _can_be_imported(name):
        return False
    return not oldest or _release(importlib.metadata.version(name)) >= _release(oldest)


def _can_be_imported(name: str) -> bool:
    if name in sys.modules:
        return sys.modules[name] is not None
    return importlib.util.find_spec(name) is not None


def _release(version: str) -> list[int]:
    """Return the first two numbers of a version."""
    return [int(number) for number in re.findall(r"\d+", version)[:2]]
