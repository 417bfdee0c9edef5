"""Named generators and per-episode seeds, all from the run's seed."""

import numpy as np

from ddpg.training.seeding import STREAMS, Generators, derived_seed, generator


def test_streams_are_repeatable_and_distinct() -> None:
    first = {name: generator(1, name).random(4).tolist() for name in STREAMS}
    assert first == {name: generator(1, name).random(4).tolist() for name in STREAMS}
    assert len({tuple(values) for values in first.values()}) == len(STREAMS)
    assert generator(2, "noise").random(4).tolist() != first["noise"]


def test_derived_seeds_fit_every_library_and_differ() -> None:
    seeds = [derived_seed(s, stream, k) for s in (0, 1, 2) for stream in STREAMS for k in range(50)]
    assert len(set(seeds)) == len(seeds)
    assert all(isinstance(seed, int) and 0 <= seed < 2**31 for seed in seeds)
    assert derived_seed(3, "episode", 7) == derived_seed(3, "episode", 7)


def test_streams_keep_their_numbers() -> None:
    """A new stream goes at the end: stored runs and published numbers depend on these values."""
    assert STREAMS[:7] == ("episode", "evaluation", "network", "warmup", "noise", "replay", "play")
    expected = np.random.default_rng(np.random.SeedSequence(5, spawn_key=(4,))).random(3)
    np.testing.assert_array_equal(generator(5, "noise").random(3), expected)
    assert derived_seed(5, "play", 3) == 722789785


def test_generators_go_on_where_they_were() -> None:
    """Trap 20."""
    ours = Generators(1, ("noise", "replay"))
    ours["noise"].random(5)
    state = ours.state_dict()
    expected = {name: ours[name].random(3).tolist() for name in ("noise", "replay")}
    fresh = Generators(1, ("noise", "replay"))
    fresh.load_state_dict(state)
    assert {name: fresh[name].random(3).tolist() for name in ("noise", "replay")} == expected
    other = Generators(9, ("noise", "replay"))
    other.load_state_dict(state)  # of a run with another seed, which this one forks
    assert other.state_dict() == Generators(9, ("noise", "replay")).state_dict()
