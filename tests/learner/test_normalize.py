"""Observations scaled by what has been seen of them, and networks in float64."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from support.agents import agent_of, copied, equal, observed
from support.batches import random_batch

from ddpg.learner.agent import DDPG
from ddpg.learner.networks import RunningNorm, copy_of, running_norms
from ddpg.run.build import build_agent
from ddpg.run.env_spec import build_env_spec


@pytest.fixture
def agent(compose: Callable[..., DictConfig]) -> DDPG:
    cfg = compose("network.normalize_obs=5", "algorithm=td3", "dtype=float64")
    return build_agent(cfg, build_env_spec(cfg).make(), torch.device("cpu"))


def test_one_normalizer_for_all(agent: DDPG) -> None:
    critics = (*agent.critic.critics, *agent.critic_target.critics)
    networks = (agent.actor, agent.actor_target, *critics)
    assert len({id(network.norm) for network in networks}) == 1
    observed(agent, np.float32([1, 2, 3]))
    assert agent.actor_target.norm.count == 1  # and each observation counts once
    pointers = [{p.data_ptr() for p in network.network.parameters()} for network in networks]
    assert len(set.union(*pointers)) == sum(map(len, pointers))  # weights are each one's own


def test_statistics_are_the_means_of_all_observations(agent: DDPG) -> None:
    rng = np.random.default_rng(0)
    seen = (rng.standard_normal((500, 3)) * [0.5, 3, 20] + [100, -3, 0]).astype(np.float32)
    for obs in seen:
        observed(agent, obs)
    norm, seen = agent.actor.norm, seen.astype(np.float64)
    np.testing.assert_allclose(norm.mean, seen.mean(0), rtol=1e-10)
    np.testing.assert_allclose(norm.squares / norm.count, seen.var(0), rtol=1e-10)
    z = norm(torch.from_numpy(seen)).numpy()
    np.testing.assert_allclose(z, np.clip((seen - seen.mean(0)) / seen.std(0), -5, 5), rtol=1e-8)


def test_first_layer_sees_the_normalized(agent: DDPG) -> None:
    for obs in ([0, 0, 0], [2, 4, 6]):
        observed(agent, np.float32(obs))
    plain = agent.actor.network(torch.tensor([[1.0, 0.5, -1.0]], dtype=torch.float64))
    assert agent.act(np.float32([2, 3, 0])) == pytest.approx(plain.detach().numpy()[0], rel=1e-6)


def test_learning_leaves_the_statistics(agent: DDPG) -> None:
    observed(agent, np.float32([1, 2, 3]))
    before = copied(agent.actor.norm)
    rng = torch.Generator().manual_seed(0)
    shapes = ((8, 3), (8, 1), (8,), (8, 3))
    parts = [torch.randn(shape, generator=rng, dtype=torch.float64) for shape in shapes]
    batch = random_batch(size=8)._replace(**dict(zip(("obs", "action", "reward", "next_obs"), parts, strict=True)))
    for _ in range(2):
        agent.update(batch)
    assert equal(agent.actor.norm, before)


def test_resumes(agent: DDPG, compose: Callable[..., DictConfig]) -> None:
    """Trap 20: four networks hold the same statistics in their state; loading them is no confusion."""
    for obs in np.random.default_rng(1).standard_normal((9, 3)).astype(np.float32):
        observed(agent, obs)
    cfg = compose("network.normalize_obs=5", "algorithm=td3", "dtype=float64", "seed=2")
    other = build_agent(cfg, build_env_spec(cfg).make(), torch.device("cpu"))
    other.load_state_dict(agent.state_dict())
    obs = np.float32([0.1, 0.2, 0.3])
    for one in (agent, other):
        observed(one, obs)
    assert np.array_equal(agent.act(obs), other.act(obs))
    assert equal(other.critic_target, agent.critic_target.state_dict())
    assert other.actor.norm is other.critic_target.critics[1].norm
    assert other.actor.norm.count == 10


def test_nothing_to_observe_without() -> None:
    agent = agent_of()
    state = copied(agent.actor)
    observed(agent, np.float32([7]))
    assert equal(agent.actor, state)


def test_float64_throughout(compose: Callable[..., DictConfig]) -> None:
    cfg = compose("algorithm=td3", "dtype=float64")
    agent = build_agent(cfg, build_env_spec(cfg).make(), torch.device("cpu"))
    bounds = [agent.smoothing._low, agent.smoothing._high]
    tensors = [*agent.actor.state_dict().values(), *agent.critic_target.state_dict().values(), *bounds]
    assert {tensor.dtype for tensor in tensors} == {torch.float64}
    assert agent.act(np.zeros(3, np.float32)).dtype == np.float32  # what the environment gets


def norm(clip: float = 5.0, *seen: float) -> RunningNorm:
    """Of single numbers."""
    running = RunningNorm((1,), clip)
    for x in seen:
        running.observe(torch.tensor([x]))
    return running


def test_by_hand() -> None:
    """Of 1, 2, 6: mean 3, variance (4 + 1 + 9) / 3."""
    running = norm(5.0, 1.0, 2.0, 6.0)
    assert running(torch.tensor([[3.0], [6.0]]))[:, 0].tolist() == pytest.approx([0, 3 / (14 / 3) ** 0.5])


@pytest.mark.parametrize("clip", [0.5, 5.0])
def test_clip(clip: float) -> None:
    z = norm(clip, 0.0, 2.0)(torch.tensor([[1e6], [-1e6], [1 + 0.9 * clip]]))
    assert z[:, 0].tolist() == pytest.approx([clip, -clip, 0.9 * clip])


@pytest.mark.parametrize("seen", [(), (1.0,), (1.0, 1.0, 1.0)])
def test_variance_has_a_floor(seen: tuple[float, ...]) -> None:
    """Before anything is seen, and where nothing varies, the deviation is 0.1 (Baselines: variance 1e-2)."""
    mean = sum(seen) / max(1, len(seen))
    assert norm(5.0, *seen)(torch.tensor([[mean + 0.2]])).item() == pytest.approx(2.0, rel=1e-5)


def test_a_copy_shares_it() -> None:
    running = norm()
    network = torch.nn.Sequential(running, torch.nn.Linear(1, 1))
    copy = copy_of(network)
    assert running_norms(network, copy) == [running]
    assert copy[1].weight is not network[1].weight


def test_pictures_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^normalize_obs=5.0 is for vectors of numbers, .*: write network\.normalize_obs=null$"
    ):
        RunningNorm((9, 64, 64), 5.0)


def test_statistics_keep_small_deviations_from_a_large_mean() -> None:
    """In float64 whatever the networks are: in float32 a count ends at 2^24 and a mean of 1000 hides 0.01."""
    norm, seen = RunningNorm((1,), 5.0), np.random.default_rng(0).normal(1000, 0.2, (2000, 1)).astype(np.float32)
    for obs in seen:
        norm.observe(torch.from_numpy(obs))
    batch = torch.from_numpy(seen[:50])
    expected = (seen[:50].astype(np.float64) - seen.mean(dtype=np.float64)) / seen.std(dtype=np.float64)
    assert norm(batch).dtype == torch.float32
    np.testing.assert_allclose(norm(batch).numpy(), expected.clip(-5, 5), atol=1e-5)


def test_weights_of_the_dtype_and_statistics_in_float64(compose: Callable[..., DictConfig]) -> None:
    cfg = compose("network.normalize_obs=5")
    agent = build_agent(cfg, build_env_spec(cfg).make(), torch.device("cpu"))
    assert {param.dtype for param in agent.actor.parameters()} == {torch.float32}
    assert agent.actor.norm.mean.dtype == torch.float64
