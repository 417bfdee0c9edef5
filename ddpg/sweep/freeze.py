"""The jobs of a sweep as frozen run folders: composed, resolved and checked before anything is submitted.

So a run that waits or is requeued does not see what happens to the YAML files in the meantime.
"""

import json
import os
import shlex
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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

from ddpg.config.settings import to_yaml, values
from ddpg.errors import UserError
from ddpg.record.config_file import require_same_config
from ddpg.record.provenance import code_version
from ddpg.record.run_folder import RunFolder
from ddpg.sweep.state.folder import SweepFolder, now


@dataclass(frozen=True)
class FrozenRun:
    """One run before it starts: nothing in `config` is left to resolve. `choices`: the option of each group."""

    number: int
    path: Path
    overrides: list[str]
    choices: dict[str, str]
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
        changes = [o for o in overrides if self._is_value(o)]
        choices = tuple(word for word, o in zip(words, overrides, strict=True) if not self._is_value(o))
        config = self._base(choices, tuple(o.key_or_group for o in changes))
        for override in changes:  # every one of them, so nothing is left of the job before
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

    Raises UserError for a config that does not fit, and for jobs that would share a run folder or leave the sweep's.
    """
    composer, sweep = Composer(config, loader), Path(str(config.hydra.sweep.dir))
    with _interpolations_parsed_once():
        runs = [_frozen(n, composer.compose(n, words), words, sweep) for n, words in enumerate(jobs, first)]
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


def _frozen(number: int, job: DictConfig, words: Sequence[str], sweep: Path) -> FrozenRun:
    config = values(job)  # first: the folder's name may need what is missing
    within = Path(str(job.hydra.sweep.subdir))
    if Path(str(job.hydra.sweep.dir)) != sweep or within.is_absolute() or ".." in within.parts:
        raise UserError(
            f"hydra.sweep.subdir={within} and hydra.sweep.dir={job.hydra.sweep.dir}: all runs have to be below one "
            "folder, so what differs between them belongs into hydra.sweep.subdir, a relative path"
        )
    choices = {group: option for group, option in job.hydra.runtime.choices.items() if not group.startswith("hydra/")}
    return FrozenRun(number, sweep / within, [str(word) for word in filter_overrides(words)], choices, config)


def freeze(sweep: SweepFolder, runs: Sequence[FrozenRun], alive: Collection[int], handling: dict[str, Any]) -> None:
    """Writes the run folders and sweep.json, and waits until they are on disk.

    `alive` are the numbers of runs that are being trained or wait for it, whose folders are left as they are;
    `handling` is what sweep.json keeps beside the runs: the launcher's options, threads. UserError, before anything
    is written, if the folder has another sweep, or one of the run folders a run of another config.
    """
    known = sweep.plan()["runs"] if sweep.exists else []
    listed = [{"folder": str(run.path.relative_to(sweep.path)), "overrides": run.overrides} for run in runs]
    for run, entry in zip(runs, listed, strict=True):
        if run.number < len(known) and known[run.number]["folder"] != entry["folder"]:
            raise UserError(
                f"{sweep.path} holds another sweep, whose run {run.number} is {known[run.number]['folder']}, not "
                f"{entry['folder']}: choose another hydra.sweep.dir"
            )
        require_same_config(run.config, RunFolder(run.path))
    said = {"submitted": now(), **code_version()}
    for run in runs:
        if run.number not in alive:
            _write(run, said | {"overrides": run.overrides, "choices": run.choices})
    os.sync()  # once, where a wait for each of the files would take minutes
    first, rest = runs[0].number, known[runs[0].number + len(runs) :]
    origin = {"command": shlex.join(sys.argv), "directory": str(Path.cwd())}
    sweep.write(said | origin | handling | {"runs": known[:first] + listed + rest})


def _write(run: FrozenRun, origin: dict[str, Any]) -> None:
    folder, config = RunFolder(run.path), to_yaml(run.config)
    run.path.mkdir(parents=True, exist_ok=True)
    if not folder.config.exists() or folder.config.read_text() != config:
        beside = folder.config.with_suffix(".new")
        beside.write_text(config)
        beside.replace(folder.config)
    if not folder.provenance.exists():
        folder.provenance.write_text(json.dumps([origin], indent=2) + "\n")
