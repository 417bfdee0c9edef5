"""The jobs of a command line that Hydra has refused: their overrides, and the config that their choices compose."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from ddpg.composition.options_help import Choices
from ddpg.composition.overrides import sweep_words, variations
from ddpg.config.keys import flat


@dataclass
class Job:
    """The overrides of one job, without a sweep among them."""

    overrides: list[Override]
    choices: Choices
    config_name: str

    @cached_property
    def groups(self) -> list[Override]:
        """The overrides that choose, add or delete an option of a group."""
        is_group = self.choices.is_group
        return [o for o in self.overrides if is_group(o.key_or_group) and not isinstance(o.value(), dict)]

    @cached_property
    def values(self) -> list[Override]:
        """The overrides that set, add or delete keys."""
        return [o for o in self.overrides if o not in self.groups]

    @cached_property
    def config(self) -> DictConfig:
        """The config of all that is chosen, added and deleted; of what is chosen alone, if the rest is a mistake."""
        try:
            return self._compose(self.groups)
        except HydraException:
            return self._of_choices

    @cached_property
    def _of_choices(self) -> DictConfig:
        simple = [o for o in self.groups if not (o.is_add() or o.is_force_add() or o.is_delete() or o.package)]
        return self._compose(simple)

    def _compose(self, overrides: Sequence[Override]) -> DictConfig:
        words = [*self.choices.search_path(), *(str(override.input_line) for override in overrides)]
        return hydra.compose(self.config_name, overrides=words, return_hydra_config=True)

    @property
    def chosen(self) -> list[str]:
        """The groups of which conf/ chooses an option, as `group` or `group@package`."""
        return [str(group) for group in self._of_choices.hydra.runtime.choices]

    @cached_property
    def keys(self) -> dict[str, Any]:
        """Every key of the composed config, with its value."""
        return flat(OmegaConf.to_container(self.config))

    @cached_property
    def added(self) -> set[str]:
        """The keys that overrides with + or ++ add."""
        return {key for o in self.overrides if o.is_add() or o.is_force_add() for key in keys_of(o)}

    def unknown_keys(self, override: Override) -> list[str]:
        """Return the keys that an override sets or deletes, though neither the config nor another override has them."""
        if override.package:
            return []
        return [key for key in keys_of(override) if not (key in self.keys or key in self.added)]


def keys_of(override: Override) -> list[str]:
    """Return the key of an override, and those of a mapping that is its value."""
    key = override.key_or_group
    return [key, *flat(override.value(), f"{key}.")]


class CommandLine:
    """The words of a command line as jobs; to be used inside `composing`."""

    def __init__(self, flags: Namespace, choices: Choices) -> None:
        self._flags = flags
        self._choices = choices
        self._name = flags.config_name or "config"
        self._parser = OverridesParser.create()
        self.overrides = self._parser.parse_overrides(flags.overrides)
        #: What all jobs have in common.
        self.common = self._job([override for override in self.overrides if not override.is_sweep_override()])

    @cached_property
    def is_multirun(self) -> bool:
        return bool(self._flags.multirun or self.common.config.hydra.mode == RunMode.MULTIRUN)

    @cached_property
    def jobs(self) -> list[Job]:
        """The one job, or jobs of a sweep in which every value of every key comes up."""
        if not self.is_multirun:
            return [self.common]
        words = sweep_words(self.common.config, self._flags.overrides)
        swept = variations(words, GlobalHydra.instance().config_loader())
        return [self._job(self._parser.parse_overrides(job)) for job in swept]

    def _job(self, overrides: list[Override]) -> Job:
        return Job(overrides, self._choices, self._name)


@contextmanager
def composing(flags: Namespace, choices: Choices) -> Iterator[CommandLine]:
    """Let the jobs of a command line be composed within the block."""
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        yield CommandLine(flags, choices)
