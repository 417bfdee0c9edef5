"""The policies of a run as W&B keeps them."""

import shutil
from pathlib import Path

import numpy as np
import torch
from support.stored_runs import stored_run

from ddpg.api.policies import load_policy
from ddpg.policies import load
from ddpg.run.artifacts import write_policies
from ddpg.run.playing import open_playable
from ddpg.run.policies import stored_policy


def test_the_best_and_the_last_policy_can_be_loaded(tmp_path: Path) -> None:
    run = stored_run(tmp_path / "run")
    best = torch.load(run.actor, weights_only=True)
    best["env_step"] = 300
    best["actor"]["body.0.weight"] *= 0.5
    torch.save(best, run.best_actor)
    (tmp_path / "top").mkdir()
    kept = write_policies(run, tmp_path / "top")
    assert [policy.aliases for policy in kept] == [("best",), ("last",)]
    obs = np.random.default_rng(0).standard_normal((5, 3))
    for policy, which in zip(kept, ("best", "last"), strict=True):
        loaded = load(policy.folder)
        assert loaded.description.actor == which
        assert np.array_equal(loaded(obs), stored_policy(run, which)(obs))


def test_the_last_policy_that_is_the_best_is_kept_once(tmp_path: Path) -> None:
    run = stored_run(tmp_path / "run")
    shutil.copy(run.actor, run.best_actor)
    (tmp_path / "top").mkdir()
    (policy,) = write_policies(run, tmp_path / "top")
    assert policy.aliases == ("best", "last")
    for which in ("best", "last"):
        assert load_policy(policy.folder, which).description.actor == "best"
        assert open_playable(policy.folder, which, trust=True).which == "best"
