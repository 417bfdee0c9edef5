"""The beginnings of the five commands: what has to come before everything else is imported."""

import importlib
import signal
import sys

from ddpg import __version__
from ddpg.interrupt import ending_at_once
from ddpg.streams import lost_output, outlast_readers


def train() -> None:
    """Run `ddpg-train`."""
    _run("ddpg-train", "ddpg.commands.train", "main")


def evaluate() -> None:
    """Run `ddpg-eval`."""
    _run("ddpg-eval", "ddpg.commands.evaluate", "main")
    _require_output("ddpg-eval")


def export() -> None:
    """Run `ddpg-export`."""
    _run("ddpg-export", "ddpg.commands.export", "main")
    _require_output("ddpg-export")


def report() -> None:
    """Run `ddpg-report`."""
    _run("ddpg-report", "ddpg.commands.report", "main")
    _require_output("ddpg-report")


def sweep() -> None:
    """Run `ddpg-sweep`."""
    _run("ddpg-sweep", "ddpg.commands.sweep", "sweep")
    _require_output("ddpg-sweep")


def _run(command: str, module: str, function: str) -> None:
    """Import and call the function of a command, or print its version.

    Ctrl-C raises KeyboardInterrupt while the function runs, and ends the process before and after.
    """
    outlast_readers()
    if "--version" in sys.argv[1:]:
        print(f"{command} {__version__}")
        return
    with ending_at_once():
        main = getattr(importlib.import_module(module), function)
    try:
        main()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _require_output(command: str) -> None:
    """Exit with a line if what was printed is all that the command is for, and a part of it was lost."""
    reason = lost_output()
    if reason is not None:
        sys.exit(f"{command}: standard output cannot be written: {reason}")
