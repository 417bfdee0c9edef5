"""Forecasts of what a sweep takes, and of what would stop it; the speeds are made up, test_probe.py measures one."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.command_line import assert_has, user_error
from support.sweep_folders import launcher_options, slurm_options

from ddpg.errors import UserError
from ddpg.sweep.forecast import forecast, plan
from ddpg.sweep.forecast.forecast import Forecast, forecasts, grouped, hours
from ddpg.sweep.forecast.plan import _time, required_starts, wall_hours
from ddpg.sweep.forecast.probe import Speed
from ddpg.sweep.forecast.requirements import EnvFacts
from ddpg.sweep.freeze import FrozenRun
from ddpg.sweep.options import LocalOptions, Options, SlurmOptions
from ddpg.sweep.slurm import Limits

PENDULUM = EnvFacts(transition_bytes=25, episode_steps=200)
SPEED = Speed(acting=1000.0, learning=100.0, startup_s=10.0, peak_gb=0.4, share=1.0)

Resolved = Callable[..., dict[str, Any]]


@pytest.fixture
def sweep(resolved: Resolved) -> Callable[..., list[FrozenRun]]:
    """sweep("env=hopper seed=1", "env=hopper seed=2"): two runs with these overrides."""

    def _sweep(*jobs: str) -> list[FrozenRun]:
        words = [job.split() for job in jobs]
        return [FrozenRun(n, Path(f"sweep/{n}"), each, resolved(*each)) for n, each in enumerate(words)]

    return _sweep


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """The env and batch_size of what was probed; the speed falls with the size of the minibatch."""
    done: list[tuple[str, float]] = []
    monkeypatch.setattr(forecast, "env_facts", lambda configs: [PENDULUM] * len(configs))

    def _probe(config: Mapping[str, Any], seconds: float) -> Speed:
        done.append((config["env"]["name"], config["batch_size"]))
        return Speed(1000.0, 25600 / config["batch_size"], 10.0, 0.4, 1.0)

    monkeypatch.setattr(forecast, "probe", _probe)
    return done


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Slurm's refusal; "asked" is what was to be submitted."""
    found: dict[str, Any] = {"refusal": None}

    def _require(options: SlurmOptions, runs: int, threads: int, mem_gb: int) -> None:
        found["asked"] = (runs, threads, mem_gb)
        if found["refusal"]:
            raise UserError(found["refusal"])

    monkeypatch.setattr(plan, "require_submittable", _require)
    monkeypatch.setattr(plan.slurm, "limits", lambda: Limits(array_size=4, jobs=100))
    return found


def test_runs_that_take_the_same_are_one(sweep: Callable[..., list[FrozenRun]]) -> None:
    same = ["seed=1", "seed=2", "gamma=0.9", "optimizer.actor.lr=1e-5", "noise.sigma=0.3", "tau=0.1", "+extra.note=a"]
    other = ["seed=1 batch_size=64", "env=hopper", "total_steps=5000", "noise=ou", "network.actor.hidden=[8]"]
    groups = grouped(sweep(*same, *other))
    assert [[run.number for run in group] for group in groups] == [list(range(7)), [7], [8], [9], [10], [11]]


def test_hours(resolved: Resolved, tmp_path: Path) -> None:
    config = resolved("total_steps=100000", "learning_starts=1000", "eval.every=30000", "eval.episodes=10")
    # start and pictures; 1000 steps and 5 x 10 episodes of 200 without learning; 99,000 with
    assert hours(config, SPEED, 200) * 3600 == pytest.approx(20 + (1000 + 5 * 10 * 200) / 1000 + 99_000 / 100)
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "state-000000060000.pt").touch()
    config["fork"] = str(tmp_path)  # 40,000 steps are left, with an evaluation less at the end of each 30,000
    assert hours(config, SPEED, 200) * 3600 == pytest.approx(20 + 3 * 10 * 200 / 1000 + 40_000 / 100)
    config = resolved("total_steps=600", "learning_starts=1000", "eval.every=300", "eval.episodes=1")
    assert hours(config, SPEED, 200) * 3600 == pytest.approx(20 + (600 + 3 * 200) / 1000)


