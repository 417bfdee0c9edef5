"""The winner of a search as an experiment: a file of groups and values that `ddpg-train experiment=` reads."""

import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from ddpg.config.settings import OF_THE_START, to_yaml
from ddpg.record.provenance import own_configs
from ddpg.record.run_folder import RunFolder, atomic_write, read_yaml
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Trial

#: The name of the experiment.
NAME = "best"
#: The keys of a run's config that are no part of an experiment.
OF_A_RUN = (*OF_THE_START, "seed", "extra", "logger")


def winner_lines(study: StudyFolder, definition: Definition, order: Sequence[Trial]) -> list[str]:
    """Write the winner as an experiment, and return the lines about it."""
    winner = order[0]
    path = study.path / "experiment" / f"{NAME}.yaml"
    path.parent.mkdir(exist_ok=True)
    with atomic_write(path) as file:
        file.write(experiment(study, definition, winner).encode())
    return [
        f"the winner's values: {path}",
        f"train with them: {_command(study, _overrides(definition, winner))}",
        f"its score is that of the best of {len(order)}, so partly luck; on other seeds: "
        f"ddpg-sweep confirm {study.quoted}",
    ]


def _command(study: StudyFolder, overrides: Sequence[Override]) -> str:
    """Return the command that trains with the experiment.

    It has the words that delete something, for which an experiment has none, and the folder of the user's own config
    groups, because --config-dir names one folder alone.
    """
    manifest = study.sweep.manifest()
    own = own_configs(manifest)
    folders = [f"hydra.searchpath=['file://{Path(manifest['directory']) / folder}']" for folder in own.values()]
    deleted = [str(override.input_line) for override in overrides if override.is_delete()]
    return shlex.join(["ddpg-train", "--config-dir", str(study.path), *folders, f"experiment={NAME}", *deleted])


def _overrides(definition: Definition, trial: Trial) -> list[Override]:
    """Return the words of a trial as Hydra reads them."""
    return OverridesParser.create().parse_overrides(definition.space.words(trial.params))


def experiment(study: StudyFolder, definition: Definition, trial: Trial) -> str:
    """Return the text of an experiment file: groups as defaults, values as keys."""
    config = read_yaml(RunFolder(study.path / trial.name / f"seed_{trial.seeds[0]}").config)
    overrides = _overrides(definition, trial)
    added = [override.key_or_group for override in overrides if override.is_add() or override.is_force_add()]
    if any(key in config["choices"] for key in added) or config["choices"].get("experiment") is not None:
        defaults, values = _from_config(config, added)
    else:
        defaults, values = _from_words(overrides, config["choices"])
    assert trial.result is not None
    score = f"{definition.options.metric} {trial.result.value:.4g}"
    head = [
        "# @package _global_",
        f"# Trial {trial.number} of the study {definition.name}: {score} on the seeds on which it was chosen,",
        f"# {', '.join(map(str, trial.seeds))}.",
    ]
    return "\n".join([*head, to_yaml({"defaults": [*defaults, "_self_"]} | values)])


def _from_words(overrides: Sequence[Override], groups: Collection[str]) -> tuple[list[Any], dict[str, Any]]:
    """Return what the words of a trial choose of groups, and what they set."""
    defaults: list[Any] = []
    values: dict[str, Any] = {}
    for override in overrides:
        key = override.key_or_group
        if key in groups:
            defaults.append({f"override /{key}": override.value()})
        elif not override.is_delete() and not key.startswith("hydra"):
            _set(values, key.split("."), override.value())
    return defaults, values


def _from_config(config: Mapping[str, Any], added: Collection[str]) -> tuple[list[Any], dict[str, Any]]:
    """Return the groups and all values of a run, for a study in a file, which sweeps and may not be found from here."""
    groups = {group: option for group, option in config["choices"].items() if group not in (*added, "experiment")}
    defaults = [{f"override /{group}": option} for group, option in groups.items() if option is not None]
    return defaults, {key: value for key, value in config.items() if key not in OF_A_RUN}


def _set(values: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set a value in nested mappings."""
    for name in path[:-1]:
        values = values.setdefault(name, {})
        assert isinstance(values, Mapping)
    values[path[-1]] = value
