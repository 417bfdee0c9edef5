"""Run folders with an actor that nobody trained: enough for what reads them, in a tenth of a second."""

from contextlib import closing
from pathlib import Path

import torch
from support.composing import composed
from support.runs import TINY, WALK
from torch import nn

from ddpg.config.settings import check, plain, to_yaml
from ddpg.learner.networks import batch_norms, running_norms
from ddpg.record.run_folder import RunFolder
from ddpg.run.build import build_actor, make_env
from ddpg.run.env_spec import build_env_spec

#: Pictures, and the network for them; as for all runs here, it is small.
CAMERA = ("env=gym", "env.id=Camera-v0", "env.imports=[support.toys]", "network=pixels", "network.actor.filters=[4,4]")


def stored_run(path: Path, *overrides: str) -> RunFolder:
    """Write the config and the actor of a TINY run that has these overrides; its weights have random values."""
    env = () if any(override.startswith("env=") for override in overrides) else WALK
    cfg = check(composed(*env, *TINY, *overrides))
    path.mkdir(parents=True)
    folder = RunFolder(path)
    folder.config.write_text(to_yaml(plain(cfg)), encoding="utf-8")
    with closing(make_env(build_env_spec(cfg), cfg.seed)) as made:
        actor = build_actor(cfg, made)
        disturb(actor)
    torch.save({"actor": actor.state_dict(), "env_step": 400}, folder.actor)
    folder.write_status(state="done", env_step=400)
    return folder


@torch.no_grad()
def disturb(actor: nn.Module) -> None:
    """Give weights and statistics values that they might have after a training, and that move the actions."""
    generator = torch.Generator().manual_seed(7)
    for weights in actor.parameters():
        fan_in = weights[0].numel() if weights.dim() > 1 else 100
        weights += fan_in**-0.5 * torch.randn(weights.shape, generator=generator, dtype=weights.dtype)
    for norm in batch_norms(actor):
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.uniform_(-1, 1, generator=generator)
        norm.running_var.uniform_(0.5, 2, generator=generator)
    for normalizer in running_norms(actor):
        for obs in torch.randn(50, *normalizer.mean.shape, generator=generator, dtype=torch.float64):
            normalizer.observe(1 + 3 * obs)
