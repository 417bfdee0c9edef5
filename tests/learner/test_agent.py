"""The update of Algorithm 1, by hand on one-unit networks; docs/paper.md names the tests of each line."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from support.agents import Mu, Q, agent_of, assert_goes_on, copied, equal, order_of_calls
from support.batches import TWO, batch_of, random_batch
from support.networks import small_critic
from torch import Tensor, nn

from ddpg.learner.agent import DDPG
from ddpg.learner.networks import Actor


def make_normed(**changes: Any) -> DDPG:
    """Make an agent with batch norm, as the paper has it."""
    torch.manual_seed(0)
    actor = Actor((3,), torch.full((2,), -1.0), torch.full((2,), 1.0), (8, 8), "relu", "batch", "fan_in", None)
    return agent_of(actor, small_critic((8, 8), 2, "batch"), **changes)


def statistics(module: nn.Module) -> list[Tensor]:
    return [value.clone() for name, value in module.named_buffers() if "running" in name or "num_batches" in name]


def test_only_termination_masks_the_future() -> None:
    """Trap 1: with Q' = 10 everywhere and gamma 0.99, r + 9.9 where truncated (or running), r where terminated."""
    agent = agent_of(None, Q(0, 0, 10))
    batch = batch_of([1, 1], [0, 0], [3, 3], [1, 1], [0, 1], gamma=0.99)
    assert agent.target_q(batch).tolist() == pytest.approx([12.9, 3.0])


def test_reward_scale() -> None:
    agent = agent_of(None, Q(0, 0, 10), reward_scale=0.1)
    batch = batch_of([1, 1], [0, 0], [3, 3], [1, 1], [0, 1], gamma=0.5)
    assert agent.target_q(batch).tolist() == pytest.approx([5.3, 0.3])


def test_one_update_by_hand() -> None:
    """Trap 11: the critic first, then the actor on the new critic, then both targets. Trap 12: B = 2 by hand.

    y = [1 + 0.9 (2 + 2 * 1), 0] = [4.6, 0] and Q = [2, 0], so L = 2.6^2 / 2 and dL/dQ = [-2.6, 0].
    """
    agent = agent_of()
    metrics = agent.update(TWO).metrics
    assert metrics["losses/qf1_loss"] == pytest.approx(3.38)
    assert metrics["losses/qf1_values"] == pytest.approx(1.0)
    critic = [p.item() for p in agent.critic.parameters()]
    assert critic == pytest.approx([1 + 0.26, 2 + 0.13, 0.26])
    # on the new critic: -mean(1.26 s + 2.13 * 0.5 s + 0.26), mean s = 1.5; slope for w is -2.13 * 1.5
    assert metrics["losses/actor_loss"] == pytest.approx(-(1.26 * 1.5 + 2.13 * 0.75 + 0.26))
    assert agent.actor.w.item() == pytest.approx(0.5 + 0.1 * 2.13 * 1.5)  # Baselines' order would give 0.8
    targets = [p.item() for net in (agent.critic_target, agent.actor_target) for p in net.parameters()]
    assert targets == pytest.approx([1.13, 2.065, 0.13, (0.5 + 0.8195) / 2])


def test_shapes_do_not_broadcast() -> None:
    """Trap 12: everything that enters the loss is (B,)."""
    agent, batch = make_normed(), random_batch()
    assert [output.shape for output in agent.critic(batch.obs, batch.action)] == [(16,)]
    assert agent.target_q(batch).shape == (16,)
    assert all(value.shape == () for value in agent.critic_loss(batch)[1].metrics.values())
    assert agent.critic_loss(batch)[0].shape == agent.actor_loss(batch)[0].shape == ()


def test_targets_start_equal_unshared_and_frozen() -> None:
    """Trap 7."""
    agent = make_normed()
    for online, target in ((agent.actor, agent.actor_target), (agent.critic, agent.critic_target)):
        assert equal(target, online.state_dict())
        pointers = [{x.data_ptr() for x in net.state_dict().values()} for net in (online, target)]
        assert not pointers[0] & pointers[1]
        assert not any(p.requires_grad for p in target.parameters())
        assert all(p.requires_grad for p in online.parameters())


