"""The memory that runs need, estimated without starting them."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

from omegaconf import OmegaConf

from ddpg.sweep.options import SlurmOptions

#: GiB of a run's process without its replay buffer, pictures at its end and W&B's service included. Measured over 3000
#: steps with Python 3.11 and torch for CPUs: classic control and Box2D 0.47 GiB, MuJoCo 0.53, PyBullet 0.52,
#: dm_control 0.60; the rest is for other versions, and torch's CUDA libraries where they are installed.
BASE_GB = 1.0
#: GiB of the host's memory that CUDA adds. Not measured.
GPU_GB = 2.0
#: GiB of the process that watches over the runs of a job on Slurm.
SUPERVISOR_GB = 0.1

GIB = 2**30


@dataclass(frozen=True)
class EnvFacts:
    """Facts of an environment that decide about the memory and time of a run.

    Args:
        transition_bytes: the size of a transition in the replay buffer.
        episode_steps: agent decisions until an episode is truncated; 0 if it never is.
    """

    transition_bytes: int
    episode_steps: int


def env_facts(configs: Sequence[Mapping[str, Any]]) -> list[EnvFacts]:
    """Build the environment of each config and return its facts; raise UserError if that is not possible.

    They are built in another process, because a simulator changes the process that it is loaded into.
    """
    envs = [json.dumps(config["env"]) for config in configs]
    different = list(dict.fromkeys(envs))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        facts = dict(zip(different, process.submit(_build_all, different).result(), strict=True))
    return [facts[env] for env in envs]


def _build_all(envs: Sequence[str]) -> list[EnvFacts]:
    return [_build(json.loads(env)) for env in envs]


def _build(node: Mapping[str, Any]) -> EnvFacts:
    from ddpg.run.build import transition_bytes  # torch, which only this process needs
    from ddpg.run.env_spec import build_env_spec

    env = build_env_spec(OmegaConf.create({"env": node})).make()
    limit = getattr(env.spec, "max_episode_steps", None) or 0
    facts = EnvFacts(transition_bytes(env), math.ceil(limit / node.get("action_repeat", 1)))
    env.close()
    return facts


def replay_gb(config: Mapping[str, Any], transition_bytes: int) -> float:
    """Return the GiB of the run's full replay buffer, and of the part of it that a checkpoint copies."""
    kept = min(config["buffer_size"], config["total_steps"])  # the rest is never filled
    copied = min(kept, config["checkpoint"]["every"])
    return (kept + copied) * transition_bytes / GIB


def job_gb(needed_gb: Sequence[float], runs_per_job: int) -> int:
    """Return the whole GiB of a job for any `runs_per_job` of the runs that need these amounts."""
    return math.ceil(sum(sorted(needed_gb)[-runs_per_job:]) + SUPERVISOR_GB)


def requested_gb(replays_gb: Sequence[float], runs_per_job: int, gpu: bool) -> int:
    """Return the GiB to request for each job of runs with these replay buffers, where nothing more is known."""
    base_gb = BASE_GB + gpu * GPU_GB
    return job_gb([base_gb + replay for replay in replays_gb], runs_per_job)


def estimated_job_gb(configs: Sequence[Mapping[str, Any]], runs_per_job: int, gpu: bool) -> int:
    """Return the GiB to request for each job of runs with these configs.

    Raises UserError if an environment cannot be built here.
    """
    facts = env_facts(configs)
    replays_gb = [replay_gb(config, fact.transition_bytes) for config, fact in zip(configs, facts, strict=True)]
    return requested_gb(replays_gb, runs_per_job, gpu)


def with_memory(options: SlurmOptions, configs: Iterable[Mapping[str, Any]]) -> SlurmOptions:
    """Return the options of jobs of runs with these configs, with an estimate of their memory where they have none.

    Raises UserError if an environment cannot be built here.
    """
    if options.mem_gb is not None:
        return options
    needed = estimated_job_gb(list(configs), options.runs_per_job, options.gpus_per_node is not None)
    return replace(options, mem_gb=needed)
