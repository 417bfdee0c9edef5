"""The jobs of a sweep as frozen run folders: composed, resolved and checked before anything is submitted.

So a run that waits or is requeued does not see what happens to the YAML files in the meantime.
"""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import get_overrides_dirname  # hydra-core is held below 1.4
from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.utils import filter_overrides
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from ddpg.config.settings import to_yaml, values
from ddpg.config.spelling import as_typed
from ddpg.errors import UserError
from ddpg.record.config_file import require_same_config
from ddpg.record.forks import has_begun
from ddpg.record.provenance import OF_CODE, code_version, command_line, own_configs
from ddpg.record.run_folder import RunFolder, atomic_write, read_yaml, sync_names
from ddpg.sweep.job_config import job_config, require_possible, swept_by_files
from ddpg.sweep.state.folder import SweepFolder, timestamp

#: Run folders that are written at the same time. Each waits for the disk several times: a thousand of them one after
#: the other take half a minute, and a second this way.
WRITERS = 16

#: Sweepers that name all their jobs beforehand, whatever becomes of them.
NEED_NO_RESULTS = ("hydra_plugins.ddpg_launcher.Sweeper", "hydra._internal.core_plugins.basic_sweeper.BasicSweeper")


@dataclass(frozen=True)
class FrozenRun:
    """One run before it starts.

    Args:
        number: its place in the sweep.
        path: its run folder.
        overrides: the words that make it differ from other runs.
        config: its config, in which nothing is left to resolve.
    """

    number: int
    path: Path
    overrides: list[str]
    config: dict[str, Any]


class Composer:
    """Composes the jobs of a sweep.

    Hydra's composition of groups takes 0.1 s, so jobs that differ in values alone share one.
    """

    def __init__(self, config: DictConfig, loader: ConfigLoader) -> None:
        self._config = config
        self._loader = loader
        self._groups = set(config.hydra.runtime.choices)
        self._parsed = cache(OverridesParser.create(config_loader=loader).parse_override)
        self._base = lru_cache(maxsize=32)(self._composed)

    def compose(self, number: int, words: Sequence[str]) -> DictConfig:
        """Return the config of a job with its hydra node; the next call may change the object."""
        overrides = [self._parsed(word) for word in words]
        changes = [override for override in overrides if self._is_value(override)]
        choices = [word for word, override in zip(words, overrides, strict=True) if not self._is_value(override)]
        config = self._base(tuple(choices), tuple(change.key_or_group for change in changes))
        for change in changes:  # every key that this base is used for, so nothing is left of the job before
            OmegaConf.update(config, change.key_or_group, change.value())
        with read_write(config.hydra), open_dict(config.hydra):
            job = config.hydra.job
            job.num = number
            job.id = number
            job.override_dirname = get_overrides_dirname(overrides, **job.config.override_dirname)
            config.hydra.overrides.task = list(words)
        HydraConfig.instance().cfg = config  # type: ignore[assignment]  # what ${hydra:...} reads
        return config

    def sets_a_value(self, word: str) -> bool:
        """Whether an override sets one value and nothing else."""
        return self._is_value(self._parsed(word))

    def _composed(self, choices: tuple[str, ...], keys: tuple[str, ...]) -> DictConfig:
        """Return a new config for these choices of groups; `keys` are those that its jobs will set.

        Raises UserError for a choice that sweeps keys itself, as an experiment may, because it comes too late for that.
        """
        config = self._loader.load_sweep_config(self._config, list(choices))
        given = {*swept_by_files(self._config), *keys, *(self._parsed(word).key_or_group for word in choices)}
        left = [key for key in swept_by_files(config) if key not in given]
        if left:
            raise UserError(
                f"{' '.join(as_typed(choices))} is a sweep of its own ({', '.join(left)}): start it by itself, or give "
                "each of these keys its values"
            )
        return config

    def _is_value(self, override: Override) -> bool:
        """Whether it sets one value and nothing else: no group, nothing added or deleted, no mapping merged in."""
        key = override.key_or_group
        if override.is_delete() or override.is_add() or override.is_force_add() or override.package is not None:
            return False
        return not (key in self._groups or key.startswith("hydra.") or isinstance(override.value(), dict))


def compose(config: DictConfig, loader: ConfigLoader, jobs: Sequence[Sequence[str]], first: int) -> list[FrozenRun]:
    """Return the jobs of a sweep as runs.

    Args:
        config: the master config of the sweep.
        loader: Hydra's.
        jobs: the overrides of each job.
        first: the number of the first job.

    Raises:
        UserError: no jobs, a config that does not fit, or jobs that share a run folder or leave that of the sweep.
    """
    if not jobs:
        raise UserError("there are no jobs: the sweeper has named none")
    composer = Composer(config, loader)
    sweep = Path(str(config.hydra.sweep.dir))
    runs = [_frozen(number, composer.compose(number, words), words, sweep) for number, words in enumerate(jobs, first)]
    taken: dict[Path, FrozenRun] = {}
    for run in runs:
        other = taken.setdefault(run.path, run)
        if other is not run:
            raise UserError(
                f"hydra.sweep.subdir gives {run.path.name} to the job {' '.join(other.overrides)} and to "
                f"{' '.join(run.overrides)}: let it contain ${{hydra.job.num}}"
            )
    return runs


