"""Forks: runs that begin where another one stands."""

import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from omegaconf import DictConfig
from support.command_line import user_error
from support.forks import OPTIMIZERS, WORDS, assert_same_tensors, forked, newest_state
from support.resume import Alarm
from support.runs import TINY, WALK, record

from ddpg.config.settings import group
from ddpg.interrupt import Interrupted
from ddpg.record.run_folder import RunFolder
from ddpg.run.fork import fork
from ddpg.run.lifecycle import run
from ddpg.training.trainer import Trainer

Resolved = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    "overrides",
    [
        [*WORDS, *OPTIMIZERS],
        ["preset=paper", "buffer_size=70", "total_steps=180", "noise=adaptive_parameter", "network.normalize_obs=5"],
    ],
    ids=["torch", "recorded"],
)
def test_a_fork_without_changes_ends_as_its_source(
    tmp_path: Path, compose: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch, overrides: list[str]
) -> None:
    """Bit for bit: rows, weights, optimizers, replay memory, noise and generators."""
    monkeypatch.setattr("ddpg.run.lifecycle._show", lambda *_: None)
    monkeypatch.setattr("ddpg.training.trainer.SNAPSHOT_EVERY", 20)
    source, target = tmp_path / "source", tmp_path / "fork"
    cfg = compose(*WALK, *TINY, *overrides)
    with pytest.raises(Interrupted):
        run(cfg, source, (), Alarm(120, signal.SIGTERM))
    run(compose(*WALK, *TINY, *overrides, f"fork={source}"), target)
    run(cfg, source)
    assert record(source) == record(target)
    states = [newest_state(folder) for folder in (source, target)]
    for state in states:
        del state["tracker"]  # its bytes depend on the clock
    assert_same_tensors(*states)
    for name in ("actor.pt", "actor_best.pt"):
        assert_same_tensors(*(torch.load(folder / name, weights_only=True) for folder in (source, target)))
    assert RunFolder(target).status()["resume"] == RunFolder(source).status()["resume"]


def test_forks_of_one_configuration_are_one_configuration(source: Path, config: Resolved) -> None:
    """And neither that of their source nor that of a run which had their values from its start."""
    values = config("tau=0.5")
    first = yaml.safe_load(forked(source, values).config.read_text())
    moved = source.rename(source.with_name("moved"))
    target = RunFolder(source.with_name("other"))
    fork(RunFolder(moved), target, values | {"fork": str(moved), "seed": 2}, {})
    assert group(yaml.safe_load(target.config.read_text())) == group(first)
    assert group(first) not in (group(values), group(yaml.safe_load((moved / "config.yaml").read_text())))


def resumed(make_trainer: Callable[..., Trainer], folder: Path, *overrides: str) -> Trainer:
    """Build a run in a folder and restore its newest state."""
    trainer = make_trainer(folder, *WORDS, *OPTIMIZERS, *overrides)
    with closing(trainer.environments):
        trainer.snapshots.resume()
    return trainer


@pytest.mark.parametrize(
    "words",
    [
        ("optimizer.actor.lr=0.5", "optimizer.actor.weight_decay=0.25", "optimizer.critic.lr=0.125"),
        ("optimizer.critic.weight_decay=0", "optimizer.critic.eps_hat=true"),
        ("optimizer.critic.decay=weights", "tau=0.5"),
    ],
)
def test_values_are_those_of_the_config(source: Path, make_trainer: Callable[..., Trainer], words: Any) -> None:
    """The state of an optimizer brings none of its settings back, and every moment to its own parameter."""
    before = resumed(make_trainer, source).agent
    after = resumed(make_trainer, source, *words).agent
    fresh = make_trainer(source.with_name("fresh"), *WORDS, *OPTIMIZERS, *words).agent
    assert after.tau == fresh.tau
    for name in ("actor_optimizer", "critic_optimizer"):
        old, new, wanted = (getattr(agent, name) for agent in (before, after, fresh))
        settings = [[{k: v for k, v in g.items() if k != "params"} for g in o.param_groups] for o in (new, wanted)]
        assert settings[0] == settings[1]
        moments = [
            [part.state[param] for param in getattr(agent, name.partition("_")[0]).parameters()]
            for agent, part in ((before, old), (after, new))
        ]
        assert_same_tensors(*moments)


def test_a_state_of_other_shapes_is_refused_in_one_line(source: Path, make_trainer: Callable[..., Trainer]) -> None:
    """As with a class of the user's, of which nobody knows what its parameters do to its shapes."""
    with user_error("the agent in the checkpoint ... does not fit the config: ... size mismatch"):
        resumed(make_trainer, source, "network.actor.hidden=[9,9]")


def test_another_seed_begins_all_draws_anew(source: Path, make_trainer: Callable[..., Trainer]) -> None:
    """And the same seed goes on with them."""
    state = newest_state(source)
    again = resumed(make_trainer, source)
    assert_same_tensors(again.generators.state_dict(), state["generators"])
    assert_same_tensors(again.agent.smoothing.generator.get_state(), state["agent"]["generator"])
    other = resumed(make_trainer, source, "seed=2")
    fresh = make_trainer(source.with_name("fresh"), *WORDS, "seed=2", *OPTIMIZERS)
    assert_same_tensors(other.generators.state_dict(), fresh.generators.state_dict())
    assert_same_tensors(other.agent.smoothing.generator.get_state(), fresh.agent.smoothing.generator.get_state())
    assert_same_tensors(other.agent.actor.state_dict(), state["actor"])


@pytest.mark.parametrize("word", ["env.max_episode_steps=30", "seed=2", "eval.seed=2", "tau=0.5"])
def test_a_fork_that_learns_otherwise_begins_its_best_anew(source: Path, config: Resolved, word: str) -> None:
    """And so does one whose evaluations begin in other states."""
    target = forked(source, config(word))
    assert not target.best_actor.exists()
    assert newest_state(target.path)["progress"]["best_return"] is None
    assert newest_state(source)["progress"]["best_return"] is not None


def test_a_fork_without_evaluations_has_no_results(source: Path, compose: Callable[..., DictConfig]) -> None:
    """The results of its source were reached with other values."""
    target = source.with_name("fork")
    words = ["eval.every=null", "tau=0.5", f"fork={source}"]
    assert run(compose(*WALK, *TINY, *WORDS, *OPTIMIZERS, *words), target) is None
    status = RunFolder(target).status()
    assert (status["state"], status["last_return"], status["best_return"]) == ("done", None, None)


def test_a_fork_that_goes_on_keeps_the_best(source: Path, config: Resolved) -> None:
    target = forked(source, config("total_steps=300", "eval.seed=1"))
    assert target.best_actor.samefile(source / "actor_best.pt")
    assert newest_state(target.path)["progress"] == newest_state(source)["progress"]
