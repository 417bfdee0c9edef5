"""The speed of a run by its clock."""

from types import SimpleNamespace

import numpy as np
import pytest
from support.agents import agent_of
from support.buffers import buffer

from ddpg.training import monitor


def test_speed_is_that_since_the_last_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """10 steps in 2 s after a start at step 1000, then 40 in 4 s."""
    clock = iter([0.0, 100.0, 102.0, 106.0])
    monkeypatch.setattr(monitor, "time", SimpleNamespace(monotonic=clock.__next__))
    watch = monitor.Monitor(agent_of(), buffer(1), -np.ones(1), np.ones(1))
    watch.start(1000)
    assert watch.speed(1010) == {"charts/SPS": 5.0, "time/elapsed_s": 2.0}
    assert watch.speed(1050) == {"charts/SPS": 10.0, "time/elapsed_s": 6.0}
