"""Overrides that Hydra takes in silence: given twice, or without any effect."""

import logging
from collections.abc import Container, Iterable

from ddpg.errors import UserError

log = logging.getLogger(__name__)

#: Beginnings of overrides that have an effect in a sweep alone.
OF_SWEEPS = ("hydra/launcher", "hydra/sweeper", "hydra.launcher", "hydra.sweeper", "hydra.sweep.")
#: Beginnings of overrides for jobs of Hydra's own launchers; `local` and `slurm` start a run by its folder alone.
OF_HYDRAS_JOBS = (
    "hydra.job.env_set",
    "hydra.job.env_copy",
    "hydra.job.chdir",
    "hydra.job_logging",
    "hydra/job_logging",
    "hydra.output_subdir",
)


def check_repeated(words: Iterable[str], refused: Container[str] = ()) -> None:
    """Say which word counts where a key is given twice, as by a script that passes its own words on with yours.

    Args:
        words: all overrides.
        refused: keys and groups for which there is no such rule.

    Raises:
        UserError: one of those is given twice.
    """
    last: dict[str, str] = {}
    for word in words:
        key = word.partition("=")[0].lstrip("+")
        before = last.get(key, word)
        if "=" not in word or before == word:
            last.setdefault(key, word)
            continue
        if key in refused:
            raise UserError(f"{before} {word}: {key} is chosen twice; leave out one of them")
        log.warning("%s %s: the last one counts", before, word)
        last[key] = word


def require_effect_in_run(words: Iterable[str]) -> None:
    """Raise UserError for an override that matters to sweeps alone."""
    for word in _stripped(words):
        if word.startswith(OF_SWEEPS):
            folder = "; the folder of a run is hydra.run.dir" if word.startswith("hydra.sweep.") else ""
            raise UserError(f"{word} has an effect in a sweep alone: add -m{folder}")


def require_effect_in_sweep(words: Iterable[str], launcher: str, freezes: bool) -> None:
    """Raise UserError for an override that matters to a single run, or to other launchers.

    Args:
        words: all overrides.
        launcher: the option of hydra/launcher.
        freezes: whether the launcher is one of this package's.
    """
    for word in _stripped(words):
        if word.startswith("hydra.run."):
            raise UserError(
                f"{word} has no effect with -m: the folder of a sweep is hydra.sweep.dir, that of each run in it "
                "hydra.sweep.subdir"
            )
        if freezes and word.startswith(OF_HYDRAS_JOBS):
            raise UserError(
                f"{word} has no effect with hydra/launcher={launcher}, whose runs do not start through Hydra"
            )


def _stripped(words: Iterable[str]) -> list[str]:
    return [word.lstrip("+") for word in words]
