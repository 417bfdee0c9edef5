"""The command `ddpg-train`: Hydra in front, one line for every mistake behind."""

import logging
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict

from ddpg.commands.command_line import find_own_packages, one_line_errors, require_text
from ddpg.commands.folders import quoted
from ddpg.commands.messages import explain, try_words
from ddpg.commands.options_help import Choices
from ddpg.commands.overrides import known_flags, without_defaults
from ddpg.commands.precheck import job_config
from ddpg.config import resolvers
from ddpg.config.settings import chosen
from ddpg.config.spelling import as_typed
from ddpg.errors import Refused, UserError
from ddpg.interrupt import ending_at_once
from ddpg.record.find_run import require_run

log = logging.getLogger(__name__)

#: Keys whose values are folders.
FOLDERS = ("hydra.run.dir", "hydra.sweep.dir")


def main() -> None:
    """`ddpg-train OVERRIDE...`: everything that Hydra's command line offers."""
    with one_line_errors("ddpg-train"):
        train_with_hydra(sys.argv[1:])


def train_with_hydra(words: Sequence[str]) -> None:
    """Do what the words of a command line ask for.

    Raises UserError for overrides that Hydra refuses, and whatever else goes wrong.
    """
    find_own_packages()
    require_text(words)
    flags = known_flags(words)
    if flags.help:
        print(Choices(flags.config_dir).help())
        sys.exit()
    resolvers.register()
    _register_launchers()
    try_words(hydra_words(words), _call_hydra)


def _call_hydra(words: Sequence[str]) -> None:
    sys.argv[1:] = words  # where Hydra reads its command line
    _train()


def _register_launchers() -> None:
    """Register the launchers by hand, because Hydra's search finds none in an editable install."""
    plugins = Plugins.instance()  # first: the search itself loads Hydra's own plugins anew
    from hydra_plugins.ddpg_launcher import LocalLauncher, SearchSweeper, SerialLauncher, SlurmLauncher, Sweeper

    for plugin in (LocalLauncher, SerialLauncher, SlurmLauncher, Sweeper, SearchSweeper):
        plugins.register(plugin)


@hydra.main(version_base="1.3", config_path="../conf", config_name="config")
def _train(cfg: DictConfig) -> float | None:
    with ending_at_once():
        from ddpg.run.lifecycle import run  # torch is loaded when there is something to train

    job = HydraConfig.get()
    with open_dict(cfg):
        cfg.choices = chosen(job.runtime.choices)
    overrides = as_typed(job.overrides.task)
    folder = Path(job.runtime.output_dir)
    if job.mode == RunMode.MULTIRUN:
        try:
            return run(cfg, folder, overrides)
        except Exception as error:  # Hydra trains the other jobs and reports the first failure at the end
            log.error("job %s failed: %s", job.job.num, explain(error) or error)
            raise
    try:
        return run(job_config(cfg, overrides), folder, overrides)
    except Exception as error:
        raise Refused(error) from error


def hydra_words(words: Sequence[str]) -> list[str]:
    """Return the words in the form that Hydra reads: overrides before flags, `resume=RUN` with its folder.

    Hydra's argparse refuses a flag between overrides, and `-m` may stand anywhere here. Hydra's grammar has no `=` in a
    value, which names of folders have here.
    """
    meant = without_defaults(words)
    flags = known_flags(meant)
    others = list(meant)
    for override in flags.overrides:
        others.remove(override)
    return [*map(_quoted_folder, study_words(_continued(flags))), *others]


def study_words(overrides: Sequence[str]) -> list[str]:
    """Return the overrides with the sweeper that searches, if they name a study: a file cannot choose its sweeper.

    Hydra lets conf/config.yaml, which chooses one, win over the files that it composes.
    """
    names_a_study = any(word.startswith("+study=") for word in overrides)
    names_a_sweeper = any(word.startswith("hydra/sweeper=") for word in overrides)
    return [*overrides, *["hydra/sweeper=search"] * (names_a_study and not names_a_sweeper)]


def _quoted_folder(word: str) -> str:
    """Put a folder with = in its name into quotes, unless it was written in Hydra's own grammar."""
    key, _, folder = word.partition("=")
    if key not in FOLDERS or "=" not in folder or folder[:1] in "'\"" or "${" in folder:
        return word
    return f"{key}={quoted(folder)}"


def _continued(flags: Namespace) -> list[str]:
    """Let `resume=RUN` make RUN Hydra's output folder.

    Keys get a ++, because the run's own config has them, which Hydra does not know, whatever the default config has.
    """
    overrides: list[str] = flags.overrides
    chosen = [word for word in overrides if word.lstrip("+").startswith("resume=")]
    if not chosen:
        return overrides
    resume = chosen[0].lstrip("+")
    if flags.multirun or len(chosen) > 1:
        other = "-m" if flags.multirun else chosen[1]
        raise UserError(f"{resume} cannot be combined with {other}: it continues one run")
    folder = Path(resume.partition("=")[2].strip("'\""))
    require_run(folder, resume)
    choices = Choices(flags.config_dir)
    words = [f"++{word}" if _sets_key(word, choices) else word for word in overrides if word not in chosen]
    return [f"resume={quoted(str(folder))}", *words, f"hydra.run.dir={quoted(str(folder))}"]


def _sets_key(word: str, choices: Choices) -> bool:
    """Whether a word gives a value to a key of the run.

    Raises UserError for one that would give it another folder.
    """
    key, is_set, _ = word.partition("=")
    if key.startswith(("hydra.run.", "hydra.output_subdir")):
        raise UserError(f"{word} cannot be given with resume: a run goes on in its own folder")
    is_plain = bool(is_set) and key[:1] not in ("+", "~") and not key.startswith("hydra")
    return is_plain and not choices.is_group(key)
