"""Policies under several conditions, from the same starts; nothing of the process is changed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from support.command_line import user_error
from support.generators import undisturbed_generators
from support.stored_runs import stored_run

from ddpg.run.playing import compare, open_playable, play, play_seeds, record, record_side_by_side
from ddpg.run.playing.conditions import Condition, conditions_of, spread_of
from ddpg.training.seeding import derived_seed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stored policy of a pendulum."""
    return stored_run(tmp_path_factory.mktemp("play") / "run", "env=pendulum", "threads=2").path


def test_threads_and_generators_of_the_process_stay(folder: Path) -> None:
    threads = torch.get_num_threads()
    with undisturbed_generators():
        playable = open_playable(folder)
        assert playable.threads == 2
        compare([playable], play_seeds(1, 0), {"obs_noise": [0.1], "simulator.gravity": [0.5]})
    assert torch.get_num_threads() == threads


def test_episodes_begin_where_training_never_did() -> None:
    """Also with the seed of the run. Its evaluations count as training, because they have chosen the best actor."""
    seen = {derived_seed(1, stream, k) for stream in ("episode", "evaluation") for k in range(50)}
    assert not seen & set(play_seeds(50, 1))


def test_conditions_change_one_thing_and_leave_out_what_changes_nothing(folder: Path) -> None:
    playable = open_playable(folder)
    (conditions,) = conditions_of([playable], {"action_delay": [0, 2], "simulator.mass": [1, 1.5], "obs_noise": [0]})
    assert conditions == [Condition("action_delay", 2), Condition("simulator.mass", 1.5)]
    assert list(map(str, conditions)) == ["action_delay=2", "simulator.mass=1.5"]


def test_the_unit_of_noise_belongs_to_the_environment(folder: Path, tmp_path: Path) -> None:
    """Two policies have the same; angles vary by less than velocities."""
    other = stored_run(tmp_path / "other", "env=pendulum", "network.actor.hidden=[4]").path
    pair = [open_playable(folder), open_playable(other)]
    one, two = conditions_of(pair, {"obs_noise": [0.5]})
    assert one == two
    spread = spread_of(pair[0])
    assert spread == list(one[0].spread)
    assert 0.5 < spread[1] < 1 < spread[2] < 5


def test_the_results_of_a_policy_do_not_depend_on_what_is_played_beside(folder: Path, tmp_path: Path) -> None:
    other = open_playable(stored_run(tmp_path / "other", "env=pendulum", "network.actor.hidden=[4]").path)
    policy = open_playable(folder)
    disturbances = {"obs_noise": [0.3], "simulator.length": [1.2]}
    alone = compare([policy], play_seeds(2, 0), disturbances)
    beside = compare([other, policy], play_seeds(2, 0), disturbances)
    assert [str(one.part.condition) for one in beside] == ["nominal", "obs_noise=0.3", "simulator.length=1.2"] * 2
    assert [one.part.playable for one in beside] == [other] * 3 + [policy] * 3
    for one, again in zip(alone, beside[3:], strict=True):
        np.testing.assert_array_equal(one.episodes.returns, again.episodes.returns)
    np.testing.assert_array_equal(alone[0].episodes.returns, play(policy, 2).returns)
    assert len({one.episodes.returns[0] for one in alone}) == 3


def test_videos_have_the_returns_of_episodes_without(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("pygame", reason="the extra video is not installed")
    pytest.importorskip("imageio_ffmpeg", reason="the extra video is not installed")
    short = stored_run(tmp_path / "short", "env=pendulum", "env.max_episode_steps=20").path
    policy = open_playable(short)
    (seed,) = play_seeds(1, 0)
    expected = play(policy, 1).returns
    path = policy.video
    assert path is not None
    np.testing.assert_array_equal(record(policy, seed, path).returns, expected)
    assert path.exists()
    both = record_side_by_side([policy, policy], seed, tmp_path / "both.mp4")
    np.testing.assert_array_equal([one.returns[0] for one in both], [expected[0]] * 2)
    assert (tmp_path / "both.mp4").exists()
    played = compare([policy], play_seeds(3, 0), {}, record_first=lambda: both[:1])
    np.testing.assert_array_equal(played[0].episodes.returns, play(policy, 3).returns)


def test_an_environment_that_has_changed(tmp_path: Path) -> None:
    """A run's environment has other observations, or other actions, than when its actor was stored."""
    run = stored_run(tmp_path / "run", "env=pendulum")
    config = run.config.read_text(encoding="utf-8")
    run.config.write_text(config.replace("Pendulum-v1", "MountainCarContinuous-v0"), encoding="utf-8")
    with user_error("actor.pt does not hold the actor ... in its environment, as it is now, but one of another"):
        play(open_playable(run.path), 1)
    run.config.write_text(config, encoding="utf-8")
    stored = torch.load(run.actor, weights_only=True)
    torch.save({**stored, "actor": {**stored["actor"], "scale": torch.tensor([3.0])}}, run.actor)
    with user_error("actor.pt was trained with other bounds of actions than its environment has now"):
        play(open_playable(run.path), 1)


def test_a_policy_that_is_missing_is_found_before_anything_is_played(folder: Path, tmp_path: Path) -> None:
    missing = stored_run(tmp_path / "run", "env=pendulum")
    missing.actor.unlink()
    with user_error("actor.pt does not exist"):
        compare([open_playable(folder), open_playable(missing.path)], [0], {}, record_first=pytest.fail)
