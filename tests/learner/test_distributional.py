"""The update of D4PG by hand: critics that give a distribution over values."""

import math
from typing import Any

import pytest
import torch
from support.agents import agent_of
from support.batches import batch_of
from torch import Tensor, nn

from ddpg.learner.agent import DDPG
from ddpg.learner.heads import Categorical


class Tilt(nn.Module):
    """Logits (0, tilt * a) of the values -1 and 1, so that their mean is tanh(tilt * a / 2)."""

    def __init__(self, tilt: float) -> None:
        super().__init__()
        self.tilt = nn.Parameter(torch.tensor([float(tilt)]))

    def forward(self, obs: Tensor, action: Tensor) -> Tensor:
        return torch.cat([torch.zeros_like(action), self.tilt * action], dim=1)


class TestDistributions:
    """D4PG: the same updates with a critic that gives a distribution over values."""

    def tilted(self, *tilts: float, **changes: Any) -> DDPG:
        return agent_of(None, *map(Tilt, tilts), head=Categorical(2, -1.0, 1.0), **changes)

    def test_value_is_the_smallest_mean(self) -> None:
        value = self.tilted(2, -1).value(torch.zeros(2, 1), torch.tensor([[0.5], [-1.0]]))
        assert value.tolist() == pytest.approx([math.tanh(-0.25), math.tanh(-1)])

    def test_actor_climbs_the_mean(self) -> None:
        """At s = 1, a = 0.5: dQ/da = 1 - tanh(0.5)^2 for the first critic."""
        agent = self.tilted(2, -1)
        metrics = agent.update_actor(batch_of([1], [0], [0], [0], [0]))
        assert agent.actor.w.item() == pytest.approx(0.5 + 0.1 * (1 - math.tanh(0.5) ** 2))
        assert metrics["losses/actor_loss"].item() == pytest.approx(-math.tanh(0.5))

    def test_critics_learn_the_projected_target(self) -> None:
        """A scaled reward of 0.5 without a future is -1 with 0.25 and 1 with 0.75; a = 1 moves the tilt by 0.75 - p."""
        agent = self.tilted(2, 0, reward_scale=0.1)
        batch = batch_of([1], [1], [5], [1], [1])._replace(weight=torch.tensor([0.5]))
        metrics, td_error = agent.update_critic(batch)
        p = 1 / (1 + math.exp(-2))
        losses = [-0.25 * math.log(1 - p) - 0.75 * math.log(p), math.log(2)]
        assert {name: value.item() for name, value in metrics.items()} == pytest.approx(
            {
                "losses/qf1_loss": 0.5 * losses[0], "losses/qf2_loss": 0.5 * losses[1],
                "losses/qf1_values": math.tanh(1), "losses/qf2_values": 0,
            }
        )  # fmt: skip
        assert [critic.tilt.item() for critic in agent.critic.critics] == pytest.approx(
            [2 + 0.1 * 0.5 * (0.75 - p), 0.1 * 0.5 * 0.25]
        )
        entropy = -0.25 * math.log(0.25) - 0.75 * math.log(0.75)
        assert td_error.tolist() == pytest.approx([sum(losses) / 2 - entropy])

    def test_target_bootstraps_from_the_smaller_target(self) -> None:
        """r = 0.1 and gamma = 0.5 move -1 and 1 to -0.4 and 0.6, the places 0.3 and 0.8 between the two."""
        agent = self.tilted(2, -1)
        q = 1 / (1 + math.exp(0.5))  # of the value 1, by the second critic at a = 0.5
        target = agent.target_q(batch_of([0], [0], [0.1], [1], [0], gamma=0.5))
        above = 0.3 * (1 - q) + 0.8 * q
        assert target.tolist()[0] == pytest.approx([1 - above, above])
