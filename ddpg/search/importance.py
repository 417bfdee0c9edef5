"""Which keys of a study decide about its score."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.samplers import RandomSampler

from ddpg.search.optuna_study import MemoryStudy, pruned_as_complete, quiet
from ddpg.search.study import Definition
from ddpg.search.trials import Trial

#: Trials from which on importances are computed: five in the best tenth, as Optuna asks.
ENOUGH = 50
#: How often scores are shuffled, to see what shares keys have that decide nothing.
SHUFFLES = 20


class Importances(NamedTuple):
    """The share of each key, the largest first, and how they were computed."""

    shares: dict[str, float]
    evaluator: str


def importances(definition: Definition, trials: Mapping[int, Trial]) -> Importances | None:
    """Compute by PED-ANOVA (Watanabe et al. 2023) how much each key decides whether a trial is among the best tenth.

    Trials that were pruned are among the others. Returns None with fewer than ENOUGH trials that have a score, or if
    these are all equal.
    """
    scored = pruned_as_complete(trials, definition.options)
    scores = {number: trial.score for number, trial in scored.items() if trial.score is not None}
    if len(scores) < ENOUGH or len(set(scores.values())) == 1:
        return None
    sign = -1 if definition.options.direction == "maximize" else 1
    losses = sign * np.array(list(scores.values()))
    rng = np.random.default_rng(0)
    with quiet():
        study = MemoryStudy(definition, scored, max(scores) + 1, sampler=RandomSampler(seed=0))
        found = _shares(study, dict(zip(scores, losses, strict=True)))
        shuffled = [_shares(study, dict(zip(scores, rng.permutation(losses), strict=True))) for _ in range(SHUFFLES)]
    by_chance = np.mean([max(shares.values()) for shares in shuffled])
    return Importances(
        dict(sorted(found.items(), key=lambda pair: -pair[1])),
        f"PED-ANOVA: what tells the best tenth of {len(scores)} trials from the others; the largest share is "
        f"{100 * by_chance:.0f} % on average where scores are shuffled",
    )


def _shares(study: MemoryStudy, losses: Mapping[int, float]) -> dict[str, float]:
    """Return the shares of the keys, if trials had these losses."""
    return get_param_importances(
        study.optuna, evaluator=PedAnovaImportanceEvaluator(), target=lambda trial: losses[trial.number]
    )
