"""Which keys of a study decide about its score."""

from collections.abc import Mapping
from typing import NamedTuple

from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.samplers import RandomSampler

from ddpg.search.optuna_study import MemoryStudy, quiet
from ddpg.search.study import Definition
from ddpg.search.trials import Trial

#: Complete trials from which on importances are computed: fewer have no best tenth.
ENOUGH = 10


class Importances(NamedTuple):
    """The share of each key, the largest first, and how they were computed."""

    shares: dict[str, float]
    evaluator: str


def importances(definition: Definition, trials: Mapping[int, Trial]) -> Importances | None:
    """Compute by PED-ANOVA (Watanabe et al. 2023) how much each key decides whether a trial is among the best tenth.

    Returns None with fewer than ENOUGH trials that have a score at their end, or if these are all equal.
    """
    scores = [
        trial.result.value for trial in trials.values() if trial.result is not None and trial.result.state != "pruned"
    ]
    known = [score for score in scores if score is not None]
    if len(known) < ENOUGH or min(known) == max(known):
        return None
    with quiet():
        study = MemoryStudy(definition, trials, max(trials) + 1, sampler=RandomSampler(seed=0))
        found = get_param_importances(study.optuna, evaluator=PedAnovaImportanceEvaluator())
    shares = dict(sorted(found.items(), key=lambda pair: -pair[1]))
    return Importances(shares, f"PED-ANOVA: what tells the best tenth of {len(known)} complete trials from the others")
