"""The kernels that compute a run: chosen by the config, and written down in the run folder."""

import logging
from collections.abc import Callable, Sequence

import torch
from omegaconf import DictConfig

from ddpg.config.keys import flat
from ddpg.config.settings import plain
from ddpg.constructors import is_ours
from ddpg.learner.protocol import Agent
from ddpg.learner.replay import ReplayBuffer
from ddpg.record.run_folder import RunFolder

log = logging.getLogger(__name__)

#: The groups whose classes are recorded.
_RECORDED = ("algorithm", "network", "optimizer")


def accelerate(
    cfg: DictConfig,
    agent: Agent,
    replay: ReplayBuffer,
    device: torch.device,
    report_by_torch: Callable[[Sequence[str]], None] = lambda _: None,
) -> str:
    """Make a learner faster, if the config wants it; return the name of the kernels that compute updates.

    If they are native, `report_by_torch` is called as soon as a kind of update is recorded: with the operators in it
    that have no native kernel.
    """
    foreign = foreign_parts(cfg)
    if cfg.compile == "auto" and foreign:
        log.info(
            "updates run as ordinary PyTorch, because not all classes are of this package (%s); "
            "compile=true records them, which is faster, and right if their Python does the same at every update",
            ", ".join(foreign),
        )
    if not cfg.compile or (cfg.compile == "auto" and foreign):
        return "torch"
    from ddpg.fast.accelerate import accelerate  # here, because with compile=false nothing of it is imported

    return accelerate(agent, replay, device, report_by_torch)


def foreign_parts(cfg: DictConfig) -> list[str]:
    """List what learns and is not of this package, as `network.actor._target_=my_package.MyActor`.

    A recording sees tensors alone, and nobody knows what else a class from elsewhere reads.
    """
    values = flat({name: plain(cfg[name]) for name in _RECORDED})
    targets = {key: value for key, value in values.items() if key.endswith("_target_")}
    return [f"{key}={value}" for key, value in targets.items() if not is_ours(value)]


def kernels_so_far(folder: RunFolder, kernels: str) -> list[str]:
    """List the kernels that computed what the run continues from, and those that compute from now on."""
    if not folder.checkpoints.exists():
        return [kernels]
    return sorted({*recorded_kernels(folder), kernels})


def recorded_kernels(folder: RunFolder) -> list[str]:
    """List the kernels that computed a run, as far as that is on record."""
    in_starts = [start["kernels"] for start in folder.starts() if "kernels" in start]
    kernels: list[str] = folder.status().get("kernels", in_starts)  # status.json may be lost
    return kernels


def by_torch_so_far(folder: RunFolder) -> list[str] | None:
    """List the operators without a native kernel in what the run continues from; None if that has no update."""
    if not folder.checkpoints.exists():
        return None
    known = [start["by_torch"] for start in [*folder.starts(), folder.status()] if "by_torch" in start]
    return sorted(set().union(*known)) if known else None


def record_by_torch(folder: RunFolder, operators: Sequence[str]) -> None:
    """Add operators that torch computes beside native kernels to status.json and to the newest start."""
    status = folder.status()
    all_operators = sorted({*status.get("by_torch", []), *operators})
    folder.write_status(**status | {"by_torch": all_operators})
    folder.amend_start(by_torch=all_operators)
