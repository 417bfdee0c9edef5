"""Payloads of a report's page with known numbers, for the tests of the page."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ddpg.record.series import Series
from ddpg.report.arrays import encode_steps, encode_values
from ddpg.report.payload import t_quantiles

RETURN = "eval/episodic_return"
LOSS = "losses/qf1_loss"
METRICS = {
    RETURN: {"unit": "return", "title": "evaluation return", "meaning": "The mean return."},
    LOSS: {"unit": "", "title": "critic loss", "meaning": "L of line 13."},
}
REFERENCE = {
    "preset": "cleanrl",
    "score": 9500.0,
    "spread": 157.0,
    "spread_kind": "standard deviation over seeds",
    "convention": "last 100 training episodes",
    "steps": 1_000_000,
    "source": "CleanRL's documents",
    "url": "https://docs.cleanrl.dev",
    "protocol": "v4, 3 seeds",
    "differs": "training episodes instead of evaluations",
}
START = {"time": "2026-11-29T01:02:03Z", "machine": "node7", "commit": "abcdef1234", "dirty": True, "kernels": "torch"}
VERSIONS = {"torch": "2.13"}


def run(number: int, environment: str, keys: Mapping[str, str], seed: int, returns: Series, **facts: Any) -> Any:
    """Make a run of the payload with these evaluation returns, one every 10,000 steps."""
    steps = 10_000.0 * np.arange(1, len(returns) + 1)
    end = int(max(steps, default=0))
    speed = 300.0 + 10 * number % 70
    curves: dict[str, Any] = {}
    scores: dict[str, float | None] = {}
    if len(returns):
        curves[RETURN] = {"step": encode_steps(steps), "value": encode_values(returns)}
        curves[LOSS] = {"step": {"ref": RETURN}, "value": encode_values(np.abs(returns) / 100 + 1)}
        scores = {"last": returns[-1], "last10": returns[-10:].mean(), "training100": None, "best": returns.max()}
    return {
        "id": number,
        "folder": f"outputs/sweeps/S/{number}_seed={seed}",
        "environment": environment,
        "configuration": " ".join(f"{key}={value}" for key, value in keys.items()) or "ddpg_paper",
        "seed": seed,
        "keys": dict(keys),
        "state": "done",
        "step": end,
        "total_steps": 1_000_000,
        "error": None,
        "counts": bool(len(returns)),
        "superseded": False,
        "scored_at": end if len(returns) else None,
        "trained_to": end if len(returns) else None,
        "scored_from": float(steps[-10:][0]) if len(returns) else None,
        "averaged": {"last10": min(10, len(returns)), "training100": 0},
        "note": None,
        "hours": end / speed / 3600,
        "steps_per_second": speed,
        "clock": {
            "step": encode_steps(np.array([0.0, end])),
            "value": encode_values(np.array([0, end / speed / 3600])),
        },
        "updates": {"step": [0, 1000, end], "value": [0, 0, max(end - 1000, 0)]},
        "starts": [{**START, "versions": VERSIONS, "step": 0}],
        "command": f"ddpg-train env={environment} seed={seed}",
        "changed": {"tau": ["0.005", "0.01"]},
        "config": "seed: 1\ntau: 0.01\n",
        "video": None,
        "steps_to_threshold": None,
        "scores": {name: None if score is None else float(score) for name, score in scores.items()},
        "curves": curves,
        **facts,
    }


def missing(number: int, seed: int | None = None, **facts: Any) -> dict[str, Any]:
    """Make a run of the payload of which there is no record, because it has not started."""
    return {
        "folder": f"S/{number}",
        "environment": "pendulum",
        "seed": seed,
        "keys": {},
        "state": "not started",
        "counts": False,
        "command": "ddpg-train",
        **facts,
    }


def payload(runs: Sequence[dict[str, Any]], **parts: Any) -> dict[str, Any]:
    """Make the payload of a page with these runs."""
    names = sorted({name for one in runs for name in one["keys"]})
    values = {name: {one["keys"].get(name) for one in runs} for name in names}
    made = {"version": "0.1.0", "command": "ddpg-report outputs/sweeps/S", "date": "2026-11-29T01:02:03Z"}
    return {
        "made": {**made, "folders": ["outputs/sweeps/S"], "live": False},
        "view": {"metric": RETURN, "group_by": [], "filters": {}, "solved": None, "threshold": None},
        "t": t_quantiles(),
        "keys": [{"name": key, "short": key, "swept": len(own) > 1} for key, own in values.items()],
        "metrics": METRICS,
        "references": [{**REFERENCE, "environment": name} for name in sorted({one["environment"] for one in runs})],
        "interval": "It covers.",
        "notes": {},
        "missing": [],
        "runs": list(runs),
        "study": None,
        **parts,
    }


def learning(rng: np.random.Generator, end: float, points: int = 50) -> Series:
    """Draw the evaluation returns of a run that learns up to about `end`."""
    rise = 1 - np.exp(-np.arange(1, points + 1) / (points / 5))
    return np.asarray(end * rise * rng.normal(1, 0.08) + rng.normal(0, abs(end) / 40, points))


def sweep(environments: int = 2, configurations: int = 3, seeds: int = 5, points: int = 50) -> dict[str, Any]:
    """Make a payload of a sweep over presets, learning rates and, of more than 15 configurations, sigma."""
    rng = np.random.default_rng(1)
    presets = ("paper", "td3", "cleanrl", "d4pg", "sac")
    goals = {"halfcheetah-v4": 9000, "hopper-v4": 2500, "walker2d-v4": 4000, "ant-v4": 3000, "pendulum": -150}
    runs: list[dict[str, Any]] = []
    for name, goal in list(goals.items())[:environments]:
        for number in range(configurations):
            keys = {"preset": presets[number % 5]}
            if configurations > 5:
                keys["optimizer.actor.lr"] = ("0.001", "0.0003", "0.0001")[number // 5 % 3]
            if configurations > 15:
                keys["noise.sigma"] = f"0.{1 + number // 15}"
            share = (number * 7 % configurations + 1) / configurations
            for seed in range(1, seeds + 1):
                returns = learning(rng, goal * (0.4 + 0.6 * share), points)
                runs.append(run(len(runs), name, keys, seed, returns))
    return payload(runs)
