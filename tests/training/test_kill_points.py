"""A kill or a power cut before every single file operation of a run: what is found then goes on to the same end."""

import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from omegaconf import DictConfig
from support.disk_watch import Instant, Watch, digest, write_tree
from support.killing import require_equal
from support.runs import TINY, WALK

from ddpg.record.run_folder import atomic_write
from ddpg.record.tracking import Tracker
from ddpg.run.lifecycle import run

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="/proc says which folder an fsync is for")

SHORT = [*WALK, *TINY, "total_steps=130", "checkpoint.every=20", "eval.episodes=1", "buffer_size=50"]


@pytest.fixture
def start(compose: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], float]:
    """start(folder): a run of 130 steps with a checkpoint every 20; its picture and its provenance are cheap."""

    def picture(folder: Path, title: str, path: Path) -> None:
        with atomic_write(path) as file:
            file.write(title.encode())

    monkeypatch.setattr("ddpg.record.learning_curve.learning_curve", picture)
    monkeypatch.setattr("ddpg.run.start.provenance", lambda seed: {"command": "ddpg-train"})
    monkeypatch.setattr("ddpg.training.trainer.SNAPSHOT_EVERY", 20)
    cfg = compose(*SHORT)
    return lambda folder: run(cfg, folder, SHORT)


def watched(folder: Path, start: Callable[[Path], float], monkeypatch: pytest.MonkeyPatch) -> list[Instant]:
    """A run left alone in folder/straight, and every instant of it."""
    (folder / "shadow").mkdir()
    watch = Watch(folder / "straight", folder / "shadow")
    append = Tracker._append

    def watched_append(tracker: Tracker, line: bytes) -> None:
        watch.instant("append")
        append(tracker, line)

    with monkeypatch.context() as patch:
        patch.setattr(Tracker, "_append", watched_append)
        with watch.watching():
            start(folder / "straight")
    return watch.instants


@pytest.fixture
def instants(tmp_path: Path, start: Callable[[Path], float], monkeypatch: pytest.MonkeyPatch) -> list[Instant]:
    return watched(tmp_path, start, monkeypatch)


def saves(instants: Sequence[Instant]) -> list[int]:
    """Where in `instants` the run's saves begin: before each, the record is synced."""
    return [
        i - 1
        for i, instant in enumerate(instants)
        if "/checkpoint/.replay-" in instant.operation and "open" in instant.operation
    ]


def require_same_end(folder: Path, instants: Sequence[Instant], start: Callable[[Path], float]) -> None:
    """Require the end of the straight run from each thing that may be found after one of the instants."""
    rng, seen = random.Random(0), set[str]()
    for instant in instants:
        for how, tree in instant.trees(rng):
            if digest(tree) in seen:
                continue
            seen.add(digest(tree))
            write_tree(tree, folder / "found")
            try:
                start(folder / "found")
                require_equal(folder / "straight", folder / "found")
            except BaseException as error:
                raise AssertionError(f"{how}, before {instant.operation}") from error
            shutil.rmtree(folder / "found")
    assert len(seen) > 0.4 * len(instants)


@pytest.mark.parametrize("part", ["start", "middle", "end"])
def test_found_after_it_ends_the_same(
    tmp_path: Path, start: Callable[[Path], float], instants: list[Instant], part: str
) -> None:
    """From the first operation to the first checkpoint's last, a checkpoint in the middle, and from the last one on.

    A third of the instants is drawn; the slow test takes them all.
    """
    places = saves(instants)
    middle = len(places) // 2
    chosen = {
        "start": slice(0, places[1]),
        "middle": slice(places[middle], places[middle + 1]),
        "end": slice(places[-1], None),
    }[part]
    found = instants[chosen]
    drawn = sorted(random.Random(part).sample(range(len(found)), len(found) // 3))
    require_same_end(tmp_path, [found[place] for place in drawn], start)


@pytest.mark.slow
def test_found_after_any_instant_ends_the_same(
    tmp_path: Path, start: Callable[[Path], float], instants: list[Instant]
) -> None:
    require_same_end(tmp_path, instants, start)
