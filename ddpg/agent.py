"""DDPG: Algorithm 1 of Lillicrap et al. (2016), "Continuous control with deep reinforcement learning".

docs/paper.md maps each equation to its function and its test.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from ddpg.replay import Batch
from ddpg.types import Positive

OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]


class DDPG:
    """Actor mu, critic Q, their targets mu' and Q', and the update of all four from a minibatch.

    Batch norm, where there is any, uses its running statistics except in the network that is being trained.
    """

    def __init__(
        self,
        actor: nn.Module, critic: nn.Module, actor_optimizer: OptimizerFactory, critic_optimizer: OptimizerFactory,
        gamma: float, tau: float, policy_delay: int, reward_scale: Positive, max_grad_norm: Positive | None,
    ) -> None:  # fmt: skip
        self.actor, self.critic = actor.eval(), critic.eval()
        # line 2: initialize target networks with the same weights
        self.actor_target = copy.deepcopy(actor).requires_grad_(False)
        self.critic_target = copy.deepcopy(critic).requires_grad_(False)
        self.actor_optimizer = actor_optimizer(actor.parameters())
        self.critic_optimizer = critic_optimizer(critic.parameters())
        self.gamma, self.tau, self.policy_delay = gamma, tau, policy_delay
        self.reward_scale, self.max_grad_norm = reward_scale, max_grad_norm
        self.updates = 0
        self._device = next(actor.parameters()).device
        self._actor_norms, self._critic_norms = batch_norms(actor), batch_norms(critic)
        self._pairs = [_TargetPair(self.critic, self.critic_target), _TargetPair(self.actor, self.actor_target)]

    @torch.inference_mode()
    def act(self, obs: np.ndarray) -> np.ndarray:
        """mu(s): one observation (obs_dim,) to the noise-free action (action_dim,), float32."""
        batch = torch.as_tensor(obs, device=self._device).unsqueeze(0)
        return self.actor(batch).squeeze(0).cpu().numpy()

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """One update (lines 12-15). Returns the losses, still on the device. Raises nothing; NaN passes through."""
        self.updates += 1
        metrics = self.update_critic(batch)
        if self.updates % self.policy_delay == 0:
            metrics |= self.update_actor(batch)
            self.update_targets()
        return metrics

    def update_critic(self, batch: Batch) -> dict[str, Tensor]:
        """Lines 12-13: minimize L = 1/N sum_i (y_i - Q(s_i, a_i))^2."""
        target_q = self.target_q(batch)
        with _batch_statistics(self._critic_norms):
            q = self.critic(batch.obs, batch.action)
        critic_loss = F.mse_loss(q, target_q)
        self._descend(critic_loss, self.critic_optimizer)
        return {"losses/qf1_loss": critic_loss.detach(), "losses/qf1_values": q.detach().mean()}

    @torch.no_grad()
    def target_q(self, batch: Batch) -> Tensor:
        """Line 12: y_i = r_i + gamma Q'(s_{i+1}, mu'(s_{i+1})), shape (N,).

        A terminated state has no future; a truncated one has: only `terminated` masks.
        """
        next_q = self.critic_target(batch.next_obs, self.actor_target(batch.next_obs))
        return self.reward_scale * batch.reward + self.gamma * (1 - batch.terminated) * next_q

    def update_actor(self, batch: Batch) -> dict[str, Tensor]:
        """Line 14: follow the sampled policy gradient, that is, maximize 1/N sum_i Q(s_i, mu(s_i)).

        Gradients are taken for the actor's parameters alone: the critic's are neither computed nor touched.
        """
        with _batch_statistics(self._actor_norms):
            action = self.actor(batch.obs)
        actor_loss = -self.critic(batch.obs, action).mean()
        self._descend(actor_loss, self.actor_optimizer)
        return {"losses/actor_loss": actor_loss.detach()}

    def update_targets(self) -> None:
        """Line 15: theta' <- tau theta + (1 - tau) theta', for both targets."""
        for pair in self._pairs:
            pair.follow(self.tau)

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
        return {name: part.state_dict() for name, part in self._parts().items()} | {"updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.updates = state["updates"]


def batch_norms(network: nn.Module) -> list[_BatchNorm]:
    """The layers of a network that normalize by the minibatch."""
    return [module for module in network.modules() if isinstance(module, _BatchNorm)]


@contextmanager
def _batch_statistics(norms: list[_BatchNorm]) -> Iterator[None]:
    """Within it, these layers normalize by the minibatch and learn its statistics; free where there are none."""
    for norm in norms:
        norm.training = True
    yield
    for norm in norms:
        norm.training = False


class _TargetPair:
    """A network and its slowly following target; the lists are made once, for they cost more than the update."""

    def __init__(self, online: nn.Module, target: nn.Module) -> None:
        self._target: list[Tensor] = list(target.parameters())
        self._online: list[Tensor] = list(online.parameters())
        self._buffers = list(zip(target.buffers(), online.buffers(), strict=True))

    @torch.no_grad()
    def follow(self, tau: float) -> None:
        torch._foreach_lerp_(self._target, self._online, tau)
        for target, online in self._buffers:  # batch-norm statistics are averages already: copied
            target.copy_(online)
