"""Forks: a run that begins where another one stands, and what such a run may change."""

import errno
import json
import os
import shutil
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from omegaconf import DictConfig
from support.checkpoints import damage
from support.command_line import user_error
from support.resume import Alarm
from support.runs import TINY, WALK, flat, record

from ddpg.config.settings import group
from ddpg.errors import UserError
from ddpg.interrupt import Interrupted
from ddpg.record.run_folder import RunFolder
from ddpg.run.fork import fork
from ddpg.run.lifecycle import run
from ddpg.sweep.freeze import FrozenRun, freeze
from ddpg.sweep.state.folder import SweepFolder
from ddpg.sweep.state.status import states
from ddpg.training.checkpoint import Checkpoints
from ddpg.training.trainer import Trainer

Start = Callable[..., Any]
Resolved = Callable[..., dict[str, Any]]

#: A run whose parts have every kind of state, and of which no update is recorded, because that takes a second.
WORDS = ("total_steps=180", "compile=false", "noise=ou", "noise.reset=false", "replay=prioritized", "eval.every=50")
#: An optimizer with torch's own base class for the actor, and one with groups for the critic.
OPTIMIZERS = (
    "optimizer.actor._target_=torch.optim.Adam", "~optimizer.actor.eps_hat", "~optimizer.actor.decay",
    "optimizer.critic.weight_decay=0.01", "optimizer.critic.decay=hidden", "algorithm.target_noise=0.2",
)  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was interrupted near step 120; no test changes it."""
    from support.composing import composed

    folder = tmp_path_factory.mktemp("trained") / "source"
    cfg = composed(*WALK, *TINY, *WORDS, *OPTIMIZERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ddpg.training.trainer.SNAPSHOT_EVERY", 20)
        with pytest.raises(Interrupted):
            run(cfg, folder, ("noise=ou", "seed=1"), Alarm(120, signal.SIGTERM))
    return folder


@pytest.fixture
def source(trained: Path, tmp_path: Path) -> Path:
    """A copy of `trained`."""
    return Path(shutil.copytree(trained, tmp_path / "source"))


@pytest.fixture
def config(resolved: Resolved, source: Path) -> Resolved:
    """config("tau=0.5"): that of a fork of `source`."""
    return lambda *overrides: resolved(*WALK, *TINY, *WORDS, *OPTIMIZERS, f"fork={source}", *overrides)


def forked(source: Path, config: dict[str, Any], **entry: Any) -> RunFolder:
    """Fork `source` into the folder `fork` beside it."""
    target = RunFolder(source.with_name("fork"))
    fork(RunFolder(source), target, config, entry)
    return target


def newest(folder: Path) -> dict[str, Any]:
    """Read the newest state of a run."""
    path = max((folder / "checkpoint").glob("state-*.pt"))
    state: dict[str, Any] = torch.load(path, weights_only=True)["state"]
    return state


def assert_same_tensors(one: Any, other: Any) -> None:
    """Assert that two nested states are equal to the last bit."""
    ours, theirs = flat(one), flat(other)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert np.array_equal(value, theirs[name]), name


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
    states = [newest(folder) for folder in (source, target)]
    for state in states:
        del state["tracker"]  # its bytes depend on the clock
    assert_same_tensors(*states)
    for name in ("actor.pt", "actor_best.pt"):
        assert_same_tensors(*(torch.load(folder / name, weights_only=True) for folder in (source, target)))
    assert RunFolder(target).status()["resume"] == RunFolder(source).status()["resume"]


def test_the_folder_of_a_fork(source: Path, config: Resolved) -> None:
    """It stands where the source stands, says so, and shares the files that never change."""
    target = forked(source, config("tau=0.5"), overrides=[f"fork={source}", "tau=0.5", "seed=1"], submitted="now")
    state = newest(source)
    env_step = state["progress"]["env_step"]
    configuration = group(yaml.safe_load((source / "config.yaml").read_text()))
    assert target.status() == {"state": "interrupted", "env_step": env_step, "kernels": ["torch"]}
    written = yaml.safe_load(target.config.read_text())
    assert (written["tau"], written["forked"]) == (0.5, {"configuration": configuration, "env_step": env_step})
    origin = {"run": "source", "configuration": configuration, "env_step": env_step}
    words = ["noise=ou", "seed=1", f"fork={source}", "tau=0.5"]
    assert target.starts() == [{"overrides": words, "submitted": "now", "fork": origin}]
    assert target.metrics.read_bytes() == (source / "metrics.jsonl").read_bytes()[: state["tracker"]["bytes"]]
    assert_same_tensors(torch.load(target.actor, weights_only=True)["actor"], state["actor"])
    for path in target.checkpoints.glob("replay-*"):
        assert path.samefile(source / "checkpoint" / path.name)
    assert sorted(path.name for path in source.parent.iterdir()) == ["fork", "source"]


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
    state = newest(source)
    again = resumed(make_trainer, source)
    assert_same_tensors(again.generators.state_dict(), state["generators"])
    assert_same_tensors(again.agent.smoothing.generator.get_state(), state["agent"]["generator"])
    other = resumed(make_trainer, source, "seed=2")
    fresh = make_trainer(source.with_name("fresh"), *WORDS, "seed=2", *OPTIMIZERS)
    assert_same_tensors(other.generators.state_dict(), fresh.generators.state_dict())
    assert_same_tensors(other.agent.smoothing.generator.get_state(), fresh.agent.smoothing.generator.get_state())
    assert_same_tensors(other.agent.actor.state_dict(), state["actor"])


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("network.actor.hidden=[9,9]", "network.actor.hidden=[9,9] cannot be given with fork=SOURCE: its state was made"
                                       " with network.actor.hidden=[8,8]"),
        ("dtype=float64", "dtype=float64 cannot be given with fork=SOURCE: its state was made with dtype=float32"),
        ("algorithm.n_critics=2", "algorithm.n_critics=2 cannot be given"),
        ("replay.alpha=0.5", "replay.alpha=0.5 cannot be given"),
        ("optimizer.actor._target_=torch.optim.AdamW", "optimizer.actor._target_=torch.optim.AdamW cannot be given"),
        ("total_steps=100", "total_steps=100 is not beyond env step STEP, from which a fork of SOURCE goes on"),
        ("env.id=Camera-v0 env.name=Walk-v0", "env.id=Camera-v0 needs a name of its own with fork=SOURCE"),
        ("env.id=Camera-v0 env.name=camera", "fork=SOURCE learned from observations Box("),
    ],
)  # fmt: skip
def test_refused(source: Path, config: Resolved, word: str, message: str) -> None:
    step = str(RunFolder(source).saved_step())
    with pytest.raises(UserError) as refused:
        forked(source, config(*word.split()))
    assert str(refused.value).startswith(message.replace("SOURCE", str(source)).replace("STEP", step))
    assert sorted(path.name for path in source.parent.iterdir()) == ["source"]


def test_a_memory_that_has_dropped_transitions_cannot_grow(source: Path, config: Resolved) -> None:
    """A smaller one keeps the newest, and one that has dropped nothing can grow."""
    forked(source, config("buffer_size=60"))
    started = yaml.safe_load((source / "config.yaml").read_text())
    (source / "config.yaml").write_text(yaml.safe_dump(started | {"buffer_size": 90}))
    with pytest.raises(UserError, match=r"buffer_size=100 cannot be given .* the newest 90 are left"):
        fork(RunFolder(source), RunFolder(source.with_name("other")), config("buffer_size=100"), {})


@pytest.mark.parametrize(
    ("remove", "message"),
    [
        ("checkpoint/state-*.pt", "has no checkpoint yet"),
        ("checkpoint/replay-*.npz", "has no replay memory, which"),
        ("config.yaml", "is gone, and the new run has no checkpoint"),
    ],
)
def test_nothing_to_continue(source: Path, config: Resolved, remove: str, message: str) -> None:
    for path in source.glob(remove):
        path.unlink()
    with pytest.raises(UserError, match=f"fork={source} {message}"):
        forked(source, config())


def test_a_source_that_trains_drops_what_was_found(
    source: Path, config: Resolved, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The states that are there when it is looked again count; a damaged one does not."""
    (newest_path,) = sorted((source / "checkpoint").glob("state-*.pt"))[-1:]
    late = newest_path.with_name("state-000000000170.pt")
    read = Checkpoints._read

    def _read(self: Checkpoints, path: Path) -> dict[str, Any]:
        saved = read(self, path)
        if path == newest_path and not late.exists():
            newest_path.rename(late)
            late.with_name("state-000000000175.pt").write_bytes(b"damaged")
        return saved

    monkeypatch.setattr(Checkpoints, "_read", _read)
    target = forked(source, config())
    assert [path.name for path in target.checkpoints.glob("state-*")] == [late.name]


