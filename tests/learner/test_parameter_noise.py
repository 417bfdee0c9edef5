"""Trap 18, adaptive parameter noise (Plappert et al. 2018): what is perturbed, how sigma adapts, what stays."""

import copy
import logging
from typing import Any

import numpy as np
import pytest
import torch
from support.batches import random_batch
from support.networks import HIGH, LOW
from torch import nn

from ddpg.learner.batch import Batch
from ddpg.learner.networks import Actor, Normalized, RunningNorm
from ddpg.learner.noise import AdaptiveParameter

HALF_RANGE = np.array([2.0, 5.0])
OBS = np.float32([0.1, -0.2, 0.3])


def actor_of(norm: Any = "layer", hidden: tuple[int, ...] = (16, 16), seed: int = 0) -> Actor:
    torch.manual_seed(seed)
    return Actor((3,), LOW, HIGH, hidden, "relu", norm, "fan_in", None).eval()


def noise_of(actor: nn.Module, seed: int = 0, **changes: Any) -> AdaptiveParameter:
    arguments = {"sigma": 0.2, "delta": 0.2, "alpha": 1.01, "adapt_every": 1} | changes
    return AdaptiveParameter(**arguments, actor=actor, action_scale=HALF_RANGE, rng=np.random.default_rng(seed))


def differences(noise: AdaptiveParameter) -> dict[str, torch.Tensor]:
    """What the acting copy's parameters depart from the actor's by."""
    actor = dict(noise._actor.named_parameters())
    return {name: (param - actor[name]).detach() for name, param in noise._acting.named_parameters()}


class Shift(nn.Module):
    """mu(s) = center + w, where a perturbation of w is the distance itself."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(2))
        self.norm = nn.LayerNorm(3)

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        return self.w + 0 * obs[:, :2]


class TestPerturbation:
    def test_everything_but_layer_norm(self) -> None:
        """Biases and the output layer too, each number by a draw of its own."""
        noise = noise_of(actor_of(hidden=(64, 64)), sigma=0.3)
        noise.reset()
        changed = differences(noise)
        norms = {f"body.{k}.{what}" for k in (1, 4) for what in ("weight", "bias")}
        assert all(not changed.pop(name).any() for name in norms)
        assert set(changed) == {
            f"{layer}.{what}" for layer in ("body.0", "body.3", "final") for what in ("weight", "bias")
        }
        assert all(change.all() for change in changed.values())
        everything = torch.cat([change.flatten() for change in changed.values()])
        assert everything.std().item() == pytest.approx(0.3, rel=0.05)
        assert everything.mean().item() == pytest.approx(0, abs=0.02)
        for name in ("body.3.bias", "body.3.weight", "final.weight"):
            assert changed[name].std().item() == pytest.approx(0.3, rel=0.3), name
        assert len(everything.unique()) == len(everything)

    def test_batch_norm_and_statistics(self) -> None:
        """Its weights are perturbed as all others; what it has learned of the minibatches is the actor's."""
        actor = actor_of("batch")
        actor.body[0].running_mean[:] = torch.tensor([1.0, 2.0, 3.0])
        noise = noise_of(actor)
        noise.reset()
        assert differences(noise)["body.0.weight"].all()
        assert torch.equal(noise._acting.body[0].running_mean, actor.body[0].running_mean)

    def test_frozen_parameters_stay(self) -> None:
        actor = actor_of()
        actor.body[0].requires_grad_(False)
        noise = noise_of(actor)
        noise.reset()
        assert not differences(noise)["body.0.weight"].any()
        assert differences(noise)["final.weight"].all()

    def test_normalizer_is_the_actors(self) -> None:
        actor = Normalized(RunningNorm((3,), 5.0), actor_of())
        noise = noise_of(actor)
        actor.norm.observe(torch.tensor([9.0, 9.0, 9.0]))
        assert noise._acting.norm is noise._measured.norm is actor.norm

    def test_new_at_every_reset_and_of_the_actor_as_it_is(self) -> None:
        noise = noise_of(actor_of())
        noise.reset()
        first = noise(OBS, 0)
        np.testing.assert_array_equal(noise(OBS, 1), first)  # the same policy for a whole episode
        nn.init.constant_(noise._actor.final.bias, 3.0)
        noise.reset()
        assert (noise(OBS, 2) != first).all()
        assert (differences(noise)["final.bias"].abs() < 1.0).all()

    def test_is_what_the_two_policies_differ_by(self) -> None:
        """N_t = mu~(s_t) - mu(s_t), in the environment's units: a = mu + N_t is mu~'s action."""
        noise = noise_of(actor_of())
        noise.reset()
        obs = torch.from_numpy(OBS)[None]
        with torch.no_grad():
            expected = noise._acting(obs) - noise._actor(obs)
        np.testing.assert_allclose(noise(OBS, 0), expected[0], atol=1e-6)
        assert np.abs(noise(OBS, 0)).max() > 0.01

    def test_grows_with_sigma(self) -> None:
        spreads = []
        for sigma in (0.001, 0.1):
            noise = noise_of(actor_of(), sigma=sigma)
            spreads.append(np.std([(noise.reset(), noise(OBS, 0))[1] for _ in range(100)]))
        assert spreads[1] > 20 * spreads[0]


