"""The results of `ddpg-eval` as text and as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from ddpg.record.provenance import versions
from ddpg.report.compare.numbers import plain
from ddpg.report.intervals import mean_interval
from ddpg.report.text import aligned, interval_of, number
from ddpg.run.playing import NOMINAL, Played
from ddpg.training.evaluate import Episodes

HEADER = ("return", "std", "95 % interval", "min", "max", "length")
NOTE = (
    "95 % interval: Student's t for the mean return of this one policy over episodes. Another seed of training is "
    "another policy: ddpg-report compares those."
)


def text(played: Sequence[Played]) -> list[str]:
    """Write the lines about one policy, or a table of several policies or conditions."""
    if len(played) == 1:
        return list(_about_one(played[0]))
    several = len({id(one.part.playable) for one in played}) > 1
    changed = any(one.part.condition != NOMINAL for one in played)
    numbers = list(dict.fromkeys(name for one in played for name in one.episodes.info_means()))
    rows = [["source"] * several + ["condition"] * changed + [*HEADER, *numbers]]
    for one in played:
        names = [one.part.playable.name] * several + [str(one.part.condition)] * changed
        rows.append(names + _cells(one.episodes) + _info_cells(one.episodes, numbers))
    return [_title(played, several), "", *aligned(rows), "", NOTE]


def as_json(played: Sequence[Played]) -> dict[str, Any]:
    """Return all results as plain values: the sources, and the results of each under every condition."""
    by_source: dict[int, list[Played]] = {}
    for one in played:
        by_source.setdefault(id(one.part.playable), []).append(one)
    return {
        "seeds": list(played[0].seeds),
        "versions": versions(),
        "sources": [_source(same) for same in by_source.values()],
    }


def _about_one(one: Played) -> Iterator[str]:
    returns = one.episodes.returns
    playable = one.part.playable
    yield f"{len(returns)} noise-free episodes of the {playable.which} actor in {playable.name}"
    yield f"return {returns.mean():.2f} +- {returns.std():.2f} (min {returns.min():.2f}, max {returns.max():.2f})"
    yield f"length {one.episodes.lengths.mean():.1f} env steps"
    for name, mean in one.episodes.info_means().items():
        yield f"{name} {mean:.4g}"


def _title(played: Sequence[Played], several: bool) -> str:
    actors = dict.fromkeys(one.part.playable.which for one in played)
    where = "" if several else f" in {played[0].part.playable.name}"
    plural = "s" if len(actors) > 1 else ""
    return f"{len(played[0].seeds)} noise-free episodes of the {' and '.join(actors)} actor{plural}{where}"


def _info_cells(episodes: Episodes, names: Sequence[str]) -> list[str]:
    means = episodes.info_means()
    return [number(means[name]) if name in means else "-" for name in names]


def _cells(episodes: Episodes) -> list[str]:
    returns = episodes.returns
    shown = interval_of(mean_interval(returns), len(returns), "episodes")
    numbers = [returns.mean(), returns.std()]
    extremes = [returns.min(), returns.max()]
    return [*map(number, numbers), shown, *map(number, extremes), f"{episodes.lengths.mean():.1f}"]


def _source(same: Sequence[Played]) -> dict[str, Any]:
    playable = same[0].part.playable
    return {
        "source": playable.name,
        "folder": str(playable.folder.absolute()),
        "actor": playable.which,
        "env": plain(playable.config),
        "results": [_result(one) for one in same],
    }


def _result(one: Played) -> dict[str, Any]:
    condition = one.part.condition
    changed = {"key": condition.key, "value": condition.value, "spread": list(condition.spread) or None}
    returns = one.episodes.returns
    bounds = mean_interval(returns)
    return {
        "condition": None if condition == NOMINAL else changed,
        "mean": returns.mean().item(),
        "std": returns.std().item(),
        "min": returns.min().item(),
        "max": returns.max().item(),
        "interval": None if bounds is None else bounds.tolist(),
        "length": one.episodes.lengths.mean().item(),
        "info_means": plain(one.episodes.info_means()),
        "returns": returns.tolist(),
        "lengths": one.episodes.lengths.tolist(),
        "info": plain(one.episodes.info),
    }
