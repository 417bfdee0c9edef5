"""Whose turn is it: what a worker does with a study while it holds the lock.

A crash at any instant leaves a state that the next holder of the lock repairs: a trial without run folders gets them,
one whose owner is gone is free, and the journal follows the folders.
"""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddpg.errors import UserError
from ddpg.record.run_folder import RunFolder
from ddpg.search.journal import Journal
from ddpg.search.options import SearchOptions
from ddpg.search.pruning import promoted, should_prune
from ddpg.search.recipe import Recipe
from ddpg.search.sampling import propose
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Result, Trial, Verdict
from ddpg.sweep.freeze import FrozenRun, freeze
from ddpg.sweep.state.folder import Submission, SweepRun, timestamp
from ddpg.sweep.state.status import submitters
from ddpg.sweep.state.tasks import find_tasks, is_pool

log = logging.getLogger(__name__)

#: Trials that may fail at the start of a study, until it stops.
FIRST_FAILURES = 5


@dataclass(frozen=True)
class Turn:
    """What a worker got: a trial and its runs, in the order of its seeds."""

    trial: Trial
    runs: tuple[SweepRun, ...]


class Turns:
    """The study as one worker sees it."""

    def __init__(self, study: StudyFolder, worker: str) -> None:
        """Read what a study is.

        Args:
            study: its folder.
            worker: the name of the task that asks, as in submissions.jsonl.

        Raises:
            UserError: the folder is no study, or one of another version.
        """
        self.study = study
        self._worker = worker
        self._adopt(study.definition())

    def _adopt(self, definition: Definition) -> None:
        """Prepare for a study as it is now."""
        self.definition = definition
        self._recipe = Recipe.read(definition.space, self.study.path / "bases")
        self._journal = Journal(self.study, definition)

    def _read(self) -> dict[int, Trial]:
        """Return the trials; n_trials may have grown since the last look, or the space become wider."""
        definition = self.study.definition()
        if definition != self.definition:
            self._adopt(definition)
        return self.study.trials()

    @property
    def options(self) -> SearchOptions:
        """The options of the sweeper."""
        return self.definition.options

    def next(self) -> Turn | None:
        """Take a trial: one that nobody trains any more, else one that is promoted, else a new one.

        Returns None if there are as many as there are to be, and each is done or another worker has it.
        """
        while True:
            with self.study.lock():
                trials = self._repaired()
                trial = self._chosen(trials)
                if trial is None:
                    self._journal.follow(trials)  # what a crash after the last result has left out
                    return None
                trial = trial.changed(owner=self._worker)
                self.study.write(trial)
                trial = self._frozen(trials, trial)
                if trial.result is None:
                    self._record_claim(trial)
                self._journal.follow({**trials, trial.number: trial})
            if trial.result is None:
                return Turn(trial, self._runs(trial))
            self.require_some_success()

    def _chosen(self, trials: Mapping[int, Trial]) -> Trial | None:
        trial = self._orphan(trials) or promoted(self.definition, trials)
        number = max(trials, default=-1) + 1
        if trial is None and number < self.options.n_trials:
            trial = propose(self.definition, trials, number)
        return trial

    def _runs(self, trial: Trial) -> tuple[SweepRun, ...]:
        runs = self.study.sweep.runs
        return tuple(runs[trial.run_number(place)].absolute() for place in range(len(trial.seeds)))

    def report(self, number: int, values: Mapping[int, float]) -> bool:
        """Note the score so far of a trial, and return whether it is to be stopped."""
        with self.study.lock():
            trials = self._read()
            trial = self._mine(trials, number).changed(values=dict(values))
            prune, attrs = should_prune(self.definition, trials, trial)
            trial = trial.changed(attrs=attrs)
            if prune:
                trial = trial.changed(result=self._result(trials, "pruned", values[max(values)]), owner=None)
            self._write(trials, trial)
        return prune

    def conclude(self, number: int, score: float, values: Mapping[int, float]) -> Trial:
        """Note that all runs of a trial are done, with its score."""
        return self._end(number, "complete", score, "", values)

    def fail(self, number: int, why: str) -> Trial:
        """Note that a run of a trial failed."""
        return self._end(number, "failed", None, why, None)

    def require_some_success(self) -> None:
        """Raise UserError if the first trials have all failed: then there is another cause than their values."""
        results = [trial.result for trial in self.study.trials().values() if trial.result is not None]
        if len(results) >= FIRST_FAILURES and all(result.state == "failed" for result in results):
            raise UserError(
                f"all of the first {len(results)} trials failed, the last with {results[-1].why}; when that is mended: "
                f"ddpg-sweep retry {self.study.quoted}"
            )

    def release(self, number: int, kills: int) -> None:
        """Give a trial back that is not done, with the number of times that its processes were killed."""
        with self.study.lock():
            trials = self._read()
            self._write(trials, self._mine(trials, number).changed(owner=None, kills=kills))

    def _end(
        self, number: int, state: Verdict, value: float | None, why: str, values: Mapping[int, float] | None
    ) -> Trial:
        with self.study.lock():
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
            value = _worst(trials, self.options)
        return Result(state, value, max(orders, default=-1) + 1, timestamp(), why)

    def _repaired(self) -> dict[int, Trial]:
        """Return the trials, after run folders that a crash kept from being made were made."""
        trials = self._read()
        listed = len(self.study.sweep.manifest()["runs"])
        for number, trial in list(trials.items()):
            if trial.result is None or trial.run_number(len(trial.seeds)) > listed:
                trials[number] = self._frozen(trials, trial)
        return trials

    def _frozen(self, trials: Mapping[int, Trial], trial: Trial) -> Trial:
        """Make the run folders of a trial, if they are not there; one whose values do not fit together has failed."""
        sweep = self.study.sweep
        first = trial.run_number(0)
        is_listed = len(sweep.manifest()["runs"]) >= trial.run_number(len(trial.seeds))
        if is_listed and all(RunFolder(self._folder(trial, seed)).config.exists() for seed in trial.seeds):
            return trial
        try:
            runs = [self._run(trial, first + place, seed) for place, seed in enumerate(trial.seeds)]
        except UserError as error:
            self._list_without_folders(trial)
            trial = trial.changed(result=self._result(trials, "failed", None, str(error)), owner=None)
            self.study.write(trial)
            log.warning("trial %d failed: %s", trial.number, error)
            return trial
        definition = self.definition
        handling = {"launcher": definition.launcher, "threads": definition.threads, **definition.origin}
        freeze(sweep, runs, alive=(), handling=handling)
        return trial

    def _run(self, trial: Trial, number: int, seed: int) -> FrozenRun:
        run = self._recipe.run(number, self._folder(trial, seed), trial.params, seed)
        _mark(run.config, self.definition.name, trial.number)
        return run

    def _folder(self, trial: Trial, seed: int) -> Path:
        return self.study.path / trial.name / f"seed_{seed}"

    def _list_without_folders(self, trial: Trial) -> None:
        """Name the runs of a trial in sweep.json alone, so that those after it keep their numbers."""
        sweep = self.study.sweep
        manifest = sweep.manifest()
        words = self.definition.space.words(trial.params)
        folders = {seed: str(self._folder(trial, seed).relative_to(sweep.path)) for seed in trial.seeds}
        entries = [{"folder": folder, "overrides": [*words, f"seed={seed}"]} for seed, folder in folders.items()]
        manifest["runs"][trial.run_number(0) : trial.run_number(len(entries))] = entries
        sweep.write(manifest)

    def _record_claim(self, trial: Trial) -> None:
        """Write into submissions.jsonl that this worker has the runs, for status and cancel."""
        numbers = [trial.run_number(place) for place in range(len(trial.seeds))]
        kind: Any = "local" if is_pool(self._worker) else "slurm"
        self.study.sweep.add_submission(Submission(timestamp(), os.getuid(), kind, {self._worker: numbers}))

    def _orphan(self, trials: Mapping[int, Trial]) -> Trial | None:
        """Return the first trial that is not done and that no living worker has; None if there is none."""
        open_trials = [trial for trial in trials.values() if trial.result is None]
        is_free = free_owners(self.study, [trial.owner for trial in open_trials if trial.owner])
        return next((t for t in open_trials if t.owner in (None, self._worker) or is_free(t.owner)), None)


def _mark(config: dict[str, Any], study: str, number: int) -> None:
    """Let W&B know what a run belongs to: the study as its group, unless it has one, and the trial among free keys."""
    config["extra"] = {**config["extra"], "study": study, "trial": number}
    wandb = config["logger"].get("wandb")
    if isinstance(wandb, dict) and wandb.get("group") is None:
        wandb["group"] = study


def free_owners(study: StudyFolder, owners: list[str]) -> Callable[[str | None], bool]:
    """Return the function that says whether an owner of trials is gone."""
    uids = submitters(study.sweep)
    tasks = find_tasks({owner: uids[owner] for owner in owners if owner in uids})
    return lambda owner: owner not in tasks or tasks[owner].fate == "gone"


def _worst(trials: Mapping[int, Trial], options: SearchOptions) -> float | None:
    """Return the worst score of the trials that have ended, or None if none has one."""
    values = [trial.result.value for trial in trials.values() if trial.result is not None]
    scores = [value for value in values if value is not None]
    return (min if options.direction == "maximize" else max)(scores, default=None)
