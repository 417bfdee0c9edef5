"""Where a run comes from: code, versions, command, machine. Nothing here can stop a run: unknown is null."""

import os
import platform
import shlex
import socket
import subprocess
import sys
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import ddpg
from ddpg.procfs import proc_field

PACKAGES = (
    "box2d",
    "dm_control",
    "gymnasium",
    "hydra-core",
    "matplotlib",
    "mujoco",
    "numpy",
    "omegaconf",
    "pybullet",
    "pybullet_envs_gymnasium",
    "shimmy",
    "submitit",
    "torch",
    "tqdm",
    "wandb",
)
SLURM_VARIABLES = (
    "SLURM_CLUSTER_NAME",
    "SLURM_JOB_ID",
    "SLURM_ARRAY_JOB_ID",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_RESTART_COUNT",
    "SLURM_JOB_PARTITION",
    "SLURMD_NODENAME",
)
LONGEST_DIFF = 200_000  # characters
MOST_UNTRACKED = 100
GIT_SECONDS = 5.0  # a repository on a slow network disk must not hold the run up


def provenance(seed: int) -> dict[str, Any]:
    """What provenance.json holds, ready for json.dump."""
    code, here = _code(), Path.cwd()
    return {
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": shlex.join(sys.argv),
        "directory": str(here),
        "seed": seed,
        "git": code,
        "git_of_directory": None if code and code["root"] == _root(here) else repository(here),
        "versions": versions(),
        "machine": machine(),
        "slurm": {name: os.environ[name] for name in SLURM_VARIABLES if name in os.environ} or None,
    }


def code_version() -> dict[str, Any]:
    """`commit` of this package's code, and whether it is `dirty`: changed since; None where git does not know it."""
    folder = _code_folder()
    if folder is None:
        return {"commit": None, "dirty": None}
    return {"commit": _commit(folder), "dirty": bool(_status(folder))}


def code_commit() -> str | None:
    """`commit` of `code_version` alone: `dirty` is a look at every file."""
    folder = _code_folder()
    return None if folder is None else _commit(folder)


def _code() -> dict[str, Any] | None:
    folder = _code_folder()
    return None if folder is None else repository(folder)


def _code_folder() -> Path | None:
    """That of this package, where git knows it: not installed, even if its environment lies inside some repository."""
    package = Path(ddpg.__file__)
    tracked = _git(package.parent, "ls-files", "--error-unmatch", package.name) is not None
    return package.parent if tracked else None


def repository(folder: Path) -> dict[str, Any] | None:
    """Commit and uncommitted changes of the git repository around `folder`; None if there is none."""
    root = _root(folder)
    if root is None:
        return None
    status = _status(folder)
    diff = _git(folder, "diff", "HEAD") or ""
    untracked = [line[3:] for line in status.splitlines() if line.startswith("??")]
    return {
        "root": root,
        "commit": _commit(folder),
        "dirty": bool(status),
        "diff": diff[:LONGEST_DIFF],
        "diff_cut_by": max(len(diff) - LONGEST_DIFF, 0),
        "untracked": untracked[:MOST_UNTRACKED],
        "untracked_cut_by": max(len(untracked) - MOST_UNTRACKED, 0),
    }


def versions() -> dict[str, str | None]:
    """Versions of Python, of this package and of what it depends on; None where not installed."""
    return {"python": platform.python_version(), "ddpg": ddpg.__version__} | {
        package: _version(package) for package in PACKAGES
    }


def machine() -> dict[str, Any]:
    """Host, processor and GPUs. `cores` are those that this process may use."""
    import torch  # here, for a sweep is submitted without it

    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return {
        "host": socket.gethostname(),
        "system": platform.platform(),
        "cpu": proc_field("cpuinfo", "model name") or platform.processor() or None,
        "cores": len(affinity(0)) if affinity else os.cpu_count(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
    }


def _root(folder: Path) -> str | None:
    root = _git(folder, "rev-parse", "--show-toplevel")
    return root and root.strip()


def _commit(folder: Path) -> str | None:
    return (_git(folder, "rev-parse", "--verify", "--quiet", "HEAD") or "").strip() or None


def _status(folder: Path) -> str:
    """A line for each file that is changed or untracked."""
    return _git(folder, "status", "--porcelain") or ""


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None if it fails, takes too long or is not installed."""
    try:
        result = subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            cwd=folder,
            capture_output=True,
            timeout=GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.decode(errors="replace")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
