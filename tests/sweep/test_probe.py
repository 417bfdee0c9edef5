"""The probe: a real worker that is stopped as soon as it has shown its speed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from ddpg.config import check, plain
from ddpg.errors import UserError
from ddpg.sweep import probe as module
from ddpg.sweep.probe import probe, shortened

TINY = ("network.actor.hidden=[8,8]", "network.critic.hidden=[8,8]", "batch_size=8")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where probes make their folders."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_probe(resolved: Callable[..., dict[str, Any]], place: Path) -> None:
    speed = probe(resolved(*TINY, "updates_per_step=3", "random_steps=5000", "learning_starts=10000"), seconds=0.5)
    assert speed.acting > 2 * speed.learning > 0  # it learned, though the run itself would not for a long time
    assert 0 < speed.share <= 1
    assert speed.startup_s > 0
    assert 0.05 < speed.peak_gb < 4
    assert list(place.iterdir()) == []


def test_probe_of_what_fails(resolved: Callable[..., dict[str, Any]], place: Path) -> None:
    with pytest.raises(UserError, match=r"^the probe failed: env\.id=Pendulum-v1: building it failed.*nonsense"):
        probe(resolved("+env.kwargs.nonsense=1"), seconds=0.5)
    assert list(place.iterdir()) == []


def test_probe_that_shows_nothing(
    resolved: Callable[..., dict[str, Any]], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GIVE_UP_S", 0.0)
    with pytest.raises(UserError, match=r"^the probe saw fewer than 350 steps in 0 s; probe=0"):
        probe(resolved(*TINY), seconds=0.0)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("changes", [(), ("update_every=episode",), ("logger.tensorboard.enabled=true",)])
def test_a_shortened_run_is_a_run(resolved: Callable[..., dict[str, Any]], changes: tuple[str, ...]) -> None:
    before = resolved(*changes)
    short = shortened(before)
    assert plain(check(OmegaConf.create(short))) == short
    assert short["logger"]["wandb"]["mode"] == "disabled"
    assert not short["logger"]["tensorboard"]["enabled"]
    assert isinstance(short["update_every"], int)
    for kept in ("algorithm", "network", "optimizer", "noise", "batch_size", "updates_per_step", "env"):
        assert short[kept] == before[kept]


def test_no_wait_for_a_whole_episode_of_pictures(resolved: Callable[..., dict[str, Any]]) -> None:
    short = shortened(resolved("env=dmc_cartpole_swingup_pixels", "preset=paper_pixels"))
    assert short["env"]["max_episode_steps"] == 60
    assert short["logger"]["every"] < 10
