"""What the update can do beyond DDPG, by hand: several critics, smoothed targets, weights, the other order."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from support.agents import Q, agent_of, assert_goes_on, equal, order_of_calls
from support.batches import TWO, batch_of, random_batch
from support.networks import small_critic
from torch import Tensor, nn

from ddpg.learner.agent import DDPG
from ddpg.learner.networks import Actor, Ensemble
from ddpg.run.build import build_agent
from ddpg.run.env_spec import build_env_spec

#: Of three critics, each the smallest somewhere: at (s, a) = (1, 0) they say 1, 2, 4, at (1, 2) 5, 4, 0.
THREE = [(1, 2, 0), (0, 1, 2), (4, -2, 0)]


def three() -> list[Q]:
    return [Q(*weights) for weights in THREE]


def two_by_two(seed: int = 0, n_critics: int = 2, **changes: Any) -> DDPG:
    """Two critics of random weights on two-dimensional actions within [-3, 1] and [0, 10]."""
    torch.manual_seed(seed)
    low, high = torch.tensor([-3.0, 0.0]), torch.tensor([1.0, 10.0])
    actor = Actor((3,), low, high, (8,), "relu", "none", "fan_in", None)
    critics = [small_critic((8,)) for _ in range(n_critics)]
    return agent_of(actor, *critics, low=low, high=high, **changes)


class TestSeveralCritics:
    def test_values_of_each(self) -> None:
        """Trap 12: n times (B,), a list with one output for each critic."""
        values = Ensemble(three())(torch.tensor([[1.0], [1.0]]), torch.tensor([[0.0], [2.0]]))
        assert [value.tolist() for value in values] == [[1, 5], [2, 4], [4, 0]]

    @pytest.mark.parametrize(("reduce", "reduced"), [("min", [1.0, 0.0]), ("mean", [7 / 3, 3.0])])
    def test_target(self, reduce: str, reduced: list[float]) -> None:
        """Fujimoto 2018, equation 10: for each transition the smallest of the targets' values, or their mean."""
        agent = agent_of(_Says(torch.tensor([[0.0], [2.0]])), *three(), target_reduce=reduce)
        batch = batch_of([0, 0], [0, 0], [10, 20], [1, 1], [0, 0], gamma=0.5)
        assert agent.target_q(batch).tolist() == pytest.approx([10 + reduced[0] / 2, 20 + reduced[1] / 2])

    @pytest.mark.parametrize(("reduce", "value"), [("first", 3.0), ("min", 0.5), ("mean", (3 + 3 + 2) / 3)])
    def test_actor_loss(self, reduce: str, value: float) -> None:
        """mean over (1, 0) and (1, 2): the first critic says 1 and 5, the smallest are 1 and 0, the sums 7 and 9."""
        agent = agent_of(_Says(torch.tensor([[0.0], [2.0]])), *three(), actor_reduce=reduce)
        loss, metrics = agent.actor_loss(batch_of([1, 1], [0, 0], [0, 0], [0, 0], [0, 0]))
        assert loss.item() == pytest.approx(-value)
        assert metrics == {"losses/actor_loss": loss}

    @pytest.mark.parametrize(("reduce", "slope"), [("first", 2.0), ("min", (2 - 2) / 2), ("mean", (2 + 1 - 2) / 3)])
    def test_actor_follows_the_critics_that_count(self, reduce: str, slope: float) -> None:
        """For s = 1 and a = w s with w = 0, 2: slopes of those Q(s, a) that are the smallest, of all, of the first."""
        agent = agent_of(_Says(torch.tensor([[0.0], [2.0]])), *three(), actor_reduce=reduce)
        agent.update_actor(batch_of([1, 1], [0, 0], [0, 0], [0, 0], [0, 0]))
        assert agent.actor.shift.item() == pytest.approx(0.1 * slope)

    def test_each_learns_its_own_loss(self) -> None:
        """y = 3 for both: the first says 1, the second 2; each moves as if it were alone, and its loss is logged."""
        batch = batch_of([1], [0], [3], [1], [1])
        agent = agent_of(None, Q(*THREE[0]), Q(*THREE[1]))
        metrics = agent.update_critic(batch).metrics
        assert {name: value.item() for name, value in metrics.items()} == pytest.approx(
            {"losses/qf1_loss": 4, "losses/qf2_loss": 1, "losses/qf1_values": 1, "losses/qf2_values": 2}
        )
        for weights, critic in zip(THREE, agent.critic.critics, strict=False):
            alone = agent_of(None, Q(*weights))
            alone.update_critic(batch)
            assert equal(critic, alone.critic.critics[0].state_dict())
            assert critic.b.item() != weights[2]

    def test_each_has_weights_and_a_target_of_its_own(self) -> None:
        agent = two_by_two(n_critics=3)
        networks = [*agent.critic.critics, *agent.critic_target.critics]
        assert len({p.data_ptr() for network in networks for p in network.parameters()}) == 3 * 2 * 4
        for online, target in zip(agent.critic.critics, agent.critic_target.critics, strict=True):
            assert equal(target, online.state_dict())
        first = [critic.final.weight for critic in agent.critic.critics]
        assert not torch.equal(first[0], first[1])

    def test_from_the_config(self, compose: Callable[..., DictConfig]) -> None:
        cfg = compose("algorithm=td3", "algorithm.n_critics=3")
        agent = build_agent(cfg, build_env_spec(cfg).make(), torch.device("cpu"))
        first = [critic.final.weight for critic in agent.critic.critics]
        assert len(first) == len({weight.sum().item() for weight in first}) == 3


