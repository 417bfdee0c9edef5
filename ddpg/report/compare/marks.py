"""Sentences that a reader of scores has to know first: on unequal lengths of training, and selection that flatters."""

import shlex
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ddpg.record.series import short_number
from ddpg.report.compare.scored import Scored, Scores
from ddpg.report.reading import RunRecord
from ddpg.report.text import number
from ddpg.search.selection import optimism
from ddpg.search.study import StudyFolder

#: Packages with another version of which the same configuration may have other scores.
DECIDE_SCORES = ("ddpg", "box2d", "dm_control", "gymnasium", "mujoco", "pybullet", "pybullet_envs_gymnasium", "torch")


def length_marks(scores: Scores) -> list[str]:
    """Say where finished configurations are compared at a step before their end, and which one ends there."""
    marks = []
    for environment, group in scores.items():
        finished = [one for one in group.values() if len(one.own) and not one.unfinished]
        step = max((one.step for one in finished), default=0.0)
        further = max((one.reached for one in finished), default=0.0)
        if further > step:
            first = [one.configuration for one in finished if one.reached == step]
            where = f"where {', '.join(first)} ends" if first else "the last one that all configurations have"
            marks.append(
                f"{environment}: compared at step {short_number(step)}, {where}; "
                f"others went on to {short_number(further)}"
            )
    return marks


def study_marks(records: Sequence[RunRecord]) -> list[str]:
    """Say which runs are trials of a study, and which were trained on the seeds on which their values were tuned."""
    return [*_trials(records), *_tuned(records)]


def version_marks(records: Sequence[RunRecord]) -> list[str]:
    """Say which packages that decide scores had several versions among the runs."""
    seen: dict[str, set[str]] = {}
    for record in records:
        for start in record.starts:
            for package, version in (start.get("versions") or {}).items():
                if package in DECIDE_SCORES:
                    seen.setdefault(package, set()).add(str(version))
    mixed = [f"{package} {', '.join(sorted(several))}" for package, several in sorted(seen.items()) if len(several) > 1]
    return [f"the runs had different versions of packages: {'; '.join(mixed)}"] if mixed else []


def best_of(configurations: Sequence[Scored]) -> float | None:
    """Return by how much the best of 3 or more configurations is expected to flatter, because it was chosen.

    None with fewer, with unequal numbers of seeds, or with a single seed, which shows no noise.
    """
    if len(configurations) < 3 or len({len(one.scores) for one in configurations}) > 1:
        return None
    return optimism([one.scores.tolist() for one in configurations], maximize=True)


def _trials(records: Sequence[RunRecord]) -> list[str]:
    runs: dict[Path, set[Path]] = {}
    for record in records:
        study = _study_above(record.folder.path.resolve().parent)
        if study is not None:
            runs.setdefault(study, set()).add(record.folder.path.resolve().parent)
    return [
        f"{len(trials)} trials of the study {study.name} are here: the best of them was chosen by these scores, so it "
        f"looks better than it is; ddpg-sweep confirm {StudyFolder(study).quoted} trains it on new seeds"
        for study, trials in runs.items()
    ]


def _tuned(records: Sequence[RunRecord]) -> list[str]:
    seeds: dict[Path, set[int]] = {}
    for record in records:
        for start in record.starts:
            study = _study_named_by(start)
            if study is not None and record.config["seed"] in study.definition().seeds:
                seeds.setdefault(study.path, set()).add(record.config["seed"])
    return [
        f"tuned on these very seeds: the values of the study {path.name} were chosen by seeds "
        f"{', '.join(map(str, sorted(found)))}, and these runs have the same; only new seeds show how good they are"
        for path, found in seeds.items()
    ]


@cache
def _study_above(folder: Path) -> Path | None:
    return next((path for path in (folder, *folder.parents) if StudyFolder(path).exists), None)


def _study_named_by(start: Mapping[str, Any]) -> StudyFolder | None:
    """Return the study whose winner a command trains: `ddpg-train --config-dir STUDY experiment=best`."""
    words = shlex.split(start.get("command", ""))
    named = _config_dir_in(words)
    if named is None or "experiment=best" not in words:
        return None
    study = StudyFolder(Path(start.get("directory", ".")) / named)
    return study if study.exists else None


def _config_dir_in(words: Sequence[str]) -> str | None:
    """Return the folder that --config-dir names among the words of a command line; None without it."""
    named = [word.partition("=")[2] for word in words if word.startswith(("--config-dir=", "-cd="))]
    named += [after for word, after in pairwise(words) if word in ("--config-dir", "-cd")]
    return named[-1] if named else None


def flattery(configurations: Sequence[Scored]) -> str | None:
    """Say how much the choice of the best configuration of an environment flatters it."""
    amount = best_of(configurations)
    if amount is None or amount <= 0:
        return None
    best = max(configurations, key=lambda one: float(np.mean(one.scores)))
    return (
        f"{best.configuration} is the best of {len(configurations)} and chosen by its score: on new seeds it is "
        f"expected to have {number(amount)} less"
    )