def test_every_env_is_probed_before_a_second_setting_of_one(
    sweep: Callable[..., list[FrozenRun]], probes: list[tuple[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecast, "MOST_PROBED", 3)
    envs = [f"env={name} batch_size={n}" for name in ("pendulum", "mountaincar") for n in (64, 128, 256)]
    found = forecasts(sweep(*envs, *envs), probe_s=1)
    assert probes == [("pendulum", 64), ("mountaincar", 64), ("pendulum", 128)]
    assert [one.own for one in found] == [True, True, False, True, False, False]
    assert [one.speed and one.speed.learning for one in found] == [400, 200, 400, 400, 400, 400]


def test_memory_of_a_run(sweep: Callable[..., list[FrozenRun]], probes: list[tuple[str, float]]) -> None:
    runs = sweep("buffer_size=1e6 total_steps=1e6 checkpoint.every=1000")
    (probed,), (guessed,) = forecasts(runs, probe_s=1), forecasts(runs, probe_s=0)
    assert probed.replay_gb == guessed.replay_gb == pytest.approx(1_001_000 * 25 / 2**30)
    assert probed.memory_gb == pytest.approx(0.4 + forecast.UNSEEN_GB + probed.replay_gb)
    assert guessed.memory_gb == pytest.approx(forecast.BASE_GB + probed.replay_gb)
    assert (guessed.hours, guessed.speed) == (None, None)


@pytest.mark.parametrize(
    ("hours", "words"), [(0.01, "1 minute"), (0.5, "30 minutes"), (1.25, "1.2 hours")], ids=lambda value: str(value)
)
def test_time_in_words(hours: float, words: str) -> None:
    assert _time(hours) == words


@pytest.mark.parametrize(("jobs", "at_once", "wall"), [([1.0, 1, 1, 1], 2, 2), ([1.0, 3, 1, 1], 2, 3), ([5.0], 64, 5)])
def test_wall_hours(jobs: Sequence[float], at_once: int, wall: float) -> None:
    assert wall_hours(jobs, at_once) == wall


@pytest.mark.parametrize(("needed", "starts"), [(0.1, 1), (0.9, 1), (1.0, 2), (2.7, 3)])
def test_starts_until_done(needed: float, starts: int) -> None:
    """54 minutes of an hour train: 2 are for the warning, which may come one too early, and 3 for the start."""
    chosen = slurm_options(timeout_min=60, signal_delay_s=120, max_num_timeout=2)
    assert required_starts(chosen, needed, startup_s=180) == starts


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        (
            {"timeout_min": 60, "max_num_timeout": 0},
            "hydra.launcher.timeout_min=60 ... 2.8 hours ... hydra.launcher.max_num_timeout=0 ... 54 minutes"
            " ... hydra.launcher.timeout_min=180 or hydra.launcher.max_num_timeout=3",
        ),
        (
            {"timeout_min": 5, "max_num_timeout": 100},
            "hydra.launcher.timeout_min=5 ... 2.8 hours ... 6.0 minutes ... hydra.launcher.timeout_min=180",
        ),
    ],
)
def test_time_limit_that_cannot_be_met(values: dict[str, Any], parts: str) -> None:
    with user_error(parts):
        required_starts(slurm_options(signal_delay_s=120, **values), hours=2.8, startup_s=180)