class _Says(nn.Module):
    """An actor that says these actions, and may learn to shift all of them."""

    def __init__(self, actions: Tensor) -> None:
        super().__init__()
        self.actions, self.shift = actions, nn.Parameter(torch.zeros(1))

    def forward(self, obs: Tensor) -> Tensor:
        return self.actions + self.shift


class TestSmoothedTargets:
    """TD3, section 5.3: a' = clip(mu'(s') + clip(N(0, sigma), -c, c), low, high), all in half action ranges."""

    def smoothed(self, action: list[float], count: int = 20_000, **changes: Any) -> np.ndarray:
        agent = two_by_two(**{"target_noise": 0.2, "target_noise_clip": 0.5} | changes)
        actions = torch.tensor([action] * count, dtype=torch.float32)
        noise = agent.smoothing.draw(actions)
        return agent.smoothing.apply(actions, noise).numpy() - np.float32(action)

    def test_scale_is_half_of_each_range(self) -> None:
        """Asymmetric bounds: half ranges 2 and 5."""
        noise = self.smoothed([-1, 5], target_noise=0.1)
        np.testing.assert_allclose(noise.std(0), [0.2, 0.5], rtol=0.03)
        np.testing.assert_allclose(noise.mean(0), 0, atol=0.02)

    def test_noise_is_clipped(self) -> None:
        noise = self.smoothed([-1, 5], target_noise_clip=0.3)
        np.testing.assert_allclose(np.abs(noise).max(0), [0.6, 1.5], rtol=1e-6)
        share = np.mean(np.isclose(np.abs(noise), [0.6, 1.5]), axis=0)  # beyond 1.5 standard deviations
        np.testing.assert_allclose(share, 0.1336, atol=0.01)

    def test_action_stays_within_the_bounds(self) -> None:
        """At a corner half of the draws lead out of each bound."""
        noise = self.smoothed([-3, 10])
        assert noise[:, 0].min() == noise[:, 1].max() == 0
        np.testing.assert_allclose(np.mean(noise == 0, axis=0), 0.5, atol=0.02)
        np.testing.assert_allclose([noise[:, 0].max(), noise[:, 1].min()], [1, -2.5], rtol=1e-6)

    def test_none(self) -> None:
        assert not self.smoothed([-2.5, 9], target_noise=0.0).any()

    def test_target_is_that_of_the_smoothed_action(self) -> None:
        """y = 0.9 (2 s' + 3 a') with the very noise that the generator gives."""
        agent = agent_of(None, Q(2, 3, 0), target_noise=0.2, generator=torch.Generator().manual_seed(5))
        noise = torch.randn((2, 1), generator=torch.Generator().manual_seed(5))
        batch = batch_of([0, 0], [0, 0], [0, 0], [-1, -2], [0, 0])
        action = (0.5 * batch.next_obs + 2 * (0.2 * noise).clamp(-0.5, 0.5)).clamp(-3, 1)
        expected = 0.9 * (2 * batch.next_obs + 3 * action)
        torch.testing.assert_close(agent.target_q(batch, agent.smoothing.draw(batch.action)), expected[:, 0])
        again = agent.target_q(batch, agent.smoothing.draw(batch.action))
        assert not torch.equal(agent.target_q(batch, agent.smoothing.draw(batch.action)), again)  # new noise every time

    def test_goes_on_from_its_state(self) -> None:
        """Trap 20: k + k updates of the full TD3 are 2k updates, its generator included."""
        adam = partial(torch.optim.Adam, lr=1e-2)
        td3 = {"target_noise": 0.2, "policy_delay": 2, "actor_optimizer": adam, "critic_optimizer": adam}
        straight, half, resumed = two_by_two(**td3), two_by_two(**td3), two_by_two(1, **td3)
        assert_goes_on(straight, half, resumed)
        assert torch.equal(resumed.smoothing.generator.get_state(), straight.smoothing.generator.get_state())


