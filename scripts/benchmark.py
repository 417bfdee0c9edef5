"""How fast learning is, beside the least time that its matrix products alone take: `scripts/benchmark.py`.

Updates: `DDPG.update` against a floor of exactly the products of such an update (`torch.mm(out=)`, shapes of
HalfCheetah), in turns in this process; medians over the turns. `update` is for minibatches drawn before,
`sampled` for one drawn from the replay memory at every update. Training: steps per second of the trainer on
HalfCheetah-v4 once it learns: simulator, acting, sampling, records and snapshots included, evaluation not.
One torch thread on one core; everything is warmed up, and the warm-up is not counted. Machines differ and are
noisy: compare fractions, not rates.

CleanRL's program on the same core, for comparison (policy-frequency 2 is td3_2):

    OMP_NUM_THREADS=1 taskset -c 0 python cleanrl/ddpg_continuous_action.py --no-cuda \\
        --env-id HalfCheetah-v4 --total-timesteps 6000 --learning-starts 1000 --policy-frequency 2

It prints SPS since its start, random steps included. Take two lines well after learning-starts: with s1, s2
the steps and v1, v2 the printed SPS, the speed is (s2 - s1) / (s2 / v2 - s1 / v1).
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is imported

import gymnasium
import hydra
import mujoco
import numpy as np
import torch
from omegaconf import DictConfig
from torch import Tensor

from ddpg.build import build_agent, build_env_spec, build_replay
from ddpg.run import run
from ddpg.tracking import read_metrics

OBS, ACTION = 17, 6  # HalfCheetah
Product = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Case:
    """A row of the table: the overrides that give it and the same shapes for the floor."""

    overrides: Sequence[str]
    hidden: Sequence[int]
    action_layer: int
    batch_size: int
    policy_delay: int


CASES = {
    "td3_1": Case(["preset=td3", "algorithm.policy_delay=1"], [256, 256], 1, 256, 1),
    "td3_2": Case(["preset=td3", "algorithm.policy_delay=2"], [256, 256], 1, 256, 2),
    "paper_1": Case(
        ["preset=paper", "network.actor.norm=none", "network.critic.norm=none"], [400, 300], 2, 64, 1
    ),
}  # fmt: skip


class Net:
    """Weights and layer inputs; layer i maps `widths[i] + joins.get(i, 0)` numbers to `widths[i + 1]`."""

    def __init__(self, batch: int, widths: Sequence[int], joins: dict[int, int]) -> None:
        self.widths, self.batch = widths, batch
        fan_in = [width + joins.get(i, 0) for i, width in enumerate(widths[:-1])]
        shapes = zip(widths[1:], fan_in, strict=True)
        self.weights = [torch.randn(n_out, n_in) / n_in**0.5 for n_out, n_in in shapes]
        self.inputs = [torch.randn(batch, n_in) for n_in in fan_in]

    def forward(self) -> list[Product]:
        """One product for every layer; where nothing joins, it writes the next layer's input."""
        following = [*self.inputs[1:], torch.empty(self.batch, self.widths[-1])]
        outs = [
            out if out.shape[1] == width else torch.empty(self.batch, width)
            for out, width in zip(following, self.widths[1:], strict=True)
        ]
        return [(x, w.t(), out) for x, w, out in zip(self.inputs, self.weights, outs, strict=True)]

    def backward(self) -> list[Product]:
        """Weight gradients of every layer; input gradients of all but the first, without what joined."""
        products, grad = [], torch.randn(self.batch, self.widths[-1])
        for i in reversed(range(len(self.weights))):
            products.append((grad.t(), self.inputs[i], torch.empty_like(self.weights[i])))
            if i > 0:
                incoming = torch.empty(self.batch, self.widths[i])
                products.append((grad, self.weights[i][:, : self.widths[i]], incoming))
                grad = incoming
        return products

    def backward_to(self, layer: int, columns: int) -> list[Product]:
        """Input gradients alone, down to the last `columns` inputs of `layer`, which are the action."""
        products, grad = [], torch.randn(self.batch, self.widths[-1])
        for i in reversed(range(layer, len(self.weights))):
            weight = self.weights[i][:, -columns:] if i == layer else self.weights[i]
            incoming = torch.empty(self.batch, weight.shape[1])
            products.append((grad, weight, incoming))
            grad = incoming
        return products


def floor(case: Case) -> Callable[[], None]:
    """The products of `policy_delay` critic updates and one actor update, and nothing else."""
    layer, hidden = case.action_layer - 1, case.hidden

    def actor() -> Net:
        return Net(case.batch_size, [OBS, *hidden, ACTION], {})

    def critic() -> Net:
        return Net(case.batch_size, [OBS, *hidden, 1], {layer: ACTION})

    mu, mu_target, q, q_target = actor(), actor(), critic(), critic()
    critic_update = mu_target.forward() + q_target.forward() + q.forward() + q.backward()
    actor_update = mu.forward() + q.forward() + q.backward_to(layer, ACTION) + mu.backward()
    products = critic_update * case.policy_delay + actor_update

    def multiply() -> None:
        for a, b, out in products:
            torch.mm(a, b, out=out)

    return multiply


