"""The published scores that runs are held to, out of conf/reference_scores.yaml."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ddpg.config.signature import fit
from ddpg.errors import UserError
from ddpg.report.references import published

#: By which number a score was made: after `training` with exploration noise, after the others without.
Convention = Literal["training", "max", "last_10", "last"]
CONVENTIONS: Mapping[Convention, str] = {
    "training": "last 100 training episodes",
    "max": "maximum of the mean evaluation",
    "last_10": "last 10 evaluations",
    "last": "last evaluation",
}


@dataclass(frozen=True)
class Published:
    """A published mean over `seeds`, with its ± as it is published, and what that is (both None without one).

    `versions` are the environments that the published runs were made with.
    """

    value: float
    seeds: int = 1
    versions: str = "not said"
    spread: float | None = None
    kind: str | None = None

    @property
    def read_off(self) -> float:
        """The precision of a value that was read off a picture; 0 of one that was published as a number."""
        return self.spread or 0.0 if self.kind == "precision of the reading" else 0.0

    @property
    def deviation(self) -> float | None:
        """The standard deviation of seeds, estimated with the divisor n - 1; None where it is not published.

        The published ones are those of NumPy, whose divisor is n: of the n seeds alone, and too small for others.
        CleanRL's rlops.py and RL Zoo's all_plots.py show it, and the evaluations that the TD3 repository keeps.
        """
        if self.spread is None or self.seeds == 1 or self.read_off:
            return None
        of_these = self.spread * (math.sqrt(self.seeds) if self.kind == "standard error" else 1)
        return of_these * math.sqrt(self.seeds / (self.seeds - 1))


def fit_convention(name: object) -> Convention:
    """Return a convention by its name. UserError if there is none of that name."""
    return fit(name, Convention, "published")


def published_scores(tables: Sequence[str], env: str) -> dict[Convention, Published]:
    """Return what some tables publish of an environment, by conventions.

    Raises:
        UserError: there is no such table, its convention is none of those here, or not one score of the environment
            belongs to each convention.
    """
    found: dict[Convention, Published] = {}
    for name in tables:
        table = _table(name)
        if env in table["scores"]:
            convention = fit_convention(table["convention"])
            if convention in found:
                raise UserError(f"published={name}: another table has a score of {env} by the convention {convention}")
            found[convention] = _score(table, table["scores"][env])
    if tables and not found:
        raise UserError(f"published={','.join(tables)}: no score of {env} is there")
    return found


def _table(name: str) -> Mapping[str, Any]:
    if name not in published():
        raise UserError(f"published={name}: no table of conf/reference_scores.yaml; they are {', '.join(published())}")
    return published()[name]


def _score(table: Mapping[str, Any], score: float | list[float]) -> Published:
    value, spread = score if isinstance(score, list) else (score, None)
    return Published(value, table["seeds"], table["versions"], spread, None if spread is None else table["spread"])
