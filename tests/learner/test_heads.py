"""Distributions over values by hand, and their projection against a second program, written with loops."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ddpg.learner.heads import Categorical

#: Atoms -1, 0 and 1, and logits of the probabilities 0.2, 0.3 and 0.5, whose mean is 0.3.
THREE = Categorical(3, -1.0, 1.0)
P = [0.2, 0.3, 0.5]
#: Others, of means -0.6 and 0.6.
LOW = [0.7, 0.2, 0.1]
HIGH = [0.1, 0.2, 0.7]


def logits(*probabilities: list[float]) -> Tensor:
    """Logits, (N, atoms), that do not sum to 0, of N distributions."""
    return torch.tensor(probabilities).log() + 3


def column(*values: float) -> Tensor:
    return torch.tensor(values)


def projected_by_loops(reward: float, discount: float, p: list[float], v_min: float, v_max: float) -> list[float]:
    """C51's Algorithm 1, Bellemare et al. 2017, word for word."""
    spacing = (v_max - v_min) / (len(p) - 1)
    m = [0.0] * len(p)
    for j, p_j in enumerate(p):
        moved = min(max(reward + discount * (v_min + j * spacing), v_min), v_max)
        b = min((moved - v_min) / spacing, len(p) - 1)
        lower, upper = math.floor(b), math.ceil(b)
        if lower == upper:  # where the algorithm as printed loses the probability
            m[lower] += p_j
        else:
            m[lower] += p_j * (upper - b)
            m[upper] += p_j * (b - lower)
    return m


