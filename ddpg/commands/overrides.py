"""The overrides of a `ddpg-train` command line, as Hydra parses them: the jobs that they make, and what is wrong.

Hydra refuses a command line with paragraphs about its own API. `find_mistake` says the most common of them in one line.
It does not read them: it compares the parsed overrides with the groups of conf/ and with the config that they compose.
It is called after Hydra has refused, so what is right costs no time, and what Hydra takes is never refused here.
"""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra._internal.utils import get_args_parser  # hydra-core is held below 1.4
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from ddpg.commands.options_help import Choices
from ddpg.config.keys import flat
from ddpg.config.spelling import as_written, nearest
from ddpg.errors import UserError


def without_defaults(words: Sequence[str]) -> list[str]:
    """Leave out the defaults that Hydra's grammar has no word for: no run to continue, no experiment."""
    return [word for word in words if word not in ("resume=null", "experiment=null")]


def known_flags(words: Sequence[str]) -> Namespace:
    """Return Hydra's flags and the overrides, which may stand in any order.

    Raises UserError for an unknown flag such as `--seed 3`, and for a --config-dir that is not there.
    """
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]  # it would print a page
    flags, others = parser.parse_known_intermixed_args(list(words))
    unknown = [word for word in others if word.startswith("-")]
    if unknown:
        key = unknown[0].lstrip("-").partition("=")[0].replace("-", "_")
        raise UserError(f"{unknown[0]}: there is no such flag; values are written KEY=VALUE, as in {key}=VALUE")
    if flags.config_dir is not None and not Path(flags.config_dir).is_dir():
        raise UserError(f"--config-dir {flags.config_dir}: there is no such folder")
    return flags


def _refuse(message: str) -> NoReturn:
    raise UserError(message)


def sweep_words(config: DictConfig, words: Sequence[str]) -> list[str]:
    """Return the words of a sweep, with what the composed config itself sweeps in front of them."""
    params = config.hydra.sweeper.get("params") or {}
    return [*(f"{key}={values}" for key, values in params.items()), *words]


def variations(words: Sequence[str], loader: ConfigLoader) -> list[list[str]]:
    """Return the first job of a sweep, and a job for every further value of every key with all other keys as there.

    So their number is the sum of the numbers of values, not the product. Values that only a sweeper knows (intervals)
    are left out.
    """
    values: dict[str, list[str]] = {}
    for override in OverridesParser.create(config_loader=loader).parse_overrides(list(words)):
        key = override.get_key_element()
        if not override.is_sweep_override():
            values[key] = [str(override.input_line)]
        elif override.is_discrete_sweep():
            swept = list(override.sweep_string_iterator())
            checked = [*swept[:1], *swept[1:][-1:]] if override.is_range_sweep() else swept  # a range by its ends
            values[key] = [f"{key}={value}" for value in checked]
    first = {key: lines[0] for key, lines in values.items() if lines}
    others = [first | {key: line} for key, lines in values.items() for line in lines[1:]]
    return [list(job.values()) for job in [first, *others]]


def find_mistake(words: Sequence[str]) -> str | None:
    """Return one line about the first override that Hydra cannot accept, or None if none of the checks finds one.

    Args:
        words: a command line after `ddpg-train`.
    """
    flags = known_flags(words)
    choices = Choices(flags.config_dir)
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        try:
            return next(filter(None, _mistakes(flags, choices)), None)
        except Exception:  # what the checks need is broken itself, which is what Hydra says then
            return None


def _mistakes(flags: Namespace, choices: Choices) -> Iterator[str | None]:
    """Yield a line, or None, of each check of each override."""
    parser = OverridesParser.create()
    overrides = parser.parse_overrides(flags.overrides)
    common = _Job([override for override in overrides if not override.is_sweep_override()], choices)
    yield from common.unknown_options()
    if not flags.multirun and common.config.hydra.mode != RunMode.MULTIRUN:
        yield from (_several_values(override, choices) for override in overrides if override.is_sweep_override())
        yield from common.mistakes()
        return
    for job in variations(sweep_words(common.config, flags.overrides), GlobalHydra.instance().config_loader()):
        yield from _Job(parser.parse_overrides(job), choices).mistakes()


def _several_values(override: Override, choices: Choices) -> str:
    key, _, values = str(override.input_line).partition("=")
    as_list = "" if choices.is_group(key) else f", or write a list as {key}=[{values}]"
    return f"{key}={values} is several values: add -m to run each of them{as_list}"


