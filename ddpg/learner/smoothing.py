"""Target policy smoothing (TD3: Fujimoto et al. 2018, section 5.3)."""

import torch
from torch import Tensor

from ddpg.learner.draws import normal_like, same_draws


class Smoothing:
    """Clipped noise on the targets' actions, so that Q' is averaged over similar actions.

    `noise` and `clip` are fractions of half the action range; with noise 0 nothing is drawn.
    """

    def __init__(
        self, noise: float, clip: float, low: Tensor, high: Tensor, generator: torch.Generator
    ) -> None:
        self.generator = generator
        self._noise = noise
        self._clip = clip
        self._low = low
        self._high = high

    def draw(self, action: Tensor) -> Tensor | None:
        """Draw N(0, 1) for each action, (N, action_dim); None without smoothing."""
        return None if self._noise == 0 else normal_like(action, self.generator)

    def peek(self, action: Tensor) -> Tensor | None:
        """Return what `draw` would return, and leave the generator as it is."""
        return None if self._noise == 0 else normal_like(action, same_draws(self.generator))

    def apply(self, action: Tensor, draws: Tensor | None) -> Tensor:
        """Return a + clip(noise N(0, 1), -clip, clip) within the bounds, (N, action_dim).

        This is equation 15 of TD3. `draws` is what `draw` returned; the noise is in units of half
        the range.
        """
        if draws is None:
            return action
        clipped = (self._noise * draws).clamp(-self._clip, self._clip)
        return (action + clipped * (self._high - self._low) / 2).clamp(self._low, self._high)
