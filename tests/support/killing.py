"""Runs in processes of their own that cost 30 ms to start, to be killed: `python killing.py` forks one for each job.

A job is one line of JSON, {"folder": ..., "overrides": [...], "phase": PATH}. The answers are lines as well: the
process id, and, once it has ended, its exit code (negative: the signal that ended it). What the run is doing stands in
the first byte of the file PHASE at any moment, whatever becomes of the process: an index into PHASES.
"""

import json
import mmap
import os
import random
import select
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

#: What a run is doing, outermost first.
PHASES = ("starting", "building", "loading", "training", "evaluating", "saving", "pictures", "ending")
HERE = Path(__file__).parents[1]
DEADLINE_S = 300.0


class Zygote:
    """The process that all runs are forked from: everything is imported, nothing is built."""

    def __init__(self) -> None:
        env = os.environ | {"OMP_NUM_THREADS": "1", "WANDB_MODE": "disabled", "PYTHONPATH": str(HERE)}
        command = [sys.executable, __file__]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 0}
        self._process = subprocess.Popen(command, env=env, **pipes)
        assert self._answer(DEADLINE_S) == 0  # everything is imported

    def start(self, folder: Path, overrides: Sequence[str], phase: Path) -> int:
        """Trains in `folder`; the process id."""
        assert self._process.stdin
        job = {"folder": str(folder), "overrides": list(overrides), "phase": str(phase)}
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        pid = self._answer(DEADLINE_S)
        assert pid is not None
        return pid

    def ended(self, within_s: float) -> int | None:
        """The exit code, once the process has ended; None if it runs on."""
        return self._answer(within_s)

    def _answer(self, within_s: float) -> int | None:
        assert self._process.stdout
        if not select.select([self._process.stdout], [], [], within_s)[0]:
            return None
        line = self._process.stdout.readline()
        assert line, "the zygote has ended"
        return int(line)

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(DEADLINE_S)


class Case:
    """One configuration in `folder`: trained once without disturbance, and again under fire."""

    def __init__(self, zygote: Zygote, folder: Path, overrides: Sequence[str]) -> None:
        self._zygote, self._overrides, self._phase = zygote, overrides, folder / "phase"
        self.straight, self.pieces = folder / "straight", folder / "pieces"
        self.ends: Counter[str] = Counter()
        self._attempt(self.straight)
        assert self._until_it_trains() is None, crash(self.straight)
        start = time.monotonic()
        assert self._zygote.ended(DEADLINE_S) == 0, crash(self.straight)
        self.seconds = time.monotonic() - start

    def _until_it_trains(self) -> int | None:
        """The exit code if there is nothing to train any more."""
        code = None
        while code is None and self._phase.read_bytes()[0] < PHASES.index("loading"):
            code = self._zygote.ended(0.002)
        return code

    def disturb(self, rng: random.Random, times: int, volleys: Sequence[Sequence[signal.Signals]]) -> None:
        """Starts over and over until volleys of signals at random instants have ended `times` starts, then to the end.

        A run that gets to its end in between is put aside and begun anew.
        """
        finished = 0
        while self.ends.total() < times:
            pid = self._attempt(self.pieces)
            if self._fire(pid, rng, rng.choice(volleys)) == 0:
                self.require_equal()
                finished += 1
                self.pieces.rename(self.pieces.with_name(f"finished{finished}"))
        self._attempt(self.pieces)
        assert self._zygote.ended(DEADLINE_S) == 0, crash(self.pieces)
        self.require_equal()

    def _fire(self, pid: int, rng: random.Random, volley: Sequence[signal.Signals]) -> int:
        """The exit code; where the first signal of a volley met the run is counted."""
        late = rng.random() < 0.8  # else while it starts, or soon after
        code, met = self._until_it_trains() if late else None, ""
        code = self._zygote.ended(rng.uniform(0, 0.5) * self.seconds) if code is None else code
        for signum in volley:
            if code is None:
                met = met or PHASES[self._phase.read_bytes()[0]]
                os.kill(pid, signum)
                code = self._zygote.ended(rng.uniform(0, 0.05))
        code = self._zygote.ended(DEADLINE_S) if code is None else code
        assert code in (0, *(-s for s in volley), *(128 + s for s in volley)), (code, crash(self.pieces))
        if code != 0:
            self.ends[met] += 1
        return code

    def _attempt(self, folder: Path) -> int:
        self._phase.write_bytes(bytes([0]))
        return self._zygote.start(folder, self._overrides, self._phase)

    def require_equal(self) -> None:
        require_equal(self.straight, self.pieces)


def crash(folder: Path) -> str:
    """The traceback of a run that failed."""
    path = folder.with_suffix(".crash")
    return path.read_text() if path.exists() else "no traceback"


