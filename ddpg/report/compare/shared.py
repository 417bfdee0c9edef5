"""Cuts the configurations of an environment to what they share: values at the same steps, equally long training."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ddpg.record.series import Series
from ddpg.report.measured import Curve, shared_steps
from ddpg.report.metric import Metric
from ddpg.report.samples import Sample, cut
from ddpg.report.selection import count


def at_shared_steps(same: Sequence[Sample], metric: Metric, of_episodes: bool) -> Iterator[Sample]:
    """Keep of each sample of an environment the values at the steps that all have, and the episodes up to one step.

    The step where they end is found first, and then every run counts that has reached it. A configuration of which no
    run has finished does not move it, unless none has finished one: it would move the step at which the others are
    judged while it is trained. An evaluation of the untrained policy is no score.

    Args:
        same: the samples.
        metric: that is compared.
        of_episodes: whether training episodes are scored, so that other steps are of no interest.
    """
    limit = min((sample.end for sample in same if sample.finished and (sample.steps > 0).any()), default=np.inf)
    whole = [cut(sample, limit, metric) for sample in same]
    arrived = [sample for sample in whole if sample.finished] or whole
    trained = [sample.steps[sample.steps > 0] for sample in arrived]
    curves = [Curve(steps, steps) for steps in trained if len(steps)]
    steps = shared_steps(curves) if curves else np.empty(0)
    end = min((sample.end for sample in arrived if sample.counted), default=0.0)
    for sample in whole:
        kept = _kept(sample, steps, min(end, sample.end), metric)
        yield kept if of_episodes else replace(kept, notes=(*kept.notes, *_lost(sample.steps, kept.steps)))


def _kept(sample: Sample, steps: Series, end: float, metric: Metric) -> Sample:
    kept = np.isin(sample.steps, steps)
    episodes = (run.metric if metric.of_episodes else run.episodes for run in sample.counted)
    return replace(
        sample,
        steps=sample.steps[kept],
        values=sample.values[:, kept],
        episodes=tuple(one.up_to(end).values for one in episodes),
        end=end,
    )


def _lost(before: Series, after: Series) -> Iterator[str]:
    """Yield what is lost between the steps before and after a cut, which may end a curve early without a note here."""
    trained = before[before > 0]
    if len(trained) and not len(after):
        yield "not compared: it has no value at a step where the others have one"
    elif len(after) < (both := int((trained <= after[-1:]).sum())):
        yield f"compared at {len(after)} of {count(both, 'steps')}, those that all configurations have"
