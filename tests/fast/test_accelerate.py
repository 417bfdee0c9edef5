"""A learner made faster from the outside, and left alone where nobody asks for it."""

import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from omegaconf import DictConfig
from support.agents import Q, agent_of, copied, equal
from support.batches import random_batch
from support.buffers import add, buffer, episodes
from support.config_options import env_of
from support.learners import CPU, batches, plain_and_recorded
from support.native_kernels import NATIVE, needs_kernels
from torch import Tensor, nn

from ddpg.config.settings import check
from ddpg.fast.accelerate import RecordedStep, accelerate, record, restores_in_place, rollback
from ddpg.fast.tape.tape import CALLS_BEFORE_REPLAY
from ddpg.learner.batch import Batch
from ddpg.learner.optimizers import Adam, adam
from ddpg.learner.protocol import Step
from ddpg.run.build import build_agent

ADAM = {"lr": 0.1, "betas": (0.9, 0.999), "eps": 1e-8, "eps_hat": False, "weight_decay": 0.0, "decay": "all"}


def test_nothing_of_it_is_imported_without_compile(tmp_path: str) -> None:
    """In a process of its own: with compile=false a run trains and no module of ddpg.fast is loaded."""
    code = f"""
import sys
from importlib.metadata import entry_points
[train] = entry_points(group="console_scripts", name="ddpg-train")
sys.argv = ["ddpg-train", "hydra.run.dir={tmp_path}/run", "total_steps=60", "random_steps=20", "batch_size=8",
            "learning_starts=20", "eval.episodes=1", "logger=silent", "compile=false"]
train.load()()
print([name for name in sys.modules if name.startswith("ddpg.fast")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_is_learned_within_a_rollback_is_undone() -> None:
    agent = agent_of(target_noise=0.2)
    before = copied(agent.actor)
    drawn = agent.smoothing.generator.get_state()
    with rollback(agent, agent.load_state_dict):
        agent.update(random_batch_of_one_dimension())
        torch.rand(3)
        assert not equal(agent.actor, before)
    assert equal(agent.actor, before)
    assert agent.updates == 0
    assert torch.equal(agent.smoothing.generator.get_state(), drawn)


def random_batch_of_one_dimension() -> Batch:
    batch = random_batch(0)
    return batch._replace(obs=batch.obs[:, :1], action=batch.action[:, :1], next_obs=batch.next_obs[:, :1])


def test_native_kernels_need_optimizers_that_take_their_state_back_in_place() -> None:
    def own(params: Iterable[nn.Parameter]) -> Adam:
        return adam(params, **ADAM)

    assert restores_in_place(agent_of(actor_optimizer=own, critic_optimizer=own))
    assert not restores_in_place(agent_of(actor_optimizer=own))  # the critic's is torch's


@pytest.mark.parametrize("metrics", [{}, {"a": 1.0}, {"a": torch.zeros(3)}, {"a": None}], ids=str)
def test_metrics_that_cannot_be_read_at_once_are_left_to_the_trainer(metrics: Any) -> None:
    """A mistake among them is told there, with its name."""
    step = RecordedStep(lambda due, obs: Step({**metrics, "b": obs.sum()}, None), None, nullcontext, lambda _: None)
    odd = RecordedStep(lambda due, obs: Step(metrics, None), None, nullcontext, lambda _: None)
    for _ in range(CALLS_BEFORE_REPLAY + 2):
        assert float(step(None, torch.ones(3)).metrics["b"]) == 3
        assert odd(None, torch.ones(3)).metrics.keys() == metrics.keys()


@pytest.mark.parametrize("returned", [{}, Step(None, None), Step([1.0], None)], ids=str)  # type: ignore[arg-type]
def test_what_is_no_step_is_left_to_the_trainer(returned: Any) -> None:
    step = RecordedStep(lambda due, obs: returned, None, nullcontext, lambda _: None)
    for _ in range(CALLS_BEFORE_REPLAY + 2):
        assert step(None, torch.ones(3)) == returned


@needs_kernels
@pytest.mark.parametrize(
    ("words", "by_torch"),
    [
        (["preset=td3"], []),
        (["preset=td3", "dtype=float64"], ["_foreach_lerp_", "_fused_adam_", "addmm", "mean", "mm", "sum"]),
    ],
)
def test_operators_without_a_native_kernel_are_reported(
    compose: Callable[..., DictConfig], words: list[str], by_torch: list[str]
) -> None:
    small = ["network.actor.hidden=[4]", "network.critic.hidden=[4]"]
    agent = build_agent(check(compose(*words, *small)), env_of(spaces.Box(-1, 1, (3,))), CPU)
    reports: list[Sequence[str]] = []
    record(agent, NATIVE, reports.append)
    for batch in batches(agent, 2, pixels=False, weighted=False):
        agent.update(batch)
    assert reports == [by_torch]


@needs_kernels
def test_an_update_that_is_not_recorded_is_reported_as_torchs() -> None:
    agent = agent_of(None, Counting())
    reports: list[Sequence[str]] = []
    record(agent, NATIVE, reports.append)
    agent.update(random_batch_of_one_dimension())
    assert reports == [("all",)]


class Counting(Q):
    """A critic that counts its calls in Python, so that no two of them are alike."""

    def forward(self, obs: Tensor, action: Tensor) -> Tensor:
        self.calls = getattr(self, "calls", 0) + 1
        return self.calls * super().forward(obs, action)


class WithoutStep:
    """An agent whose update cannot be recorded."""

    def __init__(self) -> None:
        self.seen = 0


def test_an_agent_without_step_goes_on_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    replay = buffer(8)
    agent = WithoutStep()
    assert accelerate(agent, replay, CPU) == "torch"  # type: ignore[arg-type]
    assert "WithoutStep has no method step" in caplog.text
    assert vars(agent) == {"seen": 0}


def test_minibatches_are_the_same() -> None:
    plain, fast = buffer(100), buffer(100)
    for replay in (plain, fast):
        add(replay, episodes([False, False, True] * 12))
    accelerate(agent_of(), fast, CPU)
    for _ in range(5):
        for one, other in zip(plain.sample(8), fast.sample(8), strict=True):
            assert (one is None and other is None) or np.array_equal(one, other)


def test_one_recording_for_each_answer_to_what_falls_due(compose: Callable[..., DictConfig]) -> None:
    _, recorded = plain_and_recorded(compose, "algorithm=td3")
    for seed in range(6):
        recorded.update(random_batch(seed))
    assert len(recorded.step._tapes) == 2  # type: ignore[attr-defined]
    recorded.load_state_dict(recorded.state_dict())
    assert not recorded.step._tapes  # type: ignore[attr-defined]
