"""The states of a trial, for `ddpg-sweep status state=...`: light, because that command starts without Optuna."""

from typing import Literal, get_args

TrialState = Literal["complete", "pruned", "failed", "running", "pending", "interrupted"]
TRIAL_STATES: tuple[TrialState, ...] = get_args(TrialState)
