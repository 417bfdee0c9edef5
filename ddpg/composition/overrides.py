"""The overrides of a `ddpg-train` command line, as Hydra parses them, and the jobs that they make."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from hydra._internal.utils import get_args_parser  # hydra-core is held below 1.4
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from ddpg.composition.brackets import lonely
from ddpg.composition.grammar import grammar_mistake
from ddpg.composition.options_help import Choices
from ddpg.errors import UserError
from ddpg.record.find_run import near_folder
from ddpg.sweep.job_config import swept_by_files

#: The end of a message about two jobs that are the same run.
TO_REPEAT = "; to train it twice, let a free key differ, as in extra.repeat=1,2"


def without_defaults(words: Sequence[str]) -> list[str]:
    """Leave out the defaults that Hydra's grammar has no word for: no run to continue or to fork, no experiment."""
    return [word for word in words if word not in ("resume=null", "fork=null", "experiment=null")]


def known_flags(words: Sequence[str]) -> Namespace:
    """Return Hydra's flags and the overrides, which may stand in any order.

    Raises UserError for an unknown flag such as `--seed 3`, and for a --config-dir that is not there.
    """
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]  # it would print a page
    flags, others = parser.parse_known_intermixed_args(list(words))
    unknown = [word for word in others if word.startswith("-")]
    if unknown:
        for word in flags.overrides:
            if lonely(word)[1]:  # what looks like a flag is a part of its value
                raise UserError(grammar_mistake(word, words, Choices(flags.config_dir)))
        key = unknown[0].lstrip("-").partition("=")[0].replace("-", "_")
        raise UserError(f"{unknown[0]}: there is no such flag; values are written KEY=VALUE, as in {key}=VALUE")
    folder = Path(flags.config_dir or ".")
    if not folder.is_dir():
        raise UserError(f"--config-dir {folder}: there is no such folder{near_folder(folder)}")
    return flags


def _refuse(message: str) -> NoReturn:
    raise UserError(message)


def sweep_words(config: DictConfig, words: Sequence[str]) -> list[str]:
    """Return the words of a sweep, with what the composed config itself sweeps in front of them."""
    return [*(f"{key}={values}" for key, values in swept_by_files(config).items()), *words]


def swept_keys(words: Sequence[str]) -> list[str]:
    """Return the keys that have several values each."""
    overrides = OverridesParser.create().parse_overrides(list(words))
    return [override.key_or_group for override in overrides if override.is_sweep_override()]


def require_lists(words: Sequence[str], sweeper: str) -> None:
    """Raise UserError for an interval, because a sweeper that does not search tries values that are listed."""
    for override in OverridesParser.create().parse_overrides(list(words)):
        if override.is_interval_sweep():
            key = override.get_key_element()
            raise UserError(
                f"{override.input_line}: hydra/sweeper={sweeper} tries values that are listed, as in {key}=0.1,0.2; an "
                "interval is for hydra/sweeper=search"
            )


def variations(words: Sequence[str], loader: ConfigLoader) -> list[list[str]]:
    """Return the first job of a sweep, and a job for every further value of every key with all other keys as there.

    So their number is the sum of the numbers of values, not the product. Values that only a sweeper knows (intervals)
    are left out. Raises UserError for a key that has no values, or one of them twice.
    """
    values: dict[str, list[str]] = {}
    for override in OverridesParser.create(config_loader=loader).parse_overrides(list(words)):
        key = override.get_key_element()
        if not override.is_sweep_override():
            values[key] = [str(override.input_line)]
        elif override.is_discrete_sweep():
            values[key] = [f"{key}={value}" for value in _swept(override)]
    first = {key: lines[0] for key, lines in values.items()}
    others = [first | {key: line} for key, lines in values.items() for line in lines[1:]]
    return [list(job.values()) for job in [first, *others]]


def _swept(override: Override) -> list[str]:
    """Return the values of a sweep that are different kinds of jobs: of a range its ends stand for all."""
    swept = list(override.sweep_string_iterator())
    if not swept:
        raise UserError(f"{override.input_line} has no values, so there would be no run")
    if override.is_range_sweep():
        return [*swept[:1], *swept[1:][-1:]]
    twice = next((value for value in swept if swept.count(value) > 1), None)
    if twice is not None:
        raise UserError(f"{override.input_line} has {twice} twice, which is the same run{TO_REPEAT}")
    return swept
