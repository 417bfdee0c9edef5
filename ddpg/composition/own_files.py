"""What is usually wrong with a file of a user: with one that Hydra refuses, and with one that it takes otherwise."""

import re

from omegaconf import DictConfig, OmegaConf

from ddpg.config.choices import chosen
from ddpg.config.settings import Settings
from ddpg.errors import UserError

#: The first line of a file that sets keys of the whole config.
GLOBAL = "# @package _global_"
CHOOSE_SWEEPER = "a study chooses its sweeper in its defaults, as in defaults: [override /hydra/sweeper: search]"


def require_options(config: DictConfig) -> None:
    """Raise UserError for a group that is a text, as after `noise: ou`, or that has keys which lie elsewhere.

    Args:
        config: as it was composed, with Hydra's node.
    """
    written = OmegaConf.to_container(config)
    assert isinstance(written, dict)
    study = config.hydra.runtime.choices.get("study")
    if study is not None and config.hydra.runtime.choices["hydra/sweeper"] == "frozen":
        raise UserError(f"study/{study}.yaml chooses no sweeper: {CHOOSE_SWEEPER}")
    for group, option in chosen(config.hydra.runtime.choices).items():
        value = written.get(group)
        if isinstance(value, str) and "${" not in value:
            raise UserError(
                f"{group}={value} is a text here; a file chooses an option in its defaults, as in "
                f"defaults: [override /{group}: {value}]"
            )
        if value and group not in Settings.__annotations__:
            raise UserError(
                f"{group}.{next(iter(value))}: the run has no keys under {group}; the first line of "
                f"{group}/{option}.yaml has to be {GLOBAL}"
            )


def file_mistake(message: str) -> str | None:
    """Return one line about a file that Hydra refuses, None if the message is about something else."""
    override = re.match(r"In '(.+)': Could not override '([^'@]+)(?:@([^']+))?'", message)
    if override is not None:
        return _override(*override.groups())
    option = re.match(r"In '(.+)': .*Key '(\w+)' not in 'BasicSweeperConf'", message)
    if option is not None:
        return f"{option[1]}.yaml: hydra.sweeper.{option[2]} is no option of hydra/sweeper=frozen; {CHOOSE_SWEEPER}"
    return None


def _override(file: str, group: str, package: str | None) -> str | None:
    """Return the line about a group that a file overrides, and that Hydra has looked for below the file's own."""
    parent = file.rpartition("/")[0]
    if package is not None and parent and package.startswith(f"{parent.replace('/', '.')}."):
        return f"{file}.yaml: its first line has to be {GLOBAL}, because it chooses options of other groups"
    if parent and group.startswith(f"{parent}/"):
        outside = group.removeprefix(f"{parent}/")
        return f"{file}.yaml: a group is named from the top, with a slash, as in override /{outside}: OPTION"
    return None
