"""A policy is a function of one observation or of a batch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.command_line import user_error
from support.stored_runs import stored_run

from ddpg.config.settings import check
from ddpg.learner.policy import act
from ddpg.policies import Policy
from ddpg.policies.actors import policy_of
from ddpg.policies.reading import read_description
from ddpg.policies.writing import write_description
from ddpg.record.config_file import read_config
from ddpg.record.run_folder import RunFolder
from ddpg.run import policies
from ddpg.run.build import build_actor, build_environments
from ddpg.run.policies import stored_policy
from ddpg.training.stored_actors import read_actor


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return stored_run(tmp_path_factory.mktemp("run") / "walk", "network.normalize_obs=5")


@pytest.fixture(scope="module")
def policy(folder: RunFolder) -> Policy:
    return stored_policy(folder, "last")


def test_a_policy_acts_as_the_actor_within_its_bounds(folder: RunFolder, policy: Policy) -> None:
    cfg = check(read_config(folder.config))
    environments = build_environments(cfg)
    actor = build_actor(cfg, environments.training).eval()
    environments.close()
    actor.load_state_dict(torch.load(folder.actor)["actor"])
    batch = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    low, high = policy.description.action.bounds()
    eager = np.stack([np.clip(act(actor, obs), low, high) for obs in batch])
    assert np.array_equal(np.stack([policy(obs) for obs in batch]), eager)
    assert np.allclose(policy(batch), eager, atol=1e-5)
    assert policy(batch.tolist()[0]).dtype == np.float32


class Beyond(torch.nn.Module):
    """An actor that knows no bounds."""

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        return torch.tensor([100.0, -100.0]).expand(len(obs), 2)


def test_an_action_beyond_its_bounds_is_clipped(policy: Policy) -> None:
    assert policy_of(Beyond(), policy.description, "run")(np.zeros(3)).tolist() == [1.0, 0.0]


def test_what_is_no_observation(policy: Policy) -> None:
    with user_error("(3,) ... ('B', 3) ... (2,)"):
        policy([1.0, 2.0])
    with user_error("this is no array ... obs, info = env.reset()"):
        policy((np.zeros(3), {}))
    with user_error("numbers ... not object; of several parts gymnasium.spaces.flatten(env.observation_space, obs)"):
        policy({"position": np.zeros(3)})
    with user_error("numbers ... <U1"):
        policy(["a", "b", "c"])


@pytest.mark.parametrize("content", [b"", b"actor", [1]])
def test_a_damaged_actor(tmp_path: Path, content: bytes | list[int]) -> None:
    run = stored_run(tmp_path / "run")
    if isinstance(content, bytes):
        run.actor.write_bytes(content)
    else:
        torch.save(content, run.actor)
    with user_error("actor.pt is damaged: it does not hold the actor of"):
        stored_policy(run, "last")


def test_an_actor_with_a_changed_bit(tmp_path: Path) -> None:
    run = stored_run(tmp_path / "run")
    weights = next(iter(torch.load(run.actor)["actor"].values()))
    content = bytearray(run.actor.read_bytes())
    content[content.index(weights.numpy().tobytes())] ^= 1
    run.actor.write_bytes(content)
    with user_error("actor.pt is damaged: it does not hold the actor of"):
        stored_policy(run, "last")
    assert read_actor(run.actor) == {}


def test_a_scale_that_a_network_learns_is_no_bound() -> None:
    actor = torch.nn.Module()
    actor.scale = torch.nn.Parameter(torch.ones(2))
    policies._require_same_actions(actor, {"scale": torch.zeros(2)}, Path("actor.pt"))
    actor.register_buffer("center", torch.ones(2))
    with user_error("other bounds of actions"):
        policies._require_same_actions(actor, {"center": torch.zeros(2)}, Path("actor.pt"))


def test_an_environment_with_an_infinite_argument(policy: Policy, tmp_path: Path) -> None:
    endless = replace(policy.description, environment={"kwargs": {"healthy_z_range": [0.8, float("inf")]}})
    write_description(endless, tmp_path)
    assert read_description(tmp_path) == endless


def test_an_environment_that_json_would_change(policy: Policy, tmp_path: Path) -> None:
    changed = replace(policy.description, environment={"kwargs": {"masses": {1: 2}}})
    with user_error("env.kwargs={'masses': {1: 2}} would come back from policy.json as {'masses': {'1': 2}}"):
        write_description(changed, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_run_without_such_an_actor_says(folder: RunFolder, tmp_path: Path) -> None:
    with user_error("actor_best.pt does not exist ... best actor"):
        stored_policy(folder, "best")
    with user_error("there is no such folder"):
        stored_policy(RunFolder(tmp_path / "none"), "last")
