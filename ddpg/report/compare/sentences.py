"""Findings in words: what is better, by how much, how certain that is, and what so few seeds cannot tell."""

from collections.abc import Iterator, Sequence
from math import inf

from ddpg.report.compare.design import Words
from ddpg.report.compare.pairs import Comparison, Pair, Tests
from ddpg.report.compare.result import Result
from ddpg.report.compare.scored import Scored
from ddpg.report.compare.single_runs import FREE, unseen_failures
from ddpg.report.selection import count
from ddpg.report.text import interval, number, seed_list


def verdicts(found: Result) -> list[str]:
    """Say for each pair on how many environments one is better."""
    if not found.pairs:
        many = len(found.labels)
        return [
            f"no tests: {many} configurations are {many * (many - 1) // 2} pairs, too many for few seeds; name the one "
            "that the others are compared with: baseline=LABEL"
        ]
    return [*_certain(found), *_uncertain(found)]


def details(one: Comparison, found: Result) -> str:
    """Describe the difference of a pair in an environment, and its tests."""
    first, second = (one.first, one.second) if one.difference >= 0 else (one.second, one.first)
    names = f"{first.configuration} against {second.configuration}"
    names += _seeds_of_pairs(one)
    if one.tests is None:
        return f"{names}: {number(abs(one.difference))} more on average; no test: {one.refused}"
    if one.tests.better:
        size = _size(one, one.tests, found.design.words)
        certain = f"{_word(found)} by {number(abs(one.difference))} {size}; {_p_values(one.tests, found)}"
        return f"{names}: {certain}{_disagreement(one.tests, found)}"
    return f"{names}: {_undecided(one, one.tests, found)}; {_p_values(one.tests, found)}"


def _seeds_of_pairs(one: Comparison) -> str:
    """Name the seeds that make pairs, if these are not all, because the table has the means of all of them."""
    left_out = {} if one.pairing is None else {label: seeds for label, seeds in one.pairing.left_out.items() if seeds}
    if one.pairing is None or not one.pairing.seeds or not left_out:
        return ""
    unpaired = ", ".join(f"{label} {seed_list(seeds)}" for label, seeds in left_out.items())
    return (
        f", {count(len(one.pairing.seeds), 'pairs')} of seeds: {seed_list(one.pairing.seeds)} (left out, because the "
        f"other side has no such run, or another number: {unpaired})"
    )


def pairing_notes(one: Comparison) -> Iterator[str]:
    """Say what the pairs of a comparison have in common, and where the next will be."""
    pairing = one.pairing
    if pairing is None:
        return
    parts = [f"{count(len(pairing.seeds), 'pairs')} of seeds"]
    if pairing.correlation is not None:
        parts.append(f"correlation of the scores in a pair {pairing.correlation:.2f}")
    if pairing.next_seed is not None:
        following = pairing.next_seed
        landing = interval(following.low, following.high, len(pairing.seeds))
        assumed = "" if following.for_any_distribution else ", if differences are normal"
        parts.append(
            f"the difference of the next pair is in {landing} in {100 * following.share:.0f} % of cases{assumed}"
        )
    yield f"{one.first.configuration} minus {one.second.configuration}: {'; '.join(parts)}"


def notes(group: Sequence[Scored]) -> Iterator[str]:
    """Say of the configurations of an environment which runs failed, and what else the choice of runs was."""
    yield from (f"{one.configuration}: {_failed(one)}" for one in group if one.failed)
    for note in dict.fromkeys(note for one in group for note in one.notes):
        named = [one.configuration for one in group if note in one.notes]
        yield note if len(named) == len(group) else f"{'; '.join(named)}: {note}"


def single_run_explanations(found: Result) -> Iterator[str]:
    """Explain where the next run lands, and what it means that all runs of a configuration solve the task."""
    counts = sorted({len(one.scores) for group in found.scores.values() for one in group.values()} - {0, 1})
    if counts:
        shares = ", ".join(f"{100 * (n - 1) / (n + 1):.0f} % with {n} runs" for n in counts)
        yield (
            f"next run: it lands there in 95 % of cases, if scores are normal; with {FREE} or more runs whatever the "
            "distribution is. Between the worst and the best run so far it lands, whatever the distribution, in "
            f"{shares}."
        )
    solved = found.options.solved
    if solved is not None:
        runs = max(len(one.own) + len(one.failed) for group in found.scores.values() for one in group.values())
        yield (
            f"solved: runs with at least {solved:g}, of all with the failed ones; in brackets the share of all "
            f"possible runs, 95 % interval of Clopper and Pearson. {runs} of {runs} does not mean always: if up to "
            f"{100 * unseen_failures(runs):.0f} % of runs fail, 1 of 20 such samples still shows none (one-sided 95 %)."
        )


def _certain(found: Result) -> Iterator[str]:
    """Yield a sentence for each pair of which one is better in some environment."""
    for pair in found.pairs:
        first, second = pair
        tested = _tested(found, pair)
        better = [one.environment for one in tested if one.tests and one.tests.better and one.difference > 0]
        worse = [one.environment for one in tested if one.tests and one.tests.better and one.difference < 0]
        if len(worse) > len(better):
            first, second = second, first
            better, worse = worse, better
        if better:
            also = f" and {_opposite(found)} on {len(worse)} ({', '.join(worse)})" if worse else ""
            where = f"{len(better)} of {count(len(tested), 'environments')}" if len(tested) > 1 else better[0]
            listed = f": {', '.join(better)}" if len(tested) > 1 else ""
            yield f"{first} is {_word(found)} than {second} on {where}{also} ({_method(found, tested)}){listed}"


