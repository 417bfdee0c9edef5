"""The text of a comparison, for the terminal and compare.md."""

from collections.abc import Iterable, Iterator
from math import isfinite
from pathlib import Path

from ddpg.record.series import short_number
from ddpg.report.compare.overall import Estimate
from ddpg.report.compare.result import Result
from ddpg.report.compare.scored import Scored
from ddpg.report.compare.sentences import details, notes, pairing_notes, single_run_explanations, verdicts
from ddpg.report.compare.single_runs import next_run, solved_rate
from ddpg.report.intervals import explanation, iqm, iqm_interval, mean_interval
from ddpg.report.selection import count
from ddpg.report.text import aligned, interval, interval_of, literal, number, seed_list

HEADER = ("configuration", "seeds", "step", "mean", "95 % interval", "IQM", "95 % of the IQM", "next run, 95 %")
#: Numbers of seeds of which the power is named.
EXAMPLES = (6, 10, 20)
#: What makes the scores of an environment comparable.
SAME_KIND = "at one step and by one convention"


def text_of(found: Result, picture: Path | None) -> str:
    """Write the whole comparison as Markdown."""
    conventions = dict.fromkeys(one.convention for group in found.scores.values() for one in group.values())
    title = ", ".join(filter(None, conventions)) or found.options.convention
    lines = [f"# {literal(found.options.metric)}: {title}", ""]
    lines += [*_bullets([*verdicts(found), *found.marks]), ""]
    lines += [f"![Performance profiles and differences]({picture.name})", ""] if picture else []
    for environment, group in found.scores.items():
        lines += [f"## {literal(environment)}", "", *aligned(_table(list(group.values()), found.options.solved)), ""]
        same = [one for one in found.comparisons if one.environment == environment]
        lines += _bullets(sentence for one in same for sentence in (details(one, found), *pairing_notes(one)))
        lines += _bullets(notes(list(group.values())))
        lines += ["", *_bullets(_differences(list(group.values())))]
    lines += [*_overall(found), *_bullets(_explanations(found))]
    return "\n".join(lines) + "\n"


def _bullets(sentences: Iterable[str]) -> list[str]:
    return [f"- {literal(sentence)}" for sentence in sentences]


def _table(group: list[Scored], solved: float | None) -> list[tuple[str, ...]]:
    rows = [_row(one) for one in group]
    if solved is None:
        return [HEADER, *rows]
    return [(*HEADER, "solved"), *((*row, _solved(one, solved)) for row, one in zip(rows, group, strict=True))]


def _row(one: Scored) -> tuple[str, ...]:
    scores = one.scores
    seeds = seed_list(one.seeds) + (f" + {len(one.failed)} failed" if one.failed else "")
    if not len(scores):
        return (literal(one.configuration), seeds, *["-"] * (len(HEADER) - 2))
    landing = next_run(scores)
    return (
        literal(one.configuration),
        seeds,
        short_number(one.step),
        number(float(scores.mean())),
        interval_of(mean_interval(scores), len(scores)),
        number(float(iqm(scores))),
        interval_of(iqm_interval(scores), len(scores)),
        interval(landing.low, landing.high, len(scores)) if landing else "- (1 seed)",
    )


def _solved(one: Scored, threshold: float) -> str:
    runs = len(one.own) + len(one.failed)
    if not runs:
        return "-"
    rate = solved_rate(int((one.own >= threshold).sum()), runs)
    return f"{rate.solved} of {runs} [{100 * rate.low:.0f}, {100 * rate.high:.0f}] %"


def _overall(found: Result) -> Iterator[str]:
    """Yield the section over all environments; one environment says nothing new by the range of its own runs."""
    if not found.overall:
        yield f"- no environment has all configurations {SAME_KIND}, so there are no scores over environments"
        yield ""
        return
    if len(found.shared) == 1 and found.options.low is None:
        return
    yield from (f"## Over {count(len(found.shared), 'environments')}", "")
    header = ("configuration", "runs", "mean", "95 %", "IQM", "95 %", "optimality gap", "95 %")
    yield from aligned([header, *(_overall_row(found, place) for place in range(len(found.overall)))])
    yield ""
    left_out = [name for name in found.scores if name not in found.shared]
    if left_out:
        yield f"- left out, because not all configurations have it {SAME_KIND}: {literal(', '.join(left_out))}"
    yield f"- {literal(_normalization(found))}"
    for (first, second), one in found.improvements.items():
        chance = f"{one.probability:.2f} (95 %: {one.low:.2f} to {one.high:.2f})"
        yield f"- {literal(f'P({first} better than {second}), mean over environments: {chance}')}"
    yield ""


def _overall_row(found: Result, place: int) -> tuple[str, ...]:
    one = found.overall[place]
    cells = [cell for estimate in (one.mean, one.iqm, one.gap) for cell in _estimate(estimate)]
    return literal(one.configuration), str(one.runs), *cells


def _estimate(estimate: Estimate) -> tuple[str, str]:
    if not isfinite(estimate.low):
        return f"{estimate.value:.3f}", "- (a single seed)"
    return f"{estimate.value:.3f}", f"[{estimate.low:.3f}, {estimate.high:.3f}]"


def _normalization(found: Result) -> str:
    bounds = "; ".join(
        f"{name} {number(found.ranges[name][0])} to {number(found.ranges[name][1])}" for name in found.shared
    )
    if found.options.low is None:
        return (
            "scores are normalized by the pooled range: 0 is the lowest and 1 the highest score of the runs compared "
            f"here, so other runs would change all numbers ({bounds}); low=... high=... name a range that stays"
        )
    return f"scores are normalized by low and high of the command ({bounds})"


def _explanations(found: Result) -> Iterator[str]:
    """Yield what the numbers mean; docs/statistics.md says more."""
    yield from found.design.explanations()
    if len(found.comparisons) > 1:
        yield "Holm: among all comparisons here, the chance of any false positive is at most the level."
    if any(one.tests and not one.tests.better and one.tests.seeds_needed for one in found.comparisons):
        yield (
            f"{found.design.words.seeds} that would find a difference: in 8 of 10 cases, if the true difference is the "
            "one that was seen."
        )
    yield _power(found)
    yield explanation()
    yield from single_run_explanations(found)


def _power(found: Result) -> str:
    """Say how often some numbers of seeds find a difference as large as the deviation of the noise."""
    words = found.design.words
    level = found.options.alpha / max(1, len(found.comparisons))
    which = ", which the first of all comparisons needs" if len(found.comparisons) > 1 else ""
    shares = [f"{100 * found.design.power(1.0, seeds, seeds, level):.0f}" for seeds in EXAMPLES]
    return (
        f"power: a difference of one deviation, {words.effect} = 1, is found by {', '.join(map(str, EXAMPLES))} "
        f"{words.seeds} in {', '.join(shares)} % of cases at p = {level:.2g}{which}."
    )


def _differences(group: list[Scored]) -> Iterator[str]:
    """Yield what makes the scores of an environment hard to compare."""
    steps = sorted({one.step for one in group if isfinite(one.step)})
    if len(steps) > 1:
        yield f"measured at different steps: {', '.join(map(short_number, steps))}"
    conventions = list(dict.fromkeys(one.convention for one in group if one.convention))
    if len(conventions) > 1:
        yield f"scores of different conventions: {', '.join(conventions)}"
    lengths = sorted({length for one in group for length in one.eval_episodes})
    if len(lengths) > 1:
        yield f"the runs differ in eval.episodes: {', '.join(map(str, lengths))} episodes an evaluation"
