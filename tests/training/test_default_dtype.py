"""torch's number format for new tensors, which a program may have set, changes nothing in a training."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from support.runs import assert_same

from ddpg.training.trainer import Trainer


@pytest.fixture(autouse=True)
def _keep_default_dtype() -> Iterator[None]:
    before = torch.get_default_dtype()
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_training_is_the_same(tmp_path: Path, train: Callable[..., Trainer], dtype: torch.dtype) -> None:
    words = ["total_steps=100", "eval.every=50", "network.normalize_obs=5", "network.critic.norm=layer"]
    usual = train(tmp_path / "usual", *words)
    torch.set_default_dtype(dtype)
    other = train(tmp_path / "other", *words)
    assert torch.get_default_dtype() == dtype
    assert_same(other, usual)