@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0])
def test_targets_follow_by_tau(tau: float) -> None:
    """Trap 7: tau 1 copies, 0 freezes, 0.5 averages; batch-norm statistics are copied whatever tau is."""
    agent = make_normed(tau=tau)
    start = copied(agent.critic)
    for seed in range(3):
        agent.update_critic(random_batch(seed))
    agent.update_targets()
    for (name, target), online in zip(
        agent.critic_target.state_dict().items(), copied(agent.critic).values(), strict=True
    ):
        whole = "running" in name or "num_batches" in name
        torch.testing.assert_close(target, online if whole else (1 - tau) * start[name] + tau * online)
        assert not torch.equal(online, start[name])


def test_target_statistics_change_by_the_copy_alone() -> None:
    """Trap 8: targets always normalize by their running statistics, so two looks at a target agree."""
    agent, batch = make_normed(), random_batch()
    before = statistics(agent.critic_target) + statistics(agent.actor_target)
    first, second = agent.target_q(batch), agent.target_q(batch)
    agent.update_critic(batch)
    agent.update_actor(batch)
    after = statistics(agent.critic_target) + statistics(agent.actor_target)
    assert torch.equal(first, second)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    agent.update_targets()
    copies = statistics(agent.critic_target) + statistics(agent.actor_target)
    online = statistics(agent.critic) + statistics(agent.actor)
    assert all(torch.equal(a, b) for a, b in zip(copies, online, strict=True))
    assert not torch.equal(copies[0], before[0])


def test_each_network_learns_statistics_in_its_own_update_alone() -> None:
    """Trap 8: the critic's are not touched by the actor's update, where it sees the actor's actions."""
    agent, batch = make_normed(), random_batch()
    actor, critic = statistics(agent.actor), statistics(agent.critic)
    agent.update_critic(batch)
    assert not torch.equal(statistics(agent.critic)[0], critic[0])
    assert torch.equal(statistics(agent.actor)[0], actor[0])
    critic = statistics(agent.critic)
    agent.update_actor(batch)
    assert not torch.equal(statistics(agent.actor)[0], actor[0])
    assert all(torch.equal(a, b) for a, b in zip(statistics(agent.critic), critic, strict=True))


def test_acting_uses_running_statistics_and_leaves_them() -> None:
    """Trap 8: one observation at a time, and its action does not depend on what was asked before."""
    agent = make_normed()
    agent.update(random_batch())
    before, obs = statistics(agent.actor), np.float32([0.1, 0.2, 0.3])
    first = agent.act(obs)
    agent.act(100 * obs)
    np.testing.assert_array_equal(agent.act(obs), first)
    assert all(torch.equal(a, b) for a, b in zip(statistics(agent.actor), before, strict=True))


def test_act_shape_and_dtype() -> None:
    """Trap 17."""
    action = make_normed().act(np.zeros(3, np.float32))
    assert (action.shape, action.dtype) == ((2,), np.float32)


def test_actor_update_leaves_the_critic_alone() -> None:
    """Trap 10: bit-identical critic, no gradient left on it, and it can still learn."""
    agent, batch = make_normed(), random_batch()
    agent.update_critic(batch)
    critic, grads = copied(agent.critic), [p.grad.clone() for p in agent.critic.parameters()]
    agent.update_actor(batch)
    assert equal(agent.critic, critic)
    assert all(torch.equal(p.grad, g) for p, g in zip(agent.critic.parameters(), grads, strict=True))
    assert all(p.requires_grad for p in agent.critic.parameters())


def test_critic_gradient_is_fresh_after_an_actor_update() -> None:
    """Trap 10: the gradient of an agent that has just updated its actor is that of one that has not."""
    frozen = partial(torch.optim.SGD, lr=0.0)
    agent, fresh = make_normed(critic_optimizer=frozen, actor_optimizer=frozen), make_normed(critic_optimizer=frozen)
    agent.update_critic(random_batch(1))
    agent.update_actor(random_batch(1))
    fresh.critic.load_state_dict(agent.critic.state_dict())
    for one in (agent, fresh):
        one.update_critic(random_batch(2))
    for ours, expected in zip(agent.critic.parameters(), fresh.critic.parameters(), strict=True):
        assert torch.equal(ours.grad, expected.grad)
        assert ours.grad.abs().sum() > 0


