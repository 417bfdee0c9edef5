"""Prioritized replay (Schaul et al. 2016): the tree of sums, frequencies, weights, what enters and what is dropped."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.buffers import STREAMS, add, buffer, episodes, rows

from ddpg.errors import UserError
from ddpg.learner.batch import Batch
from ddpg.learner.replay import PrioritizedReplay
from ddpg.learner.replay.prioritized import SumTree

EPSILON = 1e-3


def memory_of(size: int, count: int | None = None, n_step: int = 1, **changes: Any) -> PrioritizedReplay:
    """With so many transitions in one long episode (`size` if not said): obs is (t, -t), reward t + 0.5."""
    own = {"alpha": 0.7, "beta": 0.4, "beta_steps": 100, "epsilon": EPSILON} | changes
    memory = buffer(size, n_step, PrioritizedReplay, **own)
    assert isinstance(memory, PrioritizedReplay)
    add(memory, episodes([False] * (size if count is None else count)))
    return memory


def numbers(batch: Batch) -> np.ndarray:
    """Which transitions they are."""
    return batch.obs[:, 0].numpy().astype(int)


def teach(memory: PrioritizedReplay, errors: np.ndarray) -> None:
    """Gives transition t of the memory the error errors[t]; all have to be drawn for that."""
    drawn = numbers(memory.sample(200 * len(errors)))
    assert set(drawn) == set(range(len(errors)))
    memory.update_priorities(torch.tensor(errors[drawn]))


def same(a: Batch, b: Batch) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


NUMBERS = st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1e6)), min_size=1, max_size=40)


class TestSumTree:
    @settings(max_examples=200, deadline=None)
    @given(values=NUMBERS, shares=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=20))
    def test_finds_as_a_running_sum_does(self, values: list[float], shares: list[float]) -> None:
        tree, sums = SumTree(len(values)), np.cumsum(values)
        tree[np.arange(len(values))] = np.array(values)
        assert tree.total == pytest.approx(sums[-1], rel=1e-12, abs=1e-300)
        if not sums[-1]:
            return
        mass = np.array(shares) * tree.total
        for slot, m in zip(tree.find(mass), mass, strict=True):
            assert values[slot] > 0  # never an empty slot, however rounding falls
            rounding = 1e-9 * sums[-1]
            assert sums[slot] - values[slot] - rounding <= m <= sums[slot] + rounding

    @given(slots=st.integers(1, 40), changes=st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 10)), max_size=30))
    def test_changes(self, slots: int, changes: list[tuple[int, float]]) -> None:
        """One at a time and several at once, repetitions included, leave the sum of what is there."""
        tree, model = SumTree(slots), np.zeros(slots)
        for slot, value in changes:
            tree[np.array([slot % slots, slot % slots])] = value
            model[slot % slots] = value
            assert tree.total == pytest.approx(model.sum())
        np.testing.assert_array_equal(tree[np.arange(slots)], model)

    def test_edges(self) -> None:
        tree = SumTree(5)
        tree[np.arange(5)] = np.array([0.0, 1.0, 0.0, 2.0, 0.0])
        assert tree.find(np.array([0.0, 0.999, 1.0, 2.999, 3.0, 99.0])).tolist() == [1, 1, 3, 3, 3, 3]


class TestSampling:
    @pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
    def test_frequency_is_proportional_to_the_priority(self, alpha: float) -> None:
        """Equation 1: P(i) = (|error_i| + epsilon)^alpha / sum; alpha 0 is uniform."""
        errors = np.array([0.0, 0.1, 1.0, 2.0, 5.0, 0.5])
        memory = memory_of(6, alpha=alpha)
        teach(memory, errors)
        expected = (errors + EPSILON) ** alpha
        drawn = numbers(memory.sample(100_000))
        counts = np.bincount(drawn, minlength=6) / 100_000
        np.testing.assert_allclose(counts, expected / expected.sum(), atol=0.002)

    def test_minibatches_are_stratified(self) -> None:
        """Section 3.3: one from each of N equal shares, so that equal priorities come in order, one each."""
        assert numbers(memory_of(8).sample(8)).tolist() == list(range(8))

    def test_what_comes_is_the_transition_itself(self) -> None:
        stream = episodes([i % 4 == 3 for i in range(25)])
        memory = memory_of(10, 0)
        add(memory, stream)
        assert rows(memory.sample(400)) == {transition for transition, _ in stream[15:]}

    def test_n_steps(self) -> None:
        batch = memory_of(10, n_step=3).sample(50)
        short = batch.obs[:, 0] >= 8  # of the newest two, two and one step are there
        assert torch.equal(batch.next_obs[~short, 0], batch.obs[~short, 0] + 3)
        torch.testing.assert_close(batch.discount[~short], torch.full((int((~short).sum()),), 0.9**3))
        assert set(batch.next_obs[short, 0].tolist()) == {10.0}

    def test_looking_draws_uniformly_and_changes_nothing(self) -> None:
        memory, other = memory_of(6), memory_of(6)
        for one in (memory, other):
            teach(one, np.array([0.0, 0.0, 0.0, 0.0, 0.0, 100.0]))
        seen = memory.peek(60_000, np.random.default_rng(3))
        np.testing.assert_allclose(np.bincount(numbers(seen)) / 60_000, 1 / 6, atol=0.01)
        assert seen.weight is None
        assert same(memory.sample(50), other.sample(50))


class TestWeights:
    def test_by_hand(self) -> None:
        """Section 3.4: (1 / (N P(i)))^beta over the largest of the minibatch, with priorities 1, 3 of N = 2."""
        memory = memory_of(2, alpha=1.0, beta=0.5, beta_steps=10**9, epsilon=1.0)
        teach(memory, np.array([0.0, 2.0]))
        batch = memory.sample(64)
        raw = (2 * np.array([1, 3]) / 4) ** -0.5
        np.testing.assert_allclose(batch.weight, (raw / raw.max())[numbers(batch)], rtol=1e-6)
        assert batch.weight.max() == 1
        assert batch.weight.dtype == torch.float32

    def test_largest_of_the_minibatch_is_one(self) -> None:
        """Also where the rarest transition of the memory is not in it."""
        memory = memory_of(50)
        teach(memory, np.geomspace(1e-3, 1e3, 50))
        for _ in range(20):
            assert memory.sample(4).weight.max() == 1

    def test_alpha_zero_weighs_nothing(self) -> None:
        memory = memory_of(5, alpha=0.0)
        teach(memory, np.arange(5.0))
        assert torch.equal(memory.sample(20).weight, torch.ones(20))

    @pytest.mark.parametrize(("sample", "beta"), [(0, 0.4), (50, 0.7), (100, 1.0), (150, 1.0)])
    def test_beta_grows_to_one(self, sample: int, beta: float) -> None:
        """Linearly over beta_steps samples; seen in the weight of priority 1 beside one of 1/4."""
        memory = memory_of(2, alpha=1.0, epsilon=0.25)
        teach(memory, np.array([0.75, 0.0]))  # the first sample
        for _ in range(sample - 1):
            memory.sample(1)
        if sample == 0:
            memory._samples = 0
        batch = memory.sample(32)
        assert batch.weight[numbers(batch) == 0].unique().item() == pytest.approx(0.25**beta)


class TestWhatIsThere:
    def test_new_ones_get_the_largest_priority_so_far(self) -> None:
        """Algorithm 1, line 6: 1 as long as nothing is known, then the largest that ever was."""
        memory = memory_of(10, 4, alpha=1.0)
        memory.sample(1)
        assert memory._tree.total == 4
        memory = memory_of(10, 4, alpha=0.5)
        teach(memory, np.array([7.0, 0.0, 0.0, 0.0]))
        memory.sample(200)
        memory.update_priorities(torch.zeros(200))  # 7 is no one's priority now, but was
        add(memory, episodes([False] * 2, first=1))
        memory.sample(1)
        np.testing.assert_allclose(memory._tree[np.arange(6)], np.sqrt([EPSILON] * 4 + [7 + EPSILON] * 2))

    def test_errors_change_the_priorities_of_what_was_drawn_alone(self) -> None:
        memory = memory_of(50, alpha=0.5, epsilon=1e-6)
        drawn = numbers(memory.sample(3))
        memory.update_priorities(torch.tensor([4.0, 9.0, 16.0]))
        expected = np.ones(50)
        expected[drawn] = [2, 3, 4]
        np.testing.assert_allclose(memory._tree[np.arange(50)], expected, rtol=1e-6)

    @settings(max_examples=100, deadline=None)
    @given(size=st.integers(1, 12), ends=STREAMS, data=st.data())
    def test_nothing_dropped_or_never_written_is_drawn(self, size: int, ends: list[bool], data: st.DataObject) -> None:
        """The ring wraps, some of it between two samples, some of it right after one; errors of any size."""
        memory, stream, added = memory_of(size, 0), episodes(ends), 0
        while added < len(stream):
            more = data.draw(st.integers(1, 2 * size))
            add(memory, stream[added : added + more])
            added = min(added + more, len(stream))
            held = {transition for transition, _ in stream[:added][-size:]}
            assert rows(memory.sample(30)) <= held
            memory.update_priorities(torch.tensor(data.draw(st.lists(st.floats(0, 1e6), min_size=30, max_size=30))))
            assert rows(memory.sample(30)) <= held
            np.testing.assert_array_equal(memory._tree[memory._filled()] > 0, True)
            assert memory._tree.total == pytest.approx(memory._tree[memory._filled()].sum())

    def test_every_one_can_come(self) -> None:
        memory = memory_of(7, 30)
        assert set(numbers(memory.sample(700))) == set(range(23, 30))

    def test_an_update_without_errors_is_refused(self) -> None:
        """An algorithm of a user may not compute the errors of transitions."""
        memory = memory_of(3)
        memory.sample(2)
        with pytest.raises(UserError, match=r"^replay=prioritized .*td_error"):
            memory.update_priorities(None)


class TestResume:
    """Trap 20: the same next samples, bit for bit."""

    @settings(max_examples=60, deadline=None)
    @given(size=st.integers(2, 15), count=st.integers(1, 50), later=st.integers(0, 20))
    def test_same_samples(self, size: int, count: int, later: int) -> None:
        old, new = memory_of(size, 0), memory_of(size, 0)
        add(old, episodes([False] * (count - 1) + [True]))
        for _ in range(3):
            old.sample(8)
            old.update_priorities(torch.rand(8))
        oldest = count - len(old)
        new.restore(oldest, old.export(oldest, count))
        new.load_state_dict(old.state_dict())
        new.rng.bit_generator.state = old.rng.bit_generator.state
        for memory in (old, new):
            add(memory, episodes([False] * later, first=1))
        for _ in range(3):
            assert same(old.sample(8), new.sample(8))
            for memory in (old, new):
                memory.update_priorities(torch.linspace(0, 3, 8))

    def test_state_is_that_of_its_moment(self) -> None:
        """Transitions after the snapshot belong to the episode that a resume begins anew."""
        memory = memory_of(10, 7)
        memory.sample(5)
        state = memory.state_dict()
        before = {name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in state.items()}
        add(memory, episodes([False] * 9, first=1))
        memory.sample(5)
        memory.update_priorities(torch.full((5,), 99.0))
        assert torch.equal(state.pop("priorities"), before.pop("priorities"))
        assert state == before

    @pytest.mark.parametrize("size", [30, 10, 4])
    def test_into_a_memory_of_another_size(self, size: int) -> None:
        """A run that is extended has a larger one, where every transition has another slot; one cut short a smaller."""
        old = memory_of(10, 10)
        teach(old, np.arange(10.0))
        memory = memory_of(size, 0)
        memory.restore(0, old.export(0, 10))
        memory.load_state_dict(old.state_dict())
        expected = (np.arange(10.0) + EPSILON) ** 0.7
        np.testing.assert_allclose(memory._tree[memory._filled()], expected[-size:])
        assert memory._tree.total == pytest.approx(expected[-size:].sum())
