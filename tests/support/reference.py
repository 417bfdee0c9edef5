"""The whole family of updates a second time, on dicts of tensors: explicit layers, norms, losses and Adam, in float64.

Written from the formulas of the papers and from the reference programs' sources; nothing of the package is imported.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

Weights = dict[str, Tensor]


@dataclass
class Program:
    """What one reference program does; the numbers are those of its source."""

    lr: tuple[float, float]  # actor, critic
    tau: float = 0.005
    gamma: float = 0.99
    actor: list[int] = field(default_factory=lambda: [256, 256])
    critic: list[int] = field(default_factory=lambda: [256, 256])
    action_layer: int = 1
    action_layers: int = 0  # layers of its own that the action passes
    scaled_actions: bool = False  # the critic sees actions in -1..1
    activation: str = "relu"
    norm: str = "none"
    obs_clip: float | None = None
    eps: float = 1e-8
    eps_hat: bool = False  # eps is added before the bias is corrected
    decay: float = 0.0
    decayed: str = "weights"  # weights, hidden or all
    critics: int = 1
    actor_uses: str = "first"  # first, min or mean of the critics
    delay: int = 1
    target_delay: int = 1
    smoothing: tuple[float, float] = (0.0, 0.0)  # sigma and clip, in half action ranges
    actor_first: bool = False
    reward_scale: float = 1.0
    max_grad_norm: float | None = None
    atoms: tuple[int, float, float] | None = None  # how many, from, to; None: the critic gives one value


class Reference:
    """The four networks of a program as dicts of tensors by the names of `state_dict`, and their update."""

    def __init__(self, program: Program, nets: dict[str, Weights], low: Tensor, high: Tensor, seen: Tensor) -> None:
        self.program, self.step = program, {"actor": 0, "critic": 0}
        self.nets = {name: {k: double(v) for k, v in net.items()} for name, net in nets.items()}
        self.moments: dict[tuple[str, str], tuple[Tensor, Tensor]] = {}
        self.low, self.high, self.updates = low.double(), high.double(), 0
        self.mean, self.std = seen.double().mean(0), seen.double().var(0, correction=0).clamp(min=0.01) ** 0.5

    def norm(self, p: Weights, name: str, x: Tensor, learns: bool) -> Tensor:
        if self.program.norm == "layer":
            mean, var = x.mean(1, keepdim=True), x.var(1, correction=0, keepdim=True)
        elif learns:
            mean, var, n = x.mean(0), x.var(0, correction=0), len(x)
            old_mean, old_var = p[f"{name}.running_mean"], p[f"{name}.running_var"]
            p[f"{name}.running_mean"] = 0.9 * old_mean + 0.1 * mean.detach()
            p[f"{name}.running_var"] = 0.9 * old_var + 0.1 * var.detach() * n / (n - 1)
        else:
            mean, var = p[f"{name}.running_mean"], p[f"{name}.running_var"]
        return (x - mean) / (var + 1e-5) ** 0.5 * p[f"{name}.weight"] + p[f"{name}.bias"]

    def layers(self, p: Weights, body: str, count: int, x: Tensor, learns: bool, norm: str, first: int = 0) -> Tensor:
        for k in range(count):
            at = first + k * (2 if norm == "none" else 3)
            x = x @ p[f"{body}.{at}.weight"].T + p[f"{body}.{at}.bias"]
            x = x if norm == "none" else self.norm(p, f"{body}.{at + 1}", x, learns)
            x = x.clamp(min=0) if self.program.activation == "relu" else torch.tanh(x)
        return x

    def seen(self, p: Weights, body: str, s: Tensor, learns: bool) -> tuple[Tensor, int]:
        """The observation as the first layer gets it, and that layer's place."""
        if self.program.obs_clip is not None:
            s = ((s - self.mean) / self.std).clamp(-self.program.obs_clip, self.program.obs_clip)
        return (self.norm(p, f"{body}.0", s, learns), 1) if self.program.norm == "batch" else (s, 0)

    def mu(self, p: Weights, s: Tensor, learns: bool = False) -> Tensor:
        p = part(p, "network.") or p
        x, first = self.seen(p, "body", s, learns)
        x = self.layers(p, "body", len(self.program.actor), x, learns, self.program.norm, first)
        x = torch.tanh(x @ p["final.weight"].T + p["final.bias"])
        return self.low + (x + 1) / 2 * (self.high - self.low)

    def q(self, p: Weights, k: int, s: Tensor, a: Tensor, learns: bool = False) -> Tensor:
        p = part(p, f"critics.{k}.network.") or part(p, f"critics.{k}.")
        program = self.program
        joint_norm = "none" if program.norm == "batch" else program.norm
        before = program.action_layer - 1
        x, first = self.seen(p, "obs_body", s, learns)
        x = self.layers(p, "obs_body", before, x, learns, program.norm, first)
        a = 2 * (a - self.low) / (self.high - self.low) - 1 if program.scaled_actions else a
        scaled = int(program.scaled_actions)
        a = self.layers(p, "action_body", program.action_layers, a, learns, joint_norm, first=scaled)
        x = self.layers(p, "joint_body", len(program.critic) - before, torch.cat([x, a], 1), learns, joint_norm)
        return x @ p["final.weight"].T + p["final.bias"]

    def value(self, out: Tensor) -> Tensor:
        """The critic's output as one number: itself, or the mean of its distribution."""
        if self.program.atoms is None:
            return out[:, 0]
        count, low, high = self.program.atoms
        return sum(probability(out)[:, j] * (low + j * (high - low) / (count - 1)) for j in range(count))

    def target(self, b: Any, outs: list[Tensor]) -> Tensor:
        """What the critics learn, from the outputs of their targets; distributions by C51's algorithm 1."""
        values, future = torch.stack([self.value(out) for out in outs]), b.discount * (1 - b.terminated)
        reward = self.program.reward_scale * b.reward
        if self.program.atoms is None:
            return reward + future * values.amin(0)
        count, low, high = self.program.atoms
        m = torch.zeros(len(reward), count, dtype=torch.float64)
        for i in range(len(reward)):
            p = probability(outs[values[:, i].argmin()])[i]
            for j in range(count):
                z = reward[i] + future[i] * (low + j * (high - low) / (count - 1))
                place = (z.clamp(low, high) - low) * (count - 1) / (high - low)
                below, above = int(place.floor()), int(place.ceil())
                m[i, below] += p[j] * (1 if below == above else above - place)
                m[i, above] += p[j] * (place - below)
        return m

    def errors(self, y: Tensor, out: Tensor) -> tuple[Tensor, Tensor]:
        """Of each transition: the loss, and the distance that prioritized replay is told."""
        if self.program.atoms is None:
            return (y - out[:, 0]) ** 2, (y - out[:, 0]).abs()
        loss = -(y * probability(out).log()).sum(1)
        return loss, loss + (y * y.clamp(min=1e-300).log()).sum(1)

    def critic_loss(self, p: Weights, b: Any, noise: Tensor) -> Tensor:
        program, targets = self.program, (self.nets["actor_target"], self.nets["critic_target"])
        half, (sigma, clip) = (self.high - self.low) / 2, program.smoothing
        a = self.mu(targets[0], b.next_obs) + half * (sigma * noise).clamp(-clip, clip)
        a = torch.minimum(torch.maximum(a, self.low), self.high)
        y = self.target(b, [self.q(targets[1], k, b.next_obs, a) for k in range(program.critics)]).detach()
        weight = torch.ones_like(b.reward) if b.weight is None else b.weight
        errors = [self.errors(y, self.q(p, k, b.obs, b.action, learns=True)) for k in range(program.critics)]
        self.td_error = torch.stack([distance.detach() for _, distance in errors]).mean(0)
        return torch.stack([(weight * loss).sum() / len(y) for loss, _ in errors]).sum()

    def actor_loss(self, p: Weights, b: Any) -> Tensor:
        action = self.mu(p, b.obs, learns=True)
        critic = self.nets["critic"]
        values = torch.stack([self.value(self.q(critic, k, b.obs, action)) for k in range(self.program.critics)])
        chosen = {"first": values[0], "min": values.amin(0), "mean": values.mean(0)}[self.program.actor_uses]
        return -chosen.sum() / len(chosen)

    def descend(self, net: str, p: Weights, loss: Tensor) -> Tensor:
        """Adam (Kingma and Ba, algorithm 1) with L2 in the gradient."""
        self.step[net] += 1
        names = [k for k in p if p[k].requires_grad]
        grads = dict(zip(names, torch.autograd.grad(loss, [p[k] for k in names], allow_unused=True), strict=True))
        size = sum((g**2).sum() for g in grads.values() if g is not None) ** 0.5
        for name, g in grads.items():
            w = p[name].detach()
            if self.program.max_grad_norm is not None and size > self.program.max_grad_norm:
                g = g * self.program.max_grad_norm / size
            if net == "critic" and self.is_decayed(name, w):
                g = g + self.program.decay * w
            m, v = self.moments.get((net, name), (torch.zeros_like(w), torch.zeros_like(w)))
            m, v = self.moments[net, name] = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            m_hat, v_hat = m / (1 - 0.9 ** self.step[net]), v / (1 - 0.999 ** self.step[net])
            eps = self.program.eps / ((1 - 0.999 ** self.step[net]) ** 0.5 if self.program.eps_hat else 1)
            p[name] = w - self.program.lr[net == "critic"] * m_hat / (v_hat**0.5 + eps)
        self.nets[net] = {k: x.detach() for k, x in p.items()}
        return loss.detach()

    def is_decayed(self, name: str, w: Tensor) -> bool:
        spared = {"all": False, "weights": w.ndim == 1, "hidden": w.ndim == 1 or "final" in name}
        return not spared[self.program.decayed]

    def update(self, b: Any, noise: Tensor) -> dict[str, Tensor]:
        """The losses; the networks move."""
        self.updates += 1
        order = ["actor", "critic"] if self.program.actor_first else ["critic", "actor"]
        losses = {}
        for net in order:
            p = {k: v.clone().requires_grad_(is_learned(k)) for k, v in self.nets[net].items()}
            if net == "critic":
                losses[net] = self.descend(net, p, self.critic_loss(p, b, noise))
            elif self.updates % self.program.delay == 0:
                losses[net] = self.descend(net, p, self.actor_loss(p, b))
        if self.updates % self.program.target_delay == 0:
            for net in order:
                for name, x in self.nets[net].items():
                    old, tau = self.nets[f"{net}_target"][name], self.program.tau if is_learned(name) else 1
                    self.nets[f"{net}_target"][name] = (1 - tau) * old + tau * x
        return losses


def double(x: Tensor) -> Tensor:
    return x.detach().clone().double()


def probability(logits: Tensor) -> Tensor:
    e = (logits - logits.amax(1, keepdim=True)).exp()
    return e / e.sum(1, keepdim=True)


def part(p: Weights, prefix: str) -> Weights:
    """Those whose name begins with it, without it."""
    return View(p, prefix) if any(name.startswith(prefix) for name in p) else {}


class View(dict):
    """A part of a dict under shorter names; what is written to it, is written to the whole."""

    def __init__(self, whole: Weights, prefix: str) -> None:
        super().__init__({k[len(prefix) :]: v for k, v in whole.items() if k.startswith(prefix)})
        self._whole, self._prefix = whole, prefix

    def __setitem__(self, key: str, value: Tensor) -> None:
        super().__setitem__(key, value)
        self._whole[self._prefix + key] = value


def is_learned(name: str) -> bool:
    """Whether a gradient moves it; the others are statistics and constants."""
    return not name.endswith(("running_mean", "running_var", "num_batches_tracked", "scale", "center")) and (
        "norm." not in name
    )
