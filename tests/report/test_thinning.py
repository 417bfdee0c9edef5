"""The sentence on what a page leaves out of a metric's curves."""

import pytest

from ddpg.report.thinning import thinning


@pytest.mark.parametrize("name", ["eval/episodic_return", "losses/qf1_loss"])
def test_a_curve_that_is_drawn_whole_needs_no_sentence(name: str) -> None:
    thin = thinning("eval/episodic_return", 10)
    most = thin.most if name == thin.shown else thin.others
    assert thin.words(name, 21) is None
    assert str(most) in str(thin.words(name, most))


def test_episodes_are_always_averaged() -> None:
    assert "last 100 episodes" in str(thinning("eval/episodic_return", 10).words("charts/episodic_return", 3))
