"""Estimates of the memory that runs need, without starting them."""

from collections.abc import Callable
from typing import Any

import pytest

from ddpg.errors import UserError
from ddpg.sweep.forecast.requirements import (
    BASE_GB,
    GIB,
    GPU_GB,
    EnvFacts,
    env_facts,
    estimated_job_gb,
    job_gb,
    replay_gb,
    requested_gb,
)


def test_env_facts(resolved: Callable[..., dict[str, Any]]) -> None:
    toy = ("env=gym", "env.id=Walk-v0", "env.imports=[support.toys]")
    facts = env_facts([resolved(), resolved(*toy), resolved(*toy, "env.action_repeat=3", "seed=2"), resolved()])
    pendulum, walk = EnvFacts(4 * (3 + 1 + 3), 200), EnvFacts(4 * (3 + 2 + 3), 1000)
    assert facts == [pendulum, walk, EnvFacts(walk.transition_bytes, 334), pendulum]


def test_env_that_cannot_be_built(resolved: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(UserError, match=r"env\.id=NoSuch-v0"):
        env_facts([resolved("env=gym", "env.id=NoSuch-v0")])


def test_replay_memory_is_what_is_filled_and_copied(resolved: Callable[..., dict[str, Any]]) -> None:
    values = resolved("buffer_size=1e6", "total_steps=3e5", "checkpoint.every=10000")
    assert replay_gb(values, 100) * GIB == pytest.approx((300_000 + 10_000) * 100)
    values = resolved("buffer_size=2000", "total_steps=3e5", "checkpoint.every=10000")
    assert replay_gb(values, 100) * GIB == pytest.approx((2000 + 2000) * 100)


def test_a_job_fits_its_largest_runs() -> None:
    assert job_gb([1.0, 5.0, 1.0, 4.0], runs_per_job=2) == 10
    assert job_gb([1.0], runs_per_job=8) == 2


def test_estimate_counts_every_run_of_a_job(resolved: Callable[..., dict[str, Any]]) -> None:
    configs = [resolved(f"seed={n}") for n in range(8)]
    assert 8 * BASE_GB <= estimated_job_gb(configs, runs_per_job=8, gpu=False) <= 8 * BASE_GB + 2
    more = requested_gb([0.5] * 8, 8, gpu=True) - requested_gb([0.5] * 8, 8, gpu=False)
    assert more == pytest.approx(8 * GPU_GB, abs=1)
