"""What this machine offers: memory and devices."""

from pathlib import Path

import torch

from ddpg.errors import UserError
from ddpg.procfs import proc_field


def available_memory() -> int | None:
    """Bytes that this process may still take: the machine's free memory or the control group's rest; None: unknown."""
    limits = [_meminfo(), *_control_group()]
    known = [limit for limit in limits if limit is not None]
    return min(known) if known else None


def _meminfo() -> int | None:
    available = proc_field("meminfo", "MemAvailable")  # as in `123 kB`
    return None if available is None else int(available.split()[0]) * 1024


def _control_group() -> list[int]:
    """What memory limits of control groups (Slurm, containers) leave, from the process's own group upwards."""
    try:
        own = Path("/proc/self/cgroup").read_text().splitlines()[-1].split(":")[-1].lstrip("/")
    except (OSError, IndexError):
        return []
    root = Path("/sys/fs/cgroup")
    left = []
    for folder in [root / own, *(root / own).parents]:
        try:
            limit = (folder / "memory.max").read_text().strip()
            used = (folder / "memory.current").read_text()
            details = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        except OSError:
            continue
        if limit != "max":  # files that are merely cached count as used, and give way
            left.append(int(limit) - int(used) + int(details.get("inactive_file", 0)))
    return left


def torch_device(name: str) -> torch.device:
    """The device of that name; `auto` is a GPU if torch sees one. UserError if there is no such device."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    allowed = "auto, cpu, cuda, cuda:1, mps"
    try:
        device = torch.device(name)
    except RuntimeError as error:  # torch's own line lists twenty kinds
        raise UserError(f"device={name} is not one of {allowed}") from error
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"device={name} cannot be used: {reason}; allowed: {allowed}") from error
    return device
