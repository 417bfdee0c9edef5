"""What a start of a run writes down: the config, its provenance, and whether it can be resumed exactly."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from omegaconf import DictConfig

from ddpg.config.keys import flat
from ddpg.config.settings import plain, to_yaml
from ddpg.envs.rendering import renderer_of_observations
from ddpg.record.exactness import differences, resume_exactness
from ddpg.record.provenance import provenance
from ddpg.record.run_folder import RunFolder, atomic_write
from ddpg.run.kernels import by_torch_so_far, kernels_so_far
from ddpg.run.machine import torch_device
from ddpg.training.environments import Environments


def record_start(
    cfg: DictConfig, folder: RunFolder, environments: Environments, kernels: str, words: Mapping[str, Any]
) -> None:
    """Write down what starts in a folder, or goes on there, with updates by these kernels.

    `words` is what provenance.json says of the words that were typed.
    """
    device = torch_device(cfg.device)
    with atomic_write(folder.config) as file:
        file.write(to_yaml(plain(cfg)).encode())
    here = {
        "resumed": folder.checkpoints.exists(),
        "threads": cfg.threads,
        "device": str(device),
        "kernels": kernels,
        "renderer": renderer_of_observations(environments.training),
    }
    folder.add_start(provenance(cfg.seed) | dict(words) | here)
    all_kernels = kernels_so_far(folder, kernels)
    by_torch = by_torch_so_far(folder)
    different = differences(_starts_so_far(folder), "torch" in all_kernels or bool(by_torch))
    exactness = exactness_of(cfg, environments, device, all_kernels, different)
    status = {key: value for key, value in folder.status().items() if key != "by_torch"}
    status |= {} if by_torch is None else {"by_torch": by_torch}
    folder.write_status(**status | {"kernels": all_kernels, "resume": exactness})


def _starts_so_far(folder: RunFolder) -> list[dict[str, Any]]:
    """List the newest start and those that it goes on from."""
    starts = folder.starts()
    anew = [place for place, start in enumerate(starts) if not start.get("resumed", True)]
    return starts[max(anew, default=0) :]


def exactness_of(
    cfg: DictConfig,
    environments: Environments,
    device: torch.device,
    kernels: Sequence[str],
    different: Sequence[str],
) -> str:
    """Say whether this run can be resumed exactly, as `resume_exactness` does."""
    targets = [str(value) for key, value in flat(plain(cfg)).items() if key.endswith("_target_")]
    wrappers = list(_targets(plain(cfg)["env"].get("wrappers", [])))
    env = environments.training
    return resume_exactness(device.type, env, wrappers, environments.resets_fully, targets, kernels, different)


def _targets(node: Any) -> Iterator[str]:
    """Yield every `_target_` in a list of nodes, and in the nodes within them."""
    if isinstance(node, Mapping):
        yield from (value for key, value in node.items() if key == "_target_")
        node = list(node.values())
    if isinstance(node, list):
        yield from (target for item in node for target in _targets(item))
