"""What `ddpg-sweep status` shows: a line for each run, the counts, the command that goes on with what is not done."""

from collections import Counter
from collections.abc import Sequence

from ddpg.sweep.state.folder import SweepFolder, swept
from ddpg.sweep.state.status import STATES, RunState, State, states
from ddpg.sweep.state.tasks import NO_SLURM


def status(sweep: SweepFolder, only: Sequence[State] | None, width: int | None) -> str:
    """The table of the runs in these states (None: all), and below it the counts and what can be done.

    Lines are cut at `width` characters; None: not at all.
    """
    return _shown(sweep, states(sweep), only, width)


def summary(sweep: SweepFolder, runs: Sequence[RunState]) -> str:
    """What a launcher says at its end: the runs that ended and are not done, the counts, and how to go on."""
    return _shown(sweep, runs, [state for state in STATES if state not in ("done", "running", "pending")], None)


def _shown(sweep: SweepFolder, runs: Sequence[RunState], only: Sequence[State] | None, width: int | None) -> str:
    chosen = [run for run in runs if only is None or run.state in only]
    return "\n".join([*table(chosen, swept([run.run for run in runs]), width), outcome(sweep, runs)])


def table(runs: Sequence[RunState], keys: Sequence[str], width: int | None) -> list[str]:
    """Its lines; none without runs. `keys` are those that were swept, a column for each."""
    if not runs:
        return []
    header = ["job", *_short(keys), "state", "env_step", "return", "steps/s", "error"]
    rows = [_cells(run, keys) for run in runs]
    right = {0, *range(len(header) - 4, len(header) - 1)}
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in [header, *rows]
    ]
    return [_cut(line.rstrip(), width) for line in lines]


def counts(runs: Sequence[RunState]) -> str:
    """`12 runs: 9 done, 2 running, 1 failed`."""
    number = Counter(run.state for run in runs)
    told = ", ".join(f"{number[state]} {state}" for state in STATES if number[state])
    return f"{number_of_runs(len(runs))}: {told}"


def number_of_runs(count: int) -> str:
    """`1 run`, `2 runs`."""
    return f"{count} run{'s' * (count != 1)}"


def outcome(sweep: SweepFolder, runs: Sequence[RunState]) -> str:
    """The counts, what cannot be known, and how to go on with what is not done."""
    lines = [counts(runs)]
    if any(run.task == NO_SLURM and run.state != "done" for run in runs):
        lines.append("Slurm cannot be asked (squeue): the states of runs that are not done are as of their folders")
    if not sweep.exists:
        lines.append("Hydra ran this sweep: runs that it has not started are not shown")
    missing = sum(run.can_be_retried for run in runs)
    if missing and sweep.exists:
        lines.append(f"go on with {number_of_runs(missing)}: ddpg-sweep retry {sweep.quoted}")
    elif missing:
        lines.append("go on with one of them: ddpg-train resume=RUN")
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
    """`30000 of 100000 (30%)`, the numbers below each other."""
    if not run.total_steps:
        return f"{run.env_step} of ?"
    percent = min(100 * run.env_step // run.total_steps, 100)
    return f"{run.env_step} of {run.total_steps} {f'({percent}%)':>6}"


def _short(keys: Sequence[str]) -> list[str]:
    """The last parts of dotted keys, as far as they tell them apart."""
    last = Counter(key.rpartition(".")[2] for key in keys)
    return [name if last[name := key.rpartition(".")[2]] == 1 else key for key in keys]


def _cut(line: str, width: int | None) -> str:
    return line if width is None or len(line) <= width else line[: width - 1] + "…"
