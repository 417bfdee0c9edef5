"""Which kernels compute a run: chosen by the config, said on the screen, written down in the run folder."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig
from support.agents import agent_of
from support.buffers import buffer

from ddpg.config.settings import check
from ddpg.record.run_folder import RunFolder
from ddpg.run.kernels import accelerate, record_by_torch


@pytest.mark.parametrize(("wish", "told"), [("auto", True), ("false", False), ("true", False)])
def test_a_class_of_the_users_that_is_not_compiled_is_named(
    compose: Callable[..., DictConfig], caplog: pytest.LogCaptureFixture, wish: str, told: bool
) -> None:
    cfg = compose(f"compile={wish}")
    cfg.optimizer.actor = {"_target_": "torch.optim.SGD", "_partial_": True, "lr": 0.1}
    with caplog.at_level("INFO", logger="ddpg.run.kernels"):
        kernels = accelerate(check(cfg), agent_of(), buffer(8), torch.device("cpu"))
    assert ("optimizer.actor._target_=torch.optim.SGD" in caplog.text) == told
    assert ("compile=true" in caplog.text) == told
    assert kernels == "torch"


def test_operators_by_torch_are_written_down(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_status(state="running")
    folder.add_start({"kernels": "torch"})
    folder.add_start({"kernels": "native-1"})
    record_by_torch(folder, ["mm", "convolution"])
    record_by_torch(folder, ["mm", "addmm"])
    both = {"by_torch": ["addmm", "convolution", "mm"]}
    assert folder.status() == {"state": "running"} | both
    assert folder.starts() == [{"kernels": "torch"}, {"kernels": "native-1"} | both]
