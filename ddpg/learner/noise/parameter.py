"""Adaptive noise on the actor's parameters.

Plappert et al. (2018), "Parameter space noise for exploration", arXiv:1706.01905.
"""

import logging
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor, nn

from ddpg.learner.batch import Batch
from ddpg.learner.networks import copy_of
from ddpg.learner.noise.base import Noise
from ddpg.learner.policy import act
from ddpg.ranges import AboveOne, Lasting, Positive, PositiveInt, Range

log = logging.getLogger(__name__)

#: A distance of two policies in half action ranges. Bounded policies are hardly ever more than 1
#: apart, so with a larger `delta` sigma would grow for ever.
Distance = Annotated[float, Range(above=0, at_most=1)]


class AdaptiveParameter(Noise):
    """N_t = mu~(s_t) - mu(s_t), where mu~ is the actor with N(0, sigma^2) on its parameters.

    So mu~ acts, for a whole episode; learning never sees it. Every parameter is perturbed, biases
    and output layer too, except those of layer norm, which keeps the effect of the others
    comparable. After every `adapt_every` updates (OpenAI Baselines: 50) sigma is judged by the
    effect of a new perturbation: the root mean square distance of its actions from the actor's, in
    units of half the action range, on the update's minibatch. Above `delta`, sigma is divided by
    `alpha`, else multiplied (section 3 and appendix C of Plappert et al.). The new sigma acts from
    the next episode on.

    Raises ValueError if the actor has no parameter to perturb.
    """

    def __init__(
        self,
        sigma: Annotated[Positive, Lasting()],
        delta: Distance,
        alpha: AboveOne,
        adapt_every: PositiveInt,
        actor: nn.Module,
        action_scale: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        if not perturbable(actor):
            raise ValueError(
                "the actor has nothing to perturb: no trainable parameter outside its layer norm"
            )
        if not any(isinstance(module, nn.LayerNorm) for module in actor.modules()):
            log.warning(
                "parameter noise without layer norm: the same sigma does very different things in "
                "different layers; network=layer_norm has it, or network.actor.norm=layer"
            )
        self.sigma = sigma
        self._delta = delta
        self._alpha = alpha
        self._adapt_every = adapt_every
        self._actor = actor
        self._acting = copy_of(actor)
        self._measured = copy_of(actor)
        self._scale = np.where(action_scale > 0, action_scale, 1)
        self._rng = rng
        self._updates = 0

    def reset(self) -> None:
        """Begin an episode with a new perturbation of the actor as it is now."""
        self._perturb(self._acting)

    def __call__(self, obs: np.ndarray, env_step: int) -> np.ndarray:
        return act(self._acting, obs) - act(self._actor, obs)

    def after_update(self, batch: Batch) -> dict[str, float]:
        self._updates += 1
        if self._updates % self._adapt_every:
            return {}
        self._perturb(self._measured)
        distance = self._distance(batch.obs)
        sigma = self.sigma
        self.sigma = sigma / self._alpha if distance > self._delta else sigma * self._alpha
        return {"noise/sigma": sigma, "noise/distance": distance}

    @torch.no_grad()
    def _distance(self, obs: Tensor) -> float:
        difference = (self._measured(obs) - self._actor(obs)).cpu().numpy() / self._scale
        return float(np.sqrt(np.mean(difference**2)))

    @torch.no_grad()
    def _perturb(self, network: nn.Module) -> None:
        network.load_state_dict(self._actor.state_dict())
        for param in perturbable(network):
            noise = self._rng.standard_normal(param.shape, np.float32)
            param.add_(torch.from_numpy(noise).to(param), alpha=self.sigma)

    def state_dict(self) -> dict[str, Any]:
        return {"sigma": self.sigma, "updates": self._updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.sigma = state["sigma"]
        self._updates = state["updates"]


def perturbable(network: nn.Module) -> list[nn.Parameter]:
    """List the trainable parameters that do not belong to a layer norm."""
    layer_norms = [module for module in network.modules() if isinstance(module, nn.LayerNorm)]
    spared = {id(param) for module in layer_norms for param in module.parameters()}
    return [p for p in network.parameters() if p.requires_grad and id(p) not in spared]
