"""The YAML of the framework: every option composes, fits, resolves and is explained; and what `check` refuses."""

import math
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from gymnasium import spaces
from omegaconf import DictConfig, OmegaConf
from support.command_line import user_error
from support.config_options import NEEDS, OPTIONS, env_of

from ddpg.config.given import GIVEN
from ddpg.config.keys import flat
from ddpg.config.settings import check
from ddpg.errors import UserError
from ddpg.interrupt import InterruptFlag
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import Tracker
from ddpg.run import build

CONF = Path(__file__).parents[2] / "conf"
Compose = Callable[..., DictConfig]

LEARNER = ("algorithm", "network=", "noise=", "optimizer=", "replay=")


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_fits(option: str, compose: Compose) -> None:
    checked = check(compose(option, *NEEDS.get(option, [])))
    assert "${" not in OmegaConf.to_yaml(checked)
    assert check(checked) == checked


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.startswith(LEARNER)])
def test_every_option_of_the_learner_builds(option: str, compose: Compose) -> None:
    """The learner with that option acts, stores, samples and learns once."""
    group, _, name = option.partition("=")
    pixels = group == "network" and name.startswith("pixels")
    seen = spaces.Box(0, 255, (9, 64, 64), np.uint8) if pixels else spaces.Box(-1, 1, (3,))
    env, cpu, rng = env_of(seen), torch.device("cpu"), np.random.default_rng(0)
    cfg = check(compose(option, *NEEDS.get(option, []), "batch_size=4", "total_steps=50"))
    agent, memory = build.build_agent(cfg, env, cpu), build.build_replay(cfg, env, cpu, rng)
    noise = build.build(cfg.noise, "noise", actor=agent.actor, action_scale=np.array([2.0, 5.0]), rng=rng)
    noise.reset()
    for _ in range(5):
        obs = env.observation_space.sample()
        action = agent.act(obs) + noise(obs, 0)
        memory.add(obs, action, 1.0, obs, False, False)
    for _ in range(cfg.algorithm.policy_delay):
        batch = memory.sample(cfg.batch_size)
        losses, td_error = agent.update(batch)
        memory.update_priorities(td_error)
        noise.after_update(batch)
    assert {"losses/qf1_loss", "losses/qf1_values", "losses/actor_loss"} <= set(losses)
    assert all(map(math.isfinite, losses.values()))


class OwnCritic(torch.nn.Bilinear):
    """A network as docs/extending.md has it."""

    def __init__(self, obs_shape: list[int], action_dim: int, bias: bool) -> None:
        super().__init__(obs_shape[0], action_dim, 1, bias)

    def forward(self, obs: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
        return super().forward(obs, action)[:, 0]


def test_network_of_ones_own(compose: Compose) -> None:
    cfg = compose("algorithm=td3", "network.normalize_obs=5")
    cfg.network.critic = {"_target_": f"{__name__}.OwnCritic", "bias": True}
    agent = build.build_agent(check(cfg), env_of(spaces.Box(-1, 1, (3,))), torch.device("cpu"))
    values = agent.networks["critic"](torch.zeros(7, 3), torch.zeros(7, 2))
    assert [value.shape for value in values] == [(7,), (7,)]


@pytest.mark.parametrize("option", NEEDS)
def test_option_says_what_it_needs(option: str, compose: Compose) -> None:
    key = NEEDS[option][0].partition("=")[0]
    with pytest.raises(UserError, match=rf"^{key} has no value: set it, {key}=VALUE$"):
        check(compose(option))


def test_numbers_get_their_type(compose: Compose) -> None:
    checked = check(compose("total_steps=1e5", "gamma=1", "learning_starts=2e3"))
    assert [type(checked[key]) for key in ("total_steps", "gamma", "learning_starts")] == [int, float, int]


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("total_steps=${nope}", "total_steps: Interpolation key 'nope' not found"),
        ("+extra.a=${extra.b}", "extra.a: Interpolation key 'extra.b' not found"),
        ("+extra.a='\\${nope}'", "Interpolation key 'nope' not found"),  # would come alive in RUN/config.yaml
        (
            "+extra.a=${oc.env:NO_SUCH_VARIABLE}",
            "extra.a: Environment variable 'NO_SUCH_VARIABLE' not found: export it",
        ),
        ("buffer_size=10", "batch_size=256 is more than the replay memory holds, buffer_size=10"),
        ("+extra.a=${folder_name}", "extra.a: "),
        ("env.name=???", "env.name has no value: set it, env.name=VALUE"),
    ],
)
def test_what_cannot_be_resolved_is_refused(override: str, line: str, compose: Compose) -> None:
    with pytest.raises(UserError) as refusal:
        check(compose(override))
    assert str(refusal.value).startswith(line)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("node", "line"),
    [
        ("stack_size:4", "env.wrappers[0]=stack_size:4 is no wrapper; a list of them is written in quotes"),
        ("{_target_: gymnasium.wrappers.TimeLimit}", "env.wrappers[0].max_episode_steps is missing"),
        ("{_target_: gymnasium.wrappers.TimeLimit, max_episode_steps: x}", "env.wrappers[0].max_episode_steps=x"),
        ("{_target_: gymnasium.wrappers.ClipReward, max_rewrad: 1}", "env.wrappers[0].max_rewrad=1"),
        (
            "{_target_: gymnasium.wrappers.FlattenObservation, env: 1}",
            "env.wrappers[0].env=1: env is set by the program",
        ),
    ],
)
def test_wrappers_are_checked_by_their_constructors(node: str, line: str, compose: Compose) -> None:
    with pytest.raises(UserError) as refusal:
        check(compose(f"env.wrappers=[{node}]"))
    assert str(refusal.value).startswith(line)


