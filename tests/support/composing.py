"""Compose configs many times in one process: read each part once, and compose each command line once."""

import pickle
from collections.abc import Callable
from functools import cache

import hydra
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import DictConfig

from ddpg.config import resolvers


def read_each_part_once() -> None:
    """Let Hydra keep what it has read: a composition has about fifty parts, whose reading is half of its time."""
    Plugins.instance()  # fills the registry
    for scheme in ("pkg", "structured"):
        source = SourcesRegistry.instance().resolve(scheme)
        source.load_config = _once(source.load_config)


def _once(load: Callable[[ConfigSource, str], ConfigResult]) -> Callable[[ConfigSource, str], ConfigResult]:
    """Return a `load_config` that gives another copy of what this one has found before."""
    known: dict[tuple[str, str, str], bytes] = {}

    def load_once(self: ConfigSource, config_path: str) -> ConfigResult:
        key = (self.provider, self.path, config_path)
        if key not in known:
            known[key] = pickle.dumps(load(self, config_path))
        return pickle.loads(known[key])

    return load_once


@cache
def _composed(overrides: tuple[str, ...]) -> bytes:
    resolvers.register()
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        return pickle.dumps(hydra.compose("config", overrides=list(overrides)))


def composed(*overrides: str) -> DictConfig:
    """Return the config of a command line, not yet checked; each call gives another object."""
    return pickle.loads(_composed(overrides))