def compose(*overrides: str) -> DictConfig:
    """The config of a command line."""
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        return hydra.compose("config", ["env=halfcheetah", "device=cpu", "logger=silent", *overrides])


def learner(case: Case) -> tuple[Callable[[], None], Callable[[], None]]:
    """The agent's updates in portions like `floor`'s: minibatches drawn before, and drawn at every update."""
    cfg, cpu = compose(*case.overrides, "buffer_size=100_000"), torch.device("cpu")
    env, rng = build_env_spec(cfg).make(), np.random.default_rng(0)
    agent = build_agent(cfg, env, cpu)
    replay = build_replay(cfg, env, cpu, rng)
    for i in range(cfg.buffer_size):
        obs, action = rng.standard_normal((2, OBS)), rng.uniform(-1, 1, ACTION)
        replay.add(obs[0], action, rng.normal(), obs[1], False, ends=i % 1000 == 999)
    batches = [replay.sample(case.batch_size) for _ in range(10)]

    def updates() -> None:
        for _ in range(case.policy_delay):
            agent.update(batches[agent.updates % len(batches)])

    def sampled() -> None:
        for _ in range(case.policy_delay):
            agent.update(replay.sample(case.batch_size))

    return updates, sampled


def rate(work: Callable[[], None], seconds: float) -> float:
    """Calls per second over about so many seconds."""
    calls, start = 0, time.perf_counter()
    while (now := time.perf_counter()) - start < seconds:
        work()
        calls += 1
    return calls / (now - start)


def measure_updates(case: Case, repeats: int, seconds: float) -> dict[str, float]:
    """Updates per second of floor and agent, measured in turns, and the medians of their fractions."""
    works = [floor(case), *learner(case)]
    for work in works:  # warm-up: threads, allocator, whatever is compiled at the first calls
        rate(work, 1.0)
    turns = [[case.policy_delay * rate(work, seconds) for work in works] for _ in range(repeats)]
    floors, updates, sampled = (statistics.median(column) for column in zip(*turns, strict=True))
    return {
        "floor_per_s": floors, "updates_per_s": updates, "sampled_per_s": sampled,
        "floor_fraction": statistics.median(turn[1] / turn[0] for turn in turns),
        "sampled_fraction": statistics.median(turn[2] / turn[0] for turn in turns),
    }  # fmt: skip


def measure_training(case: Case, steps: int) -> float:
    """Env steps per second of a whole run, one update each; the median over rows, warm-up left out."""
    every, starts = 250, 1000
    total = starts + every + steps
    cfg = compose(
        *case.overrides, f"total_steps={total}", f"random_steps={starts}", f"learning_starts={starts}",
        f"logger.every={every}", f"eval.every={total}", "eval.episodes=1",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        run(cfg, Path(folder), [])
        rows = read_metrics(Path(folder) / "metrics.jsonl")
    speeds = [row["charts/SPS"] for row in rows if "charts/SPS" in row and row["env_step"] > starts + every]
    return statistics.median(speeds)


def machine(core: int) -> dict[str, Any]:
    """What the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    model = next(models, platform.machine())
    versions = {module.__name__: module.__version__ for module in (torch, np, gymnasium, mujoco)}
    threads = torch.get_num_threads()
    return {"cpu": model, "core": core, "threads": threads, "python": platform.python_version(), **versions}


def show(result: dict[str, Any]) -> None:
    """The tables."""
    print(", ".join(f"{key} {value}" for key, value in result["machine"].items()))
    print(f"warm-up excluded; medians of {result['repeats']} turns\n")
    print(f"{'updates/s':10}{'floor':>9}{'update':>9}{'sampled':>9}{'update/floor':>14}{'sampled/floor':>15}")
    for name, row in result["updates"].items():
        rates = (f"{row[key]:9.0f}" for key in ("floor_per_s", "updates_per_s", "sampled_per_s"))
        print(f"{name:10}{''.join(rates)}{row['floor_fraction']:14.2f}{row['sampled_fraction']:15.2f}")
    print("\ntraining, HalfCheetah-v4, env steps/s")
    for name, speed in result["steps_per_s"].items():
        print(f"{name:10}{speed:9.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core to run on")
    parser.add_argument("--repeats", type=int, default=7, help="turns, at least 5")
    parser.add_argument("--seconds", type=float, default=0.7, help="length of each measurement")
    parser.add_argument("--steps", type=int, default=2000, help="env steps of training that are measured")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    args = parser.parse_args()
    if args.repeats < 5:
        parser.error("--repeats must be at least 5")
    os.sched_setaffinity(0, {args.core})
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # as ddpg-train does
    updates = {name: measure_updates(case, args.repeats, args.seconds) for name, case in CASES.items()}
    result = {
        "machine": machine(args.core), "repeats": args.repeats, "updates": updates,
        "floor_fraction": {name: row["floor_fraction"] for name, row in updates.items()},
        "steps_per_s": {name: measure_training(case, args.steps) for name, case in CASES.items()},
    }  # fmt: skip
    print(json.dumps(result, indent=2)) if args.json else show(result)


if __name__ == "__main__":
    main()
