"""The composed config of one run, with Hydra's node: checked as far as that is possible without building it."""

from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from ddpg.composition.own_files import require_options
from ddpg.composition.word_checks import check_repeated, require_effect_in_run
from ddpg.config.settings import check, plain
from ddpg.config.spelling import as_typed
from ddpg.errors import UserError
from ddpg.record.claims import new_folder
from ddpg.sweep.freeze import check_env, check_fork
from ddpg.sweep.job_config import job_config, require_possible, swept_by_files


def checked_run(config: DictConfig) -> DictConfig:
    """Return the config of a run, resolved, without Hydra's node; with `resume` or `fork` it is that run's own.

    Hydra's node has to be the one that `${hydra:...}` reads. Raises UserError for the first mistake.
    """
    check_repeated(all_words(config), refused=config.hydra.runtime.choices)
    require_effect_in_run(all_words(config))
    require_id_of_option(config)
    require_no_record(config)
    require_options(config)
    _require_no_sweep(config)
    job = job_config(config, config.hydra.overrides.task)

    def folder() -> Path:
        return Path(str(config.hydra.run.dir))

    require_possible(job, folder)
    checked = check(job)
    check_env(checked.env)
    check_fork(plain(checked), folder())
    return checked


def require_no_record(config: DictConfig) -> None:
    """Raise UserError if the record of the options or of a fork was typed, which the program itself writes down."""
    if "choices" in config:
        raise UserError("choices: the program writes them down; an option is chosen as in noise=ou")
    if "forked" in config:
        raise UserError("forked: the program writes it down; a run is forked as in fork=outputs/RUN")


def _require_no_sweep(config: DictConfig) -> None:
    """Raise UserError for a file that sweeps keys, as an experiment may, unless each of them was typed."""
    typed = {override.key_or_group for override in OverridesParser.create().parse_overrides(written(config)["task"])}
    left = [f"{key}={values}" for key, values in swept_by_files(config).items() if key not in typed]
    if left:
        raise UserError(
            f"hydra.sweeper.params sweeps {' '.join(left)}, and this is one run: give each of these keys one value; "
            "for a sweep add -m to ddpg-train, or hydra.mode: MULTIRUN to the file"
        )


def require_id_of_option(config: DictConfig) -> None:
    """Raise UserError for an env.id beside an option of the group env that has a name or a budget for an id of its own.

    Where the option has none of its own, name and budget follow from the id (conf/tasks.yaml).
    """
    option = config.hydra.runtime.choices.env
    given = [word for word in as_typed(written(config)["task"]) if word.startswith("env.id=")]
    loader: Any = GlobalHydra.instance().config_loader()
    found = loader.repository.load_config(f"env/{option}") if given else None
    file: Any = {} if found is None else OmegaConf.to_container(found.config)
    own = " and ".join(key for key in ("name", "budget") if key in file)
    if own and file.get("id", "???") not in ("???", given[-1].removeprefix("env.id=")):
        raise UserError(f"{given[-1]}: env={option} has {own} for {file['id']}; write env=gym {given[-1]}")


def run_dir(config: DictConfig) -> Path:
    """Return the folder that hydra.run.dir names; it is made if it is to be a new one."""
    path = Path(str(config.hydra.run.dir))
    return new_folder(path) if is_new(config.hydra.run) else path


def is_new(node: DictConfig) -> bool:
    """Whether the folder of hydra.run or hydra.sweep has the time in its name, so that each start makes a new one."""
    as_written: Any = OmegaConf.to_container(node)
    return "${now:" in as_written["dir"]


def all_words(config: DictConfig) -> list[str]:
    """Return the overrides of the command line as they were written."""
    words = written(config)
    return [*words["task"], *words["hydra"]]


def written(config: DictConfig) -> dict[str, list[str]]:
    """Return the overrides of `task` and those of `hydra`, with interpolations as they were written."""
    words: Any = OmegaConf.to_container(config.hydra.overrides)
    return words
