"""The plan of a sweep: what it will take, and what would stop it. Nothing is submitted."""

import math
import platform
from collections.abc import Sequence
from heapq import heapreplace

from ddpg.errors import UserError
from ddpg.sweep import slurm
from ddpg.sweep.execute.cores import usable
from ddpg.sweep.forecast.forecast import Forecast, forecasts
from ddpg.sweep.forecast.requirements import GIB, job_gb, requested_gb
from ddpg.sweep.freeze import FrozenRun
from ddpg.sweep.options import LocalOptions, Options, SlurmOptions
from ddpg.sweep.process import visible_gpus
from ddpg.sweep.slurm_checks import require_submittable
from ddpg.sweep.state.folder import SweepRun, swept_keys
from ddpg.sweep.state.table import number_of_runs

#: Seconds by which Slurm's warning may come too early.
EARLY_S = 60


def plan(runs: Sequence[FrozenRun], options: Options, probe_s: float) -> None:
    """Print the plan of a sweep.

    Args:
        runs: the runs of the sweep.
        options: of the launcher.
        probe_s: seconds of learning in each probe, 0 for no probes.

    Raises:
        UserError: something would stop the sweep, which is raised after the rest of the plan is printed; or a probe
            fails.
    """
    expected = forecasts(runs, probe_s)
    of_run = {run.number: forecast for forecast in expected for run in forecast.runs}
    ordered = [of_run[run.number] for run in runs]
    threads = max(run.config["threads"] for run in runs)
    keys = swept_keys([SweepRun(run.number, run.path, tuple(run.overrides)) for run in runs])
    print(f"swept: {', '.join(keys) or 'nothing'}")
    print("\n".join([*table(expected, keys), *caveats(expected, options)]), flush=True)
    if isinstance(options, SlurmOptions):
        problems = _plan_slurm(ordered, options, threads)
    else:
        problems = _plan_local(ordered, options, threads)
    if len(problems) > 1:
        print("\n".join(f"problem: {problem}" for problem in problems), flush=True)
        raise UserError(f"{len(problems)} problems would stop this sweep")
    if problems:
        raise UserError(problems[0])


def table(expected: Sequence[Forecast], keys: Sequence[str]) -> list[str]:
    """Return a heading and a line for each forecast; `keys` are those that the sweep varies."""
    heading = ("runs", "configuration", "env steps", "steps/s", "hours", "replay", "memory")
    rows = [heading, *(_cells(one, keys) for one in expected)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].rjust(widths[0]), row[1].ljust(widths[1]), *map(str.rjust, row[2:], widths[2:])])
        for row in rows
    ]


def _cells(one: Forecast, keys: Sequence[str]) -> tuple[str, ...]:
    sign = "" if one.own else "~"
    return (
        str(len(one.runs)),
        _label(one, keys),
        f"{one.runs[0].config['total_steps']:,}",
        "?" if one.speed is None else f"{sign}{one.speed.learning:.0f}",
        "?" if one.hours is None else f"{sign}{one.hours:.2f}",
        f"{one.replay_gb:.2f} GiB",
        f"{one.memory_gb:.2f} GiB",
    )


def _label(one: Forecast, keys: Sequence[str]) -> str:
    """Return the swept words that all runs of a forecast share, or else the environment."""
    shared = set.intersection(*(set(run.overrides) for run in one.runs))
    words = [word for word in one.runs[0].overrides if word in shared and word.partition("=")[0] in keys]
    return " ".join(words) or one.runs[0].config["env"]["name"]


def caveats(expected: Sequence[Forecast], options: Options) -> list[str]:
    """Return lines about the worth of the hours."""
    shares = [one.speed.share for one in expected if one.speed is not None]
    if not shares:
        return ["?: not probed"]
    lines = [f"steps/s and hours: one run on this machine ({platform.node()}), with evaluations of full length"]
    if not all(one.own for one in expected):
        lines.append("~: not probed, but taken from the most similar configuration that was")
    if min(shares) < 0.9:
        lines.append(f"this machine is busy: a probe had {min(shares):.0%} of a core, and is converted to a whole one")
    if isinstance(options, SlurmOptions) and options.gpus_per_node and not visible_gpus():
        lines.append("the jobs ask for GPUs; the probes had none")
    return lines


def required_starts(options: SlurmOptions, hours: float, startup_s: float) -> int:
    """Return how often a job is started until it is done: it saves at Slurm's warning and is requeued.

    Args:
        options: of the launcher.
        hours: of the job, without interruptions.
        startup_s: seconds that each start takes.

    Raises:
        UserError: the options do not allow that many starts.
    """
    overhead_min = (options.signal_delay_s + EARLY_S + startup_s) / 60
    usable_min = options.timeout_min - overhead_min
    needed_min = hours * 60
    allowed_min = usable_min * (1 + options.max_num_timeout)
    if needed_min <= allowed_min:
        return math.ceil(needed_min / usable_min)
    enough = math.ceil((needed_min + overhead_min) / 10) * 10
    advice = f"hydra.launcher.timeout_min={enough}"
    if usable_min > 0:
        reason = f", hydra.launcher.max_num_timeout={options.max_num_timeout} gives it {_time(allowed_min / 60)}"
        advice += f" or hydra.launcher.max_num_timeout={math.ceil(needed_min / usable_min) - 1}"
    else:
        reason = f", and starting and saving take {overhead_min:.1f} minutes of each start"
    raise UserError(
        f"hydra.launcher.timeout_min={options.timeout_min} cannot be met: a job is expected to take {_time(hours)}"
        f"{reason}; {advice} would do"
    )


