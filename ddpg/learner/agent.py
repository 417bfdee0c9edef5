"""DDPG: Algorithm 1 of Lillicrap et al. (2016), which is called "the paper" in this package.

"Continuous control with deep reinforcement learning", arXiv:1509.02971. The methods that grew out
of it are choices of the same class: several critics, delayed updates and smoothed targets (TD3,
Fujimoto et al. 2018), distributions of values (D4PG, Barth-Maron et al. 2018). docs/paper.md maps
each equation to its function and its test.
"""

from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ddpg.learner.batch import Batch
from ddpg.learner.heads import Head, Reduce
from ddpg.learner.networks import Ensemble, Targets, buffers_kept, copy_of, train_mode
from ddpg.learner.optimizers import descend
from ddpg.learner.policy import act
from ddpg.learner.protocol import NetworkFactory, OptimizerFactory, Step
from ddpg.learner.returned import as_pair
from ddpg.learner.smoothing import Smoothing
from ddpg.learner.state import restore, state_of
from ddpg.ranges import Lasting, NonNegative, Positive, PositiveInt


class Due(NamedTuple):
    """The parts of an update that fall due beside the critic's."""

    actor: bool
    targets: bool


class DDPG:
    """The actor mu, critics Q, their targets mu' and Q', and their update from a minibatch.

    A network is in train mode while the loss that it descends is computed. Everywhere else it is in
    eval mode: as a target, in the loss of the other network, when it acts and when it is evaluated.
    The class implements `WithCritic` and `Recordable` of `ddpg.learner.protocol`.
    """

    def __init__(
        self,
        *,
        make_actor: NetworkFactory,
        make_critic: NetworkFactory,
        actor_optimizer: OptimizerFactory,
        critic_optimizer: OptimizerFactory,
        low: Tensor,
        high: Tensor,
        generator: torch.Generator,
        tau: float,
        head: Head,
        n_critics: Annotated[PositiveInt, Lasting()],
        target_reduce: Literal["min", "mean"],
        actor_reduce: Reduce,
        target_noise: NonNegative,
        target_noise_clip: NonNegative,
        policy_delay: PositiveInt,
        target_delay: PositiveInt,
        actor_first: bool,
        reward_scale: Positive,
        max_grad_norm: Positive | None,
    ) -> None:
        # line 1: initialize critic and actor
        self.actor = make_actor().eval()
        critics = [make_critic(outputs=head.outputs) for _ in range(n_critics)]
        self.critic = Ensemble(critics).eval()
        # line 2: initialize target networks with the same weights
        self.actor_target = copy_of(self.actor).requires_grad_(False)
        self.critic_target = copy_of(self.critic).requires_grad_(False)
        self.actor_optimizer = actor_optimizer(self.actor.parameters())
        self.critic_optimizer = critic_optimizer(self.critic.parameters())
        self.smoothing = Smoothing(target_noise, target_noise_clip, low, high, generator)
        self.tau = tau
        self.head = head
        self.target_reduce: Reduce = target_reduce
        self.actor_reduce = actor_reduce
        self.policy_delay = policy_delay
        self.target_delay = target_delay
        self.actor_first = actor_first
        self.reward_scale = reward_scale
        self.max_grad_norm = max_grad_norm
        self.updates = 0
        online = nn.ModuleList([self.critic, self.actor])
        target = nn.ModuleList([self.critic_target, self.actor_target])
        self._targets = Targets(online, target)

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The networks that learn: `actor` and `critic`, all critics as one module."""
        return {"actor": self.actor, "critic": self.critic}

    def act(self, obs: np.ndarray) -> np.ndarray:
        """Return mu(s) for one observation, (*obs_shape) -> (action_dim,), float32."""
        return act(self.actor, obs)

    def explore(self, obs: np.ndarray) -> np.ndarray:
        """Return mu(s), to which line 8 adds the noise N_t."""
        return self.act(obs)

    def value(self, obs: Tensor, action: Tensor) -> Tensor:
        """Return Q(s, a), (N,), of several critics as the targets reduce them."""
        return self.head.value(self._output(self.critic, obs, action, self.target_reduce))

    def update(self, batch: Batch) -> Step:
        """Update critic, actor and targets from a minibatch (lines 12-15).

        NaN passes through without an error.
        """
        self.updates += 1
        due = Due(
            actor=self.updates % self.policy_delay == 0,
            targets=self.updates % self.target_delay == 0,
        )
        return self.step(due, batch, self.smoothing.draw(batch.action))

    def step(self, due: Due, batch: Batch, draws: Tensor | None) -> Step:
        """Make the update as a function of tensors; whatever changes, changes in place.

        `draws`, (N, action_dim) or None, are those from N(0, 1) that smooth the targets.

        By default the first calls are recorded, and the recording is replayed from then on. So a
        value of Python that changes from one update to the next must not be read here or in what
        this calls: it has to be an input, or a part of `due`. Look for faults with compile=false.
        """
        metrics: dict[str, float | Tensor] = {}
        if due.actor and self.actor_first:
            metrics |= self.update_actor(batch)
        critic_metrics, td_error = self.update_critic(batch, draws)
        metrics |= critic_metrics
        if due.actor and not self.actor_first:
            metrics |= self.update_actor(batch)
        if due.targets:
            self.update_targets()
        return Step(metrics, td_error)

    def update_critic(self, batch: Batch, draws: Tensor | None = None) -> Step:
        """Minimize L = 1/N sum_i (y_i - Q(s_i, a_i))^2, summed over the critics (lines 12-13)."""
        with train_mode(self.critic):
            loss, step = self.critic_loss(batch, draws)
        descend(loss, self.critic_optimizer, self.max_grad_norm)
        return step

    def critic_loss(self, batch: Batch, draws: Tensor | None = None) -> tuple[Tensor, Step]:
        """Return L of line 13 with a gradient, and its metrics without one.

        Where sampling was weighted, the error of each transition is multiplied by its weight, and
        the step has the errors, averaged over the critics. `draws` smooth the target.
        """
        target_q = self.target_q(batch, draws)
        outputs = self.critic(batch.obs, batch.action)
        errors = [self.head.error(output, target_q) for output in outputs]
        if batch.weight is not None:
            errors = [batch.weight * error for error in errors]
        losses = [error.mean() for error in errors]
        metrics = {f"losses/qf{k}_loss": loss.detach() for k, loss in enumerate(losses, start=1)}
        for k, output in enumerate(outputs, start=1):
            metrics[f"losses/qf{k}_values"] = self.head.value(output.detach()).mean()
        td_error = None
        if batch.weight is not None:
            distances = [self.head.distance(output, target_q) for output in outputs]
            td_error = torch.stack(distances).mean(dim=0)
        total = torch.stack(losses).sum() if len(losses) > 1 else losses[0]
        return total, Step(metrics, td_error)

    @torch.no_grad()
    def target_q(self, batch: Batch, draws: Tensor | None = None) -> Tensor:
        """Return y_i = r_i + gamma Q'(s_{i+1}, mu'(s_{i+1})), (N,), of line 12.

        Over n steps r_i is their discounted sum and gamma its n-th power (`batch.discount`). A
        terminated state has no future, but a truncated one has: only `terminated` masks it. With a
        distributional head, y_i is a distribution, (N, atoms).
        """
        next_action = self.smoothing.apply(self.actor_target(batch.next_obs), draws)
        next_q = self._output(self.critic_target, batch.next_obs, next_action, self.target_reduce)
        reward = self.reward_scale * batch.reward
        return self.head.target(reward, batch.discount * (1 - batch.terminated), next_q)

    def update_actor(self, batch: Batch) -> dict[str, Tensor]:
        """Follow the sampled policy gradient: maximize 1/N sum_i Q(s_i, mu(s_i)) (line 14).

        Gradients are taken for the actor's parameters alone; the critic's are not computed.
        """
        with train_mode(self.actor):
            loss, metrics = as_pair(self.actor_loss(batch), self.actor_loss)
        descend(loss, self.actor_optimizer, self.max_grad_norm)
        return metrics

    def actor_loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return -1/N sum_i Q(s_i, mu(s_i)), which line 14 descends, and its metrics."""
        action = self.actor(batch.obs)
        output = self._output(self.critic, batch.obs, action, self.actor_reduce)
        loss = -self.head.value(output).mean()
        return loss, {"losses/actor_loss": loss.detach()}

    def update_targets(self) -> None:
        """Move all targets: theta' <- tau theta + (1 - tau) theta' (line 15)."""
        self._targets.follow(self.tau)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the losses of actor and critic as they are now; nothing of the agent changes.

        In an update the actor's comes after the critic's step, unless `actor_first`.
        """
        draws = self.smoothing.peek(batch.action)
        with buffers_kept(self.critic), train_mode(self.critic):
            critic_loss, _ = self.critic_loss(batch, draws)
        with buffers_kept(self.actor), train_mode(self.actor):
            actor_loss, _ = self.actor_loss(batch)
        return {"actor": actor_loss, "critic": critic_loss}

    def parts(self) -> dict[str, Any]:
        """Return all that learning changes, by name: networks, optimizers and the generator."""
        return {
            "actor": self.actor,
            "critic": self.critic,
            "actor_target": self.actor_target,
            "critic_target": self.critic_target,
            "actor_optimizer": self.actor_optimizer,
            "critic_optimizer": self.critic_optimizer,
            "generator": self.smoothing.generator,
        }

    def state_dict(self) -> dict[str, Any]:
        """Return the states of `parts`; tensors are shared, not copied."""
        return state_of(self.parts()) | {"updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state that `state_dict` returned."""
        restore(self.parts(), state)
        self.updates = state["updates"]

    def _output(self, critic: Ensemble, obs: Tensor, action: Tensor, how: Reduce) -> Tensor:
        """Return one output for each (s, a): that of one critic, or of all reduced."""
        critics = critic.critics[:1] if how == "first" else critic.critics
        return self.head.reduce([network(obs, action) for network in critics], how)