class TestAdaptation:
    @pytest.mark.parametrize(("delta", "factor"), [(1e-6, 1 / 1.5), (1e6, 1.5)])
    def test_sigma_moves_by_exactly_alpha(self, delta: float, factor: float) -> None:
        """Smaller where the policies depart by more than delta, larger where by less; section 3."""
        noise = noise_of(actor_of(), delta=delta, alpha=1.5)
        logged = noise.after_update(random_batch())
        assert noise.sigma == 0.2 * factor
        assert logged["noise/sigma"] == 0.2  # the one that was measured
        assert (logged["noise/distance"] > delta) == (factor < 1)

    def test_distance_is_in_half_action_ranges(self) -> None:
        """Root mean square over minibatch and dimensions, with half ranges 2 and 5: appendix C."""
        noise = noise_of(Shift())
        noise._perturb = lambda network: network.w.data.copy_(torch.tensor([0.4, 3.0]))
        logged = noise.after_update(random_batch())
        assert logged["noise/distance"] == pytest.approx((((0.4 / 2) ** 2 + (3 / 5) ** 2) / 2) ** 0.5)

    def test_distance_is_the_mean_over_the_minibatch(self) -> None:
        noise = noise_of(actor_of())
        batch = random_batch()
        again = noise_of(actor_of())
        again._perturb(again._measured)
        with torch.no_grad():
            apart = (again._measured(batch.obs) - again._actor(batch.obs)).numpy() / HALF_RANGE
        logged = noise.after_update(batch)
        assert logged["noise/distance"] == pytest.approx(np.sqrt((apart**2).mean()), rel=1e-5)

    def test_converges_to_delta(self) -> None:
        """From far below and far above, distances end around delta."""
        batch = random_batch(size=64)
        for start in (1e-4, 3.0):
            noise = noise_of(actor_of(hidden=(32, 32)), sigma=start, delta=0.15, alpha=1.05)
            distances = [noise.after_update(batch)["noise/distance"] for _ in range(500)]
            assert np.mean(distances[-200:]) == pytest.approx(0.15, rel=0.2)
            assert abs(distances[0] - 0.15) > 0.1

    def test_every_so_many_updates(self) -> None:
        noise = noise_of(actor_of(), adapt_every=3, alpha=2.0)
        logged = [noise.after_update(random_batch()) for _ in range(7)]
        assert [bool(metrics) for metrics in logged] == [False, False, True] * 2 + [False]
        assert noise.sigma in (0.05, 0.2, 0.8)

    def test_acting_policy_stays_within_an_episode(self) -> None:
        """A copy of its own is measured; the new sigma acts from the next episode on."""
        noise = noise_of(actor_of())
        noise.reset()
        before = copy.deepcopy(noise._acting.state_dict())
        noise.after_update(random_batch())
        assert all(torch.equal(value, before[name]) for name, value in noise._acting.state_dict().items())
        assert not torch.equal(noise._measured.final.weight, noise._acting.final.weight)