def test_wrappers_that_are_no_list(compose: Compose) -> None:
    with user_error("env.wrappers=Flat is no wrapper; ... 'env.wrappers=[{_target_: gymnasium"):
        check(compose("env.wrappers=Flat"))


def test_the_program_gives_what_the_schema_says(
    compose: Compose, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The table GIVEN and the calls of `build` in run/build.py name the same arguments."""
    given: dict[str, set[str]] = {}
    original = build.build

    def recorded(node: DictConfig, key: str, *interface: type, **arguments: Any) -> Any:
        given[key] = set(arguments)
        return original(node, key, *interface, **arguments)

    monkeypatch.setattr(build, "build", recorded)
    folder = RunFolder(tmp_path)
    build.build_trainer(check(compose()), folder, Tracker(folder.metrics, []), InterruptFlag())
    for key in ("algorithm", "noise", "replay"):
        patterns = GIVEN[key]
        strangers = [name for name in given[key] if not any(fnmatchcase(name, pattern) for pattern in patterns)]
        unused = [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in given[key])]
        assert not strangers, key
        assert not unused, key
    assert given["network.actor"] == given["network.critic"] == set(GIVEN["network"])
    # an optimizer gets its parameters from the algorithm; env and logger are built from the config alone
    assert given["optimizer.actor"] == given["optimizer.critic"] == set()
    assert GIVEN["optimizer"] == ("params",)
    assert GIVEN["env"] == GIVEN["logger"] == ()


def test_flat() -> None:
    assert flat({"a": 1, "b": {"c": 2}}) == {"a": 1, "b": {"c": 2}, "b.c": 2}


def uncommented(path: Path) -> Iterator[tuple[str, bool]]:
    """Each key with a value of a YAML file, and whether there is no comment right above it."""
    lines = path.read_text().splitlines()

    def walk(node: yaml.MappingNode, prefix: str) -> Iterator[tuple[str, bool]]:
        for key, value in node.value:
            name = f"{prefix}{key.value}"
            if isinstance(value, yaml.MappingNode) and value.value and not value.flow_style:
                yield from walk(value, f"{name}.")
            elif key.value not in ("defaults", "_target_", "_partial_"):
                above = lines[key.start_mark.line - 1].strip() if key.start_mark.line else ""
                yield name, not above.startswith("#")

    node = yaml.compose(path.read_text())
    assert isinstance(node, yaml.MappingNode)
    return walk(node, "")


def bases(path: Path) -> Iterator[Path]:
    """The files that a file starts from: they explain the keys that it only gives another value."""
    if path.read_text().startswith("# @package _global_"):
        yield CONF / "config.yaml"
    for base in yaml.safe_load(path.read_text()).get("defaults", []):
        if isinstance(base, str) and (path.parent / f"{base}.yaml").exists():
            yield path.parent / f"{base}.yaml"
            yield from bases(path.parent / f"{base}.yaml")


@pytest.mark.parametrize("path", sorted(CONF.rglob("*.yaml")), ids=lambda path: str(path.relative_to(CONF)))
def test_every_key_is_explained(path: Path) -> None:
    """By a comment right above it, there or in a file that it starts from; and a comment opens every file."""
    assert path.read_text().startswith("#")
    explained = {key for base in bases(path) for key, bare in uncommented(base) if not bare}
    assert not [key for key, bare in uncommented(path) if bare and key not in explained]
