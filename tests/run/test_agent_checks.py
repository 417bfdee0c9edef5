"""An algorithm whose policy could not be loaded, or whose networks a resume would lose, is refused when it is built."""

import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from omegaconf import DictConfig, OmegaConf
from support.batches import random_batch
from support.buffers import buffer
from support.command_line import user_error
from support.config_options import env_of
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ddpg.config.settings import check
from ddpg.fast.accelerate import accelerate
from ddpg.fast.act import RecordedAct
from ddpg.learner.agent import DDPG
from ddpg.learner.batch import Batch
from ddpg.learner.networks import Actor
from ddpg.run.build import build_agent
from ddpg.training.network_metrics import network_metrics

Compose = Callable[..., DictConfig]
CPU = torch.device("cpu")
PAGE = Path(__file__).parents[2] / "docs" / "extending.md"


class Half(nn.Module):
    """An actor around that of the config."""

    def __init__(self, actor: nn.Module) -> None:
        super().__init__()
        self.actor = actor

    def forward(self, obs: Tensor) -> Tensor:
        return self.actor(obs) / 2


class Wrapped(DDPG):
    def __init__(self, *, make_actor: Any, **ddpg: Any) -> None:
        super().__init__(make_actor=lambda: Half(make_actor()), **ddpg)


class Doubled(Actor):
    def forward(self, obs: Tensor) -> Tensor:
        return 2 * super().forward(obs)


class Converted(DDPG):
    """Its actor has the tensors of the config's, and computes something else."""

    def __init__(self, *, make_actor: Any, **ddpg: Any) -> None:
        def make() -> nn.Module:
            actor = make_actor()
            actor.__class__ = Doubled
            return actor

        super().__init__(make_actor=make, **ddpg)


class Headed(DDPG):
    def __init__(self, **ddpg: Any) -> None:
        super().__init__(**ddpg)
        self.actor.head = nn.Linear(2, 2)


class Cloning(DDPG):
    """It has one more network, and saves it nowhere."""

    def __init__(self, **ddpg: Any) -> None:
        super().__init__(**ddpg)
        self.clone = nn.Linear(2, 2)

    @property
    def networks(self) -> dict[str, nn.Module]:
        return super().networks | {"clone": self.clone}


class Saving(Cloning):
    """It saves the network, and does not load it."""

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"clone": self.clone.state_dict()}


class Keeping(Cloning):
    """It keeps the network by other means than `parts`, and as something else than tensors."""

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"clone": [p.tolist() for p in self.clone.parameters()]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        for param, saved in zip(self.clone.parameters(), state["clone"], strict=True):
            param.data.copy_(torch.tensor(saved))


class Loose(nn.Linear):
    """It stores a text, numbers that are none yet, parameters that have no shape yet, and some that are no floats."""

    def __init__(self) -> None:
        super().__init__(2, 2)
        self.later = nn.LazyLinear(2)
        self.mask = nn.Parameter(torch.ones(2, dtype=torch.bool), requires_grad=False)
        self.register_buffer("seen", torch.tensor([torch.nan, 1]))

    def get_extra_state(self) -> dict[str, str]:
        return {"tag": "first"}

    def set_extra_state(self, state: dict[str, str]) -> None:
        assert state == {"tag": "first"}


class Loosely(Cloning):
    def __init__(self, **ddpg: Any) -> None:
        super().__init__(**ddpg)
        self.clone = Loose()

    def parts(self) -> dict[str, Any]:
        return super().parts() | {"clone": self.clone}


class Former(DDPG):
    """It returns the loss alone."""

    def actor_loss(self, batch: Batch) -> Any:
        return super().actor_loss(batch)[0]


class Failing(DDPG):
    def load_state_dict(self, state: dict[str, Any]) -> None:
        raise KeyError("clone")


class Own(DDPG):
    """It acts in its own way."""

    def act(self, obs: np.ndarray) -> np.ndarray:
        return super().act(obs) / 2


class Normed(nn.Module):
    """An actor with spectral norm, for which torch makes a class anew each time."""

    def __init__(self, obs_shape: list[int], action_dim: int) -> None:
        super().__init__()
        self.layer = spectral_norm(nn.Linear(obs_shape[0], action_dim))

    def forward(self, obs: Tensor) -> Tensor:
        return torch.tanh(self.layer(obs))


def built(cfg: DictConfig) -> Any:
    return build_agent(check(cfg), env_of(spaces.Box(-1, 1, (3,))), CPU)


@pytest.fixture
def build(compose: Compose) -> Callable[[type], Any]:
    """build(Kind): the agent of a class, which derives from DDPG."""

    def _build(kind: type) -> Any:
        cfg = compose("network.normalize_obs=null")
        cfg.algorithm._target_ = f"{__name__}.{kind.__name__}"
        return built(cfg)

    return _build


