"""Weight decay: which tensors, which kind."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from omegaconf import DictConfig
from torch import nn

from ddpg.learner.optimizers import Adam, adam
from ddpg.run.build import build, build_agent
from ddpg.run.env_spec import build_env_spec


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))


def optimizer(params: Iterable[nn.Parameter], decay: Any, weight_decay: float = 0.5, **changes: Any) -> Adam:
    settings = {"lr": 0.1, "betas": (0.9, 0.999), "eps": 1e-8, "eps_hat": False} | changes
    return adam(params, weight_decay=weight_decay, decay=decay, **settings)


def decayed(chosen: Adam) -> list[torch.Size]:
    return [p.shape for group in chosen.param_groups if group["weight_decay"] for p in group["params"]]


def test_groups() -> None:
    """Trap 9: `weights` decays matrices alone, `hidden` not the last of them, `all` everything; none is lost."""
    net = network()
    shapes = [p.shape for p in net.parameters()]
    assert decayed(optimizer(net.parameters(), "weights")) == [(3, 2), (1, 3)]
    assert decayed(optimizer(net.parameters(), "hidden")) == [(3, 2)]
    assert decayed(optimizer(net.parameters(), "all")) == shapes
    assert decayed(optimizer(net.parameters(), "all", weight_decay=0.0)) == []
    for decay in ("weights", "hidden", "all"):
        held = [p for group in optimizer(net.parameters(), decay).param_groups for p in group["params"]]
        assert {id(p) for p in held} == {id(p) for p in net.parameters()}


def test_hidden_spares_the_output_layer_of_every_critic() -> None:
    """Trap 9: Baselines regularizes hidden weights alone; an ensemble has as many output layers as critics."""
    pair = nn.ModuleList([network(), network()])
    assert decayed(optimizer(pair.parameters(), "hidden")) == [(3, 2), (3, 2)]


def test_hidden_tells_the_output_layer_from_a_hidden_one_of_its_shape() -> None:
    """A distribution may have as many values as the last hidden layer has units."""
    critic = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 3), nn.Linear(3, 3))
    for critics in (nn.ModuleList([critic]), nn.ModuleList([critic, copy.deepcopy(critic)])):
        assert decayed(optimizer(critics.parameters(), "hidden")) == [(3, 2), (3, 3)] * len(critics)


def test_step_without_gradient_shrinks_only_what_is_decayed() -> None:
    """Trap 9: a zero-loss step moves weights towards 0, biases and norms not at all."""
    net = network()
    before = [p.detach().clone() for p in net.parameters()]
    chosen = optimizer(net.parameters(), "weights")
    for param in net.parameters():
        param.grad = torch.zeros_like(param)
    chosen.step()
    for param, old in zip(net.parameters(), before, strict=True):
        if param.ndim > 1:
            assert (param.abs() < old.abs()).any()
            assert not torch.equal(param, old)
        else:
            assert torch.equal(param, old)


def test_decay_is_in_the_gradient_as_in_the_references() -> None:
    """Trap 9: Adam on g + wd w, not AdamW. The first step is lr sign(g + wd w): here the decay wins."""
    param = nn.Parameter(torch.tensor([[6.0]]))
    param.grad = torch.tensor([[-1.0]])
    optimizer([param], "weights").step()  # -1 + 0.5 * 6 > 0: down by lr; AdamW: 6 (1 - lr wd) + lr = 5.8
    assert param.item() == pytest.approx(5.9, abs=1e-6)


@pytest.mark.parametrize("eps_hat", [False, True])
def test_epsilon(eps_hat: bool) -> None:
    """Kingma and Ba, algorithm 1 and the end of section 2, in two steps with a gradient as small as epsilon."""
    param, g, eps = nn.Parameter(torch.zeros(1, dtype=torch.float64)), 1e-3, 1e-3
    chosen = optimizer([param], "all", 0.0, eps=eps, eps_hat=eps_hat)
    m = v = x = 0.0
    for t in (1, 2):
        param.grad = torch.full_like(param, g)
        chosen.step()
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        c1, c2 = 1 - 0.9**t, 1 - 0.999**t
        x -= 0.1 * c2**0.5 / c1 * m / (v**0.5 + eps) if eps_hat else 0.1 * (m / c1) / ((v / c2) ** 0.5 + eps)
        assert param.item() == pytest.approx(x, rel=1e-9)


def test_epsilon_hat_survives_a_checkpoint() -> None:
    """Its correction depends on the number of steps."""
    params = [nn.Parameter(torch.ones(2)) for _ in range(2)]
    first, second = (optimizer([p], "all", 0.0, eps=1e-3, eps_hat=True) for p in params)
    for k in range(6):
        if k == 3:
            params[1].data.copy_(params[0].data)
            second.load_state_dict(first.state_dict())
        for param, chosen in zip(params, (first, second) if k > 2 else (first,), strict=False):
            param.grad = torch.full_like(param, 1e-3)
            chosen.step()
    assert torch.equal(*params)


@pytest.mark.parametrize(
    ("preset", "actor_lr", "critic_lr", "decay"), [("td3", 3e-4, 3e-4, 0), ("paper", 1e-4, 1e-3, 1e-2)]
)
def test_presets(
    compose: Callable[..., DictConfig], preset: str, actor_lr: float, critic_lr: float, decay: float
) -> None:
    """Trap 9: the critic alone is decayed, and the paper's learning rates are not swapped."""
    cfg = compose(f"preset={preset}")
    agent = build_agent(cfg, build_env_spec(cfg).make(), torch.device("cpu"))
    actor_groups, critic_groups = agent.actor_optimizer.param_groups, agent.critic_optimizer.param_groups
    assert {group["lr"] for group in actor_groups} == {actor_lr}
    assert {group["lr"] for group in critic_groups} == {critic_lr}
    assert {group["weight_decay"] for group in actor_groups} == {0.0}
    by_dim = {p.ndim: group["weight_decay"] for group in critic_groups for p in group["params"]}
    assert by_dim == {1: 0.0, 2: decay}
    assert type(agent.critic_optimizer) is Adam


