"""One observation to one action: played from a recording, the bits are those of the network itself."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from support.agents import agent_of
from support.native_kernels import NATIVE, needs_kernels
from support.networks import HIGH, LOW, Dropping, small_actor
from torch import nn

from ddpg.fast.accelerate import record
from ddpg.fast.act import RecordedAct
from ddpg.fast.native import Kernels
from ddpg.learner.networks import Normalized, PixelActor, RunningNorm
from ddpg.learner.policy import act
from ddpg.run.build import build_actor
from ddpg.run.env_spec import build_env_spec


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


SETTINGS = {
    "paper": ("preset=paper",),  # batch norm
    "parameter noise": ("preset=baselines_param_noise",),  # layer norm, normalized observations
    "cleanrl": ("preset=cleanrl",),
    "float64": ("preset=adi3e08", "dtype=float64"),
}


@pytest.mark.parametrize("overrides", SETTINGS.values(), ids=SETTINGS.keys())
def test_same_bits(compose: Callable[..., DictConfig], overrides: tuple[str, ...]) -> None:
    """Also after the weights and what is known of the observations have changed, as learning changes them."""
    cfg = compose("env=pendulum", *overrides)
    env = build_env_spec(cfg).make()
    mu = build_actor(cfg, env).eval()
    play = RecordedAct(mu)
    for seed in range(8):
        obs = env.reset(seed=seed)[0]
        action = play(obs)
        assert (action.dtype, action.shape) == (np.float32, (1,))
        assert action.tobytes() == act(mu, obs).tobytes()
        with torch.no_grad():
            for tensor in (*mu.parameters(), *mu.buffers()):
                if tensor.is_floating_point():
                    tensor.mul_(1.1)


def test_normalizer_learns_on() -> None:
    norm = RunningNorm((3,), 5.0)
    mu = Normalized(norm, small_actor()).eval()
    play = RecordedAct(mu)
    for seed in range(8):
        obs = np.random.default_rng(seed).standard_normal(3).astype(np.float32)
        assert play(obs).tobytes() == act(mu, obs).tobytes()
        norm.observe(torch.from_numpy(obs))


def test_pictures() -> None:
    mu = PixelActor((3, 8, 8), LOW, HIGH, [4], 3, 2, 1, [8], "none", None).eval()
    play = RecordedAct(mu)
    for seed in range(8):
        picture = np.random.default_rng(seed).integers(0, 256, (3, 8, 8)).astype(np.uint8)
        assert play(picture).tobytes() == act(mu, picture).tobytes()


class Restless(Dropping):
    """Drops observations at random, and adds the number of its calls to them."""

    def __init__(self) -> None:
        super().__init__((3,), LOW, HIGH, [4], norm="none", final_init=None, activation="relu", init="fan_in")
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        return super().forward(obs + self.calls.add_(1))


@pytest.mark.parametrize("kernels", [None, pytest.param(NATIVE, marks=needs_kernels)], ids=["torch", "native"])
def test_a_recording_leaves_no_trace_in_what_the_actor_draws_and_changes(kernels: Kernels | None) -> None:
    """The actions of a process that has just started, in which it is made, are those of one that has it already."""
    agent = agent_of(Restless())
    plain = Restless()
    plain.load_state_dict(agent.networks["actor"].state_dict())
    record(agent, kernels)
    ones = np.ones(3, np.float32)

    def actions(play: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        torch.manual_seed(1)
        return np.stack([play(sign * ones) for sign in (1, -1, 1, -1, 1, -1, 1, -1)])

    expected = actions(partial(act, plain))
    drawn = torch.get_rng_state()
    np.testing.assert_allclose(actions(agent.act), expected, rtol=1e-5)
    assert torch.equal(torch.get_rng_state(), drawn)


def test_actions_are_copies() -> None:
    """The next action is not written over the one before."""
    play = RecordedAct(small_actor().eval())
    before = play(np.ones(3, np.float32))
    kept = before.copy()
    play(-np.ones(3, np.float32))
    np.testing.assert_array_equal(before, kept)


class Choosy(nn.Module):
    """Asks Python about its numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.body = small_actor()

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        return self.body(obs if float(obs.sum()) > 0 else -obs)


class Counting(Choosy):
    """Does something else every time."""

    calls = 0

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self.body(obs) + self.calls


@pytest.mark.parametrize("network", [Choosy, Counting])
def test_what_cannot_be_recorded_acts_all_the_same(network: type[Choosy]) -> None:
    mu, plain = network().eval(), network().eval()
    plain.load_state_dict(mu.state_dict())
    play = RecordedAct(mu)
    obs = np.ones(3, np.float32)
    for sign in (1, -1, 1, -1, 1, -1, 1, -1):
        assert play(sign * obs).tobytes() == act(plain, sign * obs).tobytes()
