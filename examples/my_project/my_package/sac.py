"""SAC with a learned temperature: Haarnoja et al. (2018), "Soft Actor-Critic Algorithms and Applications"."""

import math

import torch
from torch import nn

from ddpg.learner.draws import normal_like, same_draws
from ddpg.learner.networks import Actor, Ensemble, Targets, buffers_kept, copy_of, train_mode
from ddpg.learner.optimizers import descend
from ddpg.learner.policy import act, sample
from ddpg.learner.protocol import Step
from ddpg.learner.state import restore, state_of
from ddpg.ranges import PositiveInt


class GaussianActor(Actor):
    """pi(a|s): a = center + scale tanh(u) with u ~ N(mean(s), std(s)^2); `forward` gives a for u = mean(s)."""

    def __init__(self, obs_shape, low, high, hidden: list[PositiveInt]):
        super().__init__(obs_shape, low, high, hidden, activation="relu", norm="none", init="fan_in", final_init=None)
        self.log_std = nn.Linear(hidden[-1], len(low))

    def sample(self, obs, noise):
        """Make of noise ~ N(0, 1) actions, and log pi(a|s), (N,), with a in half action ranges (appendix C)."""
        features = self.body(obs)
        log_std = self.log_std(features).clamp(-20, 2)
        u = self.final(features) + log_std.exp() * noise
        log_normal = -(noise**2) / 2 - log_std - math.log(2 * math.pi) / 2
        log_slope = 2 * (math.log(2) - u - nn.functional.softplus(-2 * u))  # log(1 - tanh(u)^2), but stable
        return self.center + self.scale * u.tanh(), (log_normal - log_slope).sum(dim=1)


class SAC:
    """Maximizes rewards and the entropy of its policy together: sum_t gamma^t (r_t + alpha H(pi(.|s_t))).

    Implements `ddpg.learner.protocol.Agent`, and `Recordable`, because `step` gets its draws as inputs.
    """

    def __init__(
        self, *, make_actor, make_critic, actor_optimizer, critic_optimizer, temperature_optimizer,
        low, generator, tau, target_entropy: float,
    ):  # fmt: skip
        self.actor = make_actor().eval()
        if not hasattr(self.actor, "sample"):
            raise ValueError("network.actor has no method sample, as that of network=sac has")
        self.critic = Ensemble([make_critic(), make_critic()]).eval()
        self.networks = {"actor": self.actor, "critic": self.critic}
        self.critic_target = copy_of(self.critic).requires_grad_(False)
        self.log_alpha = nn.Parameter(torch.zeros_like(low[:1]))
        self.actor_optimizer = actor_optimizer(self.actor.parameters())
        self.critic_optimizer = critic_optimizer(self.critic.parameters())
        self.temperature_optimizer = temperature_optimizer([self.log_alpha])
        self.targets = Targets(self.critic, self.critic_target)
        self.reward_scale = 1.0
        self.low = low
        self.generator = generator
        self.tau = tau
        self.target_entropy = target_entropy * len(low)

    def act(self, obs):
        return act(self.actor, obs)

    def explore(self, obs):
        return sample(self.actor, obs, normal_like(self.low, self.generator))

    def value(self, obs, action):
        return torch.minimum(*self.critic(obs, action))

    def update(self, batch):
        noise = normal_like(batch.action, self.generator)
        return self.step(None, batch, noise, normal_like(batch.action, self.generator))

    def step(self, due, batch, noise, next_noise):
        """Take the steps of Algorithm 1: critics, actor, temperature, targets."""
        with train_mode(self.critic):
            critic_loss, td_error = self.critic_loss(batch, next_noise)
        descend(critic_loss, self.critic_optimizer)
        with train_mode(self.actor):
            actor_loss, log_pi = self.actor_loss(batch, noise)
        descend(actor_loss, self.actor_optimizer)
        descend(self.temperature_loss(log_pi), self.temperature_optimizer)
        self.targets.follow(self.tau)
        alpha = self.log_alpha.exp()
        metrics = {"qf_loss": critic_loss, "actor_loss": actor_loss, "entropy": -log_pi.mean(), "alpha": alpha}
        return Step({f"losses/{name}": value.detach() for name, value in metrics.items()}, td_error)

    def critic_loss(self, batch, next_noise):
        """J_Q = 1/2 (Q(s, a) - y)^2 with y = r + gamma (min Q'(s', a') - alpha log pi(a'|s')) (equations 5 and 6)."""
        with torch.no_grad():
            next_action, log_pi = self.actor.sample(batch.next_obs, next_noise)
            next_v = torch.minimum(*self.critic_target(batch.next_obs, next_action)) - self.log_alpha.exp() * log_pi
            target_q = batch.reward + batch.discount * (1 - batch.terminated) * next_v
        errors = torch.stack([q - target_q for q in self.critic(batch.obs, batch.action)])
        squares = errors**2 if batch.weight is None else batch.weight * errors**2
        return squares.mean(dim=1).sum() / 2, errors.detach().abs().mean(dim=0)

    def actor_loss(self, batch, noise):
        """J_pi = alpha log pi(a|s) - min Q(s, a) with a = f(noise; s) (equation 9); gives log pi(a|s) as well."""
        action, log_pi = self.actor.sample(batch.obs, noise)
        alpha = self.log_alpha.detach().exp()
        return (alpha * log_pi - self.value(batch.obs, action)).mean(), log_pi.detach()

    def temperature_loss(self, log_pi):
        """J(alpha) = -alpha (log pi(a|s) + target entropy): alpha grows while the entropy is small (equation 18)."""
        return -(self.log_alpha.exp() * (log_pi + self.target_entropy)).mean()

    def losses(self, batch):
        noise = normal_like(batch.action, same_draws(self.generator))
        with buffers_kept(self.actor), train_mode(self.actor):
            actor_loss, _ = self.actor_loss(batch, noise)
        with buffers_kept(self.critic), train_mode(self.critic):
            critic_loss, _ = self.critic_loss(batch, noise)
        return {"actor": actor_loss, "critic": critic_loss}

    def state_dict(self):
        return state_of(self._parts())

    def load_state_dict(self, state):
        restore(self._parts(), state)

    def _parts(self):
        names = "actor", "critic", "critic_target", "log_alpha", "generator"
        optimizers = "actor_optimizer", "critic_optimizer", "temperature_optimizer"
        return {name: getattr(self, name) for name in (*names, *optimizers)}
