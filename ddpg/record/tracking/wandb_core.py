"""wandb-core, the process that wandb starts beside ours: how it is started, and how it is let go of."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

LET_GO_S = 2.0  # which wandb-core has to end, once nothing is left for it to send or it is given up


def let_go() -> None:
    """Ends wandb-core, or forgets it if that takes longer than `LET_GO_S`.

    Else wandb's exit hook waits for it without end (it may miss the word that it shall end, if a request has just
    been given up), or ends the process with a traceback of its own.
    """
    with suppress(Exception):  # it is gone already (SIGTERM goes to every process of a job), or still sends
        import wandb

        within(LET_GO_S, lambda: wandb.teardown(exit_code=1))  # what is still open has failed


def within(seconds: float, call: Callable[[], object]) -> None:
    """Calls it; TimeoutError if it takes longer, and then it is left alone. Raises what it raises."""
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


def log_in() -> None:
    """Finds the key without asking for one at a terminal; wandb's UsageError if there is none."""
    import wandb

    start_quietly()
    if not wandb.login(prompt=False, verify=False):
        raise wandb.errors.UsageError("no API key; run `wandb login` or set WANDB_API_KEY")


def start_quietly() -> None:
    """Silence what W&B prints outside of runs. With WANDB_MODE=offline it would not look for a key."""
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # its report on itself holds the process up for 10 s
    import wandb

    hooks = sys.exit, sys.excepthook
    try:
        wandb.setup(settings=wandb.Settings(silent=True, mode="online"))
    finally:
        # every wandb-core wraps them once more, to tell wandb's exit hook how the process ends; `let_go` comes first
        sys.exit, sys.excepthook = hooks
