"""What every test needs: one torch thread, nothing sent to W&B, and configs composed as `ddpg-train` does."""

import os
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("WANDB_MODE", "disabled")

import hydra
import pytest
import torch
from omegaconf import DictConfig

torch.set_num_threads(1)


@pytest.fixture
def compose() -> Callable[..., DictConfig]:
    """compose("env=hopper", "gamma=0.9"): the config of that command line, not yet checked."""

    def _compose(*overrides: str) -> DictConfig:
        with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
            return hydra.compose("config", overrides=list(overrides))

    return _compose
