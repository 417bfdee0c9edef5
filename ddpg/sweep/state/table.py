"""The text of `ddpg-sweep status`: a line for each run, the counts, and the command that goes on with the rest."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from yaml import YAMLError

from ddpg.config.keys import flat, short_key
from ddpg.errors import first_line
from ddpg.record.run_folder import read_yaml
from ddpg.sweep.state.folder import SweepFolder, swept_keys
from ddpg.sweep.state.status import STATES, RunState, State, states
from ddpg.sweep.state.tasks import SLURM_IS_SILENT

log = logging.getLogger(__name__)

#: Columns of numbers.
RIGHT_ALIGNED = {"job", "trial", "env_step", "return", "score", "steps/s"}


def status(sweep: SweepFolder, only: Sequence[State] | None, width: int | None) -> str:
    """Return a table of the runs, their counts, and how to go on with what is not done.

    Args:
        sweep: which sweep.
        only: the states of the runs in the table; None for all.
        width: characters at which lines are cut; None for no limit.
    """
    return _text(sweep, states(sweep), only, width)


def ending(sweep: SweepFolder, runs: Sequence[RunState]) -> str:
    """Return what a launcher prints at its end: the runs that ended and are not done, the counts, and how to go on."""
    only = [state for state in STATES if state not in ("done", "running", "pending")]
    return _text(sweep, runs, only, width=None)


def _text(sweep: SweepFolder, runs: Sequence[RunState], only: Sequence[State] | None, width: int | None) -> str:
    chosen = [run for run in runs if only is None or run.state in only]
    keys = swept_keys([run.run for run in runs])
    has_ended = not any(run.is_alive for run in runs) and any(run.state == "done" for run in runs)
    report = [f"curves and scores: ddpg-report {sweep.quoted}"] if has_ended else []
    return "\n".join([*table(chosen, keys, width), outcome(sweep, runs), *report])


def table(runs: Sequence[RunState], keys: Sequence[str], width: int | None) -> list[str]:
    """Return the lines of a table with a column for each of the swept keys; no lines without runs."""
    if not runs:
        return []
    header = ["job", *short_keys(keys, runs[0].run.path), "state", "env_step", "return", "steps/s", "error"]
    rows = [header, *(_cells(run, keys) for run in runs)]
    columns = [aligned(column) for column in zip(*rows, strict=True)]
    return [cut("  ".join(cells).rstrip(), width) for cells in zip(*columns, strict=True)]


def aligned(column: Sequence[str]) -> list[str]:
    """Return the cells of a column, its heading first, in one width."""
    width = max(map(len, column))
    return [cell.rjust(width) if column[0] in RIGHT_ALIGNED else cell.ljust(width) for cell in column]


def counts(runs: Sequence[RunState]) -> str:
    """Return `12 runs: 9 done, 2 running, 1 failed`."""
    number = Counter(run.state for run in runs)
    listed = ", ".join(f"{number[state]} {state}" for state in STATES if number[state])
    return f"{number_of_runs(len(runs))}: {listed}"


def number_of_runs(count: int) -> str:
    """Return `1 run` or `2 runs`."""
    return f"{count} run{'s' * (count != 1)}"


def outcome(sweep: SweepFolder, runs: Sequence[RunState]) -> str:
    """Return the counts, what cannot be known, and how to go on with what is not done."""
    lines = [counts(runs)]
    if any(run.task == SLURM_IS_SILENT and run.state != "done" for run in runs):
        lines.append("Slurm cannot be asked (squeue): the states of runs that are not done are as of their folders")
    unrecorded = sweep.unrecorded
    if unrecorded:
        lines.append(unrecorded)
    if not sweep.exists:
        lines.append("this sweep has no list of its runs: those that have not started are not shown")
    missing = sum(run.can_be_retried for run in runs)
    if missing and sweep.exists:
        lines.append(f"go on with {number_of_runs(missing)}: ddpg-sweep retry {sweep.quoted}")
    elif missing:
        again = f"the same command with hydra.sweep.dir={sweep.quoted}"
        lines.append(f"go on with one of them: ddpg-train resume=RUN; with all: {again}")
    return "\n".join(lines)


def _cells(run: RunState, keys: Sequence[str]) -> list[str]:
    values = dict(override.partition("=")[::2] for override in run.run.overrides)
    return [
        str(run.run.number),
        *(values.get(key, "") for key in keys),
        run.state,
        _progress(run),
        "" if run.last_return is None else f"{run.last_return:.2f}",
        "" if run.sps is None else f"{run.sps:.0f}",
        run.error,
    ]


def _progress(run: RunState) -> str:
    """Return `30000 of 100000 (30%)`, with the percentages in line below each other."""
    if not run.total_steps:
        return f"{run.env_step} of ?"
    percent = min(100 * run.env_step // run.total_steps, 100)
    return f"{run.env_step} of {run.total_steps} {f'({percent}%)':>6}"


def short_keys(keys: Sequence[str], run: Path) -> list[str]:
    """Return the last parts of dotted keys, as few as tell each from all keys of a run's config."""
    try:
        known = flat(read_yaml(run / "config.yaml"))
    except FileNotFoundError:  # of a run that Hydra has not started
        known = {}
    except (OSError, YAMLError) as error:
        log.warning("%s cannot be read: %s", run / "config.yaml", first_line(error))
        known = {}
    return [short_key(key, [*keys, *known]) for key in keys]


def cut(line: str, width: int | None) -> str:
    """Return a line that is no longer than `width` characters."""
    return line if width is None or len(line) <= width else line[: width - 1] + "…"