def require_equal(straight: Path, pieces: Path) -> None:
    """Two finished runs are the same: record, results, everything that is learned or remembered, picture."""
    import numpy as np
    from support.runs import flat, record

    assert record(straight) == record(pieces), f"{pieces}: another metrics.jsonl"
    statuses = [json.loads((folder / "status.json").read_text()) for folder in (straight, pieces)]
    assert statuses[0] == statuses[1]
    assert statuses[0]["state"] == "done"
    assert json.loads((pieces / "provenance.json").read_text())[0]["command"]
    states = [flat(newest_state(folder)) for folder in (straight, pieces)]
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        assert np.array_equal(value, states[1][name], equal_nan=isinstance(value, float)), name
    for name in ("config.yaml", "learning_curve.png"):
        assert (straight / name).read_bytes() == (pieces / name).read_bytes(), name


def newest_state(folder: Path) -> dict[str, Any]:
    """What the run ends with: state, transitions, actors. Where the record ends depends on the length of timings."""
    import numpy as np
    import torch

    saved = torch.load(max((folder / "checkpoint").glob("state-*.pt")), weights_only=True)
    segments = []
    for start, stop in saved["segments"]:
        with np.load(folder / "checkpoint" / f"replay-{start:012d}-{stop:012d}.npz") as arrays:
            segments.append(dict(arrays))
    replay = {name: np.concatenate([segment[name] for segment in segments]) for name in segments[0]}
    actors = [torch.load(folder / f"{name}.pt", weights_only=True) for name in ("actor", "actor_best")]
    del saved["state"]["tracker"]["bytes"]
    newest = saved["segments"][-1][1]
    return {"state": saved["state"], "replay": replay, "newest": newest, "actors": actors}


def serve() -> None:
    """Forks a run for each line on stdin, until there are no more."""
    sys.path.append(str(HERE))
    import_everything()
    print(0, flush=True)
    for line in sys.stdin.buffer:
        job = json.loads(line)
        cfg = composed(tuple(job["overrides"]))
        pid = os.fork()
        if pid == 0:
            train(cfg, job)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def import_everything() -> None:
    import importlib

    from ddpg.envs.rendering import choose_mujoco_backend

    choose_mujoco_backend()  # which dm_control reads when it is imported
    for module in (
        "ddpg.run.lifecycle",
        "ddpg.learner.agent",
        "ddpg.fast.accelerate",
        "ddpg.record.learning_curve",
        "hydra",
        "torch._dynamo",
        "gymnasium.envs.mujoco",
        "Box2D",
        "pybullet",
        "pybullet_envs_gymnasium",
        "shimmy",
    ):
        try:
            importlib.import_module(module)
        except ImportError:
            continue  # its tests are skipped


@cache
def composed(overrides: tuple[str, ...]) -> Any:
    import hydra

    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        return hydra.compose("config", overrides=list(overrides))


def train(cfg: Any, job: dict[str, Any]) -> None:
    """In the forked process: `ddpg.run.lifecycle.run`, and then out."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    from ddpg.interrupt import Interrupted
    from ddpg.run.lifecycle import run

    folder = Path(job["folder"])
    try:
        tell_phases(Path(job["phase"]))
        run(cfg, folder, job["overrides"])
        code = 0
    except Interrupted as error:
        code = error.exit_code
    except KeyboardInterrupt:
        code = 130
    except BaseException:
        folder.with_suffix(".crash").write_text(traceback.format_exc())
        code = 1
    os._exit(code)


def tell_phases(path: Path) -> None:
    """Says in the file at any moment what the run does."""
    import ddpg.record.provenance
    import ddpg.run.lifecycle
    import ddpg.training.trainer
    from ddpg.training.snapshots import Snapshots
    from ddpg.training.trainer import Trainer

    ddpg.training.trainer.SNAPSHOT_EVERY = 20  # these runs are that much shorter than real ones
    ddpg.record.provenance._git = lambda *_: None  # a dozen processes at every start
    with path.open("r+b") as file:
        memory = mmap.mmap(file.fileno(), 1)

    @contextmanager
    def phase(name: str) -> Any:
        before, memory[0] = memory[0], PHASES.index(name)
        yield
        memory[0] = before

    def within(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with phase(name):
                return function(*args, **kwargs)

        return call

    methods = (
        (Snapshots, "resume", "loading"), (Trainer, "_run_episode", "training"),
        (Trainer, "_evaluate", "evaluating"), (Snapshots, "save", "saving"),
    )  # fmt: skip
    for owner, method, name in methods:
        setattr(owner, method, within(name, getattr(owner, method)))
    ddpg.run.lifecycle.build_trainer = within("building", ddpg.run.lifecycle.build_trainer)  # type: ignore[assignment]
    ddpg.run.lifecycle._show = within("pictures", ddpg.run.lifecycle._show)
    ddpg.run.lifecycle._finish = within("ending", ddpg.run.lifecycle._finish)


if __name__ == "__main__":
    serve()
