"""How much memory runs take, estimated without starting them."""

import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from omegaconf import OmegaConf

from ddpg.sweep.freeze import FrozenRun

#: A run's process without its replay memory, pictures at its end and W&B's service included. Measured over 3000 steps
#: with Python 3.11 and torch for CPUs: classic control and Box2D 0.47 GiB, MuJoCo 0.53, PyBullet 0.52, dm_control 0.60;
#: the rest is for other versions, and torch's CUDA libraries where they are installed.
BASE_GB = 1.0
#: What CUDA adds to it in the host's memory. Not measured.
GPU_GB = 2.0
#: The process that watches over the runs of a job on Slurm.
SUPERVISOR_GB = 0.1

GIB = 2**30


@dataclass(frozen=True)
class EnvFacts:
    """`transition_bytes` in the replay memory; `episode_steps`: agent decisions until an episode is truncated."""

    transition_bytes: int
    episode_steps: int


def env_facts(configs: Sequence[Mapping[str, Any]]) -> list[EnvFacts]:
    """Of the environment of each config. UserError if one of them cannot be built.

    They are built in another process: a simulator changes the one that it is loaded into.
    """
    envs = [json.dumps(config["env"]) for config in configs]
    different = list(dict.fromkeys(envs))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        facts = dict(zip(different, process.submit(_built, different).result(), strict=True))
    return [facts[env] for env in envs]


def _built(envs: Sequence[str]) -> list[EnvFacts]:
    return [_facts(json.loads(env)) for env in envs]


def _facts(node: Mapping[str, Any]) -> EnvFacts:
    from ddpg.run.build import build_env_spec, transition_bytes  # torch, which only this process needs

    env = build_env_spec(OmegaConf.create({"env": node})).make()
    limit = getattr(env.spec, "max_episode_steps", None) or 0
    facts = EnvFacts(transition_bytes(env), math.ceil(limit / node.get("action_repeat", 1)))
    env.close()
    return facts


def replay_gb(config: Mapping[str, Any], transition_bytes: int) -> float:
    """GiB of the run's full replay memory, and of the part of it that a checkpoint copies."""
    kept = min(config["buffer_size"], config["total_steps"])  # the rest is never filled
    return (kept + min(kept, config["checkpoint"]["every"])) * transition_bytes / GIB


def job_gb(needed: Sequence[float], runs_per_job: int) -> int:
    """Whole GiB for a job with any `runs_per_job` of the runs that need so much each."""
    return math.ceil(sum(sorted(needed)[-runs_per_job:]) + SUPERVISOR_GB)


def asked_gb(replay: Sequence[float], runs_per_job: int, gpu: bool) -> int:
    """GiB to ask for each job of runs with so large replay memories, where nothing more is known."""
    return job_gb([BASE_GB + gpu * GPU_GB + gb for gb in replay], runs_per_job)


def estimated_mem_gb(runs: Sequence[FrozenRun], runs_per_job: int, gpu: bool) -> int:
    """The same for these runs. UserError if an environment cannot be built here."""
    facts = env_facts([run.config for run in runs])
    replay = [replay_gb(run.config, fact.transition_bytes) for run, fact in zip(runs, facts, strict=True)]
    return asked_gb(replay, runs_per_job, gpu)
