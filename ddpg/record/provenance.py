"""Where a run comes from: code, versions, command, machine. Nothing here can stop a run: what is unknown is null."""

import logging
import os
import platform
import shlex
import socket
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from ddpg import version
from ddpg.config.spelling import as_typed
from ddpg.procfs import proc_field

log = logging.getLogger(__name__)

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
#: What `code_version` returns, by name.
OF_CODE = ("commit", "commit_of_directory", "dirty")
LONGEST_DIFF = 200_000  # characters
MOST_UNTRACKED = 100
GIT_SECONDS = 5.0  # a repository on a slow network disk must not hold up the run


def provenance(seed: int) -> dict[str, Any]:
    """Describe this start of a run for provenance.json, in what JSON knows."""
    code_folder = _code_folder()
    code = None if code_folder is None else repository(code_folder)
    here = Path.cwd()
    return {
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        **command_line(),
        "seed": seed,
        "git": code,
        "git_of_directory": None if code and code["root"] == _root(here) else repository(here),
        "versions": versions(),
        "machine": machine(),
        "slurm": {name: os.environ[name] for name in SLURM_VARIABLES if name in os.environ} or None,
    }


def command_line() -> dict[str, str]:
    """Return the `command` of this process as a shell takes it, and its `directory`.

    Words are without what was put before free keys for Hydra.
    """
    pairs = zip(sys.argv, as_typed(sys.argv), strict=True)
    words = [word if word.startswith("++hydra") else typed for word, typed in pairs]
    return {"command": shlex.join(words), "directory": str(Path.cwd())}


def own_configs(known: Mapping[str, Any]) -> dict[str, str]:
    """Return the `config_dir` that sweep.json has: a folder with the user's own config groups; nothing without one."""
    return {"config_dir": known["config_dir"]} if "config_dir" in known else {}


def code_version() -> dict[str, Any]:
    """Return what `commits` does, and whether this package's code is `dirty`; None if git does not track it."""
    folder = _code_folder()
    return {**_commits(folder), "dirty": None if folder is None else bool(_status(folder))}


def commits() -> dict[str, str | None]:
    """Return the `commit` of this package's code and the `commit_of_directory`, where code of the user's may lie.

    The latter is that of the repository around the working directory, unless that is this package's. None stands for
    what git does not track.
    """
    return _commits(_code_folder())


def _commits(code: Path | None) -> dict[str, str | None]:
    """Return what `commits` does, for this package's source folder."""
    here = Path.cwd()
    return {
        "commit": None if code is None else _commit(code),
        "commit_of_directory": None if code is not None and _root(code) == _root(here) else _commit(here),
    }


def _code_folder() -> Path | None:
    """Return the package's source folder if git tracks it; None if it is installed, even inside some repository."""
    package = Path(version.__file__)
    tracked = _git(package.parent, "ls-files", "--error-unmatch", package.name) is not None
    return package.parent if tracked else None


def repository(folder: Path) -> dict[str, Any] | None:
    """Return the commit and the uncommitted changes of the git repository around `folder`; None if there is none."""
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
    """Return the versions of Python, of this package and of what it depends on; None where not installed."""
    return {"python": platform.python_version(), "ddpg": version.__version__} | {
        package: package_version(package) for package in PACKAGES
    }


def available_cores() -> list[int]:
    """List the cores that this process may use, by their numbers."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return sorted(affinity(0)) if affinity else list(range(os.cpu_count() or 1))


def machine() -> dict[str, Any]:
    """Describe the host, its processor and its GPUs. `cores` counts those that this process may use."""
    import torch  # here, because a sweep is submitted without it

    return {
        "host": socket.gethostname(),
        "system": platform.platform(),
        "cpu": proc_field("cpuinfo", "model name") or platform.processor() or None,
        "cores": len(available_cores()),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
    }


def _root(folder: Path) -> str | None:
    root = _git(folder, "rev-parse", "--show-toplevel")
    return root and root.strip()


def _commit(folder: Path) -> str | None:
    return (_git(folder, "rev-parse", "--verify", "--quiet", "HEAD") or "").strip() or None


def _status(folder: Path) -> str:
    """Return a line for each file that is changed or untracked."""
    return _git(folder, "status", "--porcelain") or ""


def _git(folder: Path, *arguments: str) -> str | None:
    """Run git and return what it prints; None if it fails, takes too long or is not installed."""
    try:
        result = subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            cwd=folder,
            capture_output=True,
            timeout=GIT_SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired:
        log.warning(
            "git %s takes more than %g s in %s: provenance.json goes without it", arguments[0], GIT_SECONDS, folder
        )
        return None
    except (OSError, subprocess.CalledProcessError):  # git is not installed, or there is no repository
        return None
    return result.stdout.decode(errors="replace")


def package_version(package: str) -> str | None:
    """Return the version of a package; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
