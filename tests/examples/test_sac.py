"""The example project's algorithm: its equations written a second time, exact resume, recorded updates."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from gymnasium import spaces
from my_package.sac import SAC, GaussianActor
from omegaconf import DictConfig
from support.agents import observed
from support.batches import random_batch
from support.buffers import buffer
from support.config_options import env_of
from support.resume import assert_resumes
from support.runs import flat, record
from torch import Tensor, nn
from torch.distributions import AffineTransform, Independent, Normal, TanhTransform, TransformedDistribution

from ddpg.config.settings import check
from ddpg.errors import UserError
from ddpg.fast.accelerate import accelerate
from ddpg.fast.accelerate import record as record_updates
from ddpg.learner.batch import Batch
from ddpg.run.build import build_agent
from ddpg.training.trainer import Trainer

Compose = Callable[..., DictConfig]
Make = Callable[..., Trainer]
PROJECT = Path(__file__).parents[2] / "examples" / "my_project"
OWN = (f"hydra.searchpath=[file://{PROJECT}/conf]", "preset=sac")
LOW, HIGH = torch.tensor([-3.0, 0.0]), torch.tensor([1.0, 10.0])
SCALE, CENTER = (HIGH - LOW) / 2, (HIGH + LOW) / 2
CPU = torch.device("cpu")


@pytest.fixture
def make_agent(compose: Compose) -> Callable[..., SAC]:
    """make_agent("dtype=float64"): the agent for observations of three numbers and actions between LOW and HIGH."""

    def _make(*words: str) -> SAC:
        cfg = compose(*OWN, "network.actor.hidden=[16]", "network.critic.hidden=[16]", *words)
        agent: Any = build_agent(check(cfg), env_of(spaces.Box(-1, 1, (3,))), CPU)
        return agent

    return _make


def test_it_is_small() -> None:
    files = [PROJECT / "my_package" / "sac.py", *PROJECT.glob("conf/*/sac.yaml")]
    assert len(files) == 5
    assert sum(len(file.read_text().splitlines()) for file in files) < 160


class TestActor:
    @pytest.fixture
    def actor(self) -> GaussianActor:
        torch.manual_seed(0)
        return GaussianActor((3,), LOW, HIGH, [16]).double()

    def test_log_probability_is_that_of_the_distribution(self, actor: GaussianActor) -> None:
        """By torch's own tanh-transformed normal distribution, of actions in half action ranges."""
        obs, noise = torch.randn(50, 3, dtype=torch.float64), torch.randn(50, 2, dtype=torch.float64)
        action, log_pi = actor.sample(obs, noise)
        features = actor.body(obs)
        normal = Normal(actor.final(features), actor.log_std(features).exp())
        policy = Independent(TransformedDistribution(normal, [TanhTransform()]), 1)
        torch.testing.assert_close(log_pi, policy.log_prob((action - CENTER) / SCALE))

    def test_samples_have_the_mean_and_deviation_of_the_distribution(self, actor: GaussianActor) -> None:
        obs = torch.randn(1, 3, dtype=torch.float64).expand(100_000, 3)
        action, _ = actor.sample(obs, torch.randn(100_000, 2, dtype=torch.float64))
        u = torch.atanh((action - CENTER) / SCALE)
        features = actor.body(obs[:1])
        torch.testing.assert_close(u.mean(dim=0), actor.final(features)[0], rtol=0, atol=0.02)
        torch.testing.assert_close(u.std(dim=0), actor.log_std(features)[0].exp(), rtol=0.02, atol=0)

    def test_without_noise_it_is_the_stored_policy(self, actor: GaussianActor) -> None:
        obs = torch.randn(5, 3, dtype=torch.float64)
        action, _ = actor.sample(obs, torch.zeros(5, 2, dtype=torch.float64))
        assert torch.equal(action, actor(obs))

    def test_at_the_bounds_the_log_probability_is_finite(self, actor: GaussianActor) -> None:
        action, log_pi = actor.float().sample(torch.randn(5, 3), torch.full((5, 2), 1e3))
        torch.testing.assert_close(action, HIGH.expand(5, 2))
        assert log_pi.isfinite().all()


