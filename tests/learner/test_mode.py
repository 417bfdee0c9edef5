"""Train mode is for the network that descends its loss, while it is computed, and diagnostics leave no trace of it."""

import pytest
import torch
from support.agents import agent_of, copied, equal
from support.batches import TWO
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ddpg.learner.agent import DDPG
from ddpg.learner.networks import buffers_kept, train_mode


class Noting(nn.Module):
    """Notes, under the names of its copies, in which mode it is called."""

    def __init__(self, name: str, notes: list[tuple[str, bool]]) -> None:
        super().__init__()
        self.name, self.notes = name, notes
        self.layer = nn.Linear(1, 1)

    def forward(self, obs: Tensor, action: Tensor | None = None) -> Tensor:
        self.notes.append((self.name, self.training))
        return self.layer(obs) if action is None else self.layer(obs + action).squeeze(-1)


@pytest.fixture
def notes() -> list[tuple[str, bool]]:
    return []


@pytest.fixture
def agent(notes: list[tuple[str, bool]]) -> DDPG:
    """Make an agent whose networks write down their calls; those of the targets to the same list."""
    agent = agent_of(Noting("actor", notes), Noting("critic", notes))
    for target in (agent.actor_target, agent.critic_target.critics[0]):
        target.name, target.notes = f"{target.name}_target", notes
    return agent


def test_a_network_is_in_train_mode_for_its_own_loss_alone(agent: DDPG, notes: list[tuple[str, bool]]) -> None:
    calls = [
        *[("actor_target", False), ("critic_target", False), ("critic", True)],
        *[("actor", True), ("critic", False)],
    ]
    agent.update(TWO)
    assert notes == calls
    agent.losses(TWO)
    assert notes == calls * 2
    agent.act(TWO.obs[0].numpy())
    agent.value(TWO.obs, TWO.action)
    assert notes[-2:] == [("actor", False), ("critic", False)]


def test_an_error_leaves_eval_mode() -> None:
    network = nn.Linear(1, 1).eval()
    with pytest.raises(TypeError), buffers_kept(network), train_mode(network):
        network()
    assert not network.training


class Dropping(nn.Module):
    """A critic with dropout, as in DroQ."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 64), nn.Dropout(0.5), nn.Linear(64, 1))

    def forward(self, obs: Tensor, action: Tensor) -> Tensor:
        return self.layers(torch.cat([obs, action], dim=1)).squeeze(-1)


class Normed(Dropping):
    """A critic whose matrices are divided by their largest singular value, which buffers approximate."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(spectral_norm(nn.Linear(2, 8)), nn.ReLU(), spectral_norm(nn.Linear(8, 1)))


def test_dropout_drops_in_the_update_of_its_network() -> None:
    agent = agent_of(None, Dropping())
    losses = [agent.losses(TWO) for _ in range(5)]
    assert len({loss["critic"].item() for loss in losses}) > 1
    assert len({loss["actor"].item() for loss in losses}) == 1
    assert torch.equal(agent.value(TWO.obs, TWO.action), agent.value(TWO.obs, TWO.action))


def test_spectral_norm_goes_on_in_updates_and_not_in_diagnostics() -> None:
    torch.manual_seed(0)
    agent = agent_of(None, Normed())
    for _ in range(50):
        agent.update(TWO)
    layer = agent.critic.critics[0].layers[0]
    assert torch.linalg.matrix_norm(layer.weight, ord=2).item() == pytest.approx(1, abs=0.01)
    before = copied(agent.critic)
    torch.autograd.grad(agent.losses(TWO)["critic"], list(agent.critic.parameters()))
    assert equal(agent.critic, before)
