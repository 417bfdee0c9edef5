"""The life of a run folder: start, go on or return the result; status, record and pictures."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from ddpg.build import build_logger, build_trainer
from ddpg.config import MAY_CHANGE, check, flat, group
from ddpg.errors import UserError
from ddpg.interrupt import Interrupted
from ddpg.machine import torch_device
from ddpg.play import play
from ddpg.plot import learning_curve
from ddpg.provenance import provenance
from ddpg.run_folder import RunFolder, atomic_write
from ddpg.signature import shown
from ddpg.tracking import Tracker, open_tracker

log = logging.getLogger(__name__)


def run(cfg: DictConfig, path: Path, overrides: Sequence[str]) -> float:
    """Trains in the folder `path`: starts, goes on from the checkpoint there, or returns the result if it is done.

    Returns the last mean evaluation return. Raises UserError or Interrupted; what was learned is saved by then.
    """
    cfg = check(cfg)
    folder = RunFolder(path)
    with folder.lock():
        require_same_config(cfg, folder)
        status = folder.status()
        if status.get("state") == "done" and status["env_step"] >= cfg.total_steps:
            log.info("%s is done: return %.1f after %d steps", path, status["last_return"], status["env_step"])
            log.info("look further: ddpg-eval %s episodes=20 video=true", path)
            return float(status["last_return"])
        with tracking(cfg, folder, overrides) as tracker, kept_status(folder):
            return _train(cfg, folder, tracker)


def _train(cfg: DictConfig, folder: RunFolder, tracker: Tracker) -> float:
    torch.set_num_threads(cfg.threads)
    torch.set_flush_denormal(True)
    trainer = build_trainer(cfg, folder, tracker)
    with atomic_write(folder.config) as file:
        file.write(OmegaConf.to_yaml(cfg, resolve=True).encode())
    folder.add_start(provenance(cfg.seed) | {"device": str(torch_device(cfg.device)), "threads": cfg.threads})
    result = trainer.train()
    folder.write_status(state="done", env_step=trainer.env_step, last_return=result, best_return=trainer.best_return)
    _show(cfg, folder, tracker)
    return result


def _show(cfg: DictConfig, folder: RunFolder, tracker: Tracker) -> None:
    """Pictures of the finished run, and where everything is."""
    status = folder.status()
    tracker.save(learning_curve(folder.path, f"{cfg.env.name}, seed {cfg.seed}"), "image")
    tracker.save(folder.actor, "model")
    if cfg.eval.video:
        play(folder, "last", episodes=1, seed=cfg.seed, video=True)
        tracker.save(folder.videos / "last.mp4", "video")
    log.info("done: return %.1f, best %.1f", status["last_return"], status["best_return"])
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
        if folder.status()["state"] == "done":  # only its pictures failed
            raise
        state = "interrupted" if isinstance(error, Interrupted | KeyboardInterrupt) else "failed"
        try:
            folder.write_status(**folder.status() | {"state": state, "error": f"{type(error).__name__}: {error}"})
        except OSError as another:  # a full disk, most likely the very error that ends the run
            log.warning("status.json could not be written: %s", another)
        if folder.checkpoints.exists():
            log.warning("%s (%s); what was learned is kept: ddpg-train resume=%s goes on", state, error, folder.path)
        raise


@contextmanager
def tracking(cfg: DictConfig, folder: RunFolder, overrides: Sequence[str]) -> Iterator[Tracker]:
    """The run's tracker, ended with the right exit code."""
    values: Any = OmegaConf.to_container(cfg, resolve=True)
    said = [o for o in overrides if not o.startswith(("seed=", "resume="))]
    tracker = open_tracker(
        build_logger(cfg), run_dir=folder.path, total_steps=cfg.total_steps, run_config=values,
        group=f"{cfg.env.name}-{group(values)}", name=" ".join([*said, f"seed={cfg.seed}"]),
    )  # fmt: skip
    exit_code = 1
    try:
        yield tracker
        exit_code = 0
    except Interrupted as error:
        exit_code = error.exit_code
        raise
    finally:
        tracker.finish(exit_code, folder.status())


def require_same_config(cfg: DictConfig, folder: RunFolder) -> None:
    """UserError if the folder holds a run of another config; what MAY_CHANGE lists may differ."""
    if not folder.config.exists():
        return
    new, old = (flat(OmegaConf.to_container(c, resolve=True)) for c in (cfg, OmegaConf.load(folder.config)))
    for key in sorted({*new, *old}):
        before, now = old.get(key), new.get(key)
        if key.split(".")[0] not in MAY_CHANGE and before != now and not isinstance(before or now, dict):
            if cfg.resume is not None:
                raise UserError(
                    f"{key}={shown(now)} cannot be given with resume={cfg.resume}: that run has {key}={shown(before)}; "
                    f"what may change: {', '.join(MAY_CHANGE[:-1])}"
                )
            raise UserError(
                f"{folder.path} holds a run with {key}={shown(before)}, not {shown(now)}: "
                f"choose another hydra.run.dir, or continue that run with resume={folder.path}"
            )
