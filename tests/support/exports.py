"""Exported policies in every format, with the observations that they meet."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from support.stored_runs import CAMERA, stored_run

from ddpg.export.write import export
from ddpg.policies import Policy
from ddpg.record.run_folder import RunFolder
from ddpg.run.playing import open_playable
from ddpg.run.playing.stage import Part, Stage
from ddpg.run.policies import stored_policy

ALL = ("safetensors", "onnx", "pt2")
#: The overrides of runs: vectors that are normalized, and pictures.
RUNS = {"vectors": ("network.normalize_obs=5", "network.actor.norm=layer"), "pictures": CAMERA}


class Exported(NamedTuple):
    """A run, its policy, the folder of its export, and the observations of some episodes, (N, *obs_shape)."""

    run: RunFolder
    policy: Policy
    folder: Path
    obs: np.ndarray


def exported_run(path: Path, *overrides: str) -> Exported:
    """Write a run that nobody trained, and export it in every format."""
    run = stored_run(path, *overrides)
    folder = path / "policy"
    export(run, ALL, "last", folder, episodes=2, license=None)
    policy = stored_policy(run, "last")
    return Exported(run, policy, folder, _met(run, policy))


def _met(run: RunFolder, policy: Policy) -> np.ndarray:
    """Return the observations that a policy meets in three episodes."""
    met = []

    def watched(obs: np.ndarray) -> np.ndarray:
        met.append(obs.copy())
        return policy(obs)

    playable = replace(open_playable(run.path), load=lambda env: watched)
    with Stage(Part(playable)) as stage:
        for seed in range(3):
            stage.episode(seed)
    return np.stack(met)
