"""The command `ddpg-sweep`: a sweep is planned, watched, retried, cancelled, and sent to W&B.

It starts without Hydra and torch, so that the table of a sweep comes in a fraction of a second.
"""

import logging
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ddpg.commands.command_line import find_own_packages, is_value, key_values, one_line_errors, print_help
from ddpg.config.signature import fit
from ddpg.config.spelling import nearest
from ddpg.errors import UserError
from ddpg.interrupt import ending_at_once
from ddpg.ranges import NonNegative, PositiveInt
from ddpg.search.states import LOCK_PATIENCE_S, TRIAL_STATES, TrialState
from ddpg.sweep.control import cancel, retry
from ddpg.sweep.state.folder import SweepFolder
from ddpg.sweep.state.overview import overview, sweeps_below
from ddpg.sweep.state.status import STATES, State
from ddpg.sweep.state.table import status


@dataclass
class PlanOptions:
    """The options of `ddpg-sweep plan`, beside the overrides of `ddpg-train`."""

    probe: NonNegative = field(
        default=10.0, metadata={"help": "seconds of learning to try each configuration with; 0: no trial"}
    )


@dataclass
class StatusOptions:
    """The options of `ddpg-sweep status`, beside the folder."""

    state: str | None = field(
        default=None,
        metadata={
            "help": f"only runs of this state, or as failed,vanished; {', '.join(STATES)}; of a study only trials: "
            + ", ".join(TRIAL_STATES)
        },
    )


@dataclass
class RetryOptions:
    """The options of `ddpg-sweep retry`, beside the folder and the options of the sweep's launcher."""

    lost: str | None = field(
        default=None, metadata={"help": "a host or a cluster that is gone for good, with its processes or jobs"}
    )


@dataclass
class BestOptions:
    """The options of `ddpg-sweep best`, beside the folder."""

    top: PositiveInt = field(default=10, metadata={"help": "how many trials are shown"})


@dataclass
class ConfirmOptions:
    """The options of `ddpg-sweep confirm`, beside the folder and the options of the study's launcher."""

    top: PositiveInt = field(default=3, metadata={"help": "how many of the best trials are trained again"})
    seeds: PositiveInt = field(default=10, metadata={"help": "new seeds for each of them"})


@dataclass
class NoOptions:
    """The options of `ddpg-sweep cancel` and `sync`: the folder is all that they take."""


def sweep() -> None:
    """Run `ddpg-sweep COMMAND SWEEP [KEY=VALUE ...]`."""
    with one_line_errors("ddpg-sweep"):
        command, *argv = sys.argv[1:] or [""]
        if command in ("-h", "--help"):
            print("ddpg-sweep COMMAND SWEEP ...: SWEEP is the folder of what ddpg-train ... -m started\n")
            print("\n".join(f"  {usage}" for usage, _ in COMMANDS.values()))
        elif not command:
            raise UserError(f"a command comes first: {', '.join(COMMANDS)}")
        elif command not in COMMANDS:
            raise UserError(f"{command}: there is no such command{nearest(command, COMMANDS)}")
        else:
            COMMANDS[command][1](argv)


def _plan(argv: list[str]) -> None:
    with ending_at_once():
        from ddpg.commands.plan import plan_command  # loads Hydra, which the other commands do without

    print_help(argv, f"ddpg-sweep {COMMANDS['plan'][0]}", fields(PlanOptions))
    own = [word for word in argv if word.startswith("probe=")]
    options = PlanOptions(**fit(key_values(own, "probe=10"), PlanOptions))
    find_own_packages()
    plan_command([word for word in argv if word not in own], options.probe)


def _status(argv: list[str]) -> None:
    folder, only = status_arguments(argv)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    sweeps = [] if folder.exists else sweeps_below(folder.path)
    if sweeps:
        print(overview(folder.path, sweeps, only, width))
        return
    text = _text_of_study if is_study(folder) else status
    print(text(folder, only, width))


def _text_of_study(folder: SweepFolder, only: Sequence[str] | None, width: int | None) -> str:
    from ddpg.search.study import StudyFolder  # Hydra and Optuna, which only a study needs
    from ddpg.search.table import status as study_status

    return study_status(StudyFolder(folder.path), only, width)


def _retry(argv: list[str]) -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    folder, options, launcher = retry_arguments(argv)
    again = _retry_study if is_study(folder) else retry
    if not again(folder, launcher, options.lost):
        sys.exit(1)


def _retry_study(folder: SweepFolder, launcher: Mapping[str, Any], lost: str | None) -> bool:
    from ddpg.search.control import retry as retry_study  # Hydra and Optuna, which only a study needs
    from ddpg.search.study import StudyFolder

    return retry_study(StudyFolder(folder.path), launcher, lost)


def _best(argv: list[str]) -> None:
    folder, values = _folder_and_values("best", argv, BestOptions)
    options = BestOptions(**fit(values, BestOptions))
    from ddpg.search.best import best  # Hydra, which most commands do without
    from ddpg.search.study import StudyFolder

    print(best(StudyFolder(folder.path), options.top))


