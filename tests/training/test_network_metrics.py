"""Saturation, dead units and gradient norms by hand, and that looking changes nothing."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from support.networks import small_critic
from torch import Tensor, nn

from ddpg.learner.agent import DDPG
from ddpg.learner.batch import Batch
from ddpg.learner.heads import Scalar
from ddpg.learner.networks import Actor
from ddpg.training.monitor import Monitor
from ddpg.training.network_metrics import network_metrics
from ddpg.training.q_bias import critic_values

LOW, HIGH = torch.tensor([-3.0, -3.0]), torch.tensor([1.0, 1.0])


class Mu(nn.Module):
    """mu(s) = w s."""

    def __init__(self, w: float = 0.5) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([w]))

    def forward(self, obs: Tensor) -> Tensor:
        return self.w * obs


class Q(nn.Module):
    """Q(s, a) = s + 2 a + b, summed over dimensions."""

    def __init__(self, b: float = 0.0) -> None:
        super().__init__()
        self.ws, self.wa, self.b = (nn.Parameter(torch.tensor([x])) for x in (1.0, 2.0, b))

    def forward(self, obs: Tensor, action: Tensor) -> Tensor:
        return (self.ws * obs + self.wa * action + self.b).sum(dim=1)


def make(actor: nn.Module, make_critic: Callable[[], nn.Module], **changes: Any) -> DDPG:
    settings = {
        "low": LOW, "high": HIGH, "generator": torch.Generator().manual_seed(0), "tau": 0.5,
        "head": Scalar(), "n_critics": 1,
        "target_reduce": "min", "actor_reduce": "first", "target_noise": 0.0, "target_noise_clip": 0.5,
        "policy_delay": 1, "target_delay": 1, "actor_first": False, "reward_scale": 1.0, "max_grad_norm": None,
        "actor_optimizer": partial(torch.optim.Adam, lr=0.01), "critic_optimizer": partial(torch.optim.Adam, lr=0.01),
    } | changes  # fmt: skip
    return DDPG(make_actor=lambda: actor, make_critic=lambda outputs: make_critic(), **settings)


def make_mlp(norm: str = "none", activation: str = "relu", **changes: Any) -> DDPG:
    torch.manual_seed(0)
    common = {"hidden": (8, 8), "activation": activation, "norm": norm, "init": "fan_in", "final_init": None}
    actor = Actor(obs_shape=(3,), low=LOW, high=HIGH, **common)
    return make(
        actor,
        lambda: small_critic((8, 8), 2, norm, activation=activation),
        **changes,
    )


def batch_of(obs: list, action: list, reward: list, terminated: list) -> Batch:
    column = [torch.tensor(x, dtype=torch.float32).reshape(len(obs), -1) for x in (obs, action)]
    flat = [torch.tensor(x, dtype=torch.float32) for x in (reward, terminated)]
    return Batch(column[0], column[1], flat[0], column[0], flat[1], torch.full((len(obs),), 0.9))


def random_batch(seed: int = 0, weighted: bool = False) -> Batch:
    rng = torch.Generator().manual_seed(seed)
    parts = [torch.randn(shape, generator=rng) for shape in ((16, 3), (16, 2), (16,), (16, 3))]
    terminated, discount = (torch.rand(16, generator=rng) < 0.3).float(), torch.full((16,), 0.9)
    return Batch(*parts, terminated, discount, torch.rand(16, generator=rng) if weighted else None)


def flat(state: Any) -> list[Any]:
    """Everything in nested dicts and lists, tensors as bytes."""
    if isinstance(state, dict):
        return [item for key in state for item in (key, *flat(state[key]))]
    if isinstance(state, list | tuple):
        return [item for value in state for item in flat(value)]
    return [state.detach().cpu().numpy().tobytes() if isinstance(state, Tensor) else state]


def everything(agent: DDPG) -> list[Any]:
    networks = (agent.actor, agent.critic, agent.actor_target, agent.critic_target)
    grads = [param.grad for network in networks for param in network.parameters()]
    modules = [module for network in networks for module in network.modules()]
    flags = [(module.training, len(module._forward_hooks)) for module in modules]
    return flat([agent.state_dict(), grads, flags, torch.get_rng_state()])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_looking_changes_nothing(norm: str, weighted: bool) -> None:
    """Parameters, gradients, optimizers, batch-norm statistics, generators, priorities, hooks: bit for bit."""
    agents = [make_mlp(norm, n_critics=2, target_noise=0.2, max_grad_norm=0.5) for _ in range(2)]
    for agent in agents:
        agent.update(random_batch(0, weighted))
    before = everything(agents[0])
    network_metrics(agents[0], random_batch(1, weighted), LOW, HIGH)
    assert everything(agents[0]) == before
    for agent in agents:
        agent.update(random_batch(2, weighted))
    assert everything(agents[0]) == everything(agents[1])


def test_looking_leaves_the_generators_of_the_process() -> None:
    """From which dropout draws in the losses: what is learned does not depend on how often somebody looks."""
    agent = make_mlp()
    agent.critic.critics[0].joint_body.append(nn.Dropout(0.5).eval())
    replay: Any = SimpleNamespace(peek=lambda size, rng: random_batch())
    monitor = Monitor(agent, replay, LOW.numpy(), HIGH.numpy())
    state = torch.get_rng_state()
    looks = [monitor.networks(16, np.random.default_rng(0)) for _ in range(2)]
    assert torch.equal(torch.get_rng_state(), state)
    assert looks[0] == looks[1]
    network_metrics(agent, random_batch(), LOW, HIGH)
    assert not torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_loss_that_does_not_reach_its_network(monkeypatch: pytest.MonkeyPatch, frozen: bool) -> None:
    agent = make_mlp()
    agent.critic.requires_grad_(not frozen)
    losses = {"critic": next(agent.actor.parameters()).sum()}
    monkeypatch.setattr(agent, "losses", lambda batch: losses)
    assert network_metrics(agent, random_batch(), LOW, HIGH)["diagnostics/critic_grad_norm"] == 0


def test_all_is_put_back_when_a_network_raises() -> None:
    agent = make_mlp("batch", target_noise=0.2)
    agent.actor_loss = lambda batch: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    before = everything(agent)
    with pytest.raises(ZeroDivisionError):
        network_metrics(agent, random_batch(), LOW, HIGH)
    assert everything(agent) == before


def test_gradient_norms_by_hand() -> None:
    """Both terminated: y = [4.6, 0], Q = [2, 0], so dL/dQ = [-2.6, 0]; clipping comes later.

    Critic: 2.6 |(s, a, 1)| = 2.6 |(1, 0.5, 1)| = 3.9. Actor: -mean(2 s) = -3.
    """
    agent = make(Mu(), Q, low=LOW[:1], high=HIGH[:1], max_grad_norm=0.1)
    metrics = network_metrics(agent, batch_of([1, 2], [0.5, -1], [4.6, 0], [1, 1]), LOW[:1], HIGH[:1])
    assert metrics["diagnostics/critic_grad_norm"] == pytest.approx(3.9)
    assert metrics["diagnostics/actor_grad_norm"] == pytest.approx(3.0)


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_gradient_norms_are_those_of_the_next_update(norm: str) -> None:
    still = partial(torch.optim.SGD, lr=0.0)
    # the actor first: the critic's part of an update moves the running statistics that the actor's sees
    changes = {"actor_first": True, "actor_optimizer": still, "critic_optimizer": still}
    agent = make_mlp(norm, n_critics=2, target_noise=0.2, **changes)
    metrics = network_metrics(agent, random_batch(), LOW, HIGH)
    agent.update(random_batch())
    for name, network in (("actor", agent.actor), ("critic", agent.critic)):
        norms = [param.grad.norm() for param in network.parameters() if param.grad is not None]
        assert metrics[f"diagnostics/{name}_grad_norm"] == pytest.approx(float(torch.stack(norms).norm()))


def test_saturation_is_a_hundredth_of_the_half_range_from_a_bound() -> None:
    """Bounds -3 and 1: half the range is 2, so all from 0.98 up and from -2.98 down; mu(s) = s."""
    agent = make(Mu(1.0), Q)
    obs = [[0.985, 0.97], [-2.99, -2.97], [1.0, -1.0], [0.0, 0.5]]
    metrics = network_metrics(agent, batch_of(obs, [[0.0, 0.0]] * 4, [0.0] * 4, [1.0] * 4), LOW, HIGH)
    assert metrics["diagnostics/saturated_actions"] == pytest.approx(3 / 8)


class Rectified(nn.Module):
    """Units relu(s), relu(-s), relu(s - 100), relu(-100): on s = [1, 2] the first alone lives."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.relu, self.final = nn.Linear(1, 4), nn.ReLU(inplace=True), nn.Linear(4, 1)
        self.hidden.weight.data = torch.tensor([[1.0], [-1.0], [1.0], [0.0]])
        self.hidden.bias.data = torch.tensor([0.0, 0.0, -100.0, -100.0])

    def forward(self, obs: Tensor) -> Tensor:
        return self.final(self.relu(self.hidden(obs)))


