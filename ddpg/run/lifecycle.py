"""The life of a run folder: start, continue or return the result; status, record and pictures."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from ddpg.config.keys import flat
from ddpg.config.names import Names, typed
from ddpg.config.settings import check, group, plain
from ddpg.errors import UserError, typed_line
from ddpg.interrupt import Interrupted, InterruptFlag
from ddpg.record.config_file import require_same_config
from ddpg.record.pictures import optional_pictures
from ddpg.record.resumes import require_resumable
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import Tracker
from ddpg.record.tracking.open_tracker import open_tracker
from ddpg.run.artifacts import write_policies
from ddpg.run.build import build_logger, build_trainer
from ddpg.run.checks import check_learning
from ddpg.run.fork import fork_once
from ddpg.run.kernels import accelerate, record_by_torch
from ddpg.run.machine import mention_unused_gpu, torch_device
from ddpg.run.playing import open_playable, play_seeds, record
from ddpg.run.policies import require_video
from ddpg.run.start import record_start

log = logging.getLogger(__name__)


def run(
    cfg: DictConfig,
    path: Path,
    overrides: Sequence[str] = (),
    interrupt: InterruptFlag | None = None,
    shown: bool = True,
    config_dir: str | None = None,
) -> float | None:
    """Train in a folder: start, fork another run, or continue from its checkpoint; if it is done, return its result.

    Args:
        cfg: as it was composed.
        path: the folder.
        overrides: the words of the command line, for the record.
        interrupt: what stops the training between two steps; None: the signals that this process gets.
        shown: whether progress is shown as `logger.progress` says.
        config_dir: the folder of the user's own config groups, for the record.

    Returns the mean return of the last evaluation, or None without evaluations. Raises UserError or Interrupted; what
    was learned is saved by then.
    """
    cfg = check(cfg)
    folder = RunFolder(path)
    words = {"overrides": list(overrides)} | ({} if config_dir is None else {"config_dir": config_dir})
    with folder.lock():
        require_same_config(plain(cfg), folder)
        if cfg.get("fork") is not None:
            cfg = OmegaConf.create(fork_once(plain(cfg), folder, words))
        if _is_finished(cfg, folder):
            _drop_replay_unless_kept(cfg, folder)  # a kill may have come before all of it was removed
            return folder.status().get("last_return")
        flag = interrupt or InterruptFlag()
        with tracking(cfg, folder, overrides, shown) as tracker, recorded_end(folder), flag:
            return _train(cfg, folder, tracker, flag, words)


def _is_finished(cfg: DictConfig, folder: RunFolder) -> bool:
    """Tell whether a run is done, with nothing left to train; raise UserError if it cannot go on to its end."""
    require_resumable(folder, cfg.total_steps)
    status = folder.status()
    if status.get("state") != "done" or status.get("env_step", 0) < cfg.total_steps:
        return False
    log.info("%s is done: %s after %d steps", folder.path, result_text(status), status["env_step"])
    log.info("look further: ddpg-eval %s episodes=20 video=true", folder.path)
    return True


def result_text(status: Mapping[str, Any]) -> str:
    """Say what the evaluations of a run came to."""
    last = status.get("last_return")
    return "no evaluations" if last is None else f"return {last:.1f}, best {status['best_return']:.1f}"


def _train(
    cfg: DictConfig, folder: RunFolder, tracker: Tracker, interrupt: InterruptFlag, words: Mapping[str, Any]
) -> float | None:
    """Build the run, train it to its end, and make its pictures."""
    torch.set_num_threads(cfg.threads)
    torch.set_flush_denormal(True)
    mention_unused_gpu(cfg.device)
    if cfg.eval.video:
        require_video(cfg)
    trainer = build_trainer(cfg, folder, tracker, interrupt)
    report = partial(record_by_torch, folder)
    with closing(trainer.environments):
        check_learning(cfg, trainer)
        kernels = accelerate(cfg, trainer.agent, trainer.replay, torch_device(cfg.device), report)
        record_start(cfg, folder, trainer.environments, kernels, words)
        interrupt.check()
        folder.last_video.unlink(missing_ok=True)  # it shows the policy before this training
        result = trainer.train()
    results = {
        "env_step": trainer.progress.env_step,
        "last_return": result,
        "best_return": trainer.progress.best_return,
    }
    del trainer  # and with it the replay buffer, before pictures take some memory
    _show(cfg, folder, tracker, interrupt, results)
    _finish(cfg, folder, results)  # after the pictures, so that a run that is done has them
    return result


def _finish(cfg: DictConfig, folder: RunFolder, results: Mapping[str, float | None]) -> None:
    """Write down that the run is done."""
    folder.write_status(**folder.status() | {"state": "done"} | dict(results))
    _drop_replay_unless_kept(cfg, folder)


def _drop_replay_unless_kept(cfg: DictConfig, folder: RunFolder) -> None:
    if not cfg.checkpoint.keep_replay:
        folder.drop_replay()


def _show(
    cfg: DictConfig, folder: RunFolder, tracker: Tracker, interrupt: InterruptFlag, results: Mapping[str, float | None]
) -> None:
    """Make the pictures of the finished run, and say where everything is."""
    with optional_pictures("learning_curve.png"):
        # imported here, because matplotlib takes 0.4 s and 30 MB, which training does not need
        from ddpg.record.learning_curve import learning_curve

        learning_curve(folder.path, f"{cfg.env.name}, seed {cfg.seed}", folder.learning_curve)
        tracker.save(folder.learning_curve, "image")
        log.info("learning curve: %s", folder.learning_curve)
    tracker.save_policies(partial(write_policies, folder))
    if cfg.eval.video:
        with optional_pictures("video"):
            (first,) = play_seeds(1, cfg.seed)
            record(open_playable(folder.path), first, folder.last_video, interrupt.check)
            tracker.save(folder.last_video, "video")
    log.info("done: %s", result_text(results))
    log.info("look further: ddpg-eval %s episodes=20 video=true", folder.path)


@contextmanager
def recorded_end(folder: RunFolder) -> Iterator[None]:
    """Say `running` in status.json within the block, and after an exception how the run ended."""
    before = {"env_step": 0, **folder.status()}  # a finished run that is trained further keeps its results so far
    for of_an_end in ("error", "by_machine"):
        before.pop(of_an_end, None)
    folder.write_status(**before | {"state": "running"})
    try:
        yield
    except BaseException as error:
        if isinstance(error, Exception) and not folder.path.is_dir():
            raise UserError(
                f"run folder {folder.path} is gone: it was moved or removed while it trained; where it was moved, "
                "ddpg-train resume=FOLDER goes on from its last checkpoint"
            ) from error
        _record_end(folder, error)
        raise


def _record_end(folder: RunFolder, error: BaseException) -> None:
    """Write down an exception as the end of a run, and say whether something is kept.

    What fails here is logged and not raised, because it must not hide that exception.
    """
    state = "interrupted" if isinstance(error, Interrupted | KeyboardInterrupt) else "failed"
    reason = str(error) if isinstance(error, UserError) else typed_line(error)
    status: dict[str, Any] = {}
    try:
        status = folder.status()
        if status.get("state") == "done":  # only the pictures failed
            return
        folder.write_status(**status | {"state": state, "error": reason})
    except OSError as another:  # most likely a full disk, which may be what ends the run
        log.warning("status.json could not be written: %s", another)
    if status.get("env_step", 0) > 0 and folder.checkpoints.exists():
        log.warning("%s (%s); what was learned is kept: ddpg-train resume=%s goes on", state, error, folder.path)


@contextmanager
def tracking(cfg: DictConfig, folder: RunFolder, overrides: Sequence[str], shown: bool) -> Iterator[Tracker]:
    """Open the run's tracker for the block, and end it with the exit code of the program."""
    values = plain(cfg)
    names = _names(cfg, folder, overrides)
    settings = build_logger(cfg)
    tracker = open_tracker(
        settings if shown else replace(settings, progress="none"),
        run_dir=folder.path,
        total_steps=cfg.total_steps,
        run_config=values,
        group=names.group(group(values)),
        name=names.run(),
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


def _names(cfg: DictConfig, folder: RunFolder, overrides: Sequence[str]) -> Names:
    """Name a run by the overrides of its first start, so that it keeps the names that it began with."""
    starts = folder.starts()
    first = starts[0].get("overrides", overrides) if starts else overrides
    is_fork = cfg.get("fork") is not None
    return Names(cfg.env.name, cfg.seed, cfg.get("choices") or {}, typed(first), flat(plain(cfg)), is_fork)
