"""Rows of the list that are compared with the statistics of `ddpg-report compare`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ddpg.report.compare import pairs
from ddpg.report.compare.options import Options
from ddpg.report.compare.scored import scored
from ddpg.report.compare.sentences import notes
from ddpg.report.compare.unpaired import Unpaired
from ddpg.report.measured import Curve, MeasuredRun
from ddpg.report.metric import Metric
from ddpg.report.samples import samples
from reproduce.plan import Comparison, Plan, Row
from reproduce.published import Convention
from reproduce.scores import Record, Records, seeds_of

#: The chance of any false positive among the differences of a comparison, at all its looks together.
LEVEL = Options().alpha
METRIC = Metric("eval/episodic_return")
#: Seeds are not paired: over a million steps, networks of other forms make little of common starting states.
DESIGN = Unpaired()
#: How `ddpg-report compare` calls a convention; it has none for the maximum, which flatters whoever has more noise.
OPTIONS: Mapping[Convention, str] = {"training": "training100", "last_10": "last10", "last": "last"}


@dataclass(frozen=True)
class Compared:
    """The differences of a comparison at `level`, each over the seeds 1 to `seeds` of both sides.

    `notes` say, by environment, which runs are compared, and at which steps, where not all of them are.
    """

    seeds: int
    level: float
    differences: list[pairs.Comparison]
    notes: Mapping[str, list[str]]

    @property
    def smallest_p(self) -> float:
        """The smallest p-value that so many seeds can have, before the correction."""
        return DESIGN.smallest_p(self.seeds, self.seeds)


def fewest_seeds(differences: int, level: float) -> int:
    """Return the fewest seeds with which any of so many differences can be significant, however clear it is."""
    seeds = 2
    while DESIGN.smallest_p(seeds, seeds) * differences > level:
        seeds += 1
    return seeds


def level_of_a_look(looks: Sequence[int], differences: int) -> float:
    """Return the level of each look: LEVEL, shared equally by those that could find something at it (Bonferroni)."""
    fewest = fewest_seeds(differences, LEVEL)
    return LEVEL / max(1, sum(seeds >= fewest for seeds in looks))


def pairs_of(comparison: Comparison) -> list[pairs.Pair]:
    """Return the labels that are compared: every one with each baseline, each pair once."""
    found = [(label, baseline) for baseline in comparison.baselines for label in comparison.labels if label != baseline]
    return [pair for place, pair in enumerate(found) if pair[::-1] not in found[:place]]


def count_differences(plan: Plan, comparison: Comparison) -> int:
    """Return how many differences a comparison has: its pairs in each environment."""
    return len(pairs_of(comparison)) * len({row.environment for row in plan.rows_of(comparison)})


def seeds_to_compare(plan: Plan, comparison: Comparison, records: Records) -> int | None:
    """Return how many seeds of each row are compared; None while they are too few.

    It is the largest of the numbers of seeds at which the stages of the list end that all rows have: who looks after
    each seed, and stops when the result pleases, finds differences that are not there.
    """
    rows = plan.rows_of(comparison)
    complete = [seeds for seeds in plan.looks(rows) if not any(missing(row, seeds, records) for row in rows)]
    return max(complete, default=None)


def missing(row: Row, seeds: int, records: Records) -> list[int]:
    """Return which of the seeds 1 to `seeds` of a row have no record."""
    found = seeds_of(row, records)
    return [seed for seed in range(1, seeds + 1) if seed not in found]


def compared(plan: Plan, comparison: Comparison, records: Records) -> Compared | None:
    """Compare the rows pair by pair in each environment; None while seeds are missing.

    A seed that diverged counts with the worst value of its environment. Permutation tests, intervals, Holm's correction
    over all differences and the number of seeds needed are those of `ddpg-report compare`.
    """
    seeds = seeds_to_compare(plan, comparison, records)
    if seeds is None:
        return None
    rows = plan.rows_of(comparison)
    runs = [_measured(row, seed, one) for row in rows for seed, one in seeds_of(row, records).items() if seed <= seeds]
    scores = scored(samples(runs, METRIC), METRIC, OPTIONS[comparison.convention], "worst")
    level = level_of_a_look(plan.looks(rows), count_differences(plan, comparison))
    differences = pairs.compare(scores, pairs_of(comparison), {}, level, DESIGN)
    said = {environment: list(notes(list(group.values()))) for environment, group in scores.items()}
    return Compared(seeds, level, differences, said)


def _measured(row: Row, seed: int, record: Record) -> MeasuredRun:
    return MeasuredRun(
        environment=row.environment,
        configuration=row.label,
        shared="",
        seed=seed,
        state=record.about["state"],
        done_step=record.about["env_step"],
        total_steps=row.steps,
        eval_episodes=record.config["eval"]["episodes"],
        metric=Curve(record.evaluation_steps, record.evaluations),
        episodes=Curve(record.episode_ends, record.episodes),
    )
