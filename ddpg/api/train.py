"""Training from Python."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from omegaconf import DictConfig

from ddpg.api.compose import Composed, composed, user_errors
from ddpg.api.folders import new_run_folder
from ddpg.api.overrides import Overrides, as_words
from ddpg.api.run import Run
from ddpg.api.training import train_here
from ddpg.composition.overrides import without_defaults
from ddpg.config.settings import check
from ddpg.errors import UserError


def train(
    overrides: Overrides | DictConfig = (),
    out: str | os.PathLike[str] | None = None,
    config_dir: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> Run:
    """Train a run in this process: start it, go on with it, or return it if it is done.

        run = ddpg.train({"env": "pendulum", "total_steps": 10_000}, out="runs/a")

    Nothing is printed, and generators, threads and signals of the process are afterwards as they were. Warnings are in
    `Run.warnings`. Ctrl-C, or an interrupted cell, saves; the same call goes on then, and the run ends
    with the numbers that it would have had without the interruption.

    Args:
        overrides: words such as `"env=pendulum"`, a mapping such as `{"env": "pendulum", "gamma": 0.98}`, or a
            config that `ddpg.compose` has returned.
        out: the run folder; without it a new one in `outputs`, as `ddpg-train` makes it. A config needs it.
        config_dir: a folder with config groups of yours, as with `--config-dir`.
        progress: whether the progress is shown, as `logger.progress` says.

    Raises:
        UserError: a mistake in the overrides, a folder with another run, a thread that trains in this process already,
            or what ends a run: a simulator that fails, a number that is not finite, a full disk.
        KeyboardInterrupt: Ctrl-C; the newest snapshot is saved by then.
    """
    folder = new_run_folder(out)
    if isinstance(overrides, DictConfig):
        job = _of_config(overrides, folder)
    else:
        job = composed(overrides, config_dir)
        if folder is not None:
            _require_no_other_folder(str(out), as_words(overrides))
            job = replace(job, folder=folder, new=False)
    return Run(train_here(job, progress, None if out is None else f"out={out}"))


def _require_no_other_folder(out: str, words: Sequence[str]) -> None:
    """Raise UserError for overrides that name the folder of the run, too."""
    for word in without_defaults(words):
        key = word.lstrip("+").partition("=")[0]
        if key == "resume":
            raise UserError(f"out={out} cannot be given with resume: a run goes on in its own folder")
        if key == "hydra.run.dir":
            raise UserError(f"out={out} cannot be given with {word}: both name the folder of the run")


def _of_config(config: DictConfig, folder: Path | None) -> Composed:
    """Check a config that was composed before and may have been changed since."""
    if folder is None:
        raise UserError("out is missing: a config has no folder of its own; write train(config, out=FOLDER)")
    with user_errors():
        return Composed(check(config), [], folder, new=False)
