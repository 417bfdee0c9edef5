"""The groups and options of a `ddpg-train` command line, for --help and for messages about a wrong choice.

Asks Hydra's repository of YAML files itself, because Hydra's loader copies all it knows for every question, which
makes 0.3 s for --help.
"""

from collections.abc import Iterator
from pathlib import Path
from string import Template

from hydra._internal.config_repository import ConfigRepository  # hydra-core is held below 1.4
from hydra._internal.utils import create_config_search_path
from hydra.core.object_type import ObjectType
from omegaconf import OmegaConf

from ddpg.config.keys import flat

#: Where options of Hydra's own groups come from, which are there if a package is installed.
PLUGINS = {
    "hydra/launcher": {
        "joblib": "pip install hydra-joblib-launcher",
        "ray": "pip install hydra-ray-launcher",
        "ray_aws": "pip install hydra-ray-launcher",
        "rq": "pip install hydra-rq-launcher",
        "submitit_local": "pip install hydra-submitit-launcher",
        "submitit_slurm": "pip install hydra-submitit-launcher",
    },
    "hydra/sweeper": {
        "ax": "pip install hydra-ax-sweeper",
        "nevergrad": "pip install hydra-nevergrad-sweeper",
        "optuna": "use hydra/sweeper=search; hydra-optuna-sweeper brings an Optuna that is too old for that",
    },
    "hydra/hydra_logging": {"colorlog": "pip install hydra-colorlog"},
    "hydra/job_logging": {"colorlog": "pip install hydra-colorlog"},
}


class Choices:
    """The groups of conf/ and of the folder that --config-dir names."""

    def __init__(self, config_dir: str | None) -> None:
        path = create_config_search_path("pkg://ddpg.conf")
        self._own: list[str] = []
        if config_dir is not None:
            self._own = [f"file://{Path(config_dir).absolute()}"]
            path.prepend("command-line", self._own[0])
        self._repository = ConfigRepository(path)

    def search_path(self) -> list[str]:
        """Return the override that lets Hydra find the folder of --config-dir; none without that flag."""
        return [f"hydra.searchpath={self._own}"] if self._own else []

    def options(self, group: str) -> list[str]:
        """Return the options of a group, sorted; none if there is no such group."""
        return self._repository.get_group_options(group)

    def exists(self, group: str, option: str) -> bool:
        """Whether a file defines this option, which may lie in a folder within the group's."""
        return self._repository.config_exists(f"{group}/{option}")

    def keys(self, group: str, option: str) -> list[str]:
        """Return the dotted keys that the file of an option has itself."""
        found = self._repository.load_config(f"{group}/{option}")
        assert found is not None
        return list(flat(OmegaConf.to_container(found.config)))

    def is_group(self, name: str) -> bool:
        """Whether a folder has options of this name."""
        return bool(name) and self._repository.group_exists(name)

    def groups(self, parent: str = "") -> Iterator[str]:
        """Yield all groups but Hydra's own, sorted."""
        for name in self._repository.get_group_options(parent, ObjectType.GROUP):
            group = f"{parent}/{name}" if parent else name
            if group != "hydra":
                yield group
                yield from self.groups(group)

    def help(self) -> str:
        """Return what `ddpg-train --help` prints: conf/hydra/help/ddpg.yaml, with the groups in their place."""
        found = self._repository.load_config("hydra/help/ddpg")
        assert found is not None
        text = OmegaConf.create({"hydra": {"help": found.config}}).hydra.help.template
        lines = [f"{group}: {', '.join(self.options(group))}" for group in self.groups() if self.options(group)]
        return Template(text).substitute(APP_CONFIG_GROUPS="\n".join(lines) + "\n")
