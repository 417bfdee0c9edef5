"""What a reader has to know of the scores of an environment: who is left out, and what is not the same for all."""

from collections.abc import Iterator, Sequence

from ddpg.record.series import short_number
from ddpg.report.metric import Metric
from ddpg.report.samples import Sample


def notes_on(samples: Sequence[Sample], metric: Metric) -> Iterator[str]:
    """Yield the notes on the configurations of one environment, then those on what they have in common or not."""
    for one in samples:
        yield from (f"{one.configuration}: {note}" if one.configuration != "-" else note for note in one.notes)
    if samples[0].shared:
        yield f"the same in all configurations whose label leaves it out: {samples[0].shared}"
    ends = sorted({float(one.steps[-1]) for one in samples if len(one.steps)})
    if len(ends) > 1:
        span = f"{short_number(ends[0])} to {short_number(ends[-1])}"
        yield f"not the same number of steps in all configurations: their last one is at {span} (column step)"
    if metric.of_evaluations:
        yield from _different_evaluations([one for one in samples if len(one.steps)])


def _different_evaluations(samples: Sequence[Sample]) -> Iterator[str]:
    """Say if configurations are evaluated by other numbers of episodes, or at other steps of equally long training."""
    lengths = sorted({length for one in samples for length in one.eval_episodes})
    if len({one.eval_episodes for one in samples}) > 1:
        yield f"the configurations differ in eval.episodes: {', '.join(map(str, lengths))} episodes an evaluation"
    numbers = sorted({len(one.steps) for one in samples})
    if len(numbers) > 1 and len({one.steps[-1] for one in samples}) == 1:
        yield (
            f"the configurations differ in their numbers of evaluations, {', '.join(map(str, numbers))}: the last 10 "
            "of them are other stretches of training, and the more there are, the larger is a maximum; ddpg-report "
            "compare takes those that all have"
        )
