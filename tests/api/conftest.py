"""Runs that were trained from Python."""

from collections.abc import Iterator

import pytest
from support.python_training import WORDS

import ddpg
from ddpg.run import lifecycle


@pytest.fixture(scope="module")
def without_pictures() -> Iterator[None]:
    """A learning curve takes half of the time of such a run."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lifecycle, "_show", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def run(without_pictures: None, tmp_path_factory: pytest.TempPathFactory) -> ddpg.Run:
    """A run that nothing disturbed."""
    return ddpg.train(WORDS, out=tmp_path_factory.mktemp("train") / "run")
