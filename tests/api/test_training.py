"""`ddpg.train`: in this process, without a trace in it."""

import asyncio
import os
import random
import shutil
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.command_line import user_error
from support.composing import composed
from support.python_training import WORDS, at_step
from support.slurm_sweep import fingerprint

import ddpg
from ddpg.report.reading import find_runs
from ddpg.report.repeat import repeat
from ddpg.run import lifecycle

pytestmark = pytest.mark.usefixtures("without_pictures")
SHOW = lifecycle._show


def state_of_the_process() -> dict[str, Any]:
    """Return what a training must leave as it is.

    Each thread has a number of torch's threads of its own, and takes that of the process when it is new. Small
    floats are the caller's alone: training flushes them, in a thread of its own.
    """
    with ThreadPoolExecutor(1) as new:
        threads_of_the_process = new.submit(torch.get_num_threads).result()
    return {
        "directory": Path.cwd(),
        "handlers": [signal.getsignal(number) for number in signal.valid_signals()],
        "threads": (torch.get_num_threads(), threads_of_the_process),
        "python": random.getstate(),
        "numpy": np.random.get_state()[1].tolist(),  # type: ignore[index,union-attr]
        "torch": torch.get_rng_state().tolist(),
        "small float": float(torch.tensor(1e-310, dtype=torch.float64) * 1),
        "running": sorted(thread.name for thread in threading.enumerate()),
        "environment": dict(os.environ),
    }


def test_nothing_is_printed_or_changed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the warning that a key is given twice, or what drawing prints."""
    monkeypatch.setattr(lifecycle, "_show", SHOW)
    torch.set_num_threads(2)
    try:
        before = state_of_the_process()
        found = ddpg.train([*WORDS, "total_steps=100"], out=tmp_path / "run")
        assert state_of_the_process() == before
        assert before["small float"] > 0  # else it could not change
    finally:
        torch.set_num_threads(1)
    assert found.status["state"] == "done"
    assert capfd.readouterr() == ("", "")


def test_the_command_gives_the_same_numbers(run: ddpg.Run, tmp_path: Path) -> None:
    """And the same call finds the run finished."""
    assert ddpg.train(WORDS, out=run.path) == run
    assert len(run.starts) == 1
    lifecycle.run(composed(*WORDS), tmp_path / "run")
    assert fingerprint(run.path) == fingerprint(tmp_path / "run")
    assert run.starts[0]["overrides"] == WORDS


def test_one_training_at_a_time(run: ddpg.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread is refused with the folder, and leaves none of its own."""
    refused = []

    def try_another() -> None:
        for call in (lambda: ddpg.train(WORDS, out=tmp_path / "other"), run.evaluate):
            with ThreadPoolExecutor(1) as another, user_error(f"{tmp_path / 'run'} is being trained in this process"):
                another.submit(call).result()
            refused.append(call)

    with at_step(monkeypatch, 30, try_another):
        ddpg.train(WORDS, out=tmp_path / "run")
    assert len(refused) == 2
    assert not (tmp_path / "other").exists()
    assert fingerprint(tmp_path / "run") == fingerprint(run.path)


def test_in_a_thread_and_where_an_event_loop_runs(run: ddpg.Run, tmp_path: Path) -> None:
    async def cell() -> ddpg.Run:
        return ddpg.train(WORDS, out=tmp_path / "loop")

    with ThreadPoolExecutor(1) as another, torch.no_grad():
        assert fingerprint(asyncio.run(cell()).path) == fingerprint(run.path)
        trained = another.submit(ddpg.train, WORDS, out=tmp_path / "thread").result()
    assert fingerprint(trained.path) == fingerprint(run.path)


def test_folder_is_that_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = (ddpg.train([*WORDS, "total_steps=1", "eval.every=null"]) for _ in range(2))
    assert first.path.parent == tmp_path / "outputs"
    assert first.path.name.endswith("seed1")
    assert first != second