def _confirm(argv: list[str]) -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    words = [word.removeprefix("hydra.launcher.") for word in argv]
    folder, values = _folder_and_values("confirm", words, ConfirmOptions)
    own = {key: values.pop(key) for key in ("top", "seeds") if key in values}
    options = ConfirmOptions(**fit(own, ConfirmOptions))
    from ddpg.search.confirm import confirm  # Hydra, which most commands do without
    from ddpg.search.study import StudyFolder

    if not confirm(StudyFolder(folder.path), options.top, options.seeds, values):
        sys.exit(1)


def _cancel(argv: list[str]) -> None:
    folder = _folder_alone("cancel", argv)
    cancel(folder, LOCK_PATIENCE_S if is_study(folder) else 0.0)


def _sync(argv: list[str]) -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    folder = _folder_alone("sync", argv)
    with ending_at_once():
        from ddpg.sweep.sync import sweep_around, sync  # loads torch and W&B, which the other commands do without

    sweep = sweep_around(folder.path)
    if not (_sync_study(folder, sweep) if is_study(sweep) else sync(folder.path)):
        sys.exit(1)


def _sync_study(folder: SweepFolder, sweep: SweepFolder) -> bool:
    with ending_at_once():
        from ddpg.search.study import StudyFolder  # Hydra and Optuna, which only a study needs
        from ddpg.search.sync import sync as sync_study

    return sync_study(folder.path, StudyFolder(sweep.path))


def status_arguments(argv: list[str]) -> tuple[SweepFolder, list[Any] | None]:
    """Return the sweep and the states to show, None for all.

    Raises UserError for a mistake; prints the help and exits on --help.
    """
    folder, values = _folder_and_values("status", argv, StatusOptions)
    chosen = StatusOptions(**fit(values, StatusOptions)).state
    known = TrialState if is_study(folder) else State
    return folder, None if chosen is None else [fit(state, known, "state") for state in chosen.split(",")]


def retry_arguments(argv: list[str]) -> tuple[SweepFolder, RetryOptions, dict[str, Any]]:
    """Return the sweep, the options of the command, and those of the sweep's launcher, which are not checked here.

    Raises UserError for a mistake; prints the help and exits on --help.
    """
    words = [word.removeprefix("hydra.launcher.") for word in argv]  # as the command of the sweep had them
    folder, values = _folder_and_values("retry", words, RetryOptions)
    own = {key: values.pop(key) for key in ("lost",) if key in values}
    return folder, RetryOptions(**fit(own, RetryOptions)), values


def is_study(folder: SweepFolder) -> bool:
    """Whether a sweep is a study of hydra/sweeper=search or pbt."""
    return (folder.path / "study.json").exists()


def _folder_alone(command: str, argv: list[str]) -> SweepFolder:
    folder, values = _folder_and_values(command, argv, NoOptions)
    fit(values, NoOptions)
    return folder


def _folder_and_values(command: str, argv: list[str], options: type) -> tuple[SweepFolder, dict[str, Any]]:
    """Return the sweep and the values of a command line, which are not checked yet."""
    usage, _ = COMMANDS[command]
    print_help(argv, f"ddpg-sweep {usage}", fields(options))
    if not argv or is_value(argv[0]):
        raise UserError(f"the folder of a sweep comes first: ddpg-sweep {command} SWEEP")
    example = {"status": "state=failed", "best": "top=3", "confirm": "top=3"}.get(command, "mem_gb=16")
    return SweepFolder(Path(argv[0])), key_values(argv[1:], example)


#: The usage of each command, and the function that does it.
COMMANDS: dict[str, tuple[str, Callable[[list[str]], None]]] = {
    "plan": (
        "plan OVERRIDE ... [probe=SECONDS]: the time and memory of `ddpg-train OVERRIDE ... -m`; nothing is started",
        _plan,
    ),
    "status": (
        "status SWEEP [state=STATE]: shows the runs, the counts, and how to go on with what is not done; of a folder "
        "that holds sweeps the counts of each",
        _status,
    ),
    "retry": (
        "retry SWEEP [KEY=VALUE ...]: trains what is neither done nor alive, in the same folders; other options for "
        "the launcher are given as timeout_min=600 mem_gb=16",
        _retry,
    ),
    "cancel": ("cancel SWEEP: stops what is alive; the runs save, and retry goes on with them", _cancel),
    "best": (
        "best STUDY [top=K]: the best trials of hydra/sweeper=search, and an experiment file with the winner's values",
        _best,
    ),
    "confirm": (
        "confirm STUDY [top=K] [seeds=N] [KEY=VALUE ...]: trains the best trials again on seeds that the study has not "
        "seen, and says how much of their scores was luck",
        _confirm,
    ),
    "sync": ("sync SWEEP: sends to W&B what it lacks; SWEEP may be the folder of one run", _sync),
}
