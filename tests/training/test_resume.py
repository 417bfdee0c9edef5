"""Trap 20: a run that was cut anywhere, any number of times, ends as the one that was not, bit for bit."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from support.runs import TINY, WALK, assert_same, record

from ddpg.errors import UserError
from ddpg.interrupt import Interrupted, InterruptFlag
from ddpg.record.run_folder import RunFolder
from ddpg.run.lifecycle import run
from ddpg.training.trainer import Trainer

Make = Callable[..., Trainer]
ROOT = Path(__file__).parents[2]


class Alarm(InterruptFlag):
    """Sends this process a real signal before the n-th step of training, or of the evaluations together."""

    def __init__(self, looks: int, signum: signal.Signals, looker: str = "_run_episode") -> None:
        super().__init__()
        self.looks, self.sent, self.looker = looks, signum, looker

    def check(self) -> None:
        self.looks -= sys._getframe(1).f_code.co_name == self.looker
        if self.looks == 0:
            signal.raise_signal(self.sent)
        super().check()


def interrupted(make: Make, folder: Path, overrides: Sequence[str], stops: Sequence[int]) -> Trainer:
    """Trains to the end in as many pieces as there are stops, and one more."""
    for number, looks in enumerate(stops):
        trainer = make(folder, *overrides)
        trainer.interrupt = Alarm(looks, (signal.SIGTERM, signal.SIGINT)[number % 2])
        with pytest.raises(Interrupted):
            trainer.train()
    last = make(folder, *overrides)
    last.train()
    return last


def assert_resumes(make: Make, folder: Path, overrides: Sequence[str], stops: Sequence[int]) -> None:
    straight = make(folder / "straight", *overrides)
    straight.train()
    pieces = interrupted(make, folder / "pieces", overrides, stops)
    assert_same(straight, pieces)
    for name in ("actor", "actor_best"):
        stored = [torch.load(folder / run / f"{name}.pt", weights_only=True) for run in ("straight", "pieces")]
        assert stored[0]["env_step"] == stored[1]["env_step"]
        assert all(torch.equal(stored[1]["actor"][key], value) for key, value in stored[0]["actor"].items())


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
        ["noise=ou", "+noise.reset=false"],
        ["algorithm.policy_delay=2", "updates_per_step=0.3"],
        ["random_steps=250", "logger.every=33"],
        ["eval.every=37", "checkpoint.every=10000"],
        ["replay=prioritized"],
        ["replay=prioritized", "replay.n_step=3", "buffer_size=70"],
        ["replay.n_step=3"],
        ["noise=adaptive_parameter", "network.actor.norm=layer", "noise.adapt_every=7"],
        ["noise.final_sigma=0", "noise.anneal_steps=300"],
        ["network.normalize_obs=5"],
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
    assert_resumes(make_trainer, tmp_path, [o.replace("+noise", "noise") for o in overrides], [90, 145, 60])


@pytest.mark.parametrize("preset", ["preset=td3", "preset=paper"])
def test_pendulum(tmp_path: Path, make_trainer: Make, preset: str) -> None:
    """Episodes of 200 steps and the snapshots of real runs: a cut in the first episode begins anew."""
    settings = ["env=pendulum", preset, "noise=ou", "total_steps=500", "eval.every=250"]
    assert_resumes(make_trainer, tmp_path, settings, [130, 301, 150])


def test_env_that_remembers_earlier_episodes(tmp_path: Path, make_trainer: Make) -> None:
    """resets_fully: false builds it anew wherever a run can be resumed, in the straight run as well."""
    settings = ["env.id=Leaky-v0", "env.resets_fully=false", "total_steps=600"]
    assert_resumes(make_trainer, tmp_path, settings, [250, 190])


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


def test_the_first_failure_is_the_one_reported(
    tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = make_trainer(tmp_path, "+env.kwargs.nan_reward=300")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    step = trainer._step

    def step_on_full_disk(action: np.ndarray) -> Any:
        if trainer.progress.env_step == 290:
            monkeypatch.setattr(os, "fsync", full)
        return step(action)

    monkeypatch.setattr(trainer, "_step", step_on_full_disk)
    with pytest.raises(UserError, match="reward is not finite"):
        trainer.train()
    assert "the newest state is not saved" in caplog.text


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


class TestRunFolder:
    """What starting in a folder that holds a run already does."""

    @pytest.fixture
    def start(self, compose: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch) -> Callable[..., float]:
        monkeypatch.setattr("ddpg.run.lifecycle._show", lambda *_: None)  # no pictures
        return lambda folder, *overrides: run(compose(*WALK, *TINY, "total_steps=200", *overrides), folder, overrides)

    def test_finished_run_returns_its_result(
        self, tmp_path: Path, start: Callable[..., float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        result = start(tmp_path)
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        monkeypatch.setattr("ddpg.run.lifecycle.build_trainer", None)  # nothing is built
        assert start(tmp_path) == result
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before

    @pytest.mark.parametrize("choice", ["replay=uniform", "replay=prioritized", "noise=ou", "algorithm=td3"])
    def test_more_steps_continue(self, tmp_path: Path, start: Callable[..., float], choice: str) -> None:
        """With a larger memory, too, for one of 200 transitions was all that 200 steps could fill."""
        start(tmp_path, choice)
        before = record(tmp_path)
        start(tmp_path, choice, "total_steps=300")
        rows = record(tmp_path)
        assert rows[: len(before)] == before
        assert rows[-1]["env_step"] == 300
        status = RunFolder(tmp_path).status()
        assert (status["state"], status["env_step"]) == ("done", 300)

    @pytest.mark.parametrize("change", ["gamma=0.5", "seed=2", "network.actor.hidden=[9,9]", "noise=none"])
    def test_another_config_is_refused(self, tmp_path: Path, start: Callable[..., float], change: str) -> None:
        start(tmp_path)
        before = record(tmp_path)
        with pytest.raises(UserError, match=change.split("=")[0]):
            start(tmp_path, change, "total_steps=300")
        assert record(tmp_path) == before

    @pytest.mark.parametrize("content", [b"", b'{"state": "do', b"\0" * 80, b"\xff\xfe"], ids=str)
    @pytest.mark.parametrize("name", ["status.json", "provenance.json"])
    def test_a_damaged_file_is_no_end_and_no_fresh_start(
        self, tmp_path: Path, start: Callable[..., float], name: str, content: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        """One warning; the run stands where its checkpoint is, and the file is there again."""
        result = start(tmp_path)
        before, status = record(tmp_path), RunFolder(tmp_path).status()
        (tmp_path / name).write_bytes(content)
        assert start(tmp_path) == result
        assert (record(tmp_path), RunFolder(tmp_path).status()) == (before, status)
        if name == "provenance.json":  # not looked at when there is nothing to do
            start(tmp_path, "total_steps=300")
        assert f"{name} cannot be read" in caplog.text
        assert len(RunFolder(tmp_path).starts()) == (2 if name == "status.json" else 1)

    def test_a_finished_run_may_drop_its_replay_memory(self, tmp_path: Path, start: Callable[..., float]) -> None:
        """Its networks and its result stay; training it further is refused, and changes nothing."""
        result = start(tmp_path, "checkpoint.keep_replay=false")
        assert not list(tmp_path.glob("checkpoint/replay-*"))
        assert torch.load(tmp_path / "checkpoint" / "state-000000000200.pt", weights_only=True)["state"]["agent"]
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        with pytest.raises(UserError, match=r"total_steps=300: .* was finished at 200, its replay memory is gone"):
            start(tmp_path, "total_steps=300")
        assert start(tmp_path) == result
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before

    def test_a_lost_checkpoint_is_no_fresh_start(
        self, tmp_path: Path, start: Callable[..., float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("ddpg.training.trainer.SNAPSHOT_EVERY", 20)
            patch.setattr("ddpg.training.trainer.InterruptFlag", lambda: Alarm(150, signal.SIGTERM))
            with pytest.raises(Interrupted):
                start(tmp_path)
        before = record(tmp_path)
        shutil.rmtree(tmp_path / "checkpoint")
        status = tmp_path / "status.json"
        advice = re.escape(f"remove {tmp_path / 'checkpoint'} and {status} to start afresh")
        with pytest.raises(UserError, match=rf"no checkpoint is left in .*: restore it, or {advice}"):
            start(tmp_path)
        assert record(tmp_path) == before
        status.unlink()
        start(tmp_path)
        assert RunFolder(tmp_path).status()["env_step"] == 200

    def test_pictures_are_made_before_it_is_done(
        self, tmp_path: Path, start: Callable[..., float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So a start after a kill makes them; where they fail, the run is done all the same."""

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        def broken(*_: object) -> None:
            raise ValueError("no renderer")

        monkeypatch.setattr("ddpg.run.lifecycle._show", killed)
        with pytest.raises(KeyboardInterrupt):
            start(tmp_path)
        assert RunFolder(tmp_path).status()["state"] == "interrupted"
        monkeypatch.setattr("ddpg.run.lifecycle._show", broken)
        with pytest.raises(ValueError, match="no renderer"):
            start(tmp_path)
        assert RunFolder(tmp_path).status()["state"] == "done"

    def test_second_process_is_refused(self, tmp_path: Path, start: Callable[..., float]) -> None:
        hold = (
            "import sys; from pathlib import Path; from ddpg.record.run_folder import RunFolder\n"
            "with RunFolder(Path(sys.argv[1])).lock(): print('held', flush=True); sys.stdin.read()"
        )
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen([sys.executable, "-c", hold, tmp_path], text=True, **pipes) as holder:
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(UserError, match="is in use: another process trains in it"):
                start(tmp_path)
            holder.communicate("")
        start(tmp_path)  # the lock ends with its process

    def test_interrupt_is_told_in_the_status(
        self, tmp_path: Path, start: Callable[..., float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("ddpg.training.trainer.InterruptFlag", lambda: Alarm(150, signal.SIGTERM))
            with pytest.raises(Interrupted) as caught:
                start(tmp_path)
        assert caught.value.exit_code == 143
        status = RunFolder(tmp_path).status()
        assert status["state"] == "interrupted"
        assert status["resume"].startswith("not promised: support.toys ")
        start(tmp_path)
        assert RunFolder(tmp_path).status()["resume"] == status["resume"]


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


def newest_state(run: Path) -> int:
    """Its env step; 0 if there is none."""
    return max((int(path.stem.partition("-")[2]) for path in (run / "checkpoint").glob("state-*.pt")), default=0)
