"""Which of a configuration's runs are compared, and the notes on that choice."""

from collections.abc import Sequence

from ddpg.record.series import short_number
from ddpg.report.measured import MeasuredRun

#: Why a run does not count whose seed was run again.
TWICE = "was run more than once: the run that came furthest counts"


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


def notes_on_choice(runs: Sequence[MeasuredRun], counted: Sequence[MeasuredRun], target: float | None) -> list[str]:
    """Say which runs are left out and why: a run that failed, or one that can still arrive."""
    others = [run for run in runs if run not in counted]
    if target is None:
        last = short_number(max(run.total_steps for run in runs))
        where = ", ".join(run.where() for run in runs)
        if len(runs) == 1:
            return [f"the only seed has not reached the last step, {last}: {where}"]
        reached = f"0 of {len(runs)} seeds reached the last step, {last}"
        if all(run.state == "failed" for run in runs):
            return [f"{reached}, all failed: {where}"]
        failed = ", but for those that failed" if any(run.state == "failed" for run in runs) else ""
        notes = [f"{reached}, so all are compared as far as they have come{failed}: {where}"]
        waiting = [run for run in others if run.state != "failed"]
        return notes + [f"seed {run.seed} has nothing to compare yet" for run in waiting]
    reached = f"{len(counted)} of {count(len(runs), 'seeds')} reached step {short_number(target)}"
    notes = [f"{reached}; {'; '.join(_reasons(others))}"] if others else []
    further = [run.where() for run in counted if run.reached > target]
    if further:
        notes.append(f"compared at step {short_number(target)}, though some went on: {', '.join(further)}")
    return notes


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
