"""The written list of runs: list.yaml as objects, in the order in which they are trained."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

import yaml

from ddpg.config.signature import fit
from ddpg.ranges import PositiveInt
from ddpg.report.intervals import ENOUGH
from reproduce.published import Convention, Published, published_scores

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("list.yaml")
PRESETS = ROOT / "conf" / "preset"

#: How the names of the environments of a suite begin in conf/env; those of Gymnasium begin with none of these.
SUITES = {"dmc_": "dm_control", "pybullet_": "pybullet"}


@dataclass(frozen=True)
class EnvironmentNode:
    """One entry of `environments` in list.yaml; None: as the source says."""

    env: str
    name: str | None = None
    steps: PositiveInt | None = None
    seeds: PositiveInt | None = None
    overrides: Sequence[str] = ()


@dataclass(frozen=True)
class SourceNode:
    """One entry of `sources` in list.yaml."""

    row: PositiveInt
    preset: str
    source: str
    steps: PositiveInt
    seeds: PositiveInt
    environments: Sequence[EnvironmentNode]
    label: str | None = None
    published: Sequence[str] = ()
    note: str | None = None
    overrides: Sequence[str] = ()


@dataclass(frozen=True)
class Stage:
    """A part of the order: of the rows up to `until_row` (None: of all) the seeds 1 to `seeds` (None: the row's)."""

    name: str
    until_row: PositiveInt | None
    seeds: PositiveInt | None

    def seeds_of(self, row: "Row") -> range:
        """The seeds of a row that this stage asks for, those of earlier stages among them."""
        if self.until_row is not None and row.number > self.until_row:
            return range(0)
        return range(1, (self.seeds or row.seeds) + 1)


@dataclass(frozen=True)
class Comparison:
    """Labels of which each is compared with the baselines, in the environments that all of them have."""

    name: str
    title: str
    text: str
    labels: Sequence[str]
    baselines: Sequence[str]
    convention: Literal["training", "last_10", "last"]


@dataclass(frozen=True)
class ListNode:
    """The top level of list.yaml."""

    always: Sequence[str]
    order: Sequence[Stage]
    sources: Sequence[SourceNode]
    comparisons: Sequence[Comparison]


@dataclass(frozen=True, eq=False)
class Row:
    """One preset on one environment: what is published about it, and how it is run here.

    `seeds` come first; `judged_seeds` is the first number of seeds at which the list stops that allows a verdict.
    """

    number: int
    label: str
    preset: str
    env: str
    environment: str
    steps: int
    seeds: int
    judged_seeds: int
    overrides: tuple[str, ...]
    source: str
    note: str | None
    published: Mapping[Convention, Published]

    @property
    def name(self) -> str:
        """The beginning of the names of its runs."""
        return f"{self.label}_{self.environment}"

    def seeds_to_judge(self, convention: Convention) -> int:
        """Return the seeds that a verdict needs; a maximum needs as many as are published, because few flatter it."""
        return max(self.judged_seeds, self.published["max"].seeds) if convention == "max" else self.judged_seeds

    @property
    def suite(self) -> str:
        """The suite of its environment."""
        return next((suite for start, suite in SUITES.items() if self.env.startswith(start)), "gymnasium")

    @property
    def is_ready(self) -> bool:
        """Whether its preset exists."""
        return (PRESETS / f"{self.preset}.yaml").exists()


@dataclass(frozen=True)
class PlannedRun:
    """A row with a seed, and the number of the stage that first asks for it."""

    row: Row
    seed: int
    stage: int

    @property
    def name(self) -> str:
        """The name of its run folder and of its record."""
        return f"{self.row.name}_{self.seed}"

    @property
    def overrides(self) -> list[str]:
        """The words that make the run the one that it is; its command has Plan.always too."""
        row = self.row
        return [
            f"preset={row.preset}", f"env={row.env}", f"seed={self.seed}", f"total_steps={row.steps}", *row.overrides,
        ]  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """The whole list."""

    always: tuple[str, ...]
    stages: tuple[Stage, ...]
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]

    def published_sources(self) -> list[list[Row]]:
        """The rows of each source that publishes scores."""
        sources = [list(rows) for _, rows in groupby(self.rows, key=lambda row: (row.label, row.source))]
        return [rows for rows in sources if any(row.published for row in rows)]

    def rows_of(self, comparison: Comparison) -> list[Row]:
        """The rows that are compared, in the order of the labels, in each environment that all of them have."""
        by_label = [[row for row in self.rows if row.label == label] for label in comparison.labels]
        shared = set.intersection(*({row.environment for row in rows} for rows in by_label))
        return [row for rows in by_label for row in rows if row.environment in shared]

    def looks(self, rows: Sequence[Row]) -> list[int]:
        """Return the numbers of seeds at which rows are compared, ascending."""
        return _looks(self.stages, max(row.seeds for row in rows))

    def runs(self) -> list[PlannedRun]:
        """Every run whose preset exists, once, in the order in which they are trained."""
        found: dict[tuple[Row, int], PlannedRun] = {}
        for number, stage in enumerate(self.stages):
            for row, seed in _seed_by_seed(self.rows, stage):
                found.setdefault((row, seed), PlannedRun(row, seed, number))
        return [run for run in found.values() if run.row.is_ready]


def _seed_by_seed(rows: Sequence[Row], stage: Stage) -> Iterator[tuple[Row, int]]:
    """Within a row of the issue every environment gets its first seed before one gets its second."""
    for number in sorted({row.number for row in rows}):
        group = [row for row in rows if row.number == number]
        most = max(len(stage.seeds_of(row)) for row in group)
        for seed in range(1, most + 1):
            yield from ((row, seed) for row in group if seed in stage.seeds_of(row))


def read_plan(path: Path = LIST) -> Plan:
    """Reads the list. UserError for a key that does not exist or a value that does not fit."""
    node = fit(yaml.safe_load(path.read_text(encoding="utf-8")), ListNode)
    stages = tuple(Stage(**stage) for stage in node["order"])
    rows = tuple(
        _row(SourceNode(**source), EnvironmentNode(**environment), stages)
        for source in node["sources"]
        for environment in source["environments"]
    )
    comparisons = tuple(Comparison(**comparison) for comparison in node["comparisons"])
    return Plan(tuple(node["always"]), stages, rows, comparisons)


def _looks(stages: Sequence[Stage], seeds: int) -> list[int]:
    """Return the numbers of seeds, from ENOUGH on, at which a stage of rows of so many seeds ends, ascending."""
    ends = {stage.seeds or seeds for stage in stages if stage.until_row is None}
    return sorted(number for number in ends if number >= ENOUGH)


def _row(source: SourceNode, environment: EnvironmentNode, stages: Sequence[Stage]) -> Row:
    seeds = environment.seeds or source.seeds
    return Row(
        number=source.row,
        label=source.label or source.preset,
        preset=source.preset,
        env=environment.env,
        environment=environment.name or environment.env,
        steps=environment.steps or source.steps,
        seeds=seeds,
        judged_seeds=min(_looks(stages, seeds), default=ENOUGH),
        overrides=(*source.overrides, *environment.overrides),
        source=source.source,
        note=source.note,
        published=published_scores(source.published, environment.env),
    )
