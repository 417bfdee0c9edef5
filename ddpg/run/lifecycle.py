"""The life of a run folder: start, go on or return the result; status, record and pictures."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gymnasium as gym
import torch
from omegaconf import DictConfig

from ddpg.config.settings import check, flat, group, plain, to_yaml
from ddpg.errors import UserError
from ddpg.interrupt import Interrupted
from ddpg.record.config_file import require_same_config
from ddpg.record.exactness import resume_exactness
from ddpg.record.provenance import provenance
from ddpg.record.run_folder import RunFolder, atomic_write
from ddpg.record.tracking import Tracker
from ddpg.record.tracking.open_tracker import open_tracker
from ddpg.run.build import build_logger, build_trainer
from ddpg.run.machine import torch_device
from ddpg.run.policies import play

log = logging.getLogger(__name__)


def run(cfg: DictConfig, path: Path, overrides: Sequence[str] = ()) -> float:
    """Trains in the folder `path`: starts, goes on from the checkpoint there, or returns the result if it is done.

    Returns the last mean evaluation return. Raises UserError or Interrupted; what was learned is saved by then.
    """
    cfg = check(cfg)
    folder = RunFolder(path)
    with folder.lock():
        require_same_config(plain(cfg), folder)
        status = folder.status()
        if status.get("state") == "done" and status["env_step"] >= cfg.total_steps:
            log.info("%s is done: return %.1f after %d steps", path, status["last_return"], status["env_step"])
            log.info("look further: ddpg-eval %s episodes=20 video=true", path)
            return float(status["last_return"])
        if status.get("state") == "done" and not folder.has_replay():
            raise UserError(
                f"total_steps={cfg.total_steps}: {path} was finished at {status['env_step']}, its replay memory is gone"
                " (checkpoint.keep_replay=false), so it cannot be trained further"
            )
        with tracking(cfg, folder, overrides) as tracker, kept_status(folder):
            return _train(cfg, folder, tracker, overrides)


def _train(cfg: DictConfig, folder: RunFolder, tracker: Tracker, overrides: Sequence[str]) -> float:
    torch.set_num_threads(cfg.threads)
    torch.set_flush_denormal(True)
    trainer, kernels = build_trainer(cfg, folder, tracker)
    with atomic_write(folder.config) as file:
        file.write(to_yaml(plain(cfg)).encode())
    device = torch_device(cfg.device)
    here = {"threads": cfg.threads, "device": str(device), "kernels": kernels}
    folder.add_start(provenance(cfg.seed) | {"overrides": list(overrides)} | here)
    so_far = kernels_so_far(folder, kernels)
    exactness = exactness_of(cfg, trainer.environments.training, device, so_far)
    folder.write_status(**folder.status() | {"kernels": so_far, "resume": exactness})
    result = trainer.train()
    results = {
        "env_step": trainer.progress.env_step,
        "last_return": result,
        "best_return": trainer.progress.best_return,
    }
    del trainer  # and with it the replay memory, before pictures take some
    try:
        _show(cfg, folder, tracker, results)
    except Exception:  # it is done all the same, and another start would fail here again
        _finish(cfg, folder, results)
        raise
    _finish(cfg, folder, results)  # what is done has its pictures, whatever killed an earlier start
    return result


def kernels_so_far(folder: RunFolder, kernels: str) -> list[str]:
    """List the kernels that computed what the run goes on from, and those that compute from now on."""
    if not folder.checkpoints.exists():
        return [kernels]
    starts = [start["kernels"] for start in folder.starts() if "kernels" in start]
    known = folder.status().get("kernels", starts)  # status.json may be lost
    return sorted({*known, kernels})


def exactness_of(cfg: DictConfig, env: gym.Env[Any, Any], device: torch.device, kernels: Sequence[str]) -> str:
    """Say whether this run can be resumed exactly."""
    targets = [str(value) for key, value in flat(plain(cfg)).items() if key.endswith("_target_")]
    return resume_exactness(device.type, type(env.unwrapped).__module__, cfg.env.resets_fully, targets, kernels)


def _finish(cfg: DictConfig, folder: RunFolder, results: dict[str, float]) -> None:
    folder.write_status(**folder.status() | {"state": "done"} | results)
    if not cfg.checkpoint.keep_replay:
        folder.drop_replay()


def _show(cfg: DictConfig, folder: RunFolder, tracker: Tracker, results: Mapping[str, float]) -> None:
    """Pictures of the finished run, and where everything is."""
    from ddpg.record.learning_curve import (
        learning_curve,
    )  # matplotlib takes 0.4 s and 30 MB, which training goes without

    tracker.save(learning_curve(folder.path, f"{cfg.env.name}, seed {cfg.seed}"), "image")
    tracker.save(folder.actor, "model")
    if cfg.eval.video:
        play(folder, "last", episodes=1, seed=cfg.seed, video=True)
        tracker.save(folder.videos / "last.mp4", "video")
    log.info("done: return %.1f, best %.1f", results["last_return"], results["best_return"])
    log.info("learning curve: %s", folder.path / "learning_curve.png")
    log.info("look further: ddpg-eval %s episodes=20 video=true", folder.path)


@contextmanager
def kept_status(folder: RunFolder) -> Iterator[None]:
    """status.json says how the run ended, whatever its end."""
    before = {"env_step": 0, **folder.status()}  # a finished run that is trained further keeps its results so far
    before.pop("error", None)
    folder.write_status(**before | {"state": "running"})
    try:
        yield
    except BaseException as error:
        if folder.status().get("state") == "done":  # only its pictures failed
            raise
        state = "interrupted" if isinstance(error, Interrupted | KeyboardInterrupt) else "failed"
        reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        try:
            folder.write_status(**folder.status() | {"state": state, "error": reason})
        except OSError as another:  # a full disk, most likely the very error that ends the run
            log.warning("status.json could not be written: %s", another)
        if folder.checkpoints.exists():
            log.warning("%s (%s); what was learned is kept: ddpg-train resume=%s goes on", state, error, folder.path)
        raise


@contextmanager
def tracking(cfg: DictConfig, folder: RunFolder, overrides: Sequence[str]) -> Iterator[Tracker]:
    """The run's tracker, ended with the right exit code."""
    values = plain(cfg)
    starts = folder.starts()  # a run keeps the name that it began with
    told = starts[0].get("overrides", overrides) if starts else overrides
    said = [o for o in told if not o.startswith(("seed=", "logger"))]
    tracker = open_tracker(
        build_logger(cfg),
        run_dir=folder.path,
        total_steps=cfg.total_steps,
        run_config=values,
        group=f"{cfg.env.name}-{group(values)}",
        name=" ".join([*said, f"seed={cfg.seed}"]),
    )
    exit_code = 1
    try:
        yield tracker
        exit_code = 0
    except Interrupted as error:
        exit_code = error.exit_code
        raise
    finally:
        tracker.finish(exit_code, folder.status())