def _uncertain(found: Result) -> Iterator[str]:
    """Yield a sentence for all pairs of which nothing is certain in equally many environments, or not tested."""
    pairs: dict[str, list[str]] = {}
    for pair in found.pairs:
        same = [one for one in found.comparisons if one.pair == pair]
        tested = _tested(found, pair)
        if any(one.tests.better for one in tested if one.tests) and len(tested) == len(same):
            continue
        if not same:
            text = f"no environment has scores of both{_where(found, pair)}"
        elif len(tested) < len(same):
            text = _untested(len(same) - len(tested), len(same))
        else:
            text = f"no difference is certain on {count(len(tested), 'environments')} ({_method(found, tested)})"
        pairs.setdefault(text, []).append(" and ".join(pair))
    yield from (f"{'; '.join(names)}: {text}" for text, names in pairs.items())


def _untested(refused: int, environments: int) -> str:
    if environments == 1:
        return "no test; the reason is below"
    return f"no test on {refused} of {environments} environments; the reasons are below"


def _tested(found: Result, pair: Pair) -> list[Comparison]:
    return [one for one in found.comparisons if one.pair == pair and one.tests is not None]


def _where(found: Result, pair: Pair) -> str:
    """Write the environments of each of two configurations."""
    places = [[name for name, group in found.scores.items() if label in group] for label in pair]
    return f": {pair[0]} has {', '.join(places[0])}; {pair[1]} has {', '.join(places[1])}"


def _method(found: Result, tested: Sequence[Comparison]) -> str:
    exact = all(one.tests.permutation.exact for one in tested if one.tests)
    unequal = any(one.counts[0] != one.counts[1] for one in tested)
    words = found.design.words
    parts = [f"{'exact ' if exact else ''}{words.test}"]
    parts[0] += f", and {words.t_test} where seeds are unequally many" if unequal else ""
    parts += [f"Holm over {len(found.comparisons)} comparisons"] if len(found.comparisons) > 1 else []
    return ", ".join([*parts, f"{100 * found.options.alpha:g} %"])


def _undecided(one: Comparison, tests: Tests, found: Result) -> str:
    """Write why a difference is not certain, and what would be needed."""
    first, second = one.counts
    words = found.design.words
    seeds = count(first, words.seeds) if first == second else f"{first} and {second} {words.seeds}"
    if tests.smallest_difference is None and one.difference == 0:
        return f"all scores are equal ({seeds})"
    level = _needed_level(found)
    more = f"{number(abs(one.difference))} more {_size(one, tests, words)}"
    if one.smallest_p > level:
        text = (
            f"{seeds} can never tell: {more}, but even the clearest difference has p = "
            f"{_short(one.smallest_p)} with so few, and {_short(level)} is needed"
        )
    else:
        text = f"{seeds} cannot tell: {more}"
        if tests.smallest_difference is not None and tests.smallest_difference < inf:
            least = number(tests.smallest_difference)
            text += f"; the smallest difference that they would find in 8 of 10 cases is {least}"
    if tests.seeds_needed is not None:
        text += f"; about {count(tests.seeds_needed, words.seeds)} would find {number(abs(one.difference))}"
    return text


def _needed_level(found: Result) -> float:
    """Return the p-value that a further comparison needs: by Holm, those that are significant no longer count."""
    significant = sum(one.tests.better for one in found.comparisons if one.tests)
    return found.options.alpha / (len(found.comparisons) - significant)


def _size(one: Comparison, tests: Tests, words: Words) -> str:
    """Write the interval of a difference, the effect size and the probability of improvement, as of a positive one."""
    low = tests.t_test.low
    high = tests.t_test.high
    chance = one.improvement
    assert chance is not None
    if one.difference < 0:
        low, high = -high, -low
        chance = chance._replace(probability=1 - chance.probability, low=1 - chance.high, high=1 - chance.low)
    effect = f", {words.effect} = {abs(one.effect):.2f}" if one.effect is not None else ""
    bounds = f"95 %: {number(low)} to {number(high)}" if low < high else f"no interval: {words.equal}"
    return (
        f"({bounds}){effect}, P(improvement) = {chance.probability:.2f} (95 %: {chance.low:.2f} to {chance.high:.2f})"
    )


def _p_values(tests: Tests, found: Result) -> str:
    permutation = tests.permutation
    words = found.design.words
    kind = "exact" if permutation.exact else f"drawn, ± {permutation.error:.1g}"
    corrected = f", after Holm {_short(tests.adjusted)}" if len(found.comparisons) > 1 else ""
    return f"{words.p} p = {_short(permutation.p)} ({kind}), {words.t} p = {_short(tests.t_test.p)}{corrected}"


def _disagreement(tests: Tests, found: Result) -> str:
    if tests.t_test.p <= found.options.alpha:
        return ""
    name = found.design.words.t_test
    return f"; {name} does not agree, because single seeds make the difference: look at the seeds"


def _failed(one: Scored) -> str:
    runs = "1 run that failed" if len(one.failed) == 1 else f"{len(one.failed)} runs that failed"
    named = f"{runs} (seed {', '.join(map(str, one.failed))})"
    if len(one.scores) > len(one.own):
        worst = number(float(one.scores[-1]))
        return f"{named}: counted with the worst value in the environment, {worst} (failed=leave_out does not)"
    return f"{named}: left out, so these are the scores of the survivors, which flatter"


def _word(found: Result) -> str:
    return "better" if found.metric.is_return else "higher"


def _opposite(found: Result) -> str:
    return "worse" if found.metric.is_return else "lower"


def _short(p: float) -> str:
    return f"{p:.2g}" if p >= 0.001 else f"{p:.0e}" if p > 0 else "0"
