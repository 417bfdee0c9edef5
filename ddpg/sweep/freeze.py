"""The jobs of a sweep as frozen run folders: composed, resolved and checked before anything is submitted.

So a run that waits or is requeued does not see what happens to the YAML files in the meantime.
"""

import json
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import omegaconf.base  # omegaconf is held below 2.4
from hydra._internal.config_loader_impl import get_overrides_dirname  # hydra-core is held below 1.4
from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.utils import filter_overrides
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from ddpg.config import Settings, require_complete, require_same_config, to_yaml, told
from ddpg.errors import UserError
from ddpg.provenance import code_version
from ddpg.run_folder import RunFolder
from ddpg.signature import fit
from ddpg.sweep.folder import SweepFolder


@dataclass(frozen=True)
class FrozenRun:
    """One run before it starts: nothing in `config` is left to resolve."""

    number: int
    path: Path
    overrides: list[str]
    config: dict[str, Any]


class Composer:
    """Composes the jobs of a sweep. Jobs that differ in values alone share Hydra's composition, which takes 0.1 s."""

    def __init__(self, config: DictConfig, loader: ConfigLoader) -> None:
        self._config, self._loader = config, loader
        self._groups = set(config.hydra.runtime.choices)
        parser = OverridesParser.create(config_loader=loader)
        self._parsed, self._base = cache(parser.parse_override), lru_cache(maxsize=32)(self._composed)

    def compose(self, number: int, words: Sequence[str]) -> DictConfig:
        """The config of a job with its hydra node. The next call may change it: take from it what is needed."""
        overrides = [self._parsed(word) for word in words]
        values = [o for o in overrides if self._is_value(o)]
        choices = tuple(word for word, o in zip(words, overrides, strict=True) if not self._is_value(o))
        config = self._base(choices, tuple(o.key_or_group for o in values))
        for override in values:  # every one of them, so nothing is left of the job before
            OmegaConf.update(config, override.key_or_group, override.value())
        job, naming = config.hydra.job, config.hydra.job.config.override_dirname
        with read_write(config.hydra), open_dict(config.hydra):
            job.num = job.id = number
            job.override_dirname = get_overrides_dirname(overrides, **naming)
            config.hydra.overrides.task = list(words)
        HydraConfig.instance().cfg = config  # type: ignore[assignment]  # what ${hydra:...} reads
        return config

    def _composed(self, choices: tuple[str, ...], keys: tuple[str, ...]) -> DictConfig:
        """`keys` tells apart the bases that different values are set in."""
        return self._loader.load_sweep_config(self._config, list(choices))

    def _is_value(self, override: Override) -> bool:
        """Whether it sets one value and nothing else: no group, nothing added or deleted, no mapping merged in."""
        added = override.is_delete() or override.is_add() or override.is_force_add() or override.package is not None
        key = override.key_or_group
        return not (added or key in self._groups or key.startswith("hydra.") or isinstance(override.value(), dict))


def compose(config: DictConfig, loader: ConfigLoader, jobs: Sequence[Sequence[str]], first: int) -> list[FrozenRun]:
    """The jobs of the master config as runs; `first` is the number of the first one.

    Raises UserError for a config that does not fit, or two jobs that would share a run folder.
    """
    composer = Composer(config, loader)
    with _interpolations_parsed_once():
        runs = [_frozen(number, composer.compose(number, words), words) for number, words in enumerate(jobs, first)]
    taken: dict[Path, FrozenRun] = {}
    for run in runs:
        if (other := taken.setdefault(run.path, run)) is not run:
            raise UserError(
                f"hydra.sweep.subdir gives {run.path.name} to the job {' '.join(other.overrides)} and to "
                f"{' '.join(run.overrides)}: let it contain ${{hydra.job.num}}"
            )
    return runs


@contextmanager
def _interpolations_parsed_once() -> Iterator[None]:
    """OmegaConf parses an interpolation at every look at it: two fifths of the time of many jobs."""
    grammar: Any = omegaconf.base
    parse, grammar.parse = grammar.parse, cache(grammar.parse)
    try:
        yield
    finally:
        grammar.parse = parse


def _frozen(number: int, job: DictConfig, words: Sequence[str]) -> FrozenRun:
    config = _checked(job)  # first: the folder's name may need what is missing
    path = Path(str(job.hydra.sweep.dir), str(job.hydra.sweep.subdir))
    return FrozenRun(number, path, [str(word) for word in filter_overrides(words)], config)


def _checked(job: DictConfig) -> dict[str, Any]:
    """The job's config in plain values, without its hydra node."""
    keys = [str(key) for key in job if key != "hydra"]
    try:
        values = {key: "???" if OmegaConf.is_missing(job, key) else job[key] for key in keys}
        plain = {k: OmegaConf.to_container(v, resolve=True) if OmegaConf.is_config(v) else v for k, v in values.items()}
    except OmegaConfBaseException as error:
        unresolved: Any = OmegaConf.to_container(job)
        require_complete({key: unresolved[key] for key in keys})
        raise UserError(told(error)) from error
    require_complete(plain)
    return fit(plain, Settings)


def freeze(sweep: SweepFolder, runs: Sequence[FrozenRun], handling: dict[str, Any]) -> None:
    """Writes the run folders and sweep.json, and waits until they are on disk.

    `handling` is what sweep.json keeps beside the runs: the launcher's options, threads. UserError, before anything
    is written, if one of the folders has a run of another config.
    """
    for run in runs:
        require_same_config(run.config, RunFolder(run.path))
    said = {"submitted": datetime.now().astimezone().isoformat(timespec="seconds"), **code_version()}
    for run in runs:
        folder = RunFolder(run.path)
        run.path.mkdir(parents=True, exist_ok=True)
        folder.config.write_text(to_yaml(run.config))
        if not folder.provenance.exists():
            folder.provenance.write_text(json.dumps([said | {"overrides": run.overrides}], indent=2) + "\n")
    os.sync()  # once, where a wait for each of the files would take minutes
    before = sweep.plan()["runs"][: runs[0].number] if sweep.exists else []
    listed = [{"folder": str(run.path.relative_to(sweep.path)), "overrides": run.overrides} for run in runs]
    sweep.write(said | {"command": shlex.join(sys.argv), **handling, "runs": before + listed})