class TestLearningIsUntouched:
    def test_actor_is_bit_identical(self) -> None:
        actor = actor_of("batch")
        before = copy.deepcopy(actor.state_dict())
        noise = noise_of(actor)
        noise.reset()
        for k in range(5):
            noise(OBS, k)
            noise.after_update(random_batch())
        assert all(torch.equal(value, before[name]) for name, value in actor.state_dict().items())
        assert all(p.grad is None for p in actor.parameters())
        assert not actor.training


class TestWarning:
    @pytest.mark.parametrize(("norm", "times"), [("none", 1), ("batch", 1), ("layer", 0)])
    def test_once_without_layer_norm(self, norm: str, times: int, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            noise = noise_of(actor_of(norm))
            noise.reset()
            noise.after_update(random_batch())
        said = [entry.getMessage() for entry in caplog.records]
        assert len(said) == times
        assert all("network=layer_norm has it, or network.actor.norm=layer" in text for text in said)
        assert not any("\n" in text for text in said)

    @pytest.mark.parametrize("what", ["frozen", "layer norm alone"])
    def test_nothing_to_perturb(self, what: str) -> None:
        actor = actor_of().requires_grad_(False) if what == "frozen" else nn.Sequential(nn.LayerNorm(3))
        with pytest.raises(ValueError, match="the actor has nothing to perturb: no trainable parameter outside"):
            noise_of(actor)


def test_goes_on_from_its_state() -> None:
    """Trap 20: sigma and the count of updates, with the generator; the perturbation itself begins anew."""
    first, second = noise_of(actor_of(), adapt_every=3), noise_of(actor_of(), seed=5, adapt_every=3, sigma=9.0)
    for _ in range(4):
        first.after_update(random_batch())
    second.load_state_dict(first.state_dict())
    second._rng.bit_generator.state = first._rng.bit_generator.state
    for one in (first, second):
        one.reset()
    np.testing.assert_array_equal(first(OBS, 0), second(OBS, 0))
    for seed in range(4):
        assert first.after_update(random_batch(seed)) == second.after_update(random_batch(seed))
    assert first.state_dict() == second.state_dict()


def test_other_number_formats() -> None:
    """Networks in float64, and observations of bytes as they come."""
    noise = noise_of(actor_of().double())
    noise.reset()
    batch = random_batch()
    parts: dict[str, torch.Tensor] = {"obs": batch.obs.double()}
    assert noise.after_update(batch._replace(**parts))["noise/distance"] > 0
    assert noise(OBS, 0).dtype == np.float32


def test_batches_are_left_alone() -> None:
    batch = random_batch()
    before = Batch(*(None if part is None else part.clone() for part in batch))
    noise_of(actor_of()).after_update(batch)
    assert all(torch.equal(a, b) for a, b in zip(batch[:-1], before[:-1], strict=True))


def test_a_dimension_without_a_range_does_not_count() -> None:
    """Its action cannot differ, so the distance is that of the others over all, and finite."""
    actor = Actor((3,), torch.tensor([-3.0, 2.0]), torch.tensor([1.0, 2.0]), (16,), "relu", "layer", "fan_in", None)
    noise = AdaptiveParameter(
        sigma=0.2, delta=0.2, alpha=1.01, adapt_every=1,
        actor=actor.eval(), action_scale=np.array([2.0, 0.0]), rng=np.random.default_rng(0),
    )  # fmt: skip
    logged = noise.after_update(random_batch())
    assert 0 < logged["noise/distance"] < 1