def test_composed_config_is_trained_as_it_is(tmp_path: Path) -> None:
    config = ddpg.compose([*WORDS, "total_steps=60", "eval.every=null"])
    config.gamma = 0.5
    trained = ddpg.train(config, out=tmp_path / "run")
    assert trained.config.gamma == 0.5
    assert trained.config == config
    with user_error("out is missing"):
        ddpg.train(config)


def test_failed_run_raises_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("the solver diverged")

    with at_step(monkeypatch, 500, fail), user_error("the simulator failed in step: RuntimeError: the solver diverged"):
        ddpg.train(WORDS, out=tmp_path / "run")
    assert ddpg.load_run(tmp_path / "run").status["state"] == "failed"
    assert any("what was learned is kept" in line for line in ddpg.load_run(tmp_path / "run").warnings)


def test_warnings_are_with_the_run(tmp_path: Path) -> None:
    """A warning that ddpg-train prints, as that a run is too short to learn, is not lost."""
    short = ddpg.train([*WORDS, "total_steps=30", "eval.every=null"], out=tmp_path / "run")
    assert short.warnings[0].startswith("nothing will be learned")
    (short.path / "train.log").write_text("[t][ddpg][WARNING] - one\n")
    assert repr(short).endswith(", 1 warning>")


def test_a_run_that_was_killed_at_its_first_file(tmp_path: Path) -> None:
    for name in ("train.log", "metrics.jsonl"):
        (tmp_path / name).touch()
    short = ddpg.train([*WORDS, "total_steps=30", "eval.every=null"], out=tmp_path)
    assert short.status["state"] == "done"


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ({"out": 3}, "out=3 must be the folder"),
        ({"out": ""}, "out='' must be the folder"),
        ({"out": "/proc/no/run"}, "/proc/no"),
        ({"out": Path()}, "out=. is no run, but has sweep/below: a run needs a folder for itself"),
        ({"overrides": [*WORDS, "hydra.run.dir=."], "out": None}, "hydra.run.dir=. is no run, but has sweep/below"),
        ({"overrides": ["gama=1"]}, "gama=1 ... gamma?"),
        ({"overrides": [*WORDS, "seed=2"]}, "holds a run with seed=1, not 2"),
        ({"overrides": ["resume={run}"]}, "cannot be given with resume"),
        ({"overrides": ["hydra.run.dir=x"]}, "cannot be given with hydra.run.dir=x"),
        ({"overrides": ["env=gym", "env.id=Hoper-v4"], "out": "new"}, "env.id=Hoper-v4: no such environment"),
    ],
)
def test_mistake_is_one_line(
    values: dict[str, Any], parts: str, run: ddpg.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run.path, "sweep/below")
    words = [word.replace("{run}", str(run.path)) for word in values.get("overrides", WORDS)]
    with user_error(parts):
        ddpg.train(words, **{"out": run.path, **{k: v for k, v in values.items() if k == "out"}})


def test_the_folder_of_own_config_groups_is_on_record(tmp_path: Path) -> None:
    """So that a report can say what trains the run again."""
    conf = tmp_path / "conf"
    (conf / "noise").mkdir(parents=True)
    (conf / "noise" / "mine.yaml").write_text("defaults: [gaussian]\nsigma: 0.7\n")
    ddpg.train([*WORDS, "total_steps=60", "noise=mine"], out=tmp_path / "run", config_dir=conf)
    [record] = find_runs([tmp_path / "run"])
    assert repeat(record).command.startswith(f"ddpg-train --config-dir {conf} ")
    assert repeat(record).command.endswith(" noise=mine")


def test_a_word_without_effect_is_among_the_warnings(tmp_path: Path) -> None:
    run = ddpg.train([*WORDS, "total_steps=60", "algorithm.target_reduce=mean"], out=tmp_path / "run")
    assert any("algorithm.target_reduce=mean has no effect" in line for line in run.warnings)


def test_progress_is_shown_if_it_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ddpg.train([*WORDS, "total_steps=60", "logger.progress=lines"], out=tmp_path / "run", progress=True)
    assert "step 60: evaluation return" in capsys.readouterr().out
