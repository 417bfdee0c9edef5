"""The configs of a study's trials, frozen when it begins: edits of YAML files do not reach later trials.

What a trial chooses of groups needs Hydra's composition, so each combination of them is composed once and stored, with
its interpolations as they are: a base. What it chooses of values is set on a base, in milliseconds and without the YAML
files.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import setup_globals
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ddpg.config import resolvers
from ddpg.config.keys import flat
from ddpg.config.settings import values
from ddpg.config.spelling import as_typed, as_written
from ddpg.config.variables import omegaconf_line
from ddpg.errors import UserError
from ddpg.record.run_folder import atomic_write, read_yaml
from ddpg.search.space import Choice, Dimension, Number, Space, Value
from ddpg.sweep.freeze import Composer, FrozenRun

#: Combinations of groups that a study may have; each takes 0.1 s to compose and a file of 20 kB.
MOST_BASES = 500

#: The keys whose larger values need more memory.
NEED_MEMORY = ("buffer_size", "total_steps")

Combination = tuple[tuple[str, str], ...]


class Recipe:
    """Makes the runs of trials.

    Args:
        space: of the study.
        bases: a config for each combination of the options of groups.
        grouped: the keys of the space that choose groups, or add keys to the config.
    """

    def __init__(self, space: Space, bases: Mapping[Combination, DictConfig], grouped: Sequence[str]) -> None:
        self._space = space
        self._bases = bases
        self._grouped = tuple(grouped)
        self._parsed = cache(OverridesParser.create().parse_override)
        resolvers.register()
        setup_globals()

    def config(self, params: Mapping[str, Value], seed: int) -> dict[str, Any]:
        """Return the checked config of a run, in plain values.

        Raises:
            UserError: a value that does not fit.
        """
        words = self._space.own_words({key: value for key, value in params.items() if key not in self._grouped})
        config = self._bases[_combination(self._grouped, params)].copy()
        OmegaConf.set_struct(config, False)  # an unknown key is for `values`, which names the nearest
        for word in [*words, f"seed={seed}"]:
            override = self._parsed(word)
            OmegaConf.update(config, override.key_or_group, override.value())
        HydraConfig.instance().cfg = config  # type: ignore[assignment]  # what ${hydra:...} reads
        return values(config)

    def run(self, number: int, path: Path, params: Mapping[str, Value], seed: int) -> FrozenRun:
        """Return a run of a trial before it starts."""
        overrides = [*as_typed(self._space.words(params)), f"seed={seed}"]
        return FrozenRun(number, path, overrides, self.config(params, seed))

    def first_config(self) -> dict[str, Any]:
        """Return the checked config of a run with the first value of each key, and the seed that the config has."""
        combination = next(iter(self._bases))
        seed = self._bases[combination].copy().seed
        return self.config(self._first(combination), seed)

    def inside(self) -> dict[str, Value]:
        """Return a value for each key of a trial: the first option of choices, of numbers one inside the interval."""
        found: dict[str, Value] = {}
        for dimension in self._space.dimensions:
            if self._space.is_active(dimension.key, found):
                found[dimension.key] = dimension.samples()[0 if isinstance(dimension, Choice) else -1]
        return found

    def largest(self) -> list[dict[str, Value]]:
        """Return the parameters of a trial for each base, those that need the most memory."""
        ends = {d.key: d.samples()[1] for d in self._space.dimensions if d.key in NEED_MEMORY and isinstance(d, Number)}
        firsts = [self._first(combination) for combination in self._bases]
        return [{key: ends.get(key, value) for key, value in first.items()} for first in firsts]

    def environments(self) -> list[dict[str, Any]]:
        """Return the node `env` of each base, those that differ."""
        envs = [self.config(self._first(combination), 0)["env"] for combination in self._bases]
        return [json.loads(text) for text in dict.fromkeys(map(json.dumps, envs))]

    def require_valid(self, seed: int) -> None:
        """Check each base, and each value of each key that a trial might have; raise UserError for what does not fit.

        Of an interval its ends and a value inside are tried, with all other keys as in the first base that has the key.
        """
        for combination in self._bases:
            self.config(self._first(combination), seed)
        for dimension in self._space.dimensions:
            if dimension.key not in self._grouped:
                self._require_valid_values(dimension, seed)

    def _require_valid_values(self, dimension: Dimension, seed: int) -> None:
        firsts = [self._first(combination) for combination in self._bases]
        first = next((values for values in firsts if dimension.key in values), None)
        if first is None:
            raise UserError(f"{dimension.key}={dimension.text}: no combination of the other keys meets its conditions")
        for value in dimension.samples():
            try:
                self.config({**first, dimension.key: value}, seed)
            except UserError as error:
                whole = isinstance(dimension, Number) and not dimension.whole and "whole number" in str(error)
                hint = f"; for whole numbers: tag(int,{dimension.text})" if whole else ""
                raise UserError(f"{dimension.key}={dimension.text}: {error}{hint}") from error

    def _first(self, combination: Combination) -> dict[str, Value]:
        """Return the first value of each key that is part of a trial with these options."""
        found: dict[str, Value] = {}
        options = dict(combination)
        for dimension in self._space.dimensions:
            if dimension.key in self._grouped and dimension.key not in options:
                continue
            if self._space.is_active(dimension.key, found):
                found[dimension.key] = options.get(dimension.key, dimension.samples()[0])
        return found

    def write(self, folder: Path) -> None:
        """Write the bases, and bases.json, which says what each is for."""
        folder.mkdir(parents=True, exist_ok=True)
        index = []
        for number, (combination, config) in enumerate(self._bases.items()):
            with atomic_write(folder / f"{number}.yaml") as file:
                file.write(OmegaConf.to_yaml(config.copy(), resolve=False).encode())
            index.append([list(pair) for pair in combination])
        with atomic_write(folder / "bases.json") as file:
            file.write(json.dumps({"grouped": self._grouped, "bases": index}).encode())

    @classmethod
    def read(cls, space: Space, folder: Path) -> "Recipe":
        """Read what `write` wrote."""
        try:
            content = json.loads((folder / "bases.json").read_bytes())
        except (OSError, ValueError) as error:
            raise UserError(f"{folder / 'bases.json'} cannot be read: {error}") from error
        bases = {
            tuple((key, option) for key, option in pairs): _Stored(folder / f"{number}.yaml")
            for number, pairs in enumerate(content["bases"])
        }
        return cls(space, cast("Mapping[Combination, DictConfig]", bases), content["grouped"])

    def difference(self, other: "Recipe") -> str:
        """Return the first key that differs in a base that both have, as KEY=NOW (before: BEFORE); "" if none does."""
        for combination in self._bases:
            if combination in other._bases:
                before = flat(_plain(other._bases[combination].copy()))
                now = flat(_plain(self._bases[combination].copy()))
                for key in sorted({*now, *before}):
                    old = before.get(key)
                    new = now.get(key)
                    if old != new and not isinstance(old or new, Mapping):
                        return f"{key}={as_written(new)} (before: {as_written(old)})"
        return ""


class _Stored:
    """A base in its file, which is read when it is first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._config: DictConfig | None = None

    def copy(self) -> DictConfig:
        if self._config is None:
            self._config = OmegaConf.create(read_yaml(self._path))
        return self._config.copy()


