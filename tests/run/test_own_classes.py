"""Classes as a user may write them: each gets what it asks for, and what is wrong with it is said in one line."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from support.command_line import user_error
from support.networks import WITHOUT_NAME
from support.runs import record
from torch import Tensor, nn

from ddpg.config.settings import check
from ddpg.errors import UserError
from ddpg.learner.agent import DDPG
from ddpg.learner.batch import Batch
from ddpg.learner.noise import Noise
from ddpg.run.build import build_agent, build_noise
from ddpg.run.env_spec import build_env_spec
from ddpg.training.trainer import Trainer

Compose = Callable[..., DictConfig]
CPU = torch.device("cpu")


class Silence(Noise):
    """A noise that asks for nothing."""

    def __call__(self, obs: np.ndarray, env_step: int) -> np.ndarray:
        return np.zeros(1)


class Deaf:
    """A noise of a base class of its own, which has no after_update."""

    def reset(self) -> None: ...

    def __call__(self, obs: np.ndarray, env_step: int) -> np.ndarray: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Swing(nn.Module):
    """An actor that asks for one of the program's values, and has one of its own."""

    def __init__(self, high: Tensor, start: float) -> None:
        super().__init__()
        self.register_buffer("high", high)
        self.gain = nn.Parameter(torch.tensor(start))

    def forward(self, obs: Tensor) -> Tensor:
        return self.high * torch.tanh(self.gain * obs[:, :1])


swing = partial(Swing, start=1.0)


class Bias(nn.Module):
    """A critic that asks for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, obs: Tensor, action: Tensor) -> Tensor:
        return self.bias.expand(len(obs))


class Forgetful(DDPG):
    """An algorithm without one of the methods."""

    losses: Any = property()


class Critical(DDPG):
    """An algorithm whose critic cannot be asked for its values."""

    value: Any = property()


class Headless(DDPG):
    """An algorithm whose policy has another name."""

    networks: Any = property(lambda self: {"policy": self.actor})


class Imitation(DDPG):
    """An algorithm without a critic to ask."""

    value: Any = property()
    networks: Any = property(lambda self: {"actor": self.actor})

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        return {"actor": super().losses(batch)["actor"]}


class Flawed(Noise):
    """A noise that gives what it is made with."""

    def __init__(self, gives: Any) -> None:
        self._gives = gives

    def __call__(self, obs: np.ndarray, env_step: int) -> Any:
        return self._gives


@pytest.fixture
def cfg(compose: Compose) -> DictConfig:
    return compose("env=pendulum", "network.normalize_obs=null")


def test_networks_that_ask_for_little(cfg: DictConfig) -> None:
    cfg.network.actor = {"_target_": f"{__name__}.Swing", "start": 0.5}
    cfg.network.critic = {"_target_": f"{__name__}.Bias"}
    agent = build_agent(check(cfg), build_env_spec(cfg).make(), CPU)
    assert agent.act(np.array([1.0, 0.0, 0.0], np.float32)) == pytest.approx([2 * np.tanh(0.5)])
    assert agent.value(torch.ones(2, 3), torch.ones(2, 1)).tolist() == [0, 0]


def test_an_actor_that_no_policy_could_name(cfg: DictConfig) -> None:
    cfg.network.actor = {"_target_": f"{__name__}.swing", "start": 0.5}
    line = r"^network\.actor\._target_=\S+\.swing: a policy is described by the name .* a partial does not have"
    with pytest.raises(UserError, match=line):
        build_agent(check(cfg), build_env_spec(cfg).make(), CPU)


def test_a_part_of_an_actor_that_no_policy_could_name(compose: Compose) -> None:
    cfg = check(compose("env=pendulum", *WITHOUT_NAME))
    with user_error("network.actor.warp._target_=support.networks.unnamed_warp: ... which a partial does not have"):
        build_agent(cfg, build_env_spec(cfg).make(), CPU)


def test_a_noise_that_asks_for_nothing(cfg: DictConfig) -> None:
    cfg.noise = {"_target_": f"{__name__}.Silence"}
    noise = build_noise(check(cfg), build_env_spec(cfg).make(), nn.Identity(), np.random.default_rng(0))
    assert noise(np.zeros(3), 0) == 0


def test_a_noise_without_a_method(cfg: DictConfig) -> None:
    cfg.noise = {"_target_": f"{__name__}.Deaf"}
    with pytest.raises(
        UserError, match=r"^noise\._target_=\S+\.Deaf has no after_update\(batch\), .*ddpg\.learner\.noise"
    ):
        build_noise(check(cfg), build_env_spec(cfg).make(), nn.Identity(), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (Forgetful, r"^algorithm\._target_=\S+\.Forgetful has no losses\(batch\), .*ddpg\.learner\.protocol\.Agent"),
        (
            Critical,
            r"^algorithm\._target_=\S+\.Critical has no value\(obs, action\), .*ddpg\.learner\.protocol\.WithCritic",
        ),
        (Headless, r"^algorithm\._target_=\S+\.Headless: .* no actor"),
    ],
)
def test_an_algorithm_that_is_none(cfg: DictConfig, target: type, message: str) -> None:
    cfg.algorithm._target_ = f"{__name__}.{target.__name__}"
    with pytest.raises(UserError, match=message):
        build_agent(check(cfg), build_env_spec(cfg).make(), CPU)


def test_a_value_within_a_node_is_named_by_its_whole_key(compose: Compose) -> None:
    """The head of the critic is a node within the algorithm."""
    cfg = check(compose("algorithm/head=categorical", "algorithm.head.v_min=3", "algorithm.head.v_max=2"))
    with pytest.raises(UserError, match=r"^algorithm\.head\.v_min=3 .*v_max=2$"):
        build_agent(cfg, build_env_spec(cfg).make(), CPU)


def test_an_algorithm_without_a_critic(tmp_path: Path, make_trainer: Callable[..., Trainer]) -> None:
    trainer = make_trainer(tmp_path, f"algorithm._target_={__name__}.Imitation", "total_steps=100")
    trainer.train()
    names = {name for row in record(tmp_path) for name in row}
    assert {"eval/episodic_return", "diagnostics/actor_grad_norm"} <= names
    assert not {name for name in names if "q_" in name}


def test_a_noise_of_another_shape(tmp_path: Path, make_trainer: Callable[..., Trainer]) -> None:
    trainer = make_trainer(tmp_path, "random_steps=0", "eval.every=null")
    trainer.noise = Flawed([0.1, 0.1, 0.1])
    line = rf"^{re.escape(__name__)}\.Flawed returned float64 of shape \(3,\); .* shape \(2,\), .* \(at env_step 0"
    with pytest.raises(UserError, match=line):
        trainer.train()