@pytest.mark.parametrize(("obs", "dead"), [([1, 2], 0.75), ([1, -2], 0.5), ([200, -1], 0.25)])
def test_a_dead_unit_is_silent_on_the_whole_batch(obs: list, dead: float) -> None:
    agent = make(Rectified(), Q, low=LOW[:1], high=HIGH[:1])
    metrics = network_metrics(agent, batch_of(obs, [0, 0], [0, 0], [1, 1]), LOW[:1], HIGH[:1])
    assert metrics["diagnostics/actor_dead_units"] == dead
    assert "diagnostics/critic_dead_units" not in metrics


def test_dead_units_of_all_critics_count() -> None:
    agent = make_mlp(n_critics=2)
    first_hidden = agent.critic.critics[1].obs_body[0]
    first_hidden.weight.data.zero_()
    first_hidden.bias.data.fill_(-1.0)
    for module in (m for m in agent.critic.modules() if isinstance(m, nn.Linear) and m is not first_hidden):
        module.weight.data.zero_()
        module.bias.data.fill_(1.0)
    metrics = network_metrics(agent, random_batch(), LOW, HIGH)
    assert metrics["diagnostics/critic_dead_units"] == 8 / 32


def test_of_a_convolution_a_unit_is_a_channel() -> None:
    class Seeing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.relu, self.final = nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Linear(18, 1)
            self.conv.weight.data = torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1)
            self.conv.bias.data.zero_()

        def forward(self, obs: Tensor) -> Tensor:
            return self.final(self.relu(self.conv(obs)).flatten(1))

    class Judging(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.final = nn.Linear(10, 1)

        def forward(self, obs: Tensor, action: Tensor) -> Tensor:
            return self.final(torch.cat([obs.flatten(1), action], dim=1)).squeeze(-1)

    obs = torch.zeros(2, 1, 3, 3)
    obs[1, 0, 2, 2] = 1.0  # one bright pixel
    batch = batch_of([0, 0], [0, 0], [0, 0], [1, 1])._replace(obs=obs, next_obs=obs)
    metrics = network_metrics(make(Seeing(), Judging, low=LOW[:1], high=HIGH[:1]), batch, LOW[:1], HIGH[:1])
    assert metrics["diagnostics/actor_dead_units"] == 0.5


def test_networks_without_relu_have_no_dead_units() -> None:
    assert set(network_metrics(make_mlp(activation="tanh"), random_batch(), LOW, HIGH)) == {
        "diagnostics/saturated_actions",
        "diagnostics/actor_grad_norm",
        "diagnostics/critic_grad_norm",
    }


def test_a_network_of_another_name_shows_its_gradient_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows what it takes, so it is not called."""
    agent = make_mlp()
    encoder = nn.Linear(3, 1)
    networks = agent.networks | {"encoder": encoder}
    losses = {"encoder": (2 * encoder.bias).sum()}
    monkeypatch.setattr(DDPG, "networks", property(lambda self: networks))
    monkeypatch.setattr(agent, "losses", lambda batch: losses)
    metrics = network_metrics(agent, random_batch(), LOW, HIGH)
    assert metrics["diagnostics/encoder_grad_norm"] == pytest.approx(2.0)
    assert "diagnostics/encoder_dead_units" not in metrics


@pytest.mark.parametrize(("reduce", "expected"), [("min", [3.0, 11.0]), ("mean", [4.0, 12.0])])
def test_critics_are_reduced_as_in_the_targets(reduce: str, expected: list) -> None:
    offsets = iter([0.0, 2.0])
    agent = make(Mu(), lambda: Q(next(offsets)), n_critics=2, target_reduce=reduce, low=LOW[:1], high=HIGH[:1])
    values = critic_values(agent)(np.array([[1.0], [3.0]], np.float32), np.array([[1.0], [4.0]], np.float32))
    assert values.tolist() == expected


def test_pixels_reach_the_critic_as_bytes() -> None:
    class Bytes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1, dtype=torch.float64))

        def forward(self, obs: Tensor, action: Tensor) -> Tensor:
            assert (obs.dtype, action.dtype) == (torch.uint8, torch.float64)
            return self.scale * obs.flatten(1).sum(dim=1) + action.sum(dim=1)

    agent = make(Mu().double(), Bytes, low=LOW.double(), high=HIGH.double())
    values = critic_values(agent)(np.full((2, 9, 4, 4), 2, np.uint8), np.ones((2, 2), np.float32))
    assert values.tolist() == [290.0, 290.0]