def _plain(config: DictConfig) -> Any:
    content: Any = OmegaConf.to_container(config, resolve=False)
    content.pop("hydra")
    return content


def compose_recipe(config: DictConfig, loader: ConfigLoader, space: Space) -> Recipe:
    """Compose a base for each combination of options of groups.

    Args:
        config: the master config of the study.
        loader: Hydra's.
        space: of the study.

    Raises:
        UserError: an interval for a group, too many combinations, or one that cannot be composed.
    """
    composer = Composer(config, loader)
    grouped = [dimension for dimension in space.dimensions if not composer.sets_a_value(_sample_word(dimension))]
    for dimension in grouped:
        if isinstance(dimension, Number):
            raise UserError(
                f"{dimension.key}={dimension.text}: it chooses no value of the config, so write choice(A,B)"
            )
    bases: dict[Combination, DictConfig] = {}
    for options in _combinations(space, [dimension for dimension in grouped if isinstance(dimension, Choice)]):
        words = [*space.fixed, *space.own_words(options)]
        try:
            bases[tuple(options.items())] = composer.compose(0, words).copy()
        except OmegaConfBaseException as error:
            raise UserError(omegaconf_line(error)) from error
        if len(bases) > MOST_BASES:
            raise UserError(f"the groups of the space have more than {MOST_BASES} combinations: choose fewer options")
    return Recipe(space, bases, [dimension.key for dimension in grouped])


def _sample_word(dimension: Dimension) -> str:
    return dimension.word(dimension.samples()[0])


def _combinations(space: Space, grouped: Sequence[Choice]) -> list[dict[str, str]]:
    """Return each combination of options that conditions allow; a key that is not part of one is left out."""
    found: dict[Combination, dict[str, str]] = {}
    for options in itertools.product(*(_options(space, dimension, grouped) for dimension in grouped)):
        chosen: dict[str, str] = {}
        for dimension, option in zip(grouped, options, strict=True):
            parents = {parent for parent, _ in space.conditions.get(dimension.key, ())}
            decided_elsewhere = not parents <= {other.key for other in grouped}
            if option is not None and (decided_elsewhere or space.is_active(dimension.key, chosen)):
                chosen[dimension.key] = option
        found.setdefault(tuple(chosen.items()), chosen)
    return list(found.values())


def _options(space: Space, dimension: Choice, grouped: Sequence[Choice]) -> list[str | None]:
    """Return the options of a key, and None where a key that is no group decides whether it is part of a trial."""
    keys = {other.key for other in grouped}
    elsewhere = any(parent not in keys for parent, _ in space.conditions.get(dimension.key, ()))
    return [*dimension.options, *[None] * elsewhere]


def _combination(grouped: Sequence[str], params: Mapping[str, Value]) -> Combination:
    return tuple((key, str(params[key])) for key in grouped if key in params)
