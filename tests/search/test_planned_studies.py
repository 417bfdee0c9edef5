"""Messages about a study before it begins."""

from collections.abc import Callable

import pytest
from support.populations import WORDS
from support.studies import SPACE, Planned

FEW = {
    "a run of 400 env steps with eval.every=1000 has only 1": [*SPACE, "eval.every=1000", "hydra.sweeper.last=3"],
    "a generation of 100 env steps with eval.every=100 has only 1": [*WORDS, "hydra.sweeper.last=2"],
    "": [*SPACE, "hydra.sweeper.last=4"],
}


@pytest.mark.parametrize("line", FEW)
def test_fewer_evaluations_than_a_score_counts(
    planned: Callable[..., Planned], line: str, caplog: pytest.LogCaptureFixture
) -> None:
    planned(*FEW[line])
    assert line in caplog.text
    assert bool(caplog.text) == bool(line)