@dataclass
class _Job:
    """The overrides of one job, without a sweep among them."""

    overrides: list[Override]
    choices: Choices

    def mistakes(self) -> Iterator[str | None]:
        """Yield a line, or None, of each check: first of the groups, then of the keys."""
        yield from self.unknown_options()
        yield from (self._already_there(override) for override in self.overrides if override.is_add())
        yield from (self._unknown_key(override) for override in self.overrides if override not in self._groups)

    def unknown_options(self) -> Iterator[str]:
        """Yield a line for each option that no file defines."""
        for override in self._groups:
            group = override.key_or_group
            chosen = override.value()
            for option in chosen if isinstance(chosen, list) else [chosen]:
                if override.is_delete() or (isinstance(option, str) and self.choices.exists(group, option)):
                    continue
                written = as_written(option)
                near = nearest(written, self.choices.options(group), most=40)
                yield f"{group}={written}: there is no such option{near}"

    def _already_there(self, override: Override) -> str | None:
        """A group or a key that is added, though it is there."""
        key = override.get_key_element().lstrip("+")
        if override in self._groups:
            is_there = key in self._chosen
        else:
            is_merged = isinstance(override.value(), dict | list)
            is_there = self._keys.get(key) not in (None, "???") and not is_merged
        if not is_there:
            return None
        line = str(override.input_line)
        return f"{line} would add a key that is there already: without the +, {line.lstrip('+')}, it is set"

    def _unknown_key(self, override: Override) -> str | None:
        """A key that is set or deleted, though it is not there."""
        for key in _keys_of(override):
            if not (key in self._keys or key in self._added or override.package):
                written = override.input_line if key == override.key_or_group else key
                return f"{written}: there is no such key{self._suggestion(key)}"
        return None

    def _suggestion(self, key: str) -> str:
        """Return the end of a message: +KEY where keys are free, a choice for the name of an option, else near keys."""
        if self._keys.get(key.rpartition(".")[0]) == {}:
            return f"; to add it, write +{key}=VALUE"
        groups = [group for group in self._chosen if not group.startswith("hydra/")]
        close = {group: get_close_matches(key, self.choices.options(group), n=1, cutoff=0.85) for group in groups}
        named = [f"{group}={options[0]}" for group, options in close.items() if options]
        if named:
            return f"; did you mean {' or '.join(named[:3])}?"
        known = [*self._keys, *self._chosen]
        return nearest(key, [k for k in known if key.startswith("hydra") or not k.startswith("hydra.")])

    @cached_property
    def _groups(self) -> list[Override]:
        """The overrides that choose, add or delete an option of a group."""
        is_group = self.choices.is_group
        return [o for o in self.overrides if is_group(o.key_or_group) and not isinstance(o.value(), dict)]

    @cached_property
    def config(self) -> DictConfig:
        """The config of all that is chosen, added and deleted; of what is chosen alone, if the rest is a mistake."""
        try:
            return self._compose(self._groups)
        except HydraException:
            return self._of_choices

    @cached_property
    def _of_choices(self) -> DictConfig:
        simple = [o for o in self._groups if not (o.is_add() or o.is_force_add() or o.is_delete() or o.package)]
        return self._compose(simple)

    def _compose(self, overrides: Sequence[Override]) -> DictConfig:
        words = [*self.choices.search_path(), *(str(override.input_line) for override in overrides)]
        return hydra.compose("config", overrides=words, return_hydra_config=True)

    @property
    def _chosen(self) -> list[str]:
        """The groups of which conf/ chooses an option, as `group` or `group@package`."""
        return [str(group) for group in self._of_choices.hydra.runtime.choices]

    @cached_property
    def _keys(self) -> dict[str, Any]:
        """Every key of the composed config, with its value."""
        return flat(OmegaConf.to_container(self.config))

    @cached_property
    def _added(self) -> set[str]:
        """The keys that overrides with + or ++ add."""
        return {key for o in self.overrides if o.is_add() or o.is_force_add() for key in _keys_of(o)}


def _keys_of(override: Override) -> list[str]:
    """Return the key of an override, and those of a mapping that is its value."""
    key = override.key_or_group
    return [key, *flat(override.value(), f"{key}.")]
