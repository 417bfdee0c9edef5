"""The points of finite spaces."""

from ddpg.search.points import count, is_finite, points, stepped, values_of
from ddpg.search.space import Choice, Number, Space

NOISE = Choice("noise", "", ("none", "ou"))
THETA = Number("noise.theta", "", 0.1, 0.3, step=0.1, log=False, whole=False)
STEPS = Number("random_steps", "", 0, 20, step=10, log=False, whole=True)
SIZE = Number("batch_size", "", 1, 4, step=None, log=True, whole=True)
TAU = Number("tau", "", 0.1, 0.2, step=None, log=False, whole=False)


def test_conditions() -> None:
    """A key that is not part of a trial makes no points of its own."""
    space = Space((NOISE, THETA, STEPS), {"noise.theta": (("noise", "ou"),)}, ())
    found = list(points(space))
    assert len(found) == 3 + 3 * 3
    assert found[0] == {"noise": "none", "random_steps": 0}
    assert found[3] == {"noise": "ou", "noise.theta": 0.1, "random_steps": 0}
    assert (count(space, 100), count(space, 5)) == (12, 5)


def test_a_space_without_an_end() -> None:
    assert not is_finite(Space((NOISE, TAU), {}, ()))
    assert count(Space((NOISE, TAU), {}, ()), 50) == 50
    assert values_of(TAU) is None
    assert list(values_of(SIZE) or ()) == [1, 2, 3, 4]


def test_values_of_a_range_have_the_same_bits() -> None:
    """However a sampler rounds, or the same values would be taken for new ones."""
    values = values_of(THETA)
    assert values is not None
    assert [stepped(float(value) + error, THETA) for value in values for error in (-1e-12, 0, 1e-12)] == [
        value for value in values for _ in range(3)
    ]