@pytest.mark.usefixtures("probes")
def test_plan_for_slurm(
    sweep: Callable[..., list[FrozenRun]], answers: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    runs = sweep(*(f"total_steps=360000 batch_size={n} seed={seed}" for n in (256, 128) for seed in range(10)))
    plan.plan(runs, slurm_options(timeout_min=60, runs_per_job=2, array_parallelism=2), probe_s=1)
    printed = capsys.readouterr().out
    assert answers["asked"] == (20, 1, 3)
    assert [line.split() for line in printed.splitlines() if line.startswith("  10")] == [
        ["10", "batch_size=256", "360,000", "100", "1.20", "0.01", "GiB", "0.61", "GiB"],
        ["10", "batch_size=128", "360,000", "200", "0.70", "0.01", "GiB", "0.61", "GiB"],
    ]
    assert_has(printed, "20 runs ... 10 jobs ... 60 minutes ... 3 GiB (estimated) ... cores: 2 ... GPUs: 0")
    assert_has(printed, "job arrays: 3 ... MaxArraySize=4 ... 2 jobs at a time")
    assert_has(printed, "19.1 core-hours ... 1.2 hours ... 1.9 hours ... 6 run at the same time ... started 2 times")


@pytest.mark.usefixtures("probes")
def test_plan_names_every_problem(
    sweep: Callable[..., list[FrozenRun]], answers: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    answers["refusal"] = "hydra.launcher.partition=gup: there is none"
    runs = sweep("total_steps=1e6 seed=1", "total_steps=1e6 seed=2")
    with user_error("3 problems"):
        plan.plan(runs, slurm_options(timeout_min=60, max_num_timeout=0, mem_gb=1, runs_per_job=2), probe_s=1)
    problems = [line for line in capsys.readouterr().out.splitlines() if line.startswith("problem: ")]
    assert [line.partition("=")[0] for line in problems] == [
        "problem: hydra.launcher.mem_gb",
        "problem: hydra.launcher.partition",
        "problem: hydra.launcher.timeout_min",
    ]
    with user_error("hydra.launcher.partition=gup"):
        plan.plan(runs, slurm_options(), probe_s=0)


@pytest.mark.usefixtures("probes")
def test_cores_that_runs_share_make_them_slower(
    sweep: Callable[..., list[FrozenRun]], answers: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A run alone takes 1.2 hours; with four runs on two cores it takes twice as long, on both of them."""
    runs = sweep(*(f"total_steps=360000 seed={seed}" for seed in range(4)))
    plan.plan(runs, slurm_options(runs_per_job=4, cpus_per_task=2), probe_s=1)
    assert_has(capsys.readouterr().out, " 1.20  ... 4.8 core-hours ... 2.4 hours")


@pytest.mark.usefixtures("probes")
def test_plan_for_this_machine(
    sweep: Callable[..., list[FrozenRun]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(plan, "usable", lambda: [0, 1])
    monkeypatch.setattr("ddpg.run.machine.available_memory", lambda: 2 * 2**30)
    chosen = launcher_options("local")
    assert isinstance(chosen, LocalOptions)
    runs = sweep(*(f"total_steps=360000 seed={seed}" for seed in range(4)))
    plan.plan(runs, chosen, probe_s=1)
    assert_has(capsys.readouterr().out, "4 runs ... 2 at a time ... 2 GiB ... 2.4 hours ... 2 run at the same time")
    with user_error("hydra.launcher.processes=4 ... 3 GiB ... 2.0 GiB"):
        plan.plan(runs, launcher_options("local", processes=4), probe_s=1)


@pytest.mark.parametrize(
    ("speeds", "options", "parts"),
    [
        ([None], launcher_options("local"), "?: not probed"),
        ([SPEED, SPEED], launcher_options("local"), "~: not probed"),
        ([Speed(1, 1, 1, 0, share=0.4)], launcher_options("local"), "busy ... 40% of a core"),
        ([SPEED], slurm_options(gpus_per_node=1), "GPUs"),
    ],
)
def test_caveats(speeds: list[Speed | None], options: Options, parts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "visible_gpus", list)
    expected = [Forecast([], 0, 1, speed, place == 0, 1.0) for place, speed in enumerate(speeds)]
    assert_has(plan.caveats(expected, options)[-1], parts)