def check_env(env: Any) -> None:
    """Raise UserError for a mistake in the environment's settings that shows without building it."""
    from ddpg.run.env_spec import build_env_spec  # loads gymnasium, which most mistakes are told without

    spec = build_env_spec({"env": env})
    if hasattr(spec, "check"):  # a user's class need not have it
        spec.check()


def check_fork(config: Mapping[str, Any], path: Path) -> None:
    """Raise UserError for a fork that has other observations or actions than its source.

    A fork that has begun, or is resumed, needs its source no more.
    """
    if config.get("fork") is None or config.get("resume") is not None or has_begun(RunFolder(path)):
        return
    from ddpg.run.fork import require_same_spaces  # loads torch

    require_same_spaces(read_yaml(RunFolder(Path(config["fork"])).config), config)


def _frozen(number: int, job: DictConfig, words: Sequence[str], sweep: Path) -> FrozenRun:
    one = job_config(job, words)
    config = values(one)  # first: the folder's name may need what is missing
    subdir = Path(str(job.hydra.sweep.subdir))
    if Path(str(job.hydra.sweep.dir)) != sweep or subdir.is_absolute() or ".." in subdir.parts:
        raise UserError(
            f"hydra.sweep.subdir={subdir} and hydra.sweep.dir={job.hydra.sweep.dir}: all runs have to be below one "
            "folder, so what differs between them belongs into hydra.sweep.subdir, a relative path"
        )
    require_possible(one, lambda: sweep / subdir)
    return FrozenRun(number, sweep / subdir, as_typed(filter_overrides(words)), config)


def freeze(sweep: SweepFolder, runs: Sequence[FrozenRun], alive: Collection[int], handling: Mapping[str, Any]) -> None:
    """Write the run folders and sweep.json, and wait until they are on disk.

    Args:
        sweep: the folder of the sweep.
        runs: with numbers that the sweep has, or the next ones.
        alive: the numbers of runs that are being trained or wait for it, whose folders are left as they are.
        handling: what sweep.json has beside the runs: `launcher`, its options, `threads`, and `config_dir` where
            there are config groups of the user's own; of a study, which freezes its runs one after the other, also
            what `code_version` was when it began.

    Raises:
        UserError: the folder has another sweep, or a run folder has a run of another config. Nothing is written then.
    """
    known = sweep.manifest()["runs"] if sweep.exists else []
    entries = [{"folder": str(run.path.relative_to(sweep.path)), "overrides": run.overrides} for run in runs]
    for run, entry in zip(runs, entries, strict=True):
        if run.number < len(known) and known[run.number]["folder"] != entry["folder"]:
            raise UserError(
                f"{sweep.path} holds another sweep, whose run {run.number} is {known[run.number]['folder']}, not "
                f"{entry['folder']}: choose another hydra.sweep.dir"
            )
        require_same_config(run.config, RunFolder(run.path))
    code = {key: handling[key] for key in OF_CODE if key in handling} or code_version()
    origin = {"submitted": timestamp(), **code, **own_configs(handling)}
    _write_folders(sweep.path, [run for run in runs if run.number not in alive], origin)
    listed = dict(enumerate(known)) | {run.number: entry for run, entry in zip(runs, entries, strict=True)}
    sweep.write({**origin, **command_line(), **handling, "runs": [listed[number] for number in sorted(listed)]})


def _write_folders(sweep: Path, runs: Sequence[FrozenRun], origin: Mapping[str, Any]) -> None:
    """Write the run folders, several at a time, and wait until they are on disk."""
    with ThreadPoolExecutor(WRITERS) as writers:
        for _ in writers.map(lambda run: _write(run, origin), runs):
            pass  # raises what a writer raised
    above = {folder for run in runs for folder in run.path.parents if folder.is_relative_to(sweep)}
    for folder in above:
        sync_names(folder)


def _write(run: FrozenRun, origin: Mapping[str, Any]) -> None:
    folder = RunFolder(run.path)
    config = to_yaml(_forked(run, origin))
    run.path.mkdir(parents=True, exist_ok=True)
    if not folder.config.exists() or folder.config.read_text(encoding="utf-8") != config:
        with atomic_write(folder.config) as file:
            file.write(config.encode())
    if not folder.provenance.exists():
        folder.write_json(folder.provenance, [{**origin, "overrides": run.overrides}])


def _forked(run: FrozenRun, origin: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of a run; if it is a fork, that is made here, whatever its source does later."""
    if run.config.get("fork") is None:
        return run.config
    from ddpg.run.fork import fork_once  # loads torch, which other runs are frozen without

    return fork_once(run.config, RunFolder(run.path), {**origin, "overrides": run.overrides})
