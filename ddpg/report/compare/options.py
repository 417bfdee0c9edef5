"""The options of `ddpg-report compare`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from ddpg.ranges import Range

Level = Annotated[float, Range(above=0, at_most=0.5)]
#: A score for all environments, or one for each.
Reference = float | Mapping[str, float] | None


@dataclass(frozen=True)
class Options:
    """The options of a comparison, with the help text of the command."""

    out: str | None = field(
        default=None, metadata={"help": "folder for what is written; null: compare/ in the first FOLDER"}
    )
    metric: str = field(default="eval/episodic_return", metadata={"help": "any name in metrics.jsonl"})
    convention: Literal["last", "last10", "training100"] = field(
        default="last",
        metadata={"help": "score of a run: its last evaluation, the mean of its last 10, or of 100 training episodes"},
    )
    group_by: str | list[str] | None = field(
        default=None, metadata={"help": "keys or groups that tell configurations apart, as [preset,noise]; null: all"}
    )
    baseline: str | None = field(
        default=None, metadata={"help": "a label or a part of one, as td3: all are compared with it; null: all pairs"}
    )
    paired: bool = field(
        default=False,
        metadata={"help": "compare runs of one seed with each other; a choice to make before any look at scores"},
    )
    alpha: Level = field(default=0.05, metadata={"help": "chance of any false positive among all comparisons"})
    failed: Literal["worst", "leave_out"] = field(
        default="worst",
        metadata={
            "help": "a run that failed before the step that is compared has the worst value of its environment, or is "
            "left out, which flatters"
        },
    )
    solved: float | None = field(default=None, metadata={"help": "a run with at least this score has solved its task"})
    low: Reference = field(
        default=None, metadata={"help": "score that counts as 0 over environments: one number, or low.ENV=NUMBER"}
    )
    high: Reference = field(
        default=None, metadata={"help": "score that counts as 1; low and high null: the range of the compared runs"}
    )
