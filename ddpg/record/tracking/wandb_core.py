"""wandb-core, the process that wandb starts beside ours: how it is started and ended."""

import logging
import os
import signal
import sys
from collections.abc import Callable
from threading import Thread
from typing import Any

from ddpg.errors import UserError, first_line

log = logging.getLogger(__name__)

CONNECT_S = 20  # seconds in which the server has to answer a question
END_S = 2.0  # seconds that wandb-core has to end, once nothing is left for it to send or it is given up


def end_wandb_core() -> None:
    """End wandb-core, or forget it if that takes longer than `END_S`.

    Otherwise wandb's exit hook waits for it without end (it may miss the request to end, if another request has just
    been given up), or ends the process with a traceback.
    """
    wandb = sys.modules.get("wandb")
    if wandb is None:  # it was never started
        return
    try:
        within(END_S, lambda: wandb.teardown(exit_code=1))  # a run that is still open has failed
    except Exception as error:  # it is gone already (SIGTERM goes to every process of a job), or it still sends
        log.debug("wandb-core could not be ended: %r", error)


def within(seconds: float, call: Callable[[], object]) -> None:
    """Call a function in a thread. Raises what it raises, or TimeoutError if it takes longer; then it is left alone."""
    failed: list[Exception] = []

    def _call() -> None:
        try:
            call()
        except Exception as error:
            failed.append(error)

    thread = Thread(target=_call, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"it takes more than {seconds:.0f} s")
    if failed:
        raise failed[0]


def stop_training() -> None:
    """Stop the run as SIGTERM does, because the server wants it to end; W&B calls this in a thread.

    W&B itself would send SIGINT, which after the SIGTERM of a sweep's agent would count as a user who does not wait for
    the save.
    """
    if callable(signal.getsignal(signal.SIGTERM)):  # else nothing is trained any more, only sent
        os.kill(os.getpid(), signal.SIGTERM)


def log_in() -> None:
    """Find the API key without asking for one at a terminal; wandb's UsageError if there is none."""
    import wandb

    start_quietly()
    is_open = wandb.run is not None  # `init` ends a run that is left over, but `login` refuses while there is one
    if not is_open and not wandb.login(prompt=False, verify=False):
        raise wandb.errors.UsageError("no API key; run `wandb login` or set WANDB_API_KEY")


def connected() -> Any:
    """Return a wandb.Api; UserError without a key, or if the server does not answer within `CONNECT_S`."""
    import wandb

    try:
        log_in()
        return wandb.Api(timeout=CONNECT_S)
    except wandb.Error as error:
        raise UserError(f"W&B cannot be reached: {first_line(error)}") from error


def no_run_is_open() -> bool:
    """Whether nothing in this process logs to W&B, so that wandb-core is not needed."""
    wandb = sys.modules.get("wandb")
    return wandb is None or wandb.run is None


def start_quietly() -> None:
    """Start wandb-core and silence what W&B prints outside of runs. With WANDB_MODE=offline it would find no key."""
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # W&B's report on itself holds the process up for 10 s
    import wandb

    exit_function = sys.exit
    excepthook = sys.excepthook
    try:
        wandb.setup(settings=wandb.Settings(silent=True, mode="online"))
    finally:
        # every wandb-core wraps them once more, to learn how the process ends; `end_wandb_core` comes before that
        sys.exit = exit_function
        sys.excepthook = excepthook