def wall_hours(jobs: Sequence[float], at_once: int) -> float:
    """Return the hours from the first start to the last end of jobs that start in order, `at_once` at a time."""
    free = [0.0] * min(at_once, len(jobs))
    for job in jobs:
        heapreplace(free, free[0] + job)
    return max(free)


def _plan_slurm(ordered: Sequence[Forecast], options: SlurmOptions, threads: int) -> list[str]:
    """Print what Slurm would get, and return what would stop it.

    Args:
        ordered: a forecast for each run.
        options: of the launcher.
        threads: cores of each run.
    """
    size = options.runs_per_job
    cores = options.cores(threads)
    jobs = [ordered[i : i + size] for i in range(0, len(ordered), size)]
    expected_gb = job_gb([one.memory_gb for one in ordered], size)
    needs_gpu = options.gpus_per_node is not None
    mem_gb = options.mem_gb or requested_gb([one.replay_gb for one in ordered], size, needs_gpu)
    print(
        f"{number_of_runs(len(ordered))} in {len(jobs)} job{'s' * (len(jobs) != 1)}, "
        f"each with {options.timeout_min} minutes, {mem_gb} GiB"
        f"{'' if options.mem_gb else ' (estimated)'}, cores: {cores}, GPUs: {options.gpus_per_node or 0}"
    )
    problems = []
    if mem_gb < expected_gb:
        problems.append(
            f"hydra.launcher.mem_gb={mem_gb} is less than the {expected_gb} GiB that a job is expected to need"
        )
    arrays = 1
    try:
        require_submittable(options, len(ordered), threads, mem_gb)
        largest = slurm.limits().array_size
        arrays = math.ceil(len(jobs) / largest)
        print(f"job arrays: {arrays}, for MaxArraySize={largest}; of each {options.array_parallelism} jobs at a time")
    except UserError as error:
        problems.append(str(error))
    hours = _hours(jobs, slower=max(1.0, size * threads / cores))
    if hours:
        _print_time(hours, cores, arrays * options.array_parallelism)
        problems += _time_problems(ordered, options, max(hours))
    return problems


def _time_problems(ordered: Sequence[Forecast], options: SlurmOptions, longest: float) -> list[str]:
    """Print how often the longest job is started, and return why it cannot be done in time."""
    startup_s = max(one.speed.startup_s for one in ordered if one.speed)
    try:
        starts = required_starts(options, longest, startup_s)
    except UserError as error:
        return [str(error)]
    if starts > 1:
        print(f"at its time limit the longest job is requeued, so it is started {starts} times")
    return []


def _plan_local(ordered: Sequence[Forecast], options: LocalOptions, threads: int) -> list[str]:
    """Print what this machine would have to do, and return what would stop it."""
    from ddpg.run.machine import available_memory  # torch, which a launcher that submits does not need

    at_once = min(options.processes or max(1, len(usable()) // threads), len(ordered))
    needed_gb = job_gb([one.memory_gb for one in ordered], at_once)
    print(f"{number_of_runs(len(ordered))} on this machine, {at_once} at a time, which take {needed_gb} GiB")
    slower = max(1.0, at_once * threads / len(usable()))
    hours = _hours([[one] for one in ordered], slower)
    if hours:
        _print_time(hours, threads / slower, at_once)
    available = available_memory()
    if available is None or needed_gb * GIB <= available:
        return []
    return [
        f"hydra.launcher.processes={at_once} are expected to need {needed_gb} GiB, {available / GIB:.1f} GiB are free: "
        "choose fewer, or a smaller buffer_size"
    ]


def _hours(jobs: Sequence[Sequence[Forecast]], slower: float) -> list[float]:
    """Return the hours of each job, or [] without probes; `slower` is how many threads share a core."""
    hours = [[one.hours for one in job if one.hours is not None] for job in jobs]
    return [slower * max(several) for several in hours if several]


def _print_time(hours: Sequence[float], cores: float, at_once: int) -> None:
    """Print the core-hours of jobs with `cores` each, and how long they take together."""
    wall = wall_hours(hours, at_once)
    print(f"{sum(hours) * cores:.1f} core-hours; the longest job takes {_time(max(hours))}")
    print(f"{_time(wall)} from start to end, if {min(at_once, len(hours))} run at the same time")


def _time(hours: float) -> str:
    minutes = math.ceil(hours * 60)
    return f"{hours:.1f} hours" if hours >= 1 else f"{minutes} minute{'s' * (minutes != 1)}"
