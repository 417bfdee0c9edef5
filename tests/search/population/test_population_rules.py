"""The rules of population based training, as properties of many random populations."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from support.populations import OPTIONS

from ddpg.search.population.rules import bounds, draw, explored, first_values, generator, parent, perturbed
from ddpg.search.space import Choice, Number, Space, Value

#: Every kind of dimension; theta is there for one noise alone.
SPACE = Space(
    (
        Number("lr", "", 1e-5, 1e-2, step=None, log=True, whole=False),
        Number("shift", "", -1.0, 1.0, step=None, log=False, whole=False),
        Number("batch_size", "", 1, 512, step=None, log=True, whole=True),
        Number("delay", "", 0, 4, step=None, log=False, whole=True),
        Number("random_steps", "", 0, 900, step=100, log=False, whole=True),
        Number("sigma", "", 0.05, 0.5, step=0.05, log=False, whole=False),
        Choice("noise", "", ("gaussian", "ou")),
        Number("theta", "", 0.1, 0.3, step=None, log=False, whole=False),
    ),
    {"theta": (("noise", "ou"),)},
    (),
)
NUMBERS = [dimension for dimension in SPACE.dimensions if isinstance(dimension, Number)]


def is_in_space(values: dict[str, Value]) -> bool:
    """Whether the keys are those that belong together, and each value is one that its key may have."""
    active = [one for one in SPACE.dimensions if SPACE.is_active(one.key, values)]
    return list(values) == [one.key for one in active] and all(
        values[one.key] in one.options if isinstance(one, Choice) else is_of(one, values[one.key]) for one in active
    )


def is_of(number: Number, value: Value) -> bool:
    assert not isinstance(value, str)
    step = number.step or (1 if number.whole else None)
    on_grid = step is None or math.isclose(round((value - number.low) / step) * step, value - number.low, abs_tol=1e-9)
    return on_grid and number.low <= value <= number.high and isinstance(value, int) == number.whole


def test_who_copies_whom() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        size = int(rng.integers(2, 12))
        truncation = rng.uniform(0.01, 0.5)
        scores = [None if rng.random() < 0.2 else float(rng.integers(5)) for _ in range(size)]
        if all(score is None for score in scores):
            continue
        share = max(1, min(math.ceil(truncation * size), size // 2))
        known = sorted((score for score in scores if score is not None), reverse=True)
        for slot, score in enumerate(scores):
            other = parent(scores, slot, truncation, True, rng)
            copied = scores[other]
            assert copied is not None
            if other == slot:
                continue
            worse = sum(one is None or (score is not None and one < score) for one in scores)
            assert score is None or (copied > score and worse < share)
            assert copied >= known[:share][-1]


def test_the_share_that_copies() -> None:
    """Of ten members with different scores the worst two copy, each of the best two equally often; min is mirrored."""
    scores = [float(one) for one in range(10)]
    rng = np.random.default_rng(0)
    chosen = [[parent(scores, slot, 0.2, True, rng) for slot in range(10)] for _ in range(200)]
    assert all(row[2:] == list(range(2, 10)) for row in chosen)
    assert {row[0] for row in chosen} == {row[1] for row in chosen} == {8, 9}
    assert 70 < sum(row[0] == 9 for row in chosen) < 130
    mirrored = [parent(scores, slot, 0.2, False, rng) for slot in range(10)]
    assert mirrored[:8] == list(range(8))
    assert set(mirrored[8:]) <= {0, 1}


@pytest.mark.parametrize("scores", [[3.0] * 6, [None, 1.0, 1.0], [None, None, 2.0]])
def test_equal_and_failed_members(scores: list[float | None]) -> None:
    """None copies one that is not better; one that failed always copies."""
    parents = [parent(scores, slot, 0.5, True, np.random.default_rng(0)) for slot in range(len(scores))]
    assert all(one == slot for slot, one in enumerate(parents) if scores[slot] is not None)
    assert all(scores[one] is not None for one in parents)


def test_values_stay_in_the_space() -> None:
    for number in range(60):
        rng = generator(7, number)
        values = first_values(SPACE, rng)
        assert is_in_space(values)
        for _ in range(5):
            values = explored(SPACE, values, OPTIONS, rng)
            assert is_in_space(values)


def test_what_may_not_change_is_inherited() -> None:
    rng = generator(0, 0)
    values = first_values(SPACE, rng)
    for _ in range(50):
        inherited = [key for key in values if key not in ("lr", "delay")]
        after = explored(SPACE, values, replace(OPTIONS, resample=0.5, inherited=inherited), rng)
        assert [after[key] for key in inherited] == [values[key] for key in inherited]
        assert after["lr"] != values["lr"]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number.key)
def test_a_factor_always_moves_a_value(number: Number) -> None:
    """Unless that would leave the interval, or 0 is to be multiplied; 1.2 and 0.8 move to different sides."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        value = draw(number, rng)
        assert not isinstance(value, str)
        for factor in (0.8, 1.2):
            moved = perturbed(number, value, factor)
            assert is_of(number, moved)
            grows = (value * factor > value) or (value == 0 and factor > 1)
            end = number.high if grows else number.low
            assert moved == end or (moved > value) == grows
            assert moved != value or value == end or (value == 0 and number.step is None and not number.whole)
        assert perturbed(number, value, 1.0) == value