def test_critic_update_leaves_actor_and_targets_alone() -> None:
    agent, batch = make_normed(), random_batch()
    others = (agent.actor, agent.actor_target, agent.critic_target)
    before = [copied(net) for net in others]
    agent.update_critic(batch)
    assert all(equal(net, state) for net, state in zip(others, before, strict=True))
    assert all(p.grad is None for net in others for p in net.parameters())


@pytest.mark.parametrize(
    ("delays", "actor", "targets"),
    [
        ((1, 1), range(1, 11), range(1, 11)),
        ((2, 2), [2, 4, 6, 8, 10], [2, 4, 6, 8, 10]),
        ((3, 3), [3, 6, 9], [3, 6, 9]),
        ((2, 1), [2, 4, 6, 8, 10], range(1, 11)),
        ((1, 4), range(1, 11), [4, 8]),
    ],
)
def test_delays(monkeypatch: pytest.MonkeyPatch, delays: tuple[int, int], actor: Any, targets: Any) -> None:
    """Trap 13: the critic learns at every update, the actor at every policy_delay-th, both targets by their own."""
    agent = agent_of(policy_delay=delays[0], target_delay=delays[1])
    assert order_of_calls(agent, monkeypatch, 10) == [
        (name, update)
        for update in range(1, 11)
        for name, due in (("critic", range(1, 11)), ("actor", actor), ("targets", targets))
        if update in due
    ]


def test_gradient_clipping_by_hand() -> None:
    """Each network's gradient is cut to the norm: the critic's is 2.6 (1, 0.5, 1), of norm 2.6 * 1.5."""
    agent = agent_of(max_grad_norm=0.3)
    agent.update_critic(TWO)
    assert agent.critic.critics[0].ws.item() == pytest.approx(1 + 0.1 * 0.2, abs=1e-5)
    agent.update_actor(TWO)
    assert agent.actor.w.item() == pytest.approx(0.5 + 0.1 * 0.3, abs=1e-5)


def test_nothing_is_clipped_without_a_norm() -> None:
    agent = agent_of(None, Q(b=1e4))
    agent.update_critic(batch_of([1], [0], [0], [0], [1]))
    assert agent.critic.critics[0].b.item() == pytest.approx(1e4 - 0.1 * 2 * (1e4 + 1), rel=1e-5)


@pytest.mark.parametrize("max_grad_norm", [None, 10.0])
def test_frozen_and_unused_parameters_stay(max_grad_norm: float | None) -> None:
    """In networks of one's own: the rest learns as if they were not there."""
    actor, critic = Mu(), Q()
    for network in (actor, critic):
        network.unused = nn.Parameter(torch.tensor([7.0]))
    critic.b.requires_grad_(False)
    agent = agent_of(actor, critic, max_grad_norm=max_grad_norm)
    agent.update(TWO)
    agent.update(TWO)
    assert [p.item() for p in (actor.unused, critic.unused, critic.b)] == [7.0, 7.0, 0.0]
    once, again = agent_of(), agent_of()
    again.critic.critics[0].b.requires_grad_(False)
    for one in (once, again):
        one.update_critic(TWO)
    assert again.critic.critics[0].ws.item() == once.critic.critics[0].ws.item() != 1
    assert agent.actor.w.item() != 0.5


@pytest.mark.parametrize("delay", [1, 2])
def test_goes_on_from_its_state(delay: int) -> None:
    """Trap 20: k + k updates are 2k updates, bit for bit: optimizers, targets, statistics and the update count."""
    factory = partial(torch.optim.Adam, lr=1e-2)
    make_one = partial(make_normed, policy_delay=delay, actor_optimizer=factory, critic_optimizer=factory)
    straight, resumed = make_one(), make_one()
    resumed.update(random_batch(9))  # something to be overwritten
    assert_goes_on(straight, make_one(), resumed)
    assert resumed.updates == straight.updates == 6