class TestProjection:
    @pytest.mark.parametrize(
        ("reward", "discount", "expected"),
        [
            (0.0, 1.0, P),
            (0.5, 0.5, [0, 0.2 + 0.15, 0.15 + 0.5]),  # moved to 0, 0.5 and 1
            (-0.25, 0.5, [0.75 * 0.2 + 0.25 * 0.3, 0.25 * 0.2 + 0.75 * 0.3 + 0.75 * 0.5, 0.25 * 0.5]),
            (1.0, 1.0, [0, 0.2, 0.8]),  # moved to 0, 1 and 2
            (10.0, 0.9, [0, 0, 1]),
            (-10.0, 0.9, [1, 0, 0]),
        ],
    )
    def test_by_hand(self, reward: float, discount: float, expected: list[float]) -> None:
        target = THREE.target(column(reward), column(discount), logits(P))
        torch.testing.assert_close(target, torch.tensor([expected], dtype=torch.float32))

    @pytest.mark.parametrize(
        ("reward", "expected"),
        [(0.25, [0, 0.75, 0.25]), (0, [0, 1, 0]), (1, [0, 0, 1]), (-1, [1, 0, 0]), (-3, [1, 0, 0])],
    )
    def test_terminated(self, reward: float, expected: list[float]) -> None:
        """Without a future all probability is at the reward."""
        target = THREE.target(column(reward), column(0.0), logits(P))
        torch.testing.assert_close(target, torch.tensor([expected], dtype=torch.float32))

    def test_each_transition_has_its_own(self) -> None:
        reward, discount, output = column(0.5, 0.25), column(0.5, 0.0), logits(P, LOW)
        together = THREE.target(reward, discount, output)
        for k in range(2):
            alone = THREE.target(reward[[k]], discount[[k]], output[[k]])
            torch.testing.assert_close(together[[k]], alone)
        assert not torch.equal(together[0], together[1])

    def test_not_a_number_passes_through(self) -> None:
        target = THREE.target(column(math.nan, 0.0), column(1.0, 1.0), logits(P, P))
        assert target[0].isnan().all()
        torch.testing.assert_close(target[1], torch.tensor(P))

    @settings(max_examples=200, deadline=None)
    @given(data=st.data())
    def test_against_loops(self, data: st.DataObject) -> None:
        """Probabilities sum to 1, and where nothing is clipped, the mean is that of the moved atoms."""
        atoms = data.draw(st.integers(2, 60))
        v_min = data.draw(st.floats(-2000, 100))
        v_max = v_min + data.draw(st.floats(0.01, 4000))
        reward = data.draw(st.floats(-5, 5) | st.floats(-1e4, 1e4) | st.sampled_from([0.0, v_min, v_max]))
        discount = data.draw(st.sampled_from([0.0, 1.0]) | st.floats(0, 1))
        seed = data.draw(st.integers(0, 1000))
        head = Categorical(atoms, v_min, v_max)
        output = 3 * torch.randn((1, atoms), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        target = head.target(output.new_tensor([reward]), output.new_tensor([discount]), output)
        p = output.softmax(-1)[0].tolist()
        expected = projected_by_loops(reward, discount, p, v_min, v_max)
        close = {"rel": 1e-9, "abs": 1e-9}
        assert target[0].tolist() == pytest.approx(expected, **close)
        assert sum(target[0].tolist()) == pytest.approx(1, rel=1e-12)
        z = [v_min + j * (v_max - v_min) / (atoms - 1) for j in range(atoms)]
        moved = [reward + discount * z_j for z_j in z]
        if v_min <= min(moved) and max(moved) <= v_max:
            mean = sum(p_j * z_j for p_j, z_j in zip(p, moved, strict=True))
            assert head.value(target.log()).item() == pytest.approx(mean, rel=1e-9, abs=1e-9 * (v_max - v_min))

    @pytest.mark.parametrize(("v_min", "v_max"), [(-150.0, 150.0), (-2000.0, 0.0), (-0.01, 0.02), (9000.0, 10_000.0)])
    def test_single_precision(self, v_min: float, v_max: float) -> None:
        """It is as good as double precision within rounding, and no probability is negative or lost."""
        head = Categorical(51, v_min, v_max)
        rng = torch.Generator().manual_seed(0)
        output = 5 * torch.randn((500, 51), generator=rng)
        reward = (v_max - v_min) * torch.randn(500, generator=rng)
        discount = torch.rand(500, generator=rng)
        target = head.target(reward, discount, output)
        precise = head.target(reward.double(), discount.double(), output.double())
        size = max(abs(v_min), abs(v_max)) / (v_max - v_min)  # 10, where numbers are large and close together
        torch.testing.assert_close(target.double(), precise, rtol=1e-5, atol=3e-5 * size)
        torch.testing.assert_close(target.sum(-1), torch.ones(500), rtol=0, atol=1e-6)
        assert (target >= 0).all()


class TestValue:
    def test_is_the_mean(self) -> None:
        assert THREE.value(logits(P, LOW, HIGH)).tolist() == pytest.approx([0.3, -0.6, 0.6])

    def test_range_is_that_of_the_atoms(self) -> None:
        head = Categorical(51, -1600.0, 0.0)
        sure = 200 * torch.eye(51)[[0, 25, 50]]
        assert head.value(sure).tolist() == pytest.approx([-1600, -800, 0])

    def test_large_logits(self) -> None:
        """Logits that exp() could not hold."""
        assert THREE.value(torch.tensor([[0.0, 1000.0, 0.0]])).tolist() == [0]


class TestCrossEntropy:
    def test_by_hand(self) -> None:
        error = THREE.error(logits(P, LOW), torch.tensor([[0.0, 0.25, 0.75], [1.0, 0.0, 0.0]]))
        assert error.tolist() == pytest.approx([-0.25 * math.log(0.3) - 0.75 * math.log(0.5), -math.log(0.7)])

    def test_gradient_is_prediction_minus_target(self) -> None:
        output = logits(P, LOW).requires_grad_()
        target = torch.tensor([[0.0, 0.25, 0.75], [1.0, 0.0, 0.0]])
        THREE.error(output, target).sum().backward()
        torch.testing.assert_close(output.grad, torch.tensor([P, LOW]) - target)

    def test_impossible_prediction_stays_finite(self) -> None:
        output = torch.tensor([[0.0, 1000.0, 0.0]], requires_grad=True)
        error = THREE.error(output, torch.tensor([[1.0, 0.0, 0.0]]))
        error.sum().backward()
        assert error.item() == pytest.approx(1000)
        assert output.grad.tolist() == [[-1, 1, 0]]


class TestDistance:
    """The Kullback-Leibler divergence, Rainbow's priority."""

    def test_by_hand(self) -> None:
        distance = THREE.distance(logits(P, P), torch.tensor([HIGH, [0.0, 0.0, 1.0]]))
        expected = sum(y * math.log(y / p) for y, p in zip(HIGH, P, strict=True))
        assert distance.tolist() == pytest.approx([expected, -math.log(0.5)])

    def test_is_nothing_where_the_critic_is_right(self) -> None:
        rng = torch.Generator().manual_seed(0)
        output = 5 * torch.randn((1000, 3), generator=rng, requires_grad=True)
        distance = THREE.distance(output, output.softmax(-1).detach())
        assert distance.min() >= 0
        assert distance.max() < 1e-6
        assert not distance.requires_grad


class TestSeveralCritics:
    def test_smallest_mean_is_chosen_for_each_transition(self) -> None:
        outputs = [logits(P, LOW), logits(HIGH, HIGH), logits(LOW, P)]
        reduced = THREE.reduce(outputs, "min").softmax(-1)
        torch.testing.assert_close(reduced, torch.tensor([LOW, LOW]))

    def test_gradient_is_that_of_the_chosen(self) -> None:
        outputs = [logits(P, LOW).requires_grad_(), logits(LOW, P).requires_grad_()]
        THREE.value(THREE.reduce(outputs, "min")).sum().backward()
        assert [output.grad.any(dim=-1).tolist() for output in outputs] == [[False, True], [True, False]]

    def test_mixture(self) -> None:
        """Probabilities are averaged, whatever the logits' offsets; so are values."""
        outputs = [logits(P), logits(LOW) + 5]
        reduced = THREE.reduce(outputs, "mean")
        torch.testing.assert_close(reduced.softmax(-1), torch.tensor([[0.45, 0.25, 0.3]]))
        assert THREE.value(reduced).item() == pytest.approx((0.3 - 0.6) / 2)

    @pytest.mark.parametrize("how", ["first", "min", "mean"])
    def test_one_is_itself(self, how: str) -> None:
        output = logits(P, LOW)
        assert THREE.reduce([output], how) is output


@pytest.mark.parametrize(
    ("atoms", "v_min", "v_max", "named"),
    [(1, -1.0, 1.0, "atoms=1"), (51, 2.0, 1.0, "v_min=2"), (51, 1.0, 1.0, "v_max=1")],
)
def test_what_is_no_range(atoms: int, v_min: float, v_max: float, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Categorical(atoms, v_min, v_max)
