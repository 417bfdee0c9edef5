"""The overrides of a `ddpg-train` command line, as Hydra parses them: the jobs that they make, and what is wrong.

Hydra refuses a command line with paragraphs about its own API. `find_mistake` says the same in one line. It does not
read those paragraphs: it compares the parsed overrides with the groups of conf/ and with the config that they compose.
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
from ddpg.config.settings import flat
from ddpg.config.signature import as_written, nearest
from ddpg.errors import UserError


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
    """Return one line about the first override that Hydra cannot accept, or None if there seems to be none.

    Args:
        words: a command line after `ddpg-train`.
    """
    flags = known_flags(words)
    choices = Choices(flags.config_dir)
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        try:
            mistakes = _mistakes(flags, choices)
            return next(filter(None, mistakes), None)
        except HydraException:  # the words cannot even be parsed
            return None


def _mistakes(flags: Namespace, choices: Choices) -> Iterator[str | None]:
    parser = OverridesParser.create()
    overrides = parser.parse_overrides(flags.overrides)
    common = _Job([override for override in overrides if not override.is_sweep_override()], choices)
    if not flags.multirun and common.config.hydra.mode != RunMode.MULTIRUN:
        yield from (_several_values(override, choices) for override in overrides if override.is_sweep_override())
        yield common.mistake()
        return
    loader = GlobalHydra.instance().config_loader()
    for job in variations(sweep_words(common.config, flags.overrides), loader):
        yield _Job(parser.parse_overrides(job), choices).mistake()


def _several_values(override: Override, choices: Choices) -> str:
    key, _, values = str(override.input_line).partition("=")
    as_list = "" if choices.is_group(key) else f", or write a list as {key}=[{values}]"
    return f"{key}={values} is several values: add -m to run each of them{as_list}"


@dataclass
class _Job:
    """One job's overrides, without a sweep among them."""

    overrides: list[Override]
    choices: Choices

    def mistake(self) -> str | None:
        """Return one line about the first mistake, first of the groups, then of the keys."""
        checks = (self._wrong_option, self._wrong_choice, self._wrong_key)
        lines = (check(override) for check in checks for override in self.overrides)
        return next(filter(None, lines), None)

    def _is_group(self, override: Override) -> bool:
        return self.choices.is_group(override.key_or_group) and not isinstance(override.value(), dict)

    def _wrong_option(self, override: Override) -> str | None:
        """An option that no file defines."""
        if not self._is_group(override) or override.is_delete():
            return None
        group, chosen = override.key_or_group, override.value()
        for option in chosen if isinstance(chosen, list) else [chosen]:
            if not (isinstance(option, str) and self.choices.exists(group, option)):
                return unknown_option(group, option, self.choices.options(group))
        return None

    def _wrong_choice(self, override: Override) -> str | None:
        """A group that cannot be chosen, added or deleted."""
        if not self._is_group(override) or self._of_all_choices is not None:
            return None
        key = override.get_key_element().lstrip("+~")
        choice = f"{key}={override.get_value_element_as_str()}"
        if override.is_force_add() or (override.is_add() and key in self._chosen):
            return _already_there(override)
        if override.is_add() or key in self._chosen:
            return None
        if override.package is not None or override.is_delete():
            return f"{override.input_line}: there is no such choice{nearest(key, self._chosen)}"
        return f"{choice}: nothing chooses an option of {key} yet: write +{choice}"

    def _wrong_key(self, override: Override) -> str | None:
        """A key that cannot be set, added or deleted."""
        if self._is_group(override):
            return None
        key = override.key_or_group
        if override.package is not None:
            return f"{override.input_line}: there is no such group{nearest(key, self.choices.groups())}"
        if override.is_add():
            is_merged = isinstance(override.value(), dict | list)
            taken = self._keys.get(key) not in (None, "???") and not is_merged
            return _already_there(override) if taken else None
        if override.is_force_add():
            return None
        for name in _keys_of(override):
            if not (name in self._keys or name in self._added):
                written = override.input_line if name == key else name
                return f"{written}: there is no such key{self._suggestion(name)}"
        return None

    @cached_property
    def _added(self) -> set[str]:
        """The keys that overrides with + add."""
        return {key for o in self.overrides if o.is_add() or o.is_force_add() for key in _keys_of(o)}

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

    @property
    def _chosen(self) -> list[str]:
        """The groups of which an option is chosen, as `group` or `group@package`."""
        return [str(group) for group in self.config.hydra.runtime.choices]

    @cached_property
    def _keys(self) -> dict[str, Any]:
        """Every key of the composed config, with its value."""
        return flat(OmegaConf.to_container(self.config))

    @cached_property
    def config(self) -> DictConfig:
        """The config of as many of the choices as can be composed, without the values that are set."""
        simple = [o for o in self._groups if not (o.is_add() or o.is_force_add() or o.is_delete() or o.package)]
        composed = self._of_all_choices or self._compose(simple) or self._compose([])
        assert composed is not None
        return composed

    @cached_property
    def _of_all_choices(self) -> DictConfig | None:
        return self._compose(self._groups)

    @property
    def _groups(self) -> list[Override]:
        return [override for override in self.overrides if self._is_group(override)]

    def _compose(self, overrides: Sequence[Override]) -> DictConfig | None:
        """Return the config of these choices, or None if one of them is a mistake."""
        words = [str(override.input_line) for override in overrides]
        try:
            return hydra.compose("config", overrides=self.choices.search_path() + words, return_hydra_config=True)
        except Exception:  # a broken YAML file among them, too
            return None


def unknown_option(group: str, option: Any, options: Sequence[str]) -> str:
    """Return one line about an option that no file of the group defines."""
    written = as_written(option)
    return f"{group}={written}: there is no such option{nearest(str(written), options, most=40)}"


def _keys_of(override: Override) -> list[str]:
    """Return the key that is set, and those of a mapping that it is set to."""
    key = override.key_or_group
    return [key, *flat(override.value(), f"{key}.")]


def _already_there(override: Override) -> str:
    line = str(override.input_line)
    return f"{line} would add a key that is there already: without the +, {line.lstrip('+')}, it is set"
