"""What a fork may not change, and sources that cannot be continued."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.checkpoints import buffer, damage
from support.forks import forked

from ddpg.errors import UserError
from ddpg.record.run_folder import RunFolder
from ddpg.run.fork import fork
from ddpg.training.checkpoint import Checkpoints

Resolved = Callable[..., dict[str, Any]]


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


def test_damaged_transitions_are_not_taken(source: Path, config: Resolved) -> None:
    """A file that is torn is none for forks either; what checksums alone show is found when the fork is resumed."""
    newest = max((source / "checkpoint").glob("replay-*.npz"))
    damage(newest, "one bit")
    target = forked(source, config())
    with pytest.raises(UserError, match=r"no checkpoint in .* can be read"):
        Checkpoints(target.checkpoints).load(buffer(), expected=True)
    shutil.rmtree(target.path)
    damage(newest, "truncated")
    with pytest.raises(UserError, match=f"no checkpoint in {source}/checkpoint can be read"):
        forked(source, config())
    assert not source.with_name("fork").exists()
