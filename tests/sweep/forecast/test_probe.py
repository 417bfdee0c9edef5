"""The probe: a real worker that is stopped as soon as it has shown its speed."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from ddpg.config.settings import check, plain
from ddpg.errors import UserError
from ddpg.record.run_folder import RunFolder
from ddpg.sweep.forecast import probe as module
from ddpg.sweep.forecast.probe import _Row, probe, shortened

TINY = ("network.actor.hidden=[8,8]", "network.critic.hidden=[8,8]", "batch_size=8")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where probes make their folders."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_probe(resolved: Callable[..., dict[str, Any]], place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[dict[str, Any]] = []

    def _watched(folder: RunFolder, *rest: Any) -> list[Any]:
        rows = watched(folder, *rest)
        logged.extend(json.loads(line) for line in folder.metrics.read_text().splitlines())
        return rows

    watched = module._watched
    monkeypatch.setattr(module, "_watched", _watched)
    speed = probe(resolved(*TINY, "random_steps=5000", "learning_starts=10000"), seconds=0.5)
    assert any("losses/qf1_loss" in row for row in logged)  # though the run itself would not learn for a long time
    assert speed.acting > 0
    assert speed.learning > 0
    assert 0 < speed.share <= 1
    assert speed.startup_s > 0
    assert 0.05 < speed.peak_gb < 4
    assert list(place.iterdir()) == []


def test_speeds(resolved: Callable[..., dict[str, Any]], place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On half a core: 200 steps a second acting, 20 learning, of which the first 100 are not counted."""
    began = time.monotonic()
    rows = [_Row(50 * n, 0.25 * n, began + 3 + 0.25 * n, 0.125 * n) for n in range(1, 21)]
    rows += [_Row(1000 + 50 * n, 5 + 2.5 * n + 1, began + 9 + 2.5 * n, 4 + 1.25 * n) for n in range(1, 11)]
    monkeypatch.setattr(module, "_watched", lambda *_: rows)
    monkeypatch.setattr(module, "visible_gpus", list)
    monkeypatch.setattr("time.monotonic", lambda: began)
    alone, threads = probe(resolved(*TINY), seconds=1), probe(resolved(*TINY, "threads=2"), seconds=1)
    assert (alone.acting, alone.learning) == pytest.approx((400, 40))
    assert (alone.share, alone.startup_s) == pytest.approx((0.5, 1.5))
    assert (threads.acting, threads.learning) == pytest.approx((200, 20))
    assert (threads.share, threads.startup_s) == pytest.approx((1, 3))


def test_probe_of_what_fails(resolved: Callable[..., dict[str, Any]], place: Path) -> None:
    with pytest.raises(UserError, match=r"probe .*env\.id=Pendulum-v1.*nonsense.*probe=0"):
        probe(resolved("+env.kwargs.nonsense=1"), seconds=0.5)
    assert list(place.iterdir()) == []


def test_probe_that_shows_nothing(
    resolved: Callable[..., dict[str, Any]], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GIVE_UP_S", 0.0)
    with pytest.raises(UserError, match=r"1100 steps in 0 s.*probe=0"):
        probe(resolved(*TINY), seconds=0.0)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("changes", [(), ("update_every=episode",), ("logger.tensorboard.enabled=true",)])
def test_a_shortened_run_is_a_run(resolved: Callable[..., dict[str, Any]], changes: tuple[str, ...]) -> None:
    before = resolved(*changes)
    short = shortened(before)
    assert plain(check(OmegaConf.create(short))) == short
    assert short["logger"]["wandb"]["mode"] == "disabled"
    assert not short["logger"]["tensorboard"]["enabled"]
    assert short["update_every"] == 1
    for kept in ("algorithm", "network", "optimizer", "noise", "batch_size", "updates_per_step", "env"):
        assert short[kept] == before[kept]


def test_no_wait_for_a_whole_episode_of_pictures(resolved: Callable[..., dict[str, Any]]) -> None:
    short = shortened(resolved("env=dmc_cartpole_swingup_pixels", "preset=paper_pixels"))
    assert short["env"]["max_episode_steps"] == 60
    assert short["logger"]["every"] < 10
