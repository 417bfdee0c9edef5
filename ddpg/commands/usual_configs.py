"""The configs that environments and presets have by themselves, which a report shows beside those of its runs."""

from collections.abc import Mapping

import hydra
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ddpg.config import resolvers
from ddpg.config.keys import flat
from ddpg.config.settings import science
from ddpg.config.spelling import as_written

#: Pairs of environment and preset that are composed; each takes a tenth of a second.
MOST = 20


class UsualConfigs:
    """Composes the config of an environment with a preset, each pair once and at most MOST of them."""

    def __init__(self) -> None:
        self._composed: dict[tuple[str, ...], Mapping[str, str] | None] = {}

    def __call__(self, choices: Mapping[str, str], env_id: str | None) -> Mapping[str, str] | None:
        """Return the values by key as they are written on a command line; None if that is not known.

        Args:
            choices: the options of groups that the run has, of which `env` and `preset` count.
            env_id: the environment's id if no option has it.
        """
        if not {"env", "preset"} <= choices.keys():
            return None
        words = (f"env={choices['env']}", f"preset={choices['preset']}", *([f"env.id={env_id}"] if env_id else []))
        if words not in self._composed and len(self._composed) < MOST:
            self._composed[words] = _values(words)
        return self._composed.get(words)


def _values(words: tuple[str, ...]) -> Mapping[str, str] | None:
    """Compose a config; None for an option that a user has elsewhere, or that leaves a value to the user."""
    resolvers.register()
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        try:
            config = hydra.compose("config", overrides=list(words))
            parts = OmegaConf.masked_copy(config, list(science(config)))
            leaves = flat(OmegaConf.to_container(parts, resolve=True))
        except (HydraException, OmegaConfBaseException):
            return None
    return {key: as_written(value) for key, value in leaves.items() if not isinstance(value, Mapping)}
