"""Folders of many runs as a sweep leaves them, with curves of a formula: a thousand of them in a few seconds."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from support.report_runs import CONFIG, changed

#: The overrides of each configuration, and the score where its seeds end, unless a test chooses others.
CONFIGURATIONS: Mapping[tuple[str, ...], float] = {
    ("preset=td3", "optimizer.actor.lr=0.0003"): 9000.0,
    ("preset=td3", "optimizer.actor.lr=0.001"): 7000.0,
    ("preset=paper", "optimizer.actor.lr=0.0003"): 4000.0,
    ("preset=paper", "optimizer.actor.lr=0.001"): 3500.0,
}
#: The values that options of the group `preset` bring; any other option has tau = 0.01.
PRESETS = {"td3": 0.005, "paper": 0.001}
VERSIONS = {"python": "3.11.7", "ddpg": "0.1.0", "gymnasium": "1.4.0", "mujoco": "3.17.0", "torch": "2.13.0+cpu"}
#: Metrics in the rows of losses, each with its size.
LOSSES = {
    "losses/qf1_loss": 3.0, "losses/qf1_values": 50.0, "losses/actor_loss": -50.0, "diagnostics/noise_std": 0.1,
    "diagnostics/noise_autocorrelation": 0.01, "diagnostics/saturated_actions": 0.2,
    "diagnostics/actor_dead_units": 0.05, "diagnostics/critic_dead_units": 0.04, "diagnostics/actor_grad_norm": 0.4,
    "diagnostics/critic_grad_norm": 12.0,
}  # fmt: skip


@dataclass(frozen=True)
class FakeRun:
    """What becomes of a run.

    Args:
        state: as in status.json; None: it has not started.
        share: how much of its steps it has made.
        error: of a failed run.
        torn: whether the last line of its record is incomplete.
        nan: whether its losses become NaN halfway.
        evaluations: whether it has any.
    """

    state: str | None = "done"
    share: float = 1.0
    error: str | None = None
    torn: bool = False
    nan: bool = False
    evaluations: bool = True


def write_sweep(
    sweep: Path,
    environments: Sequence[str] = ("halfcheetah-v4",),
    configurations: Mapping[tuple[str, ...], float] = CONFIGURATIONS,
    seeds: Sequence[int] = (1, 2, 3),
    odd: Mapping[int, FakeRun] | None = None,
    steps: int = 20_000,
    rows: int = 20,
    templates: int | None = None,
) -> list[Path]:
    """Write a sweep, sweep.json included; return the run folders in the order of their numbers.

    Args:
        sweep: its folder.
        environments: their names.
        configurations: the overrides of each, and the score where its seeds end.
        seeds: of every configuration.
        odd: what becomes of single runs, by number; the others are done.
        steps: `total_steps`.
        rows: evaluations of a run; it has five times as many episodes and rows of losses.
        templates: so many runs have records of their own, those of the others are links to them; None: all have.
    """
    planned = list(_planned(environments, configurations, seeds))
    folders = []
    for number, (environment, words, score) in enumerate(planned):
        folder = sweep / f"{number}_{'_'.join(word.replace('/', '-') for word in words[1:])}"
        fake = (odd or {}).get(number, FakeRun())
        template = folders[number % templates] if templates is not None and number >= templates else None
        _write_run(folder, environment, words, score, fake, steps, rows, template)
        folders.append(folder)
    runs = [
        {"folder": folder.name, "overrides": list(words)}
        for folder, (_, words, _) in zip(folders, planned, strict=True)
    ]
    manifest = {"launcher": {"kind": "local"}, "threads": 1, "command": "ddpg-train -m", "runs": runs}
    (sweep / "sweep.json").write_text(json.dumps(manifest))
    return folders


def _planned(
    environments: Sequence[str], configurations: Mapping[tuple[str, ...], float], seeds: Sequence[int]
) -> Iterator[tuple[str, tuple[str, ...], float]]:
    """Yield the environment, the overrides and the final score of every run."""
    for place, environment in enumerate(environments):
        for words, score in configurations.items():
            for seed in seeds:
                yield environment, (f"env={environment}", *words, f"seed={seed}"), score / (1 + place)


def _write_run(
    folder: Path,
    environment: str,
    words: Sequence[str],
    score: float,
    fake: FakeRun,
    steps: int,
    rows: int,
    template: Path | None,
) -> None:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(_config(environment, words, steps, rows), sort_keys=False))
    frozen = {"submitted": "2026-11-28T10:00:00+00:00", "commit": "abc123", "dirty": False, "overrides": list(words)}
    if fake.state is None:
        (folder / "provenance.json").write_text(json.dumps([frozen]))
        return
    start = {
        "started": "2026-11-28T10:05:00+00:00", "command": f"ddpg-train {' '.join(words)}", "overrides": list(words),
        "git": {"commit": "abc123", "dirty": False}, "versions": VERSIONS,
        "machine": {"host": "node1", "cpu": "AMD EPYC", "cores": 2, "gpus": []}, "kernels": "native-1234",
    }  # fmt: skip
    (folder / "provenance.json").write_text(json.dumps([frozen, start]))
    status: dict[str, Any] = {"state": fake.state, "env_step": int(steps * fake.share)}
    if fake.error is not None:
        status["error"] = fake.error
    (folder / "status.json").write_text(json.dumps(status))
    if template is not None:
        os.link(template / "metrics.jsonl", folder / "metrics.jsonl")
        return
    lines = [json.dumps(row) for row in fake_rows(score, seed_of(words), fake, steps, rows)]
    torn = '{"env_step": 99, "losses/qf' if fake.torn else ""
    (folder / "metrics.jsonl").write_text("".join(f"{line}\n" for line in lines) + torn)


def seed_of(words: Sequence[str]) -> int:
    """Return the seed among overrides."""
    return int(next(word.partition("=")[2] for word in words if word.startswith("seed=")))


def _config(environment: str, words: Sequence[str], steps: int, rows: int) -> dict[str, Any]:
    """Return the config of a run: that of the report's tests, with the overrides."""
    config = changed(CONFIG, env__name=environment, env__id=environment, total_steps=steps)
    config |= {"random_steps": steps // 40, "learning_starts": steps // 40, "updates_per_step": 1.0}
    config["eval"] = {"every": steps // rows, "episodes": 10}
    config["choices"] = {"env": environment, "algorithm": "ddpg", "preset": None}
    for word in words:
        key, _, value = word.partition("=")
        if key in config["choices"] or ("." not in key and key not in config):
            config["choices"][key] = value
            if key == "preset":
                config["tau"] = PRESETS.get(value, 0.01)
        else:
            config = changed(config, **{key.replace(".", "__"): yaml.safe_load(value)})
    return config


def fake_rows(score: float, seed: int, fake: FakeRun, steps: int, rows: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of a record: evaluations that rise to the score, episodes, and losses with diagnostics."""
    rng = np.random.default_rng(seed)
    ends = score * (1 + 0.1 * rng.standard_normal())
    every = steps // (5 * rows)
    for place in range(int(5 * rows * fake.share) + 1):
        step = place * every
        value = ends * (1 - np.exp(-4 * step / steps)) + 0.03 * score * rng.standard_normal()
        if place % 5 == 0 and fake.evaluations:
            yield {
                "env_step": step, "eval/episodic_return": float(value), "eval/episodic_return_std": 0.1 * score,
                "eval/episodic_length": 1000.0, "diagnostics/q_value": 50.0, "diagnostics/q_bias": 5.0,
                "diagnostics/q_bias_std": 2.0, "diagnostics/q_seen": 0.9,
            }  # fmt: skip
        if place == 0:
            continue
        yield {"env_step": step, "charts/SPS": 400 + 20 * rng.standard_normal(), "time/elapsed_s": step / 400} | (
            {name: _loss(size, step, fake, steps, rng) for name, size in LOSSES.items()} if step > steps // 40 else {}
        )
        yield {"env_step": step, "charts/episodic_return": 0.9 * float(value), "charts/episodic_length": 1000}


def _loss(size: float, step: int, fake: FakeRun, steps: int, rng: np.random.Generator) -> float | None:
    return None if fake.nan and 2 * step > steps else size * (1 + 0.1 * rng.standard_normal())
