"""Whole updates of both presets against a second program, written from the formulas of the papers."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from omegaconf import DictConfig
from torch import Tensor

from ddpg.agent import DDPG
from ddpg.build import build, build_env_spec, build_networks
from ddpg.replay import Batch

#: The layers by their names in state_dict: (input norm, [(linear, norm), ...] before the action, the same after it).
LAYERS: dict[str, dict[str, Any]] = {
    "td3": {
        "actor": (None, [("body.0", None), ("body.2", None)], []),
        "critic": (None, [], [("joint_body.0", None), ("joint_body.2", None)]),
    },
    "paper": {
        "actor": ("body.0", [("body.1", "body.2"), ("body.4", "body.5")], []),
        "critic": ("obs_body.0", [("obs_body.1", "obs_body.2")], [("joint_body.0", None)]),
    },
    "paper without norm": {
        "actor": (None, [("body.0", None), ("body.2", None)], []),
        "critic": (None, [("obs_body.0", None)], [("joint_body.0", None)]),
    },
}
OVERRIDES = {
    "td3": ["preset=td3"],
    "paper": ["preset=paper"],
    "paper without norm": ["preset=paper", "network.actor.norm=none", "network.critic.norm=none"],
}


class Reference:
    """DDPG on dicts of tensors: explicit layers, explicit batch norm (Ioffe and Szegedy), explicit Adam."""

    def __init__(self, agent: DDPG, layers: dict[str, Any], cfg: DictConfig) -> None:
        self.layers, self.cfg, self.step = layers, cfg, 0
        self.nets = {
            name: {k: v.clone() for k, v in getattr(agent, name).state_dict().items()}
            for name in ("actor", "critic", "actor_target", "critic_target")
        }
        self.moments: dict[tuple[str, str], tuple[Tensor, Tensor]] = {}

    def norm(self, p: dict[str, Tensor], name: str | None, x: Tensor, learns: bool) -> Tensor:
        if name is None:
            return x
        mean, var = p[f"{name}.running_mean"], p[f"{name}.running_var"]
        if learns:
            n = len(x)
            batch_mean = x.sum(0) / n
            batch_var = ((x - batch_mean) ** 2).sum(0) / n
            p[f"{name}.running_mean"] = 0.9 * mean + 0.1 * batch_mean.detach()
            p[f"{name}.running_var"] = 0.9 * var + 0.1 * batch_var.detach() * n / (n - 1)
            mean, var = batch_mean, batch_var
        return (x - mean) / (var + 1e-5) ** 0.5 * p[f"{name}.weight"] + p[f"{name}.bias"]

    def forward(self, net: str, p: dict[str, Tensor], s: Tensor, a: Tensor | None, learns: bool = False) -> Tensor:
        first, before, after = self.layers[net]
        x = self.norm(p, first, s, learns)
        for layers, joins in ((before, False), (after, a is not None)):
            x = torch.cat([x, a], 1) if joins and a is not None else x
            for linear, norm in layers:
                x = x @ p[f"{linear}.weight"].T + p[f"{linear}.bias"]
                x = self.norm(p, norm, x, learns).clamp(min=0)
        return x @ p["final.weight"].T + p["final.bias"]

    def mu(self, p: dict[str, Tensor], s: Tensor, learns: bool = False) -> Tensor:
        return 2 * torch.tanh(self.forward("actor", p, s, None, learns))  # Pendulum's torque is -2..2

    def q(self, p: dict[str, Tensor], s: Tensor, a: Tensor, learns: bool = False) -> Tensor:
        return self.forward("critic", p, s, a, learns)[:, 0]

    def adam(self, net: str, p: dict[str, Tensor], loss: Tensor) -> None:
        cfg, names = self.cfg.optimizer[net], [k for k in p if p[k].requires_grad]
        for name, g in zip(names, torch.autograd.grad(loss, [p[k] for k in names]), strict=True):
            w = p[name].detach()
            g = g + (cfg.weight_decay * w if w.ndim == 2 else 0)
            m, v = self.moments.get((net, name), (torch.zeros_like(w), torch.zeros_like(w)))
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            self.moments[net, name] = m, v
            m_hat, v_hat = m / (1 - 0.9**self.step), v / (1 - 0.999**self.step)
            p[name] = w - cfg.lr * m_hat / (v_hat**0.5 + cfg.eps)
        self.nets[net] = {k: x.detach() for k, x in p.items()}

    def leaves(self, net: str) -> dict[str, Tensor]:
        fixed = ("running_mean", "running_var", "num_batches_tracked", "scale", "center")
        return {k: v.clone().requires_grad_(not k.endswith(fixed)) for k, v in self.nets[net].items()}

    def update(self, b: Batch) -> None:
        self.step += 1
        targets = self.nets["actor_target"], self.nets["critic_target"]
        y = b.reward + 0.99 * (1 - b.terminated) * self.q(targets[1], b.next_obs, self.mu(targets[0], b.next_obs))
        critic = self.leaves("critic")
        self.adam("critic", critic, ((y - self.q(critic, b.obs, b.action, learns=True)) ** 2).sum() / len(y))
        actor = self.leaves("actor")
        value = self.q(self.nets["critic"], b.obs, self.mu(actor, b.obs, learns=True))
        self.adam("actor", actor, -value.sum() / len(y))
        tau = {"td3": 0.005, "paper": 0.001}[self.cfg.preset_name]
        for net in ("actor", "critic"):
            for name, x in self.nets[net].items():
                old = self.nets[f"{net}_target"][name]
                copied = "running" in name
                self.nets[f"{net}_target"][name] = x.clone() if copied else (1 - tau) * old + tau * x


def batch(dtype: torch.dtype, seed: int) -> Batch:
    rng = torch.Generator().manual_seed(seed)
    obs, next_obs = (torch.randn(32, 3, generator=rng, dtype=dtype) for _ in range(2))
    action = 4 * torch.rand(32, 1, generator=rng, dtype=dtype) - 2
    reward = torch.randn(32, generator=rng, dtype=dtype)
    return Batch(obs, action, reward, next_obs, (torch.rand(32, generator=rng) < 0.3).to(dtype))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float32, 1e-5)])
@pytest.mark.parametrize("name", LAYERS)
def test_three_updates(compose: Callable[..., DictConfig], name: str, dtype: torch.dtype, tolerance: float) -> None:
    """Traps 1, 7-12 together. In float32 Adam's eps is larger, or it would magnify rounding of gradients near 0."""
    eps = [] if dtype is torch.float64 else ["optimizer.actor.eps=1e-3", "optimizer.critic.eps=1e-3"]
    cfg = compose(*OVERRIDES[name], *eps, f"+preset_name={name.split()[0]}")
    actor, critic = (net.to(dtype) for net in build_networks(cfg, build_env_spec(cfg).make()))
    agent = build(
        cfg.algorithm, "algorithm", actor=actor, critic=critic, gamma=cfg.gamma, tau=cfg.tau,
        actor_optimizer=build(cfg.optimizer.actor, "optimizer.actor"),
        critic_optimizer=build(cfg.optimizer.critic, "optimizer.critic"), policy_delay=cfg.policy_delay,
    )  # fmt: skip
    reference = Reference(agent, LAYERS[name], cfg)
    for seed in range(3):
        agent.update(batch(dtype, seed))
        reference.update(batch(dtype, seed))
    close = {"rtol": tolerance, "atol": tolerance * 1e-2 if dtype is torch.float64 else 1e-6}
    for net, expected in reference.nets.items():
        for key, value in getattr(agent, net).state_dict().items():
            if "num_batches" not in key:
                torch.testing.assert_close(value, expected[key], **close, msg=lambda m, n=net, k=key: f"{n}.{k}: {m}")
    for net in ("actor", "critic"):
        state = getattr(agent, f"{net}_optimizer").state
        for key, param in getattr(agent, net).named_parameters():
            m, v = reference.moments[net, key]
            torch.testing.assert_close(state[param]["exp_avg"], m, **close)
            torch.testing.assert_close(state[param]["exp_avg_sq"], v, **close)
