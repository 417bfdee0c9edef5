"""Whose turn is it: what a worker does with a study while it holds the lock.

A crash at any instant leaves a state that the next holder of the lock repairs: a trial without run folders gets them,
one whose owner is gone is free, and the journal follows the folders.
"""

import logging
import math
import os
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from ddpg.errors import UserError
from ddpg.interrupt import InterruptFlag
from ddpg.search.failures import require_some_success, scored_late
from ddpg.search.journal import Journal
from ddpg.search.kinds import rules_of
from ddpg.search.options import StudyOptions
from ddpg.search.outlook import Outlook, outlook_of
from ddpg.search.pruning import newest_score, should_prune
from ddpg.search.score import worst_score
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trial_runs import TrialRuns
from ddpg.search.trials import Result, Trial, Verdict, make_folder
from ddpg.sweep.slurm import cluster_name
from ddpg.sweep.state.folder import Submission, SweepRun, timestamp
from ddpg.sweep.state.status import submitters
from ddpg.sweep.state.tasks import is_pool

log = logging.getLogger(__name__)

#: Seconds until the trials are listed again where the list was too old.
LIST_AGAIN_S = 1.0
#: Seconds for which a worker waits for the lock after a signal: many workers give their trials back then.
GIVE_BACK_S = 10.0


@dataclass(frozen=True)
class Turn:
    """The turn that a worker got: a trial and its runs, in the order of its seeds."""

    trial: Trial
    runs: tuple[SweepRun, ...]