class TestActorFirst:
    def test_by_hand(self) -> None:
        """Trap 11, Baselines' order: the actor follows the critic of before, slope 2 * 1.5; the critic's step is the
        one of `test_agent.py:test_one_update_by_hand`, for its target knows the target actor alone."""
        agent = agent_of(actor_first=True)
        metrics = agent.update(TWO).metrics
        assert agent.actor.w.item() == pytest.approx(0.5 + 0.1 * 2 * 1.5)
        assert [p.item() for p in agent.critic.parameters()] == pytest.approx([1.26, 2.13, 0.26])
        assert metrics["losses/actor_loss"] == pytest.approx(-(1.5 + 2 * 0.75))
        targets = [p.item() for net in (agent.critic_target, agent.actor_target) for p in net.parameters()]
        assert targets == pytest.approx([1.13, 2.065, 0.13, 0.65])

    def test_is_both_gradients_before_either_step(self) -> None:
        """What Baselines' `train` computes: gradients of both losses at the weights of before, then both steps."""
        agent, at_once = two_by_two(actor_first=True), two_by_two()
        batch = random_batch()
        losses = [(at_once.critic_loss(batch)[0], at_once.critic), (at_once.actor_loss(batch)[0], at_once.actor)]
        grads = [torch.autograd.grad(loss, list(network.parameters())) for loss, network in losses]
        for (_, network), grad in zip(losses, grads, strict=True):
            for param, slope in zip(network.parameters(), grad, strict=True):
                param.data -= 0.1 * slope
        agent.update(batch)
        for ours, expected in ((agent.actor, at_once.actor), (agent.critic, at_once.critic)):
            for param, value in zip(ours.parameters(), expected.parameters(), strict=True):
                torch.testing.assert_close(param, value)

    @pytest.mark.parametrize("first", [True, False])
    def test_order_of_calls(self, monkeypatch: pytest.MonkeyPatch, first: bool) -> None:
        """Trap 11."""
        agent = agent_of(policy_delay=2, actor_first=first)
        learners = ["actor", "critic"] if first else ["critic", "actor"]
        expected = [("critic", 1), *((name, 2) for name in (*learners, "targets"))]
        assert order_of_calls(agent, monkeypatch, 2) == expected


class TestWeights:
    """Schaul 2016, Algorithm 1: each square has its weight, and the errors are what priorities are made of."""

    def test_loss_by_hand(self) -> None:
        """y = [4.6, 0], Q = [2, 0]: 0.25 * 2.6^2 / 2, and its slope for the bias is -0.25 * 2.6."""
        agent = agent_of()
        metrics, td_error = agent.update_critic(TWO._replace(weight=torch.tensor([0.25, 1.0])))
        assert metrics["losses/qf1_loss"] == pytest.approx(0.25 * 2.6**2 / 2)
        assert [p.item() for p in agent.critic.parameters()] == pytest.approx([1.065, 2.0325, 0.065])
        assert td_error.tolist() == pytest.approx([2.6, 0.0])

    def test_error_is_the_mean_over_the_critics(self) -> None:
        """y = 3, and they say 1, 2 and 4: |3 - 1|, |3 - 2|, |3 - 4|."""
        agent = agent_of(None, *three())
        step = agent.update(batch_of([1], [0], [3], [1], [1])._replace(weight=torch.ones(1)))
        assert step.td_error.tolist() == pytest.approx([4 / 3])
        assert not step.td_error.requires_grad

    def test_ones_are_no_weights(self) -> None:
        batch = random_batch()
        agent, weighted = two_by_two(), two_by_two()
        first = agent.update(batch).metrics
        second = weighted.update(batch._replace(weight=torch.ones(16))).metrics
        for name in first:
            torch.testing.assert_close(first[name], second[name])
        for a, b in zip(agent.critic.parameters(), weighted.critic.parameters(), strict=True):
            torch.testing.assert_close(a, b)

    def test_no_weights_no_errors(self) -> None:
        agent = agent_of()
        step = agent.update(TWO._replace(weight=torch.tensor([0.25, 1.0])))
        assert step.td_error.tolist() == pytest.approx([2.6, 0.0])
        assert agent.update(TWO).td_error is None


def test_switches_of_the_options(compose: Callable[..., DictConfig]) -> None:
    """The full TD3 is these switches and nothing else."""
    names = ("ddpg", "delayed", "td3", "baselines", "d4pg")
    chosen = {name: compose(f"algorithm={name}").algorithm for name in names}
    changed = {
        name: {key: value for key, value in node.items() if value != chosen["ddpg"][key]}
        for name, node in chosen.items()
    }
    assert changed == {
        "ddpg": {},
        "delayed": {"policy_delay": 2, "target_delay": 2},
        "td3": {"n_critics": 2, "target_noise": 0.2, "policy_delay": 2, "target_delay": 2},
        "baselines": {"actor_first": True},
        "d4pg": {
            "head": compose("algorithm/head=categorical").algorithm.head,
            "actor_first": True, "target_delay": 100, "max_grad_norm": 40.0,
        },
    }  # fmt: skip
    assert (chosen["td3"].target_reduce, chosen["td3"].actor_reduce, chosen["td3"].target_noise_clip) == (
        "min", "first", 0.5,
    )  # fmt: skip


def test_gradient_norm_is_that_of_all_critics_together() -> None:
    """Each critic's gradient alone is 2.6 (1, 0.5, 1), so two have sqrt(2) times the norm of one."""
    agent = agent_of(None, Q(), Q(), max_grad_norm=0.3)
    agent.update_critic(TWO)
    for critic in agent.critic.critics:
        assert critic.ws.item() == pytest.approx(1 + 0.1 * 0.2 / 2**0.5, abs=1e-5)
