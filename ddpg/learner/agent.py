"""DDPG: Algorithm 1 of Lillicrap et al. (2016), "Continuous control with deep reinforcement learning".

With what grew out of it as choices: several critics, delayed updates, smoothed targets (TD3, Fujimoto et al. 2018).
docs/paper.md maps each equation to its function and its test.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from itertools import product
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ddpg.fast.native import Kernels
from ddpg.fast.tape import Tape
from ddpg.learner.networks import (
    Act,
    Ensemble,
    RecordedAct,
    Targets,
    act,
    batch_norms,
    batch_statistics,
    copy_of,
    running_norms,
)
from ddpg.learner.optimizers import Adam
from ddpg.learner.replay import Batch
from ddpg.ranges import NonNegative, Positive, PositiveInt


class Optimizer(Protocol):
    """What the agent asks of an optimizer: as torch.optim's."""

    param_groups: list[dict[str, Any]]

    def step(self) -> Any: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> None: ...


OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]
Update = Callable[..., Any]


class DDPG:
    """Actor mu, critics Q, their targets mu' and Q', and the update of all of them from a minibatch.

    Batch norm, where there is any, uses its running statistics except in the network that is being trained.
    """

    def __init__(
        self,
        actor: nn.Module, make_critic: Callable[[], nn.Module], low: Tensor, high: Tensor, generator: torch.Generator,
        actor_optimizer: OptimizerFactory, critic_optimizer: OptimizerFactory, tau: float,
        n_critics: PositiveInt, target_reduce: Literal["min", "mean"], actor_reduce: Literal["first", "min", "mean"],
        target_noise: NonNegative, target_noise_clip: NonNegative, policy_delay: PositiveInt, target_delay: PositiveInt,
        actor_first: bool, reward_scale: Positive, max_grad_norm: Positive | None,
    ) -> None:  # fmt: skip
        self.actor, self.critic = actor.eval(), Ensemble([make_critic() for _ in range(n_critics)]).eval()
        # line 2: initialize target networks with the same weights
        self.actor_target = copy_of(self.actor).requires_grad_(False)
        self.critic_target = copy_of(self.critic).requires_grad_(False)
        self.actor_optimizer = actor_optimizer(self.actor.parameters())
        self.critic_optimizer = critic_optimizer(self.critic.parameters())
        self.low, self.high, self.tau = low, high, tau
        self.target_reduce, self.actor_reduce = target_reduce, actor_reduce
        self.target_noise, self.target_noise_clip = target_noise, target_noise_clip
        self.policy_delay, self.target_delay, self.actor_first = policy_delay, target_delay, actor_first
        self.reward_scale, self.max_grad_norm = reward_scale, max_grad_norm
        self.updates = 0
        #: |y - Q| of the last minibatch, (N,), where its sampling was weighted
        self.td_error: Tensor | None = None
        self.generator = generator
        self._actor_norms, self._critic_norms = batch_norms(self.actor), batch_norms(self.critic)
        self._running_norms = running_norms(self.actor, self.critic)
        online, target = [self.critic, self.actor], [self.critic_target, self.actor_target]
        self._targets = Targets(nn.ModuleList(online), nn.ModuleList(target))
        self._act: Act = partial(act, self.actor)
        #: Whose kernels compute the updates, where they can.
        self.computed_by = "torch"
        self._record: Callable[[Update], Update] = lambda update: update
        self._prepare_updates()

    def compile(self, native: Kernels | None = None) -> None:
        """From now on the updates are played from a recording of themselves, which takes less time.

        By torch's kernels the numbers are the same, bit for bit. By `native` ones, which need the least time, all but
        rounding; then the first update is theirs, too, so that a resumed run computes as one that went on. That is on
        the CPU, with `Adam` as it is here, which takes its state back in place. `td_error`, and on a GPU the losses,
        are overwritten by the next update.
        """
        in_place = isinstance(self.actor_optimizer, Adam) and isinstance(self.critic_optimizer, Adam)
        native = native if in_place and self.low.device.type == "cpu" else None
        self.computed_by = native.name if native else "torch"
        self._act = RecordedAct(self.actor, native)
        self._record = partial(Tape, native=native, undone=self._undone)
        self._prepare_updates()

    def _prepare_updates(self) -> None:
        """One for each answer to: does the actor learn too? do the targets follow?"""
        self._updates = {due: self._record(partial(self._update, *due)) for due in product([False, True], repeat=2)}

    @contextmanager
    def _undone(self) -> Iterator[None]:
        """What is learned or drawn within it is taken back at its end."""
        before = deepcopy(self.state_dict())
        try:
            with torch.random.fork_rng(devices=[]):
                yield
        finally:
            self._take_back(before)

    def act(self, obs: np.ndarray) -> np.ndarray:
        """mu(s): one observation of shape obs_shape to the noise-free action (action_dim,), float32."""
        return self._act(obs)

    def value(self, obs: Tensor, action: Tensor) -> Tensor:
        """Q(s, a), (N,): of several critics, what the targets take of them."""
        return _value(self.critic, obs, action, self.target_reduce)

    def observe(self, obs: np.ndarray) -> None:
        """Lets running normalizations of the observations learn from one more; without any, nothing."""
        for norm in self._running_norms:
            norm.observe(torch.as_tensor(obs).to(norm.mean.device, non_blocking=True))

    def update(self, batch: Batch) -> Mapping[str, float | Tensor]:
        """One update (lines 12-15). Returns the losses: numbers, or on a GPU, which nobody waits for, tensors there.

        Raises nothing; NaN passes through.
        """
        self.updates += 1
        due = self.updates % self.policy_delay == 0, self.updates % self.target_delay == 0
        losses, numbers, self.td_error = self._updates[due](*batch, self.smoothing_noise(batch))
        return losses if numbers.is_cuda else dict(zip(losses, numbers.tolist(), strict=True))

    def _update(
        self, actor_too: bool, targets_too: bool, *inputs: Any
    ) -> tuple[dict[str, Tensor], Tensor, Tensor | None]:
        """The update as a function of tensors alone, the parameters included, which it changes.

        Returns the losses, by name and side by side, and what `td_error` becomes.
        """
        *fields, noise = inputs
        batch = Batch(*fields)
        losses = self.update_actor(batch) if actor_too and self.actor_first else {}
        losses |= self.update_critic(batch, noise)
        if actor_too and not self.actor_first:
            losses |= self.update_actor(batch)
        if targets_too:
            self.update_targets()
        return losses, torch.stack(list(losses.values())), self.td_error

    def update_critic(self, batch: Batch, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Lines 12-13: minimize L = 1/N sum_i (y_i - Q(s_i, a_i))^2, summed over the critics."""
        loss, metrics, self.td_error = self.critic_loss(batch, noise)
        self._descend(loss, self.critic_optimizer)
        return metrics

    def critic_loss(self, batch: Batch, noise: Tensor | None = None) -> tuple[Tensor, dict[str, Tensor], Tensor | None]:
        """The L of line 13 and what is logged of it; where sampling was weighted, each square has its weight.

        Then also |y - Q|, (N,), the mean over the critics. `noise` is for the target.
        """
        target_q = self.target_q(batch, noise)
        with batch_statistics(self._critic_norms):
            values = [critic(batch.obs, batch.action) for critic in self.critic.critics]
        errors = [target_q - q for q in values]
        squares = [error * error for error in errors]
        if batch.weight is None:
            losses, td_error = [square.mean() for square in squares], None
        else:
            losses = [(batch.weight * square).mean() for square in squares]
            td_error = torch.stack(errors).detach().abs().mean(dim=0)
        metrics = {f"losses/qf{k}_loss": loss.detach() for k, loss in enumerate(losses, start=1)}
        metrics |= {f"losses/qf{k}_values": q.detach().mean() for k, q in enumerate(values, start=1)}
        return torch.stack(losses).sum() if len(losses) > 1 else losses[0], metrics, td_error

    @torch.no_grad()
    def target_q(self, batch: Batch, noise: Tensor | None = None) -> Tensor:
        """Line 12: y_i = r_i + gamma Q'(s_{i+1}, mu'(s_{i+1})), shape (N,).

        Over n steps r_i is their discounted sum and gamma its n-th power (`batch.discount`).

        A terminated state has no future; a truncated one has: only `terminated` masks.
        """
        next_action = self._smoothed(self.actor_target(batch.next_obs), noise)
        next_q = _value(self.critic_target, batch.next_obs, next_action, self.target_reduce)
        return self.reward_scale * batch.reward + batch.discount * (1 - batch.terminated) * next_q

    def smoothing_noise(self, batch: Batch) -> Tensor | None:
        """N(0, 1) for each of the targets' actions, the same draws on every device; None: they are not smoothed."""
        if self.target_noise == 0:
            return None
        shape, dtype, device = batch.action.shape, batch.action.dtype, self.low.device
        noise = torch.randn(shape, generator=self.generator, dtype=dtype, pin_memory=device.type == "cuda")
        return noise.to(device, non_blocking=True)

    def _smoothed(self, action: Tensor, noise: Tensor | None) -> Tensor:
        """TD3, section 5.3: the target's action with clipped noise, so that Q' is averaged over similar actions."""
        if noise is None:
            return action
        clipped = (self.target_noise * noise).clamp(-self.target_noise_clip, self.target_noise_clip)
        return (action + clipped * (self.high - self.low) / 2).clamp(self.low, self.high)

    def update_actor(self, batch: Batch) -> dict[str, Tensor]:
        """Line 14: follow the sampled policy gradient, that is, maximize 1/N sum_i Q(s_i, mu(s_i)).

        Gradients are taken for the actor's parameters alone: the critic's are neither computed nor touched.
        """
        loss = self.actor_loss(batch)
        self._descend(loss, self.actor_optimizer)
        return {"losses/actor_loss": loss.detach()}

    def actor_loss(self, batch: Batch) -> Tensor:
        """What line 14 descends: -1/N sum_i Q(s_i, mu(s_i))."""
        with batch_statistics(self._actor_norms):
            action = self.actor(batch.obs)
        return -_value(self.critic, batch.obs, action, self.actor_reduce).mean()

    def update_targets(self) -> None:
        """Line 15: theta' <- tau theta + (1 - tau) theta', for all targets."""
        self._targets.follow(self.tau)

    def _descend(self, loss: Tensor, optimizer: Optimizer) -> None:
        params = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
        for param, grad in zip(params, torch.autograd.grad(loss, params, allow_unused=True), strict=True):
            param.grad = grad
        if self.max_grad_norm is not None:
            nn.utils.clip_grad_norm_(params, self.max_grad_norm)
        optimizer.step()

    def _parts(self) -> dict[str, Any]:
        names = ("actor", "critic", "actor_target", "critic_target", "actor_optimizer", "critic_optimizer")
        return {name: getattr(self, name) for name in names}

    def state_dict(self) -> dict[str, Any]:
        """Everything that learning has changed. Tensors are shared, not copied."""
        own = {"updates": self.updates, "generator": self.generator.get_state()}
        return {name: part.state_dict() for name, part in self._parts().items()} | own

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self._take_back(state)
        self._prepare_updates()  # optimizers of torch keep their state elsewhere now than a recording knows

    def _take_back(self, state: dict[str, Any]) -> None:
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.updates = state["updates"]
        self.generator.set_state(state["generator"])


def _value(critic: Ensemble, obs: Tensor, action: Tensor, reduce: str) -> Tensor:
    """One value for each (s, a) from several critics, shape (N,)."""
    if reduce == "first" or len(critic.critics) == 1:
        return critic.critics[0](obs, action)
    values = critic(obs, action)
    return values.amin(dim=0) if reduce == "min" else values.mean(dim=0)
