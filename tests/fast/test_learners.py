"""Every learner learns from a recording what it learns without: bit for bit, or by native kernels but for rounding."""

import copy
from typing import Any

import pytest
import torch
from gymnasium import spaces
from omegaconf import DictConfig
from support.agents import observed
from support.buffers import buffer
from support.config_options import OPTIONS, env_of
from support.learners import CPU, Compose, batches, learned, plain_and_recorded, recorded_learner
from support.native_kernels import NATIVE, left_to_torch, log_operators, needs_kernels
from support.tapes import assert_same_bits
from support.threads import threads
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ddpg.config.settings import check
from ddpg.fast.accelerate import RecordedStep, record
from ddpg.fast.act import RecordedAct
from ddpg.fast.native import Kernels
from ddpg.fast.tape.tape import CALLS_BEFORE_REPLAY
from ddpg.learner.agent import DDPG
from ddpg.learner.batch import Batch
from ddpg.learner.heads import Scalar
from ddpg.learner.optimizers import Adam
from ddpg.learner.policy import act
from ddpg.run.build import build_agent
from ddpg.run.kernels import accelerate

BOX = spaces.Box(-1, 1, (3,))

PRESETS = [option for option in OPTIONS if option.startswith(("preset=", "network=", "algorithm", "optimizer="))]
CATEGORICAL = ["algorithm/head=categorical", "algorithm.head.v_min=-20", "algorithm.head.v_max=20"]
CHANGES = [
    ["algorithm=td3", "algorithm.n_critics=3", "algorithm.target_reduce=mean", "algorithm.actor_reduce=min"],
    ["algorithm.target_delay=1", "algorithm.policy_delay=3"],
    ["preset=paper", "algorithm.max_grad_norm=1", "algorithm.reward_scale=0.1"],
    ["preset=td3_full", "network.normalize_obs=5", "dtype=float64"],
    ["preset=paper", "network.actor.norm=layer", "network.critic.norm=layer"],
    ["optimizer.critic.eps_hat=true", "optimizer.critic.weight_decay=0.1", "optimizer.critic.decay=all"],
    [*CATEGORICAL, "algorithm=td3", "network.normalize_obs=5", "algorithm.actor_reduce=mean"],
    [*CATEGORICAL, "preset=paper_pixels", "algorithm.n_critics=2", "algorithm.target_reduce=mean"],
]


@pytest.mark.parametrize("weighted", [False, True], ids=["uniform", "weighted"])
@pytest.mark.parametrize("words", [*([option] for option in PRESETS), *CHANGES], ids=" ".join)
def test_every_learner_learns_the_same(words: list[str], weighted: bool, compose: Compose) -> None:
    plain, compiled = plain_and_recorded(compose, *words)
    count = (CALLS_BEFORE_REPLAY + 2) * plain.policy_delay
    for batch in batches(plain, count, weighted, pixels=any("pixels" in word for word in words)):
        for agent in (plain, compiled):
            observed(agent, batch.obs[0].numpy())
        assert_same_bits(learned(compiled, batch), learned(plain, batch))
    assert_same_bits(compiled.state_dict(), plain.state_dict())
    tapes = list(compiled.step._tapes.values())
    assert tapes
    assert all(tape.is_replayed for tape in tapes)