def test_damaged_transitions_are_not_taken(source: Path, config: Resolved) -> None:
    """A checkpoint that the source would pass over when it is resumed is none for its forks either."""
    damage(max((source / "checkpoint").glob("replay-*.npz")), "one bit")
    with pytest.raises(UserError, match=f"no checkpoint in {source}/checkpoint can be read"):
        forked(source, config())
    assert not source.with_name("fork").exists()


@pytest.mark.parametrize("word", ["env.max_episode_steps=30", "seed=2", "eval.seed=2", "tau=0.5"])
def test_a_fork_that_learns_otherwise_begins_its_best_anew(source: Path, config: Resolved, word: str) -> None:
    """And so does one whose evaluations begin in other states."""
    target = forked(source, config(word))
    assert not target.best_actor.exists()
    assert newest(target.path)["progress"]["best_return"] is None
    assert newest(source)["progress"]["best_return"] is not None


def test_the_state_is_read_once(source: Path, config: Resolved, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is written with another best return, because that of a run with priorities is large."""
    read = []
    load = torch.load
    monkeypatch.setattr(torch, "load", lambda path, **options: read.append(path) or load(path, **options))
    forked(source, config("tau=0.5"))
    assert read == [max((source / "checkpoint").glob("state-*.pt"))]


def test_a_fork_that_goes_on_keeps_the_best(source: Path, config: Resolved) -> None:
    target = forked(source, config("total_steps=300", "eval.seed=1"))
    assert target.best_actor.samefile(source / "actor_best.pt")
    assert newest(target.path)["progress"] == newest(source)["progress"]


def test_a_fork_is_built_where_its_folder_is(source: Path, config: Resolved, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not beside a link to it, because no folder can be renamed from one disk to another."""
    folder = source.parent / "disk" / "run"
    folder.mkdir(parents=True)
    source.with_name("fork").symlink_to(folder)
    moved = []
    monkeypatch.setattr("ddpg.run.fork._move", lambda built, target: moved.append((built.parent, target)))
    forked(source, config())
    assert moved == [(folder.parent, folder)]


def test_a_best_actor_that_came_later_is_not_taken(source: Path, config: Resolved) -> None:
    stored = torch.load(source / "actor_best.pt", weights_only=True)
    torch.save(stored | {"env_step": 175}, source / "actor_best.pt")
    assert not forked(source, config()).best_actor.exists()


def test_without_hard_links_files_are_copied(source: Path, config: Resolved, monkeypatch: pytest.MonkeyPatch) -> None:
    def _refuse(*_: Any) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(os, "link", _refuse)
    target = forked(source, config())
    for path in target.checkpoints.iterdir():
        assert path.read_bytes() == (source / "checkpoint" / path.name).read_bytes()
        assert not path.samefile(source / "checkpoint" / path.name)


@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
def test_a_kill_leaves_no_half_of_a_fork(
    source: Path, config: Resolved, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    """Whatever step fails, the folder has no checkpoint, and the next attempt makes the whole fork."""
    target = RunFolder(source.with_name("fork"))
    if there:
        target.path.mkdir()
        (target.path / "train.log").touch()
    values = config()
    steps = 0

    def _counted(function: Callable[..., Any], last: int) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps > last:
                raise KeyboardInterrupt
            return function(*args, **kwargs)

        return call

    calls = ("os.link", "os.fsync", "pathlib.Path.replace", "pathlib.Path.rename")
    for last in range(0, 100, 3):
        steps = 0
        with monkeypatch.context() as patch:
            for name in calls:
                module, _, attribute = name.rpartition(".")
                owner: Any = {"os": os, "pathlib.Path": Path}[module]
                patch.setattr(owner, attribute, _counted(getattr(owner, attribute), last))
            try:
                fork(RunFolder(source), target, values, {})
                break
            except KeyboardInterrupt:
                assert there or not target.path.exists() or target.checkpoints.exists()
        if target.checkpoints.exists():  # the last of the files by which a run goes on
            break
    assert last > 10
    state = newest(target.path)
    assert target.saved_step() == RunFolder(source).saved_step()
    assert target.metrics.stat().st_size == state["tracker"]["bytes"]
    assert yaml.safe_load(target.config.read_text())["forked"]["env_step"] == state["progress"]["env_step"]
    assert json.loads((target.path / "provenance.json").read_text())
    assert sorted(path.name for path in source.parent.iterdir()) == ["fork", "source"]


def test_a_frozen_fork_does_not_depend_on_its_source(source: Path, config: Resolved) -> None:
    """It is made when its sweep is frozen; the same sweep frozen again, or without its source, leaves it as it is."""
    sweep = SweepFolder(source.with_name("sweep"))
    run = FrozenRun(0, sweep.path / "0", [f"fork={source}", "tau=0.5"], config("tau=0.5"))
    freeze(sweep, [run], alive=(), handling={})
    content = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    assert RunFolder(run.path).saved_step() == RunFolder(source).saved_step()
    assert "commit" in RunFolder(run.path).starts()[0]
    assert [one.state for one in states(sweep)] == ["interrupted"]
    shutil.rmtree(source)
    freeze(sweep, [run], alive=(), handling={})
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == content
