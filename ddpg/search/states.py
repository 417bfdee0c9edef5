"""What commands need to know of studies: light, because they start without Hydra and Optuna."""

from typing import Literal, get_args

#: The sweepers that make studies, as their configs name them.
SEARCH = "hydra_plugins.ddpg_launcher.SearchSweeper"
PBT = "hydra_plugins.ddpg_launcher.PopulationSweeper"
STUDIES = (SEARCH, PBT)

TrialState = Literal["complete", "pruned", "failed", "running", "pending", "interrupted"]
#: The states of a trial, for `ddpg-sweep status state=...`.
TRIAL_STATES: tuple[TrialState, ...] = get_args(TrialState)

#: Seconds for which a command waits for the lock of a study; most holders need a fraction of one.
LOCK_PATIENCE_S = 120.0
