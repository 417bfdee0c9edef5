"""Trap 20: a run that was cut anywhere, any number of times, ends as the one that was not, bit for bit."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from support.resume import Alarm, assert_resumes, interrupted, newest_state
from support.runs import ODD, TINY, WALK, assert_same, record

from ddpg.errors import UserError
from ddpg.interrupt import Interrupted
from ddpg.training.trainer import Trainer

Make = Callable[..., Trainer]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot at nearly every episode, so that the pieces begin in many places."""
    monkeypatch.setattr("ddpg.training.trainer.SNAPSHOT_EVERY", 20)


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("noise", ["noise=gaussian", "noise=ou", "noise=none"])
@pytest.mark.parametrize("preset", ["preset=td3", "preset=paper"])
def test_noises_and_presets(tmp_path: Path, make_trainer: Make, preset: str, noise: str) -> None:
    """Episodes of random length; cut in the warm-up, at the first updates, twice before getting anywhere."""
    stops = np.random.default_rng(len(preset + noise)).integers(30, 130, size=3)
    assert_resumes(make_trainer, tmp_path, [preset, noise, "total_steps=300"], [15, *stops.tolist(), 2])


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize(
    "overrides",
    [
        ["buffer_size=70"],
        ["buffer_size=70", "checkpoint.every=30"],
        ["noise=ou", "noise.reset=false"],
        ["algorithm.policy_delay=2", "updates_per_step=0.3"],
        ["random_steps=250", "logger.every=33"],
        ["eval.every=37", "checkpoint.every=10000"],
        ["replay=prioritized"],
        ["replay=prioritized", "replay.n_step=3", "buffer_size=70"],
        ["replay.n_step=3"],
        ["noise=adaptive_parameter", "network.actor.norm=layer", "noise.adapt_every=7"],
        ["noise.final_sigma=0", "noise.anneal_steps=300"],
        ["network.normalize_obs=5"],
        ["preset=d4pg", "algorithm.n_critics=2", "algorithm.target_delay=7"],
        ["preset=d4pg", "replay=prioritized", "replay.n_step=3", "algorithm.target_noise=0.2"],
        ["algorithm=td3"],
        ["dtype=float64"],
        ["update_every=episode"],
        ["update_every=7"],
    ],
    ids=lambda overrides: ",".join(overrides),
)
def test_settings(tmp_path: Path, make_trainer: Make, overrides: list[str]) -> None:
    """The ring wraps; noise that episodes share; half-done cycles of updates; rows that a piece only begins.

    And what the members of the family carry along: priorities, sigma, statistics, generators, blocks of updates.
    """
    assert_resumes(make_trainer, tmp_path, overrides, [90, 145, 60])


@pytest.mark.parametrize("preset", ["preset=td3", "preset=paper"])
def test_pendulum(tmp_path: Path, make_trainer: Make, preset: str) -> None:
    """Episodes of 200 steps and the snapshots of real runs: a cut in the first episode begins anew."""
    settings = ["env=pendulum", preset, "noise=ou", "total_steps=500", "eval.every=250"]
    assert_resumes(make_trainer, tmp_path, settings, [130, 301, 150])


def test_env_that_remembers_earlier_episodes(tmp_path: Path, make_trainer: Make) -> None:
    """resets_fully: false builds it anew wherever a run can be resumed, in the straight run as well."""
    settings = ["env.id=Leaky-v0", "env.resets_fully=false", "total_steps=600"]
    assert_resumes(make_trainer, tmp_path, settings, [250, 190])


@pytest.mark.parametrize("compiled", ["auto", "true"])
def test_env_that_does_not_heed_its_seed(tmp_path: Path, make_trainer: Make, compiled: str) -> None:
    """It draws from generators of the process, which each episode seeds; the actor draws from them, too."""
    actor = ["network.actor._target_=support.networks.Dropping", f"compile={compiled}"]
    words = ["env.id=Careless-v0", *ODD, *actor, "total_steps=300"]
    assert_resumes(make_trainer, tmp_path, words, [230])


