"""A section of docs/results/evidence.md: configurations that are compared with each other."""

from collections.abc import Iterator, Mapping

from ddpg.report.compare.pairs import Comparison as Pair
from ddpg.report.compare.pairs import Tests
from reproduce.comparison import DESIGN, Compared, compared, count_differences, fewest_seeds, level_of_a_look, missing
from reproduce.picture import comparison_picture
from reproduce.plan import Comparison, Plan
from reproduce.published import CONVENTIONS
from reproduce.scores import Records, seeds_of
from reproduce.tables import all_conventions, commands, environments, interval_cell


def section(plan: Plan, comparison: Comparison, records: Records) -> Iterator[str]:
    """The lines of the section of one comparison."""
    rows = plan.rows_of(comparison)
    yield f"## {comparison.title}\n"
    yield f"{comparison.text} {_when_compared(plan, comparison)}\n"
    yield from (f"    {command}" for command in commands([row for row in rows if not row.published]))
    yield ""
    if any(seeds_of(row, records) for row in rows):
        yield f"![{comparison.title}](evidence/{comparison_picture(comparison).name})\n"
    yield from all_conventions(rows, records)
    found = compared(plan, comparison, records)
    if found is None:
        yield from _missing(plan, comparison, records)
    else:
        names = {row.environment: environments(row, records) for row in rows}
        yield from _differences(comparison, found, names)


def _when_compared(plan: Plan, comparison: Comparison) -> str:
    """Say at which numbers of seeds the configurations are compared, and which of these can make nothing certain."""
    rows = plan.rows_of(comparison)
    *first, last = map(str, plan.looks(rows))
    numbers = f"{', '.join(first)} or {last}" if first else last
    differences = count_differences(plan, comparison)
    level = level_of_a_look(plan.looks(rows), differences)
    return (
        f"They are compared when all of them have {numbers} seeds, and not in between, at {100 * level:.2g} % each "
        f"time. With fewer than {fewest_seeds(differences, level)} seeds of each, none of the {differences} "
        "differences can be certain, however clear it is: they are only estimated then."
    )


def _missing(plan: Plan, comparison: Comparison, records: Records) -> Iterator[str]:
    """The sentence that says which seeds the comparison waits for."""
    rows = plan.rows_of(comparison)
    needed = plan.looks(rows)[0]
    waiting = {row.name: missing(row, needed, records) for row in rows}
    listed = "; ".join(f"{name} {', '.join(map(str, seeds))}" for name, seeds in waiting.items() if seeds)
    yield f"Not compared yet, because {needed} seeds of each are needed. Missing are the seeds: {listed}.\n"


def _differences(comparison: Comparison, found: Compared, names: Mapping[str, str]) -> Iterator[str]:
    """The table of differences with environments by their ids in `names`, and what so many seeds can tell."""
    count = len(found.differences)
    certain = sum(one.tests is not None and one.tests.better for one in found.differences)
    yield (
        f"Seeds 1 to {found.seeds} of each, {CONVENTIONS[comparison.convention]}: {DESIGN.words.test}, "
        f"{DESIGN.words.t} intervals, p after Holm's correction for these {count} comparisons at "
        f"{100 * found.level:.2g} %. A seed that diverged counts here with the worst value of its environment. "
        f"{certain} of the differences {'is' if certain == 1 else 'are'} certain."
    )
    if found.smallest_p * count > found.level:
        yield (
            f"**{found.seeds} seeds cannot tell any of these apart**, however clear a difference is: the smallest p "
            f"that they allow is {found.smallest_p:.2g}, before the correction."
        )
    yield "\n| environment | difference | 95 % | p | after Holm | | seeds that would find it in 8 of 10 cases |"
    yield "|---|---|---|---|---|---|---|"
    yield from (f"| {names[one.environment]} | {' | '.join(_cells(one))} |" for one in found.differences)
    yield ""
    said = [f"- {names[environment]}: {note}" for environment, notes in found.notes.items() for note in notes]
    yield from (*said, *[""] * bool(said))


def _cells(one: Pair) -> list[str]:
    first, second = one.pair
    named = f"{first} - {second}: {one.difference:.1f}"
    tests = one.tests
    if tests is None:
        return [named, "", "", "", f"no test: {one.refused}", ""]
    found = "cannot be told"
    if tests.better:
        found = f"{first} is {'better' if one.difference > 0 else 'worse'}"
    bounds = interval_cell(tests.t_test.low, tests.t_test.high)
    return [named, bounds, f"{tests.p:.2g}", f"{tests.adjusted:.2g}", found, _needed(tests)]


def _needed(tests: Tests) -> str:
    if tests.seeds_needed is not None:
        return str(tests.seeds_needed)
    return "not known" if tests.smallest_difference is None else "too many"