def test_draws_are_spread_as_the_space_says() -> None:
    rng = np.random.default_rng(0)
    drawn = [first_values(SPACE, rng) for _ in range(2000)]
    assert 900 < sum(float(one["lr"]) < 10**-3.5 for one in drawn) < 1100
    assert 900 < sum(float(one["shift"]) < 0 for one in drawn) < 1100
    assert 900 < sum(one["noise"] == "ou" for one in drawn) < 1100
    assert {one["random_steps"] for one in drawn} == set(range(0, 1000, 100))
    assert all(("theta" in one) == (one["noise"] == "ou") for one in drawn)


def test_draws_depend_on_the_seed_and_the_number() -> None:
    first = [first_values(SPACE, generator(1, number)) for number in range(20)]
    assert first == [first_values(SPACE, generator(1, number)) for number in range(20)]
    assert all(first[0] != other for other in first[1:])
    assert first[0] != first_values(SPACE, generator(2, 0))


def test_generations_cover_the_training() -> None:
    for total, count in ((20_000, 10), (1_000, 7), (5, 5)):
        parts = [bounds(total, count, generation) for generation in range(count)]
        assert parts[0][0] == 0
        assert parts[-1][1] == total
        assert all(before[1] == after[0] for before, after in pairwise(parts))
        assert all(start < stop for start, stop in parts)


def test_the_example_of_the_paper() -> None:
    """Two members of Figure 2 of the paper come near the maximum 1.2 together, and neither can by itself.

    Q = 1.2 - theta_0^2 - theta_1^2, and a member climbs 1.2 - h_0 theta_0^2 - h_1 theta_1^2 with h = (1, 0) or (0, 1).
    """
    assert max(climbed(copying=False)) < 0.5
    assert max(climbed(copying=True)) > 1.18


def climbed(copying: bool) -> list[float]:
    """Return Q of both members after 50 generations of four steps."""
    thetas = [np.array([0.9, 0.9]), np.array([0.9, 0.89])]
    slopes = [np.array([1.0, 0.0]), np.array([0.0, 1.0])]
    for generation in range(50):
        thetas = [theta * (1 - 0.05 * slope) ** 4 for theta, slope in zip(thetas, slopes, strict=True)]
        scores: list[float | None] = [float(1.2 - theta @ theta) for theta in thetas]
        rngs = [generator(0, 2 * generation + slot) for slot in range(2)]
        parents = [parent(scores, slot, 0.5, True, rng) for slot, rng in enumerate(rngs)]
        thetas = [thetas[one] for one in parents] if copying else thetas
    return [float(1.2 - theta @ theta) for theta in thetas]
