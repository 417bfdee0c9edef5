"""Training in this process: quietly, interruptible, and without a trace in the process."""

import signal
from pathlib import Path

from ddpg.apart import apart
from ddpg.api.compose import Composed, user_errors
from ddpg.api.process import alone, logged_to
from ddpg.composition.idle_keys import warn_of_idle
from ddpg.config.settings import plain
from ddpg.interrupt import InterruptFlag
from ddpg.record.claims import new_folder
from ddpg.record.run_folder import RunFolder, require_own_folder
from ddpg.run.lifecycle import run


def train_here(job: Composed, progress: bool, named: str | None = None) -> Path:
    """Start a run, go on with it, or leave it alone if it is done; return its folder.

    Args:
        job: the run.
        progress: whether the progress is shown.
        named: how the caller named the folder; None if by an override.

    Raises:
        UserError: another process or thread trains there, the folder has other runs, or the run fails.
        KeyboardInterrupt: Ctrl-C; the newest snapshot is saved by then.
    """
    flag = InterruptFlag(signals=())
    path = job.folder
    if not job.new:
        require_own_folder(path, named or f"hydra.run.dir={path}")

    def work() -> Path:
        nonlocal path
        with alone(f"{job.folder} is being trained"):
            path = new_folder(job.folder) if job.new else job.folder
            path.mkdir(parents=True, exist_ok=True)
            with logged_to(path / "train.log"):
                warn_of_idle(job.words, plain(job.config))
                run(job.config, path, job.words, interrupt=flag, shown=progress, config_dir=job.config_dir)
            return path

    try:
        with user_errors():
            return apart(work, lambda: flag.stop(signal.SIGINT))
    except KeyboardInterrupt as pressed:
        if pressed.__cause__ is None and RunFolder(path).status().get("state") == "interrupted":
            raise KeyboardInterrupt(f"{path} is interrupted, and goes on when it is trained or resumed again") from None
        raise