class Turns:
    """The study as one worker sees it."""

    def __init__(self, study: StudyFolder, worker: str, interrupt: InterruptFlag) -> None:
        """Read what a study is.

        Args:
            study: its folder.
            worker: the name of the task that asks, as in submissions.jsonl.
            interrupt: the flag of signals.

        Raises:
            UserError: the folder is no study, or one of another version.
        """
        self.study = study
        self._worker = worker
        self._interrupt = interrupt
        self._adopt(study.definition())

    def _adopt(self, definition: Definition) -> None:
        """Prepare for a study as it is now."""
        self.definition = definition
        self._rules = rules_of(definition)
        self._runs = TrialRuns(self.study, definition)
        self._journal = Journal(self.study, definition)

    def _lock(self, patience_s: float = 0.0) -> AbstractContextManager[None]:
        """Hold the study's lock; when it was awaited for `patience_s` seconds, a signal ends that with Interrupted."""
        return self.study.lock(math.inf, self._interrupt.check_after(patience_s))

    def _read(self) -> dict[int, Trial]:
        """Return the trials; n_trials may have grown since the last look, or the space become wider."""
        definition = self.study.definition()
        if definition != self.definition:
            self._adopt(definition)
        return self.study.trials()

    @property
    def options(self) -> StudyOptions:
        """The options of the sweeper."""
        return self.definition.options

    def next(self) -> Turn | None:
        """Take a trial: one that nobody trains any more, else one that is promoted, else a new one.

        Returns None if each is done or another worker has it, and there are as many as there are to be, or the next one
        depends on those.
        """
        while True:
            outlook = self._outlook()
            with self._lock():
                trials = self._repaired()
                trial = self._chosen(trials, outlook)
                if trial is None:
                    self._journal.follow(trials)  # what a crash after the last result has left out
                    return None
                trial = self._taken(trials, trial)
                is_there = trial.number in trials or make_folder(self.study.path, trial)
                if is_there:
                    trial = self._begun(trials, trial)
            if not is_there:
                time.sleep(LIST_AGAIN_S)
            elif trial.result is None:
                return Turn(trial, self._runs.of(trial))
            else:
                require_some_success(self.study)

    def _begun(self, trials: Mapping[int, Trial], trial: Trial) -> Trial:
        """Write down that this worker has a trial, and return the trial with its runs made, or as it has failed."""
        self.study.write(trial)
        trial = self._frozen(trials, trial)
        if trial.result is None:
            self._record_claim(trial)
        self._journal.follow({**trials, trial.number: trial})
        return trial

    def others_will_come(self) -> bool:
        """Whether trials will come that depend on some which other workers have now."""
        trials = self._read()
        return max(trials, default=-1) + 1 < self._rules.expected_trials(self.definition, trials)

    def must_wait(self) -> bool:
        """Whether nothing can be taken, and more will come; nobody is asked who is alive."""
        trials = self._read()
        if any(trial.result is None and trial.owner is None for trial in trials.values()):
            return False
        number = max(trials) + 1
        more = number < self._rules.expected_trials(self.definition, trials)
        return more and self._rules.next_trial(self.definition, trials, number) is None

    def _outlook(self) -> Outlook:
        trials = self._read()
        return outlook_of(self.study, self.definition, trials, self._worker)

    def _chosen(self, trials: Mapping[int, Trial], outlook: Outlook) -> Trial | None:
        trial = self._orphan(trials, outlook)
        if trial is None and outlook.stopped is not None and outlook.stopped in trials.values():
            trial = outlook.resumed
        number = max(trials, default=-1) + 1
        if trial is None and number < self._rules.expected_trials(self.definition, trials):
            trial = self._rules.next_trial(self.definition, trials, number)
        return trial

    def _orphan(self, trials: Mapping[int, Trial], outlook: Outlook) -> Trial | None:
        """Return the first trial that is not done and that no living worker has; None if there is none."""
        known = submitters(self.study.sweep)
        free = {None, self._worker, *outlook.gone}
        open_trials = [trial for trial in trials.values() if trial.result is None]
        return next((trial for trial in open_trials if trial.owner in free or trial.owner not in known), None)

    def _taken(self, trials: Mapping[int, Trial], trial: Trial) -> Trial:
        """Return a trial as this worker has it: one that still has an owner was left by a worker that was killed.

        If that was once too often, the trial has failed.
        """
        kills = trial.kills + (trial.owner is not None)
        if trial.owner is None or kills < self.options.max_kills:
            return trial.changed(owner=self._worker, kills=kills)
        why = f"its processes were killed {kills} times"
        log.warning("trial %d failed: %s", trial.number, why)
        return trial.changed(owner=None, kills=kills, result=self._result(trials, "failed", None, why))

    def report(self, number: int, values: Mapping[int, float]) -> bool:
        """Note the score so far of a trial, and return whether it is to be stopped."""
        trials = self._read()
        trial = self._mine(trials, number).changed(values=dict(values))
        prune, attrs = should_prune(self.definition, trials, trial)
        with self._lock():
            trials = self._read()
            trial = self._mine(trials, number).changed(values=dict(values), attrs=attrs)
            if prune:
                score = newest_score(self.definition, values)
                trial = trial.changed(result=self._result(trials, "pruned", score), owner=None)
            self._write(trials, trial)
        return prune

    def conclude(self, number: int, score: float, values: Mapping[int, float]) -> Trial:
        """Note that all runs of a trial are done, with its score."""
        return self._end(number, "complete", score, "", values)

    def fail(self, number: int, why: str) -> Trial:
        """Note that a run of a trial failed."""
        return self._end(number, "failed", None, why, None)

    def release(self, number: int, kills: int) -> None:
        """Give a trial back that is not done, with the number of times that its processes were killed."""
        with self._lock(GIVE_BACK_S):
            trials = self._read()
            self._write(trials, self._mine(trials, number).changed(owner=None, kills=kills))

    def give_back(self, number: int) -> None:
        """Give a trial back with which this worker cannot go on, if it has one that is not done."""
        with self._lock(GIVE_BACK_S):
            trials = self._read()
            trial = trials.get(number)
            if trial is not None and trial.owner == self._worker and trial.result is None:
                self._write(trials, trial.changed(owner=None))

    def _end(
        self, number: int, state: Verdict, value: float | None, why: str, values: Mapping[int, float] | None
    ) -> Trial:
        with self._lock(GIVE_BACK_S):
            trials = self._read()
            result = self._result(trials, state, value, why)
            trial = self._mine(trials, number).changed(result=result, owner=None)
            if values is not None:
                trial = trial.changed(values=dict(values))
            self._write(trials, trial)
        return trial

    def _mine(self, trials: Mapping[int, Trial], number: int) -> Trial:
        """Return a trial of this worker; raise UserError if another has it, as after `retry lost=` of a living host."""
        trial = trials.get(number)
        if trial is None or trial.owner != self._worker:
            now = "its folder is gone" if trial is None else f"{trial.owner or 'nobody'} has it now"
            raise UserError(f"trial {number} was taken from this worker: {now}, so nothing is counted here")
        return trial

    def _write(self, trials: Mapping[int, Trial], trial: Trial) -> None:
        self.study.write(trial)
        self._journal.follow({**trials, trial.number: trial})

    def _result(self, trials: Mapping[int, Trial], state: Verdict, value: float | None, why: str = "") -> Result:
        orders = [trial.result.order for trial in trials.values() if trial.result is not None]
        if state == "failed" and self.options.failed == "worst":
            value = worst_score(trials, self.options)
        return Result(state, value, max(orders, default=-1) + 1, timestamp(), why)

    def _repaired(self) -> dict[int, Trial]:
        """Return the trials, after run folders that a crash kept from being made were made.

        Trials that failed before any other had a score count as the worst now, if there is one.
        """
        trials = self._read()
        listed = self._runs.listed()
        for number, trial in list(trials.items()):
            if trial.result is None or trial.run_number(len(trial.seeds)) > listed:
                trials[number] = self._frozen(trials, trial)
        for trial in scored_late(trials, self.options):
            trials[trial.number] = trial
            self.study.write(trial)
        return trials

    def _frozen(self, trials: Mapping[int, Trial], trial: Trial) -> Trial:
        """Make the run folders of a trial, if they are not there; one whose values do not fit together has failed."""
        if self._runs.are_made(trial):
            return trial
        try:
            self._runs.make(trial)
        except UserError as error:
            trial = trial.changed(result=self._result(trials, "failed", None, str(error)), owner=None)
            self.study.write(trial)
            log.warning("trial %d failed: %s", trial.number, error)
        return trial

    def _record_claim(self, trial: Trial) -> None:
        """Write into submissions.jsonl that this worker has the runs, for status and cancel."""
        numbers = [trial.run_number(place) for place in range(len(trial.seeds))]
        kind: Any = "local" if is_pool(self._worker) else "slurm"
        cluster = None if is_pool(self._worker) else cluster_name()
        self.study.sweep.add_submission(Submission(timestamp(), os.getuid(), kind, {self._worker: numbers}, cluster))
