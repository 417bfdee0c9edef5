"""The memory and the devices of this machine."""

import logging
from pathlib import Path

import torch

from ddpg.config.settings import DEVICE
from ddpg.errors import UserError, untyped_first_line
from ddpg.procfs import proc_field

log = logging.getLogger(__name__)


def available_memory() -> int | None:
    """Return the bytes that this process may still take, or None if the system does not say.

    It is the least of the machine's free memory and of the rest in each control group.
    """
    limits = [_meminfo(), *_control_groups()]
    known = [limit for limit in limits if limit is not None]
    return min(known) if known else None


def _meminfo() -> int | None:
    available = proc_field("meminfo", "MemAvailable")  # as in `123 kB`
    return None if available is None else int(available.split()[0]) * 1024


def _control_groups() -> list[int]:
    """List what memory limits leave, from the process's own control group up (Slurm and containers set them)."""
    try:
        own = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()[-1].split(":")[-1].lstrip("/")
    except (OSError, IndexError):
        return []
    root = Path("/sys/fs/cgroup")
    left = [_left_in(folder) for folder in (root / own, *(root / own).parents)]
    return [rest for rest in left if rest is not None]


def _left_in(group: Path) -> int | None:
    """Return the bytes that a control group may still take; None without a limit or for a folder that is no group."""
    try:
        limit = (group / "memory.max").read_text(encoding="utf-8").strip()
        used = int((group / "memory.current").read_text(encoding="utf-8"))
        details = dict(line.split() for line in (group / "memory.stat").read_text(encoding="utf-8").splitlines())
    except OSError:
        return None
    if limit == "max":
        return None
    # files that are merely cached count as used, but give way to what a process needs
    return int(limit) - used + int(details.get("inactive_file", 0))


def torch_device(name: str) -> torch.device:
    """Return the device of that name; `auto` is the CPU, because training on a GPU has not been tried yet.

    Raises UserError if it cannot be used; `ddpg.config` has checked its name.
    """
    if name == "auto":
        return torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = untyped_first_line(error)
        raise UserError(f"device={name} cannot be used: {reason}; it must be {DEVICE}") from error
    return device


def mention_unused_gpu(name: str) -> None:
    """Log a line if there is a GPU that `auto` does not take."""
    if name == "auto" and torch.cuda.is_available():
        log.info(
            "device=auto takes the CPU, because training on a GPU has not been tried yet; device=cuda takes the GPU"
        )
