"""Cuts the configurations of an environment to what they share: values at the same steps, equally long training."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ddpg.record.series import Series
from ddpg.report.measured import Curve, shared_steps
from ddpg.report.metric import Metric
from ddpg.report.samples import Sample, cut
from ddpg.report.selection import ENDED, count


def at_shared_steps(same: Sequence[Sample], metric: Metric, of_episodes: bool) -> Iterator[Sample]:
    """Keep of each sample of an environment the values at the steps that all have, and the episodes up to one step.

    The step where they end is found first, and then every run counts that has reached it. A configuration that is still
    trained, and of which no run has finished, changes neither this step nor the evaluations that are compared, unless
    that is true of all: otherwise the scores of the others would move while it is trained. Where it lacks some of these
    evaluations it counts as unfinished. An evaluation of the untrained policy is no score.

    Args:
        same: the samples.
        metric: that is compared.
        of_episodes: whether training episodes are scored, so that other steps are of no interest.
    """
    limit = min((sample.end for sample in same if sample.finished and (sample.steps > 0).any()), default=np.inf)
    whole = [cut(sample, limit, metric) for sample in same]
    growing = list(map(_is_growing, same))
    arrived = [one for one, grows in zip(whole, growing, strict=True) if one.counted and not grows] or whole
    trained = [sample.steps[sample.steps > 0] for sample in arrived]
    curves = [Curve(steps, steps) for steps in trained if len(steps)]
    steps = shared_steps(curves) if curves else np.empty(0)
    end = min((sample.end for sample in arrived if sample.counted), default=0.0)
    for sample, grows in zip(whole, growing, strict=True):
        kept = _kept(sample, steps, min(end, sample.end), metric)
        if of_episodes:
            yield kept
        else:
            finished = kept.finished and not (grows and len(kept.steps) < len(steps))
            yield replace(kept, finished=finished, notes=(*kept.notes, *_lost(sample.steps, kept.steps)))


def _is_growing(sample: Sample) -> bool:
    """Whether no run of a configuration has finished, and one of them can still go on."""
    states = {run.state for run in sample.counted} | {run.state for run in sample.unfinished}
    return not (sample.finished or states <= ENDED)


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
