"""How a policy is loaded, in Python: a few lines for each format, and what they need."""

import sys
from itertools import accumulate
from typing import NamedTuple

from ddpg.distribution import distribution_name
from ddpg.policies import Description
from ddpg.remote.fetch import FROM_HUB


class Way(NamedTuple):
    """A way to load a policy: its title, the packages that it needs, and the lines."""

    title: str
    packages: str
    code: str


def ways(description: Description, source: str) -> list[Way]:
    """List the ways to load a policy from the files that it has.

    Args:
        description: of the policy.
        source: hub:USER/NAME, or the name of the folder.
    """
    own = [distribution_name() or "ddpg", "torch", "numpy", "safetensors"]
    if source.startswith(FROM_HUB):
        own.append("huggingface_hub")
    *others, last = (f"`{package}`" for package in own)
    dtype = description.observation.dtype
    found = {
        "policy.safetensors": Way("safetensors", f"{', '.join(others)} and {last}", _own(description, source)),
        "policy.onnx": Way("ONNX", "`onnxruntime` and `numpy` alone", _onnx(dtype)),
        "policy.pt2": Way(
            "torch.export (a file that can run code: for those who trust its writer)",
            "`torch` (2.9 or newer) and `numpy`",
            _pt2(dtype),
        ),
    }
    return [way for name, way in found.items() if name in description.files]


def loading(description: Description, source: str) -> tuple[list[str], str]:
    """Return the imports that `ddpg.load_policy` needs beside ddpg for a policy, and the call."""
    foreign = description.network.foreign
    if not foreign:
        return [], f'ddpg.load_policy("{source}")'
    imports = dict.fromkeys(f"import {_module_of(target)}" for target in foreign)
    return list(imports), f'ddpg.load_policy("{source}", classes=[{", ".join(foreign)}])'


def _module_of(target: str) -> str:
    """Return the module in a full name, which is loaded where a policy is exported; what follows can be two classes."""
    outer = list(accumulate(target.split(".")[:-1], "{}.{}".format))
    return next((name for name in reversed(outer) if name in sys.modules), outer[-1])


def _own(description: Description, source: str) -> str:
    imports, call = loading(description, source)
    return "\n".join(["import ddpg", *imports, f"policy = {call}", "action = policy(obs)"])


def _onnx(dtype: str) -> str:
    return f"""\
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession("policy.onnx")
action = session.run(None, {{"obs": np.asarray([obs], np.{dtype})}})[0][0]"""


def _pt2(dtype: str) -> str:
    return f"""\
import torch
actor = torch.export.load("policy.pt2").module()
action = actor(torch.as_tensor(obs, dtype=torch.{dtype})[None])[0].numpy()"""
