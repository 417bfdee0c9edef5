"""What `ddpg-sweep best` says of a population: the winner's policy, and the schedule of values that made it."""

from collections.abc import Sequence
from pathlib import Path

from ddpg.search.population.lineage import Stage, lineage, stages
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Trial, short
from ddpg.sweep.state.table import aligned, short_keys


def schedule_lines(study: StudyFolder, definition: Definition, order: Sequence[Trial]) -> list[str]:
    """Return the lines about the first of the members of a generation, which are the best first.

    Raises:
        UserError: the folder of a trial that it comes from was removed.
    """
    winner = order[0]
    (seed,) = winner.seeds
    run = study.run_folder(winner, seed)
    keys = [dimension.key for dimension in definition.space.dimensions]
    return [
        f"the schedule of trial {winner.number}:",
        *_table(stages(lineage(study.trials(), winner)), keys, run),
        f"its policy: ddpg-eval {run}",
        f"its score is that of the best of {len(order)} members, so partly luck; the schedule on other seeds: "
        f"ddpg-sweep confirm {study.quoted}",
    ]


def _table(line: Sequence[Stage], keys: Sequence[str], run: Path) -> list[str]:
    rows = [["env steps", *short_keys(keys, run), ""]]
    for stage in line:
        values = [short(stage.params.get(key, "")) for key in keys]
        went_on = "" if stage.copied is None else f"copied trial {stage.copied}"
        rows.append([f"{stage.start:,} to {stage.stop:,}", *values, went_on])
    columns = [aligned(column) for column in zip(*rows, strict=True)]
    return ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