def test_constants_reach_torch(compose: Callable[..., DictConfig]) -> None:
    cfg = compose("optimizer.actor.betas=[0.5,0.6]", "optimizer.actor.eps=1e-3")
    group = build(cfg.optimizer.actor, "optimizer.actor")(network().parameters()).param_groups[0]
    assert (group["betas"], group["eps"]) == ((0.5, 0.6), 1e-3)


def test_state_has_the_form_of_torch_optim() -> None:
    """A step from the state of torch's own fused Adam gives the same bits."""
    one, other = (nn.Parameter(torch.tensor([[1.0, -2.0]])) for _ in range(2))
    theirs = torch.optim.Adam([one], lr=0.1, eps=1e-8, fused=True)
    ours = adam([other], 0.1, (0.9, 0.999), 1e-8, False, 0.0, "all")
    other.grad = torch.full_like(other, 9.0)
    ours.step()  # to be forgotten
    for k in range(3):
        one.grad = torch.tensor([[1.0, float(k)]])
        theirs.step()
    ours.load_state_dict(theirs.state_dict())
    with torch.no_grad():
        other.copy_(one)
    for param, optimizer in ((one, theirs), (other, ours)):
        param.grad = torch.tensor([[0.5, 2.0]])
        optimizer.step()
    assert torch.equal(one, other)


def test_parameters_without_gradients_stay() -> None:
    param = nn.Parameter(torch.ones(2))
    adam([param], 0.1, (0.9, 0.999), 1e-8, False, 0.0, "all").step()
    assert param.tolist() == [1, 1]


def test_steps_are_counted_in_single_precision() -> None:
    """A count in torch's default format would end at 256 where a program has made that bfloat16."""
    param = nn.Parameter(torch.ones(2))
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        optimizer = adam([param], 0.1, (0.9, 0.999), 1e-8, False, 0.0, "all")
    finally:
        torch.set_default_dtype(before)
    assert optimizer.state[param]["step"].dtype == torch.float32