@pytest.mark.parametrize("env", ["bipedalwalker", "pybullet_hopper", "halfcheetah", "dmc_cartpole_swingup"])
def test_simulators(tmp_path: Path, make_trainer: Make, env: str) -> None:
    modules = {"bipedalwalker": "Box2D", "dmc_cartpole_swingup": "dm_control"}
    pytest.importorskip(modules.get(env, "ddpg"))
    small = [
        f"env={env}", "env.max_episode_steps=40", "total_steps=450", "eval.every=200", "eval.episodes=2",
        "network.actor.hidden=[16,16]", "network.critic.hidden=[16,16]", "batch_size=16",
    ]  # fmt: skip
    assert_resumes(make_trainer, tmp_path, small, [260, 180])


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("what", ["state", "replay"])
@pytest.mark.parametrize("how", ["truncated", "flipped"])
def test_damaged_newest_checkpoint(
    tmp_path: Path, make_trainer: Make, train: Make, what: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The one before takes over, with a warning, and the end is the same."""
    straight = train(tmp_path / "straight")
    trainer = make_trainer(tmp_path / "pieces")
    trainer.interrupt = Alarm(340, signal.SIGTERM)
    with pytest.raises(Interrupted):
        trainer.train()
    newest = max((tmp_path / "pieces" / "checkpoint").glob(f"{what}-*"))
    content = newest.read_bytes()
    middle = len(content) // 2
    flipped = bytes(byte ^ 1 for byte in content[middle : middle + 300])  # more than the padding of a zip
    newest.write_bytes(content[:middle] + (flipped + content[middle + 300 :] if how == "flipped" else b""))
    assert_same(straight, train(tmp_path / "pieces"))
    assert "cannot be read" in caplog.text


def test_no_readable_checkpoint_is_no_fresh_start(tmp_path: Path, make_trainer: Make, train: Make) -> None:
    train(tmp_path)
    before = (tmp_path / "metrics.jsonl").read_bytes()
    for state in (tmp_path / "checkpoint").glob("state-*"):
        state.write_bytes(b"")
    with pytest.raises(UserError, match=r"no checkpoint in .* can be read"):
        make_trainer(tmp_path).train()
    assert (tmp_path / "metrics.jsonl").read_bytes() == before


@pytest.mark.usefixtures("often")
def test_a_failure_between_two_steps_resumes_exactly(
    tmp_path: Path, make_trainer: Make, train: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full at a checkpoint: one OSError, and after there is room again, the run that never failed."""
    straight = train(tmp_path / "straight")
    trainer = make_trainer(tmp_path / "pieces")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        save = trainer.snapshots.save

        def save_on_full_disk() -> None:
            if trainer.snapshots.taken_at > 200:
                patch.setattr(os, "fsync", full)
            save()

        patch.setattr(trainer.snapshots, "save", save_on_full_disk)
        with pytest.raises((OSError, UserError), match=r"No space left|disk or the quota is full"):
            trainer.train()
    assert_same(straight, train(tmp_path / "pieces"))


def test_killed_after_its_last_checkpoint(tmp_path: Path, train: Make) -> None:
    """All is saved, but status.json does not say so: going on adds nothing."""
    first = train(tmp_path, "eval.every=150")
    before = record(tmp_path)
    again = train(tmp_path, "eval.every=150")
    assert record(tmp_path) == before
    assert (again.progress.env_step, again.progress.last_return) == (
        first.progress.env_step,
        first.progress.last_return,
    )


class TestSignalDuringAnEvaluation:
    def test_stops_it(self, tmp_path: Path, make_trainer: Make) -> None:
        trainer = make_trainer(tmp_path)
        trainer.interrupt = Alarm(10, signal.SIGTERM, "evaluate")
        with pytest.raises(Interrupted):
            trainer.train()
        assert len(trainer.environments.evaluation.unwrapped.actions) == 9
        assert list((tmp_path / "checkpoint").glob("state-*.pt"))

    @pytest.mark.parametrize("where", ["in the first", "in the middle", "in the last"])
    def test_resumes_exactly(self, tmp_path: Path, make_trainer: Make, where: str) -> None:
        settings = ["total_steps=450", "eval.every=100"]
        straight = make_trainer(tmp_path / "straight", *settings)
        straight.train()
        steps = len(straight.environments.evaluation.unwrapped.actions)
        looks = {"in the first": 10, "in the middle": steps // 2, "in the last": steps}[where]
        cut = make_trainer(tmp_path / "pieces", *settings)
        cut.interrupt = Alarm(looks, signal.SIGTERM, "evaluate")
        with pytest.raises(Interrupted):
            cut.train()
        assert (cut.progress.env_step == 0, cut.progress.env_step == 450) == (
            where == "in the first",
            where == "in the last",
        )
        assert cut.progress.env_step - newest_state(tmp_path / "pieces") <= 240
        assert_same(straight, interrupted(make_trainer, tmp_path / "pieces", settings, []))


def test_killed_process(tmp_path: Path, train: Make) -> None:
    """The real command: killed outright, started again with the same words, terminated, and again to the end."""
    settings = ["total_steps=1500", "checkpoint.every=200", "eval.every=500"]
    straight = train(tmp_path / "straight", *settings)
    env = os.environ | {"PYTHONPATH": str(ROOT / "tests"), "OMP_NUM_THREADS": "1"}
    words = [*WALK, *TINY, *settings, f"hydra.run.dir={tmp_path / 'run'}"]
    command = [sys.executable, ROOT / "scripts" / "train.py", *words]
    newest = 0
    for signum, code in ((signal.SIGKILL, -9), (signal.SIGTERM, 143)):
        with subprocess.Popen(command, env=env, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
            while newest_state(tmp_path / "run") <= newest:
                assert process.poll() is None, process.communicate()[1]
                time.sleep(0.002)
            process.send_signal(signum)
            process.communicate(timeout=60)
        assert process.returncode == code
        newest = newest_state(tmp_path / "run")
    again = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    assert f"resumed at env_step {newest}" in again.stdout + again.stderr
    assert record(tmp_path / "run") == record(tmp_path / "straight")
    stored = torch.load(tmp_path / "run" / "actor.pt", weights_only=True)
    assert stored["env_step"] == 1500
    for name, value in straight.agent.actor.state_dict().items():
        assert torch.equal(stored["actor"][name], value)
