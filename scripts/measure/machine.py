"""The machine that figures were measured on."""

import os
import platform
from datetime import date
from typing import Any

import gymnasium
import mujoco
import numpy as np
import torch

from ddpg.procfs import proc_field
from ddpg.record.provenance import commits


def machine(core: int) -> dict[str, Any]:
    """Describe the processor, the cores of this process, the one that is used, and versions."""
    model = proc_field("cpuinfo", "model name") or platform.machine()
    versions = {module.__name__: module.__version__ for module in (torch, np, gymnasium, mujoco)}
    return {
        "commit": commits()["commit"], "date": date.today().isoformat(),
        "cpu": model, "cores": len(os.sched_getaffinity(0)), "core": core, "python": platform.python_version(),
        **versions,
    }  # fmt: skip
