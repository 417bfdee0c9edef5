"""A class that does not keep the contract of its kind is refused, with the method and the nearest spelling."""

from collections.abc import Callable, Iterable
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from support.command_line import user_error
from torch import Tensor, nn

from ddpg.config.settings import check
from ddpg.learner.agent import DDPG
from ddpg.learner.heads import Scalar
from ddpg.learner.noise import Gaussian, Noise, NoNoise
from ddpg.learner.protocol import Agent, Optimizer, Step
from ddpg.learner.replay import ReplayBuffer
from ddpg.run.build import build_agent, build_env_spec, build_logger
from ddpg.run.contracts import require_contract
from ddpg.training.returned import as_losses, as_metrics, as_step

Compose = Callable[..., DictConfig]


class Whole(Noise):
    """A noise that keeps its contract, with a helper of its own."""

    def __call__(self, obs: np.ndarray, env_step: int) -> np.ndarray:
        return self._draw()

    def _draw(self) -> np.ndarray:
        return np.zeros(1)


class OtherName(Noise):
    def sample(self, obs: np.ndarray, env_step: int) -> np.ndarray: ...


class OtherNameOfNothing(NoNoise):
    """It inherits the noise that is none."""

    def __init__(self) -> None: ...

    def sample(self, obs: np.ndarray, env_step: int) -> np.ndarray: ...


class Misspelled(Whole):
    def afterUpdate(self, batch: Any) -> dict[str, float]: ...  # noqa: N802


class Renamed(Gaussian):
    """It changes an inherited method, and has a public helper for it, which is fine."""

    def __init__(self) -> None: ...

    def __call__(self, obs: np.ndarray, env_step: int) -> np.ndarray:
        return self.shifted(obs)

    def shifted(self, obs: np.ndarray) -> np.ndarray: ...


class WithHelper(DDPG):
    """It has a public helper whose name is almost that of another method, and calls it."""

    def __init__(self) -> None: ...

    reward_scale = 1.0
    networks: Any = None

    def losses(self, batch: Any) -> Any:
        return self.actor_losses(batch)

    def actor_losses(self, batch: Any) -> Any: ...


class OtherArguments(Noise):
    def __call__(self, env_step: int) -> np.ndarray: ...


class NoBatch(Whole):
    def after_update(self) -> dict[str, float]: ...


class NoLosses(Agent):
    """A class that derives from the protocol inherits its empty methods."""

    reward_scale = 1.0
    networks: Any = None

    def act(self, obs: np.ndarray) -> np.ndarray: ...
    def explore(self, obs: np.ndarray) -> np.ndarray: ...
    def update(self, batch: Any) -> Step: ...
    def loss(self, batch: Any) -> Any: ...
    def value(self, obs: Tensor, action: Tensor) -> Tensor: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class NoProperty(NoLosses):
    def losses(self, batch: Any) -> Any: ...
    def networks(self) -> Any: ...  # type: ignore[no-redef]


class NeverAsked(DDPG):
    def __init__(self) -> None: ...

    reward_scale = 1.0
    networks: Any = None

    def actor_los(self, batch: Any) -> Tensor: ...


class NoState:
    param_groups: list[Any] = []  # noqa: RUF012

    def step(self) -> None: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class HalfAHead(Scalar):
    def target(self, reward: Tensor, discount: Tensor) -> Tensor: ...  # type: ignore[override]


@pytest.mark.parametrize(
    ("kind", "interface", "parts"),
    [
        (OtherName, Noise, "OtherName has no __call__(obs, env_step), which ddpg.learner.noise.base.Noise ... sample"),
        (OtherNameOfNothing, Noise, "OtherNameOfNothing has sample, which nothing calls ... __call__, after_update"),
        (Misspelled, Noise, "Misspelled has afterUpdate, which nothing calls; did you mean after_update?"),
        (OtherArguments, Noise, "OtherArguments has __call__(env_step), which has to take (obs, env_step)"),
        (NoBatch, Noise, "NoBatch has after_update(), which has to take (batch)"),
        (NoLosses, Agent, "NoLosses has no losses(batch), which ddpg.learner.protocol.Agent ... loss"),
        (NoProperty, Agent, "NoProperty has a method networks ... @property"),
        (NeverAsked, Agent, "NeverAsked has actor_los, which nothing calls; did you mean actor_loss?"),
        (NoState, Optimizer, "NoState has no state_dict(), which ddpg.learner.protocol.Optimizer"),
        (dict, ReplayBuffer, "dict has no bytes_needed"),
    ],
)
def test_a_broken_contract(kind: type, interface: type, parts: str) -> None:
    with user_error(f"key._target_={parts}"):
        require_contract(kind(), interface, {"_target_": kind.__name__}, "key")


