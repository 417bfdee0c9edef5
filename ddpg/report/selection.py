"""Which of a configuration's runs are compared, and the notes on that choice."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from ddpg.record.series import short_number
from ddpg.report.measured import MeasuredRun
from ddpg.report.origin import notes_on_origins

#: The states of a run that does not go on.
ENDED = frozenset({"done", "failed"})
#: Why a run does not count whose seed was run again.
TWICE = "was run more than once: the run that came furthest counts"


@dataclass(frozen=True)
class Choice:
    """The runs of a configuration that are compared.

    Args:
        runs: all of them, but for those that were run again.
        counted: those that are compared.
        target: the env step that these have reached, up to which they are compared; None where no run has finished.
        notes: sentences on the choice.
    """

    runs: Sequence[MeasuredRun]
    counted: Sequence[MeasuredRun]
    target: float | None
    notes: Sequence[str]

    @property
    def left_out(self) -> list[MeasuredRun]:
        """The runs that are not compared."""
        return [run for run in self.runs if run not in self.counted]

    @property
    def end(self) -> float:
        """The env step up to which all that are compared have come; -1 if none is."""
        if self.target is not None:
            return self.target
        return min((run.reached for run in self.counted), default=-1.0)


def choose(same: Sequence[MeasuredRun], limit: float = inf) -> Choice:
    """Choose the runs of a configuration that count.

    Those count that have reached the largest step that at least half of the configuration's seeds have finished (or, if
    there is none, the one that most have). If no run has finished, all count that did not fail, as far as they share.

    Args:
        same: the runs.
        limit: the env step where another configuration ends. If a run has values up to there, all count that have
            reached it, whatever became of them later: otherwise training the best seeds on would select them.
    """
    runs, notes = one_for_each_seed(same)
    measured = [run for run in runs if len(run.metric.steps)]
    own = finished_step(measured, len(runs))
    is_cut = (own is None or limit < own) and any(
        run.has_reached(limit) and len(run.metric.up_to(limit).steps) for run in measured
    )
    target = limit if is_cut else own
    if target is None:
        counted = [run for run in measured if run.state != "failed"]
        reasons = _notes_while_none_has_finished(runs, counted)
    else:
        counted = [run for run in measured if run.has_reached(target)]
        reasons = [*_notes_on_others(runs, counted, target), *_notes_on_longer(counted, target, is_cut)]
    return Choice(runs, counted, target, (*notes_on_origins(run.origin for run in runs), *notes, *reasons))


def one_for_each_seed(runs: Sequence[MeasuredRun]) -> tuple[list[MeasuredRun], list[str]]:
    """Keep one run of each seed, the one that came furthest: a seed that was run again is no second sample.

    Forks of several runs are trainings of their own, although they may have one seed.
    """
    tries: dict[tuple[int, str], list[MeasuredRun]] = {}
    for run in runs:
        tries.setdefault((run.seed, str(run.origin or "")), []).append(run)
    twice = {seed for (seed, _), same in tries.items() if len(same) > 1}
    furthest = [max(tries[key], key=lambda run: (run.done_step, run.reached)) for key in sorted(tries)]
    return furthest, [f"seed {seed} {TWICE}" for seed in sorted(twice)]


def superseded(runs: Sequence[MeasuredRun]) -> set[MeasuredRun]:
    """Return the runs whose seed was run again, in the same configuration, and came further."""
    groups: dict[tuple[str, str], list[MeasuredRun]] = {}
    for run in runs:
        groups.setdefault((run.environment, run.configuration), []).append(run)
    return {run for same in groups.values() for run in set(same).difference(one_for_each_seed(same)[0])}


def finished_step(runs: Sequence[MeasuredRun], seeds: int) -> int | None:
    """Return the largest step that at least half of the seeds have finished; if there is none, the one that most have.

    A seed that is trained for longer afterwards does not exclude the others then. None if no run is done.
    """
    steps = sorted({run.done_step for run in runs if run.state == "done"}, reverse=True)
    arrived = {step: sum(run.has_reached(step) for run in runs) for step in steps}
    enough = min([(seeds + 1) // 2, max(arrived.values(), default=0)])
    return next((step for step in steps if arrived[step] >= enough), None)


def count(number: int, noun: str) -> str:
    """Write a number with its noun: `2 seeds`, `1 seed`."""
    return f"{number} {noun.removesuffix('s') if number == 1 else noun}"


def _notes_while_none_has_finished(runs: Sequence[MeasuredRun], counted: Sequence[MeasuredRun]) -> list[str]:
    """Say how far the runs have come, and which of them have nothing to compare."""
    last = short_number(max(run.total_steps for run in runs))
    where = ", ".join(run.where() for run in runs)
    if len(runs) == 1:
        return [f"the only seed has not reached the last step, {last}: {where}"]
    reached = f"0 of {len(runs)} seeds reached the last step, {last}"
    if all(run.state == "failed" for run in runs):
        return [f"{reached}, all failed: {where}"]
    failed = ", but for those that failed" if any(run.state == "failed" for run in runs) else ""
    notes = [f"{reached}, so all are compared as far as they have come{failed}: {where}"]
    waiting = [run for run in runs if run not in counted and run.state != "failed"]
    return notes + [f"seed {run.seed} has nothing to compare yet" for run in waiting]


def _notes_on_others(runs: Sequence[MeasuredRun], counted: Sequence[MeasuredRun], step: float) -> list[str]:
    """Say which runs have not reached a step and why: a run that failed, or one that can still arrive."""
    others = [run for run in runs if run not in counted]
    reached = f"{len(counted)} of {count(len(runs), 'seeds')} reached step {short_number(step)}"
    return [f"{reached}; {'; '.join(_reasons(others))}"] if others else []


def _notes_on_longer(counted: Sequence[MeasuredRun], step: float, is_cut: bool) -> list[str]:
    """Say which runs went on; where all are cut because another configuration ends, only which have not finished."""
    further = [run.where() for run in counted if run.reached > step and not (is_cut and run.state == "done")]
    if not further:
        return []
    if is_cut:
        return [f"runs that have not finished count as they were at step {short_number(step)}: {', '.join(further)}"]
    return [f"compared at step {short_number(step)}, though some went on: {', '.join(further)}"]


def different_lengths(runs: Sequence[MeasuredRun]) -> list[str]:
    """Note if the runs' evaluations have different numbers of episodes."""
    lengths = sorted({run.eval_episodes for run in runs})
    seeds = {n: ", ".join(str(run.seed) for run in runs if run.eval_episodes == n) for n in lengths}
    listed = ", ".join(f"{n} (seed {seeds[n]})" for n in lengths)
    return [f"evaluations have different numbers of episodes: {listed}"] if len(lengths) > 1 else []


def _reasons(others: Sequence[MeasuredRun]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for run in sorted(others, key=lambda run: run.state != "failed"):
        reasons.setdefault(reason(run), []).append(run.where())
    return [f"{why}: {', '.join(those)}" for why, those in reasons.items()]


def reason(run: MeasuredRun) -> str:
    """Say why a run is left out, if another run of its seed is not the reason."""
    if run.state == "failed":
        return "failed"
    if run.state == "done":
        return "finished earlier" if len(run.metric.steps) else "without a value"
    return "still running or interrupted"