class Forgetful(Adam):
    """It takes its state back in new tensors, as the optimizers of torch do."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for param, saved in zip(self.state, copy.deepcopy(state)["state"].values(), strict=True):
            self.state[param] = saved


def test_a_checkpoint_is_taken_back(compose: Compose) -> None:
    """Also where a recording would go on with the state of before."""
    plain, compiled = plain_and_recorded(compose, "preset=td3")
    for agent in (plain, compiled):
        for optimizer in (agent.actor_optimizer, agent.critic_optimizer):
            optimizer.__class__ = Forgetful
    early, late = batches(plain, 12, False, False)[:8], batches(plain, 12, False, False)[8:]
    saved = copy.deepcopy(plain.state_dict())
    for batch in early:
        assert_same_bits(learned(compiled, batch), learned(plain, batch))
    for agent in (plain, compiled):
        agent.load_state_dict(saved)
    for batch in [*early, *late]:
        assert_same_bits(learned(compiled, batch), learned(plain, batch))
    assert_same_bits(compiled.state_dict(), plain.state_dict())


class OwnCritic(nn.Module):
    """It works as long as Python runs it: a recording would keep the first scale."""

    def __init__(self, obs_shape: list[int], action_dim: int) -> None:
        super().__init__()
        self.layer, self.calls = nn.Linear(obs_shape[0] + action_dim, 1), 0

    def forward(self, obs: Tensor, action: Tensor) -> Tensor:
        self.calls += 1
        return self.layer(torch.cat([obs, action], dim=1))[:, 0] * (1 + self.calls)


class OwnHead(Scalar):
    """A head as a user may write it."""


def built(cfg: DictConfig) -> DDPG:
    """Build the learner as a run does, made faster as far as `compile` wants it."""
    cfg = check(cfg)
    agent = build_agent(cfg, env_of(spaces.Box(-1, 1, (3,))), CPU)
    accelerate(cfg, agent, buffer(10), CPU)
    return agent


def test_an_optimizer_that_counts_in_python_is_found_out(compose: Compose, caplog: pytest.LogCaptureFixture) -> None:
    """torch.optim.Adam computes its corrections in Python; with compile=true it learns what it learns without."""
    agents = []
    for wish in ("true", "false"):
        cfg = compose(f"compile={wish}")
        adam = {"_target_": "torch.optim.Adam", "_partial_": True, "lr": 0.01}
        cfg.optimizer = {"actor": adam, "critic": adam}
        agents.append(built(cfg))
    for batch in batches(agents[0], 8, False, False):
        assert_same_bits(*(learned(agent, batch) for agent in agents))
    assert_same_bits(*(agent.state_dict() for agent in agents))
    assert "not compiled" in caplog.text


@pytest.mark.parametrize(("wish", "compiles"), [("auto", False), ("true", True), ("false", False)])
def test_a_class_from_elsewhere_is_compiled_on_demand_alone(wish: str, compiles: bool, compose: Compose) -> None:
    """A network, and a part of the algorithm."""
    cfg = compose(f"compile={wish}")
    cfg.network.critic = {"_target_": f"{__name__}.OwnCritic"}
    assert isinstance(built(cfg).step, RecordedStep) == compiles
    cfg = compose(f"compile={wish}")
    cfg.algorithm.head = {"_target_": f"{__name__}.OwnHead"}
    assert isinstance(built(cfg).step, RecordedStep) == compiles


class Dropping(nn.Module):
    """A critic with dropout and spectral norm, which do something in train mode alone."""

    def __init__(self, obs_shape: list[int], action_dim: int) -> None:
        super().__init__()
        first, last = nn.Linear(obs_shape[0] + action_dim, 16), nn.Linear(16, 1)
        self.layers = nn.Sequential(spectral_norm(first), nn.Dropout(0.3), nn.LayerNorm(16), nn.ReLU(), last)

    def forward(self, obs: Tensor, action: Tensor) -> Tensor:
        return self.layers(torch.cat([obs, action], dim=1)).squeeze(-1)


@pytest.mark.parametrize("native", [None, pytest.param(NATIVE, marks=needs_kernels)], ids=["torch", "native"])
def test_what_depends_on_train_mode_is_replayed(compose: Compose, native: Kernels | None) -> None:
    """With the draws that ordinary updates make."""
    agents = []
    for _ in range(2):
        cfg = compose("algorithm=td3")
        cfg.network.critic = {"_target_": f"{__name__}.Dropping"}
        agents.append(build_agent(check(cfg), env_of(BOX), CPU))
    record(agents[1], native)
    states = [torch.random.get_rng_state()] * 2
    for batch in batches(agents[0], 2 * CALLS_BEFORE_REPLAY + 4, False, False):
        steps = []
        for place, agent in enumerate(agents):
            torch.random.set_rng_state(states[place])
            steps.append(learned(agent, batch))
            states[place] = torch.random.get_rng_state()
        if native is None:
            assert_same_bits(*steps)
        else:
            torch.testing.assert_close(*steps, rtol=1e-3, atol=1e-4)
        assert torch.equal(*states)
    assert all(tape.is_replayed for tape in agents[1].step._tapes.values())
    if native is None:
        assert_same_bits(*(agent.state_dict() for agent in agents))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need a GPU")
@pytest.mark.parametrize("preset", ["td3", "td3_full", "paper", "keras", "d4pg"])
def test_cuda_graph(preset: str, compose: Compose) -> None:
    gpu = torch.device("cuda")
    cfg = check(compose(f"preset={preset}"))
    agents = [build_agent(cfg, env_of(spaces.Box(-1, 1, (3,))), gpu) for _ in range(2)]
    record(agents[1], None)
    for batch in batches(agents[0], 16, False, False):
        losses = [agent.update(Batch(*(None if t is None else t.to(gpu) for t in batch))).metrics for agent in agents]
        torch.testing.assert_close(losses[1], losses[0], rtol=1e-5, atol=1e-6)
    assert any(tape.is_replayed for tape in agents[1].step._tapes.values())


VECTORS = [o for o in OPTIONS if o.startswith("preset=") and "pixels" not in o]
#: Of these, torch computes what is not of single precision, normalizes observations or is about distributions.
PARTLY = ("preset=adi3e08", "preset=baselines_param_noise", "preset=d4pg")


@needs_kernels
@pytest.mark.parametrize("words", VECTORS)
def test_every_preset_learns_the_same_by_native_kernels(
    words: str, compose: Compose, caplog: pytest.LogCaptureFixture
) -> None:
    """The first update of each kind: losses and gradients. A gradient that is all rounding steps as far as any."""
    log_operators(caplog)
    plain, compiled = plain_and_recorded(compose, words, native=NATIVE)
    for batch in batches(plain, 2, False, False):
        torch.testing.assert_close(learned(compiled, batch), learned(plain, batch), rtol=1e-4, atol=1e-5)
    for name in ("actor_optimizer", "critic_optimizer"):
        ours, torchs = (getattr(agent, name) for agent in (compiled, plain))
        scale = max(float(state["exp_avg"].abs().max()) for state in torchs.state.values())
        for mine, other in zip(ours.state.values(), torchs.state.values(), strict=True):
            torch.testing.assert_close(mine["exp_avg"], other["exp_avg"], rtol=1e-3, atol=1e-4 * scale)
        steps = sum(2 * group["lr"] for group in ours.param_groups) * 2
        for mine, other in zip(ours.state, torchs.state, strict=True):
            torch.testing.assert_close(mine, other, rtol=0, atol=max(steps, 1e-6))
    assert any(tape.is_replayed for tape in compiled.step._tapes.values())
    assert words in PARTLY or left_to_torch(caplog) == []


@needs_kernels
@pytest.mark.parametrize("words", VECTORS)
def test_a_resumed_learner_goes_on_bit_for_bit(words: str, compose: Compose) -> None:
    """Whenever it is stopped: also the first update after that is replayed."""
    whole = recorded_learner(compose, words, native=NATIVE)
    minibatches = batches(whole, 7, False, False)
    obs = minibatches[0].obs[0].numpy()
    saved, steps = [], []
    for batch in minibatches:
        saved.append(copy.deepcopy(whole.state_dict()))
        steps.append(copy.deepcopy(whole.update(batch)))
    for stop in (1, 4):
        resumed = recorded_learner(compose, words, native=NATIVE)
        resumed.load_state_dict(saved[stop])
        for batch, step in zip(minibatches[stop:], steps[stop:], strict=True):
            assert_same_bits(resumed.update(batch), step)
        assert_same_bits(resumed.state_dict(), whole.state_dict())
        assert resumed.act(obs).tobytes() == whole.act(obs).tobytes()


@needs_kernels
def test_threads_that_share_an_update_learn_what_one_does(compose: Compose) -> None:
    """Bit for bit, whoever computes which part of a product, of an optimizer's step or of a target's."""
    alone, together = (recorded_learner(compose, "preset=td3_full", native=NATIVE) for _ in range(2))
    for batch in batches(alone, 4, False, False):
        alone.update(batch)
        with threads(3):
            together.update(batch)
    assert_same_bits(together.state_dict(), alone.state_dict())


@needs_kernels
def test_what_is_drawn_while_recording_is_taken_back(compose: Compose) -> None:
    """The smoothing noise comes from the agent's generator, whatever else draws from torch's."""
    _, agent = plain_and_recorded(compose, "preset=td3_full", native=NATIVE)
    state = torch.random.get_rng_state()
    agent.update(batches(agent, 1, False, False)[0])
    assert_same_bits(torch.random.get_rng_state(), state)
    assert (agent.updates, agent.critic_optimizer.state_dict()["state"][0]["step"].item()) == (1, 1)


@needs_kernels
def test_another_optimizer_is_left_to_torch(compose: Compose) -> None:
    cfg = compose("compile=true")
    cfg.optimizer.critic = {"_target_": "torch.optim.SGD", "_partial_": True, "lr": 0.01}
    cfg = check(cfg)
    assert accelerate(cfg, build_agent(cfg, env_of(BOX), CPU), buffer(10), CPU) == "torch"


@needs_kernels
@pytest.mark.parametrize("words", ["preset=td3", "preset=paper", "preset=drlforge"])
def test_acting(words: str, compose: Compose) -> None:
    actor = plain_and_recorded(compose, words)[0].actor
    recorded = RecordedAct(actor, NATIVE)
    for seed in range(7):
        obs = torch.randn(3, generator=torch.Generator().manual_seed(seed)).numpy()
        torch.testing.assert_close(torch.tensor(recorded(obs)), torch.tensor(act(actor, obs)), rtol=1e-4, atol=1e-5)


def test_without_native_kernels(compose: Compose, monkeypatch: pytest.MonkeyPatch) -> None:
    """It learns all the same, and bit for bit as without a recording."""
    monkeypatch.setattr("ddpg.fast.accelerate.kernels", lambda: None)
    cfg = check(compose("preset=td3"))
    plain, recorded = (build_agent(cfg, env_of(BOX), CPU) for _ in range(2))
    assert accelerate(cfg, recorded, buffer(10), CPU) == "torch"
    for batch in batches(plain, 8, False, False):
        assert_same_bits(learned(recorded, batch), learned(plain, batch))
    assert isinstance(recorded.step, RecordedStep)
