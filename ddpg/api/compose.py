"""The config of a run from overrides, as `ddpg-train` composes and checks it."""

import os
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig

from ddpg.apart import apart
from ddpg.api.overrides import Overrides, as_words
from ddpg.composition.messages import explain, try_words
from ddpg.composition.options_help import Choices
from ddpg.composition.overrides import known_flags
from ddpg.composition.run_config import checked_run, is_new
from ddpg.composition.words import hydra_words
from ddpg.config import resolvers
from ddpg.config.spelling import as_typed
from ddpg.errors import UserError
from ddpg.record.find_run import near_folder

#: Hydra keeps what it composes in objects of the whole process.
_COMPOSING = RLock()


@dataclass(frozen=True)
class Composed:
    """A run before it starts.

    Args:
        config: checked, in which nothing is left to resolve.
        words: the overrides, for the record.
        folder: where `ddpg-train` would put the run.
        new: whether each start makes a new folder, named like this one.
        config_dir: the folder of the user's own config groups, for the record.
    """

    config: DictConfig
    words: list[str]
    folder: Path
    new: bool
    config_dir: str | None = None


def compose(overrides: Overrides = (), config_dir: str | os.PathLike[str] | None = None) -> DictConfig:
    """Return the config that `ddpg-train OVERRIDES` would train: composed, checked and resolved.

    Args:
        overrides: words such as `"env=pendulum"`, or a mapping such as `{"env": "pendulum", "gamma": 0.98}`.
        config_dir: a folder with config groups of yours, as with `--config-dir`.

    Raises:
        UserError: a mistake in the overrides, in the line that `ddpg-train` prints.
    """
    return composed(overrides, config_dir).config


def composed(overrides: Overrides, config_dir: str | os.PathLike[str] | None) -> Composed:
    """Compose and check a run; Hydra's state in this process is afterwards as it was."""
    words = as_words(overrides)
    try:
        with user_errors():
            return apart(lambda: _composed_apart(words, config_dir))  # Hydra takes Ctrl-C for a broken file
    except UserError as error:
        raise error from None  # the line says it all, and Hydra's own exceptions have pages


def _composed_apart(words: Sequence[str], config_dir: str | os.PathLike[str] | None) -> Composed:
    found: list[Composed] = []
    with _hydra_apart():
        resolvers.register()
        try_words(_with_folder(words, config_dir), lambda accepted: found.append(_composed(accepted)))
    return found[-1]


def _with_folder(words: Sequence[str], config_dir: str | os.PathLike[str] | None) -> list[str]:
    """Return the words as Hydra reads them; UserError for a flag, which `ddpg-train` takes and Python does not."""
    flags = known_flags([word for word in words if not word.startswith("--config-dir")])
    given = [name for name, value in vars(flags).items() if value and name != "overrides"]
    if given or len(flags.overrides) < len(words):
        raise UserError(f"flags of ddpg-train cannot be given here, only KEY=VALUE: {' '.join(words)}")
    if config_dir is not None and not Path(config_dir).is_dir():
        raise UserError(f"config_dir={config_dir}: there is no such folder{near_folder(Path(config_dir))}")
    return hydra_words([*words, *([] if config_dir is None else ["--config-dir", str(config_dir)])])


def _composed(words: Sequence[str]) -> Composed:
    flags = known_flags(words)
    _require_one_run(flags)
    overrides = [*Choices(flags.config_dir).search_path(), *flags.overrides]
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        config = loader.load_configuration("config", overrides, RunMode.RUN)
        HydraConfig.instance().set_config(config)
        checked = checked_run(config)
        typed = as_typed(config.hydra.overrides.task)
        return Composed(checked, typed, Path(str(config.hydra.run.dir)), is_new(config.hydra.run), flags.config_dir)


def _require_one_run(flags: Namespace) -> None:
    """Raise UserError for an override with several values, which is a sweep."""
    for override in OverridesParser.create().parse_overrides(flags.overrides):
        if override.is_sweep_override():
            (word,) = as_typed([str(override.input_line)])
            raise UserError(
                f"{word} is several values, and this is one run: call it for each of them, or sweep with "
                f"ddpg-train {word} -m; a list is written in brackets"
            )


@contextmanager
def user_errors() -> Iterator[None]:
    """Raise what a user can act on as a UserError in one line; a bug stays what it is."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        message = explain(error)
        if message is None:
            raise
        raise UserError(message) from error


@contextmanager
def _hydra_apart() -> Iterator[None]:
    """Let Hydra compose within the block, for one thread at a time, and keep what others have begun with it."""
    with _COMPOSING:
        before = GlobalHydra.instance().hydra
        config = HydraConfig.instance().cfg
        GlobalHydra.instance().hydra = None
        try:
            yield
        finally:
            GlobalHydra.instance().hydra = before
            HydraConfig.instance().cfg = config
