"""Payloads of a report's page with known numbers, for the tests of the page."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

RETURN = "eval/episodic_return"
METRICS = {
    RETURN: {"unit": "return", "kind": "evaluation", "title": "evaluation return", "meaning": "The mean return."},
    "losses/qf1_loss": {"unit": "", "kind": "loss", "title": "critic loss", "meaning": "L of line 13."},
    "charts/SPS": {"unit": "steps/s", "kind": "chart", "title": "speed", "meaning": "Steps a second."},
}
REFERENCE = {
    "preset": "cleanrl", "score": 9500.0, "spread": 157.0, "convention": "last 100 training episodes",
    "steps": 1_000_000, "source": "CleanRL's documents", "url": "https://docs.cleanrl.dev", "protocol": "v4, 3 seeds",
    "differs": "training episodes instead of evaluations",
}  # fmt: skip


def packed(values: Any) -> dict[str, str]:
    """Store an array as the payload does."""
    return {"base": "f32", "data": base64.b64encode(np.asarray(values, dtype="<f4").tobytes()).decode()}


def run(identity: int, environment: str, keys: dict[str, str], seed: int, returns: Any, **facts: Any) -> dict[str, Any]:
    """Make a run of the payload with these evaluation returns, one every 10,000 steps."""
    returns = np.asarray(returns, dtype=float)
    steps = 10_000 * np.arange(1, len(returns) + 1)
    speed = 300 + 10 * identity % 70
    times = {"step": packed(steps), "hours": packed(steps / speed / 3600), "updates": packed(steps - 1000)}
    curves = {RETURN: {**times, "value": packed(returns)}} if len(returns) else {}
    if len(returns):
        curves["losses/qf1_loss"] = {**times, "step": {"ref": RETURN}, "value": packed(np.abs(returns) / 100 + 1)}
        curves["charts/SPS"] = {**times, "value": packed(speed + 0 * returns)}
    scores: dict[str, float] = {}
    if len(returns):
        scores = {"last": returns[-1], "last10": returns[-10:].mean(), "training100": returns[-1] * 0.9, "best": returns.max()}
    return {
        "id": identity, "folder": f"outputs/sweeps/S/{identity}_seed={seed}", "environment": environment,
        "configuration": " ".join(f"{key}={value}" for key, value in keys.items()), "seed": seed, "keys": keys,
        "state": "done", "step": int(steps[-1]) if len(steps) else 0, "total_steps": 1_000_000, "error": None,
        "counts": bool(len(returns)), "note": None, "hours": 0.7, "steps_per_second": float(speed),
        "starts": [{"time": "2026-11-29T01:02:03Z", "machine": "node7", "commit": "abcdef123456", "versions": {"torch": "2.13"}, "step": 0}],
        "command": f"ddpg-train env={environment} seed={seed}", "changed": {"tau": ["0.005", "0.01"]},
        "config": "seed: 1\ntau: 0.01\n", "video": None, "scores": {key: float(v) for key, v in scores.items()},
        "curves": curves, **facts,
    }  # fmt: skip


def payload(runs: Sequence[dict[str, Any]], **parts: Any) -> dict[str, Any]:
    """Make the payload of a page with these runs."""
    environments = sorted({one["environment"] for one in runs})
    return {
        "format": 1,
        "made": {"version": "0.1.0", "command": "ddpg-report outputs/sweeps/S", "date": "2026-11-29T01:02:03Z", "folders": ["outputs/sweeps/S"], "live": False},
        "view": {"metric": RETURN, "group_by": [], "filters": {}, "solved": None, "threshold": None},
        "t": stats.t.ppf(0.975, np.arange(1, 201)).tolist(),
        "metrics": METRICS,
        "references": [{**REFERENCE, "environment": name} for name in environments],
        "runs": list(runs),
        "study": None,
        **parts,
    }  # fmt: skip


def returns(rng: np.random.Generator, end: float, points: int = 50) -> Any:
    """Draw the evaluation returns of a run that learns up to about `end`."""
    rise = 1 - np.exp(-np.arange(1, points + 1) / (points / 5))
    return end * rise * rng.normal(1, 0.08) + rng.normal(0, abs(end) / 40, points)


def sweep(environments: int = 2, configurations: int = 3, seeds: int = 5, points: int = 50) -> dict[str, Any]:
    """Make a payload of a sweep over presets and learning rates."""
    rng = np.random.default_rng(1)
    names = ["halfcheetah-v4", "hopper-v4", "walker2d-v4", "ant-v4", "pendulum"][:environments]
    presets = ("paper", "td3", "cleanrl", "d4pg", "sac")
    runs: list[dict[str, Any]] = []
    for place, name in enumerate(names):
        for number in range(configurations):
            keys = {"preset": presets[number % 5], "optimizer.actor.lr": ("0.001", "0.0003", "0.0001")[number // 5 % 3]}
            if configurations > 15:
                keys["noise.sigma"] = f"0.{1 + number // 15}"
            for seed in range(1, seeds + 1):
                end = (9000, 2500, 4000, 3000, 900)[place] * (0.4 + 0.6 * (number * 7 % configurations + 1) / configurations)
                runs.append(run(len(runs), name, keys, seed, returns(rng, end, points)))
    return payload(runs)