@pytest.mark.parametrize(
    ("kind", "difference"),
    [
        (Wrapped, "(Half, expected Actor)"),
        (Converted, "(Doubled, expected Actor)"),
        (Headed, "(head: Linear, expected nothing)"),
    ],
)
def test_an_actor_that_could_not_be_loaded(build: Callable[[type], Any], kind: type, difference: str) -> None:
    with user_error(f"{kind.__name__}: its networks['actor'] is not what ... {difference} ... network.actor._target_"):
        build(kind)


class Renamed(DDPG):
    def __init__(self, *, make_policy: Any, policy_optimizer: Any, **ddpg: Any) -> None:
        super().__init__(make_actor=make_policy, actor_optimizer=policy_optimizer, **ddpg)


def test_a_policy_of_another_name(compose: Compose) -> None:
    cfg = compose("network.normalize_obs=null")
    OmegaConf.set_struct(cfg, False)
    cfg.algorithm._target_ = f"{__name__}.Renamed"
    for group in (cfg.network, cfg.optimizer):
        group.policy = group.pop("actor")
    with user_error("network.actor is missing"):
        built(cfg)


def test_an_actor_with_a_class_of_its_own_each_time(compose: Compose) -> None:
    cfg = compose("network.normalize_obs=null")
    cfg.network.actor = {"_target_": f"{__name__}.Normed"}
    assert not built(cfg).actor.training


@pytest.mark.parametrize("kind", [Cloning, Saving])
def test_a_network_that_a_resume_would_lose(build: Callable[[type], Any], kind: type) -> None:
    with user_error(f"{kind.__name__}: state_dict ... do not bring back networks['clone'] ... parts()"):
        build(kind)


def test_a_state_that_cannot_be_loaded(build: Callable[[type], Any]) -> None:
    with user_error("Failing: load_state_dict fails for what state_dict returned: KeyError: 'clone'"):
        build(Failing)


@pytest.mark.parametrize("kind", [Keeping, Loosely])
def test_a_network_that_is_kept_in_another_way(build: Callable[[type], Any], kind: type) -> None:
    assert list(build(kind).networks) == ["actor", "critic", "clone"]


def test_an_actor_that_keeps_more_than_tensors(compose: Compose) -> None:
    cfg = compose()
    cfg.network.actor._target_ = "support.networks.Tagged"
    assert built(cfg).networks.keys() == {"actor", "critic"}


@pytest.mark.parametrize("is_compiled", [False, True])
def test_a_loss_without_metrics(build: Callable[[type], Any], is_compiled: bool) -> None:
    agent = build(Former)
    if is_compiled:
        accelerate(agent, buffer(10), CPU)
    with user_error(f"{__name__}.Former.actor_loss returned a Tensor, not the loss and its metrics: return loss, {{}}"):
        agent.update(random_batch())


@pytest.mark.parametrize(("kind", "is_replaced"), [(Own, False), (DDPG, True)])
def test_an_own_act_stays(build: Callable[[type], Any], compose: Compose, kind: type, is_replaced: bool) -> None:
    agent = build(Own) if kind is Own else built(compose())
    obs = np.ones(3, np.float32)
    before = agent.act(obs)
    accelerate(agent, buffer(10), CPU)
    assert isinstance(agent.act, RecordedAct) == is_replaced
    assert agent.act(obs) == pytest.approx(before, rel=1e-5)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The classes of the page's section on algorithms, as the module `page`."""
    section = PAGE.read_text(encoding="utf-8").split("## An algorithm")[1]
    blocks = re.findall(r"(?:^    .*\n|^\n)+", section, re.MULTILINE)
    code = [textwrap.dedent(block).partition("# conf/")[0] for block in blocks if "import" in block]
    module = ModuleType("page")
    exec("\n".join(code), module.__dict__)
    monkeypatch.setitem(sys.modules, "page", module)
    return module


def test_the_classes_of_the_page(page: ModuleType, compose: Compose) -> None:
    cfg = compose("+algorithm.penalty=2.5")
    cfg.algorithm._target_ = "page.DDPGWithPenalty"
    metrics = built(cfg).update(random_batch()).metrics
    assert {"losses/actor_loss", "losses/distance", "losses/qf1_loss"} <= metrics.keys()
    cfg = compose()
    OmegaConf.set_struct(cfg, False)
    cfg.algorithm._target_ = "page.DDPGWithBehaviour"
    cfg.network.behaviour, cfg.optimizer.behaviour = cfg.network.actor, cfg.optimizer.actor
    agent = built(cfg)
    before = agent.behaviour.state_dict()["final.bias"].clone()
    assert "losses/behaviour_loss" in agent.update(random_batch()).metrics
    assert not torch.equal(agent.state_dict()["behaviour"]["final.bias"], before)
    assert "diagnostics/behaviour_grad_norm" in network_metrics(agent, random_batch(), *torch.tensor([[-1.0], [1.0]]))
    assert not agent.behaviour.training