class TestLosses:
    """On a double-precision agent whose targets differ from its critics and whose temperature is not 1."""

    @pytest.fixture
    def agent(self, make_agent: Callable[..., SAC]) -> SAC:
        agent = make_agent("dtype=float64", "algorithm.target_entropy=-0.5")
        torch.manual_seed(1)
        for param in agent.critic_target.parameters():
            param += 0.1 * torch.randn_like(param)
        agent.log_alpha.data.fill_(-0.7)
        return agent

    @staticmethod
    def draws(agent: SAC) -> tuple[Batch, Tensor, Tensor]:
        double = Batch(*(part if part is None else part.double() for part in random_batch()))
        return double, torch.randn(16, 2, dtype=torch.float64), torch.randn(16, 2, dtype=torch.float64)

    @staticmethod
    def policy(agent: SAC, obs: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        features = agent.actor.body(obs)
        normal = Normal(agent.actor.final(features), agent.actor.log_std(features).exp())
        policy = TransformedDistribution(normal, [TanhTransform(cache_size=1)])
        action = TanhTransform()(normal.mean + normal.stddev * noise)
        return AffineTransform(CENTER.double(), SCALE.double())(action), policy.log_prob(action).sum(dim=1)

    @pytest.mark.parametrize("weighted", [False, True])
    def test_critics(self, agent: SAC, weighted: bool) -> None:
        batch, noise, _ = self.draws(agent)
        weight = torch.linspace(0.1, 1, 16, dtype=torch.float64) if weighted else torch.ones(16, dtype=torch.float64)
        loss, td_error = agent.critic_loss(batch._replace(weight=weight if weighted else None), noise)
        next_action, log_pi = self.policy(agent, batch.next_obs, noise)
        targets = [critic(batch.next_obs, next_action) for critic in agent.critic_target.critics]
        soft_value = torch.stack(targets).min(dim=0).values - torch.tensor(-0.7).double().exp() * log_pi
        y = batch.reward + 0.9 * torch.where(batch.terminated == 1, 0, soft_value)
        errors = [critic(batch.obs, batch.action) - y for critic in agent.critic.critics]
        torch.testing.assert_close(loss, sum(0.5 * (weight * error**2).mean() for error in errors))
        torch.testing.assert_close(td_error, (errors[0].abs() + errors[1].abs()) / 2)

    def test_actor(self, agent: SAC) -> None:
        batch, noise, _ = self.draws(agent)
        loss, log_pi = agent.actor_loss(batch, noise)
        action, expected = self.policy(agent, batch.obs, noise)
        q = torch.minimum(*(critic(batch.obs, action) for critic in agent.critic.critics))
        torch.testing.assert_close(log_pi, expected.detach())
        torch.testing.assert_close(loss, (torch.tensor(-0.7).double().exp() * expected - q).mean())

    @pytest.mark.parametrize(("entropy", "grows"), [(-2.0, True), (0.5, False)])
    def test_temperature_holds_the_entropy(self, agent: SAC, entropy: float, grows: bool) -> None:
        """The target is -0.5 for each of two dimensions: above it the temperature falls, below it rises."""
        loss = agent.temperature_loss(torch.full((16,), -entropy).double())
        (slope,) = torch.autograd.grad(loss, agent.log_alpha)
        alpha = torch.tensor(-0.7).double().exp()
        torch.testing.assert_close(slope, (-alpha * (-entropy - 1.0)).reshape(1))
        assert (slope < 0) == grows

    def test_an_update_descends_each_loss_with_its_own_optimizer(self, agent: SAC) -> None:
        """Adam's first step is lr = 3e-4 against the sign of the gradient; targets follow by tau = 0.005."""
        batch, noise, next_noise = self.draws(agent)
        before = copy.deepcopy(agent)
        agent.step(None, batch, noise, next_noise)
        before.critic.load_state_dict(agent.critic.state_dict())  # the actor follows the critics of after their step
        self.assert_descended(before.actor, agent.actor, before.actor_loss(batch, noise)[0])
        assert (agent.log_alpha - before.log_alpha).abs().item() == pytest.approx(3e-4, rel=1e-3)
        pairs = zip(
            *(net.parameters() for net in (agent.critic, before.critic_target, agent.critic_target)), strict=True
        )
        for online, old, new in pairs:
            torch.testing.assert_close(new, 0.005 * online.detach() + 0.995 * old)

    def test_the_critics_descend_theirs(self, agent: SAC) -> None:
        batch, noise, next_noise = self.draws(agent)
        before = copy.deepcopy(agent)
        agent.step(None, batch, noise, next_noise)
        self.assert_descended(before.critic, agent.critic, before.critic_loss(batch, next_noise)[0])

    @staticmethod
    def assert_descended(before: nn.Module, after: nn.Module, loss: Tensor) -> None:
        grads = torch.autograd.grad(loss, list(before.parameters()))
        for old, new, grad in zip(before.parameters(), after.parameters(), grads, strict=True):
            clear = grad.abs() > 1e-6  # beside Adam's eps
            torch.testing.assert_close((new - old)[clear], -3e-4 * grad.sign()[clear], rtol=1e-2, atol=0)

    def test_looking_changes_nothing(self, agent: SAC) -> None:
        batch, *_ = self.draws(agent)
        agent.update(batch)
        before = flat(copy.deepcopy(agent.state_dict()))
        grads = [param.grad.clone() for param in agent.actor.parameters()]
        losses = agent.losses(batch)
        assert losses.keys() == agent.networks.keys()
        assert all(loss.requires_grad for loss in losses.values())
        after = flat(agent.state_dict())
        assert all(torch.equal(torch.as_tensor(value), torch.as_tensor(after[key])) for key, value in before.items())
        assert all(torch.equal(param.grad, grad) for param, grad in zip(agent.actor.parameters(), grads, strict=True))


def test_exploration_draws_from_the_policy(make_agent: Callable[..., SAC]) -> None:
    agent, obs = make_agent(), torch.tensor([0.1, -0.2, 0.3]).numpy()
    actions = torch.stack([torch.from_numpy(agent.explore(obs)) for _ in range(200)])
    assert actions.dtype == torch.float32
    assert bool(((actions >= LOW) & (actions <= HIGH)).all())
    assert (actions.std(dim=0) / SCALE).min() > 0.1
    assert (agent.act(obs) == agent.act(obs)).all()


def test_a_network_that_cannot_sample(make_agent: Callable[..., SAC], compose: Compose) -> None:
    cfg = compose(*OWN, "network=td3")
    with pytest.raises(UserError, match=r"^algorithm: network\.actor .* sample"):
        build_agent(check(cfg), env_of(spaces.Box(-1, 1, (3,))), CPU)


def test_without_the_optimizer_of_the_temperature(compose: Compose) -> None:
    with pytest.raises(UserError, match=r"^optimizer\.temperature is missing: my_package\.sac\.SAC"):
        check(compose(*OWN, "optimizer=td3"))


@pytest.mark.parametrize("words", [[], ["network.normalize_obs=5", "dtype=float64"]], ids=str)
@pytest.mark.parametrize("weighted", [False, True], ids=["uniform", "weighted"])
def test_a_recording_learns_the_same(make_agent: Callable[..., SAC], words: list[str], weighted: bool) -> None:
    plain, recorded = make_agent(*words), make_agent(*words)
    record_updates(recorded, None)
    for seed in range(12):
        batch = Batch(*(part if part is None else part.to(plain.low.dtype) for part in random_batch(seed)))
        batch = batch._replace(weight=batch.discount) if weighted else batch
        for agent in (plain, recorded):
            observed(agent, batch.obs[0].numpy())
        steps = plain.update(batch), recorded.update(batch)
        assert {key: float(value) for key, value in steps[0].metrics.items()} == steps[1].metrics
        assert torch.equal(steps[0].td_error, steps[1].td_error)
    assert all(tape.is_replayed for tape in recorded.step._tapes.values())
    states = flat(plain.state_dict()), flat(recorded.state_dict())
    assert all(torch.equal(torch.as_tensor(v), torch.as_tensor(states[1][key])) for key, v in states[0].items())


def test_native_kernels_learn_nearly_the_same(make_agent: Callable[..., SAC]) -> None:
    plain, fast = make_agent(), make_agent()
    accelerate(fast, buffer(10), CPU)
    for seed in range(3):
        batch = random_batch(seed)
        losses = plain.update(batch).metrics, fast.update(batch).metrics
        torch.testing.assert_close(
            {key: float(value) for key, value in losses[0].items()}, dict(losses[1]), rtol=1e-3, atol=1e-4
        )


SETTINGS = {
    "alone": [],
    "prioritized": ["replay=prioritized", "replay.n_step=3"],
    "normalized observations": ["network.normalize_obs=5"],
    "double precision": ["dtype=float64"],
    "blocks": ["update_every=episode"],
    "with a noise": ["noise=ou"],
    "recorded": ["compile=true"],
}


@pytest.mark.parametrize("name", SETTINGS)
def test_it_resumes_exactly(tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Cut in the warm-up, at the first updates and later, it ends as a straight run does, bit for bit."""
    monkeypatch.setattr("ddpg.training.trainer.SNAPSHOT_EVERY", 20)
    assert_resumes(make_trainer, tmp_path, [*OWN, *SETTINGS[name]], [15, 90, 145, 60])


def test_what_is_logged(tmp_path: Path, make_trainer: Make) -> None:
    make_trainer(tmp_path, *OWN, "replay=prioritized").train()
    rows = record(tmp_path)
    assert {"losses/qf_loss", "losses/actor_loss", "losses/alpha", "losses/entropy"} <= rows[-3].keys() | rows[
        -2
    ].keys()
    keys = set().union(*rows)
    assert {"diagnostics/saturated_actions", "diagnostics/actor_dead_units", "diagnostics/critic_dead_units"} <= keys
    assert {"diagnostics/actor_grad_norm", "diagnostics/critic_grad_norm", "diagnostics/q_bias"} <= keys


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_solves_pendulum(tmp_path: Path, compose: Compose, seed: int) -> None:
    from ddpg.run.lifecycle import run

    words = [*OWN, "env=pendulum", f"seed={seed}", "logger=silent"]
    assert run(compose(*words), tmp_path) > -200
