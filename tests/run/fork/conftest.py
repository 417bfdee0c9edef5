"""A run that was interrupted, copied for each test."""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.forks import OPTIMIZERS, WORDS
from support.resume import Alarm
from support.runs import TINY, WALK

from ddpg.interrupt import Interrupted
from ddpg.run.lifecycle import run

Resolved = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
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