@pytest.mark.parametrize(("kind", "interface"), [(Whole, Noise), (Renamed, Noise), (WithHelper, Agent)])
def test_a_contract_that_is_kept(kind: type, interface: type) -> None:
    require_contract(kind(), interface, {"_target_": kind.__name__}, "key")


class Column(nn.Module):
    """A critic whose values have the shape (N, 1), which would broadcast against rewards (N,)."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, obs: Tensor, action: Tensor) -> Tensor:
        return self.bias.expand(len(obs), 1)


class OfObservationAlone(Column):
    def forward(self, obs: Tensor) -> Tensor:  # type: ignore[override]
        return self.bias.expand(len(obs))


def no_optimizer(params: Iterable[nn.Parameter]) -> object:
    return NoState()


@pytest.mark.parametrize(
    ("key", "target", "parts"),
    [
        ("network.critic", Column, "network.critic._target_= ... Column gives (2, 1) for ... (2, 3) ... not (2,)"),
        ("network.actor", OfObservationAlone, "network.actor._target_= ... gives (2,) for ... (2, 3), not (2, 1)"),
        ("network.critic", OfObservationAlone, "OfObservationAlone fails for inputs ... (2, 3) and (2, 1): TypeError"),
        ("network.critic", NoState, "network.critic._target_= ... NoState makes a NoState, no Module"),
        ("optimizer.actor", NoState, "optimizer.actor._target_= ... NoState, no function of params"),
        ("optimizer.actor", no_optimizer, "optimizer.actor._partial_ must be true"),
        (
            "algorithm.head",
            HalfAHead,
            "algorithm.head._target_= ... HalfAHead has target(reward, discount), which",
        ),
        ("logger", NoState, "logger._target_= ... NoState has no every"),
        ("env", NoState, "env._target_= ... makes NoState, not ddpg.envs.EnvSpec ... gymnasium.register"),
        ("env", gymnasium.Env, "env._target_=gymnasium.Env makes Env, not ddpg.envs.EnvSpec ... gymnasium.register"),
    ],
)
def test_a_part_of_a_run_that_breaks_its_contract(compose: Compose, key: str, target: type, parts: str) -> None:
    cfg = check(compose("env=pendulum", "network.normalize_obs=null"))
    group, _, name = key.partition(".")
    node = {"_target_": f"{target.__module__}.{target.__name__}".replace("gymnasium.core", "gymnasium")}
    if name:
        cfg[group][name] = node
    else:
        cfg[group] = node
    with user_error(parts):
        build_logger(cfg)
        build_agent(cfg, build_env_spec(cfg).make(), torch.device("cpu"))


def test_an_optimizer_that_is_none(compose: Compose) -> None:
    cfg = check(compose("env=pendulum"))
    cfg.optimizer.actor = {"_target_": f"{__name__}.no_optimizer", "_partial_": True}
    with user_error("optimizer.actor._target_= ... no_optimizer has no state_dict()"):
        build_agent(cfg, build_env_spec(cfg).make(), torch.device("cpu"))


def test_what_is_returned_in_training() -> None:
    with user_error(f"{__name__}.Whole.after_update returned None"):
        as_metrics(Whole(), "after_update", None)
    with user_error(f"{__name__}.NoLosses.update returned a dict ... ddpg.learner.protocol.Step"):
        as_step(NoLosses(), {})


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (torch.zeros(3), "a Tensor of shape (3,)"),
        (np.zeros((2, 2)), "an ndarray of shape (2, 2)"),
        (None, "None"),
        ({}, "a dict"),
    ],
)
def test_a_metric_that_is_no_number(value: Any, kind: str) -> None:
    good = {"a": 1, "b": torch.tensor([2.0]), "c": np.float32(3)}
    assert as_metrics(Whole(), "after_update", good) == {"a": 1.0, "b": 2.0, "c": 3.0}
    with user_error(f"{__name__}.Whole.after_update returned {kind} as the metric losses/bc, not one number"):
        as_metrics(Whole(), "after_update", good | {"losses/bc": value})


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        (None, "returned None, not losses by the names of networks"),
        ({"critc": 1}, "returned a loss of critc, which is none of its networks; did you mean critic?"),
        ({"bc": 1}, "returned a loss of bc, which is none of its networks; allowed here: actor, critic"),
        ({"actor": 1.0}, "returned a float as the loss of actor, not one number"),
        ({"actor": torch.zeros(2)}, "returned a Tensor of shape (2,) as the loss of actor, not one number"),
        ({"actor": torch.zeros(())}, "returned a loss of actor without a gradient"),
    ],
)
def test_losses_that_are_none(losses: Any, message: str) -> None:
    agent = NoLosses()
    agent.networks = {"actor": nn.Identity(), "critic": nn.Identity()}
    with user_error(f"{__name__}.NoLosses.losses {message}"):
        as_losses(agent, losses)
