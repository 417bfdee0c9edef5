"""The training of one trial: its runs, some at a time, what they tell of its score, and how it ends."""

import logging
import math
import time
from collections.abc import Sequence
from pathlib import Path

from ddpg.errors import UserError
from ddpg.interrupt import Interrupted, InterruptFlag
from ddpg.search.failures import require_some_success
from ddpg.search.pruning import is_whole, newest_score, reported
from ddpg.search.score import RunSoFar, lacks_metric, read_curve, require_metric, trial_score
from ddpg.search.turns import Turn, Turns
from ddpg.sweep.execute.pool import Pool
from ddpg.sweep.execute.worker import MACHINE_FAILED, is_own_failure
from ddpg.sweep.state.folder import SweepRun
from ddpg.sweep.state.status import is_locked
from ddpg.sweep.state.summary import RunSummary, summarize
from ddpg.training.finite import NOT_FINITE

log = logging.getLogger(__name__)

#: Seconds for which a run of a worker that was killed has time to save and end.
ORPHAN_PATIENCE_S = 120.0
POLL_S = 0.1


class TrialWork:
    """The training of one trial."""

    def __init__(self, turns: Turns, turn: Turn, interrupt: InterruptFlag) -> None:
        self._turns = turns
        self._trial = turn.trial
        self._runs = turn.runs
        self._interrupt = interrupt
        self._pruned = False
        self._sizes: dict[Path, int] = {}
        self._reported: dict[int, float] = dict(turn.trial.values or {})
        self._kills = turn.trial.kills
        definition = turns.definition
        self._pool = Pool(turns.options.together, definition.threads, turns.study.sweep.directory)

    def train(self) -> None:
        """Train the runs, and write down how the trial ended, or that it is free for others."""
        log.info("trial %d starts: %s", self._trial.number, self._turns.study.path / self._trial.name)
        together = self._turns.options.together
        for start in range(0, len(self._runs), together):
            group = self._runs[start : start + together]
            if not self._train_group(group):
                return
            self._require_metric(group)
            if self._watch(has_ended=True):
                return
        self._conclude()

    def _train_group(self, group: Sequence[SweepRun]) -> bool:
        """Train some runs at the same time; return whether all are done, otherwise the trial has ended or is free."""
        while True:
            missing = [run for run in group if summarize(run.path).state != "done"]
            if not missing:
                return True
            for run in missing:
                _wait_until_unlocked(run)
            self._pool.train(missing, self._interrupt, enough=self._watch)
            self._require_metric(group)
            if self._pruned:
                return False
            if self._interrupt.signum is not None:
                self._turns.release(self._trial.number, self._kills)
                return False
            if not self._may_go_on(missing):
                return False

    def _require_metric(self, runs: Sequence[SweepRun]) -> None:
        """Raise UserError if a run will not log the metric."""
        for run in runs:
            require_metric(run.path, self._turns.options.metric, self._trial.start)

    def _may_go_on(self, runs: Sequence[SweepRun]) -> bool:
        """Return whether the runs that are not done may be tried again: they were killed, and not too often."""
        for run in runs:
            code = self._pool.exit_codes.get(run.number)
            summary = summarize(run.path)
            if summary.state == "done":
                continue
            if code is None:
                raise UserError(f"{run.path}: the run could not be started; a worker goes on with it later")
            if code == MACHINE_FAILED:
                raise UserError(
                    f"trial {self._trial.number} counts nothing, because the machine failed ({run.path}: "
                    f"{summary.error or 'see its train.log'}); when that is mended: "
                    f"ddpg-sweep retry {self._turns.study.quoted}"
                )
            if is_own_failure(code):
                self._fail(run, summary)
                return False
            self._kills += 1
            log.warning("trial %d: #%d was killed, and goes on from its checkpoint", self._trial.number, run.number)
            if self._kills >= self._turns.options.max_kills:
                self._fail(run, summary)
                return False
        return True

    def _fail(self, run: SweepRun, summary: RunSummary) -> None:
        why = f"#{run.number}: {summary.error or 'it ended without a word'}"
        trial = self._turns.fail(self._trial.number, why)
        assert trial.result is not None
        counts_as = "" if trial.result.value is None else f", and counts as {trial.result.value:.2f}"
        log.warning("trial %d failed (%s)%s", self._trial.number, why, counts_as)
        require_some_success(self._turns.study)

    def _conclude(self) -> None:
        """Tell the score of the trial, whose runs are all done."""
        options = self._turns.options
        runs = self._so_far()
        score = trial_score([run.curve for run in runs], options)
        if math.isnan(score):
            self._turns.fail(self._trial.number, f"{options.metric} {NOT_FINITE} at the end")
            return
        values = reported(self._turns.definition, runs)
        self._turns.conclude(self._trial.number, score, values)
        log.info("trial %d done: score %.2f", self._trial.number, score)

    def _watch(self, has_ended: bool = False) -> bool:
        """Report what is new, and return whether the runs are to be stopped.

        A run that has ended has more to tell than one whose record has just got its last row.
        """
        if self._pruned or not (self._has_grown() or has_ended):
            return self._pruned
        definition = self._turns.definition
        if not self._reported and any(
            lacks_metric(run.path, definition.options.metric, self._trial.start) for run in self._runs
        ):
            return True
        runs = self._so_far()
        values = reported(definition, runs)
        new = {step: value for step, value in values.items() if step not in self._reported and not math.isnan(value)}
        for step in sorted(new):
            self._reported[step] = new[step]
            if is_whole(self._reported, runs):
                break
            try:
                self._pruned = self._turns.report(self._trial.number, self._reported)
            except Interrupted:  # the pool sees the signal as well, and lets the runs save
                break
            if self._pruned:
                score = newest_score(definition, self._reported)
                log.info("trial %d pruned at %d: score so far %.2f", self._trial.number, step, score)
                break
        return self._pruned

    def _has_grown(self) -> bool:
        """Whether a record has changed since the last look."""
        sizes = {run.path: size_of(run.path / "metrics.jsonl") for run in self._runs}
        grown = sizes != self._sizes
        self._sizes = sizes
        return grown

    def _so_far(self) -> list[RunSoFar]:
        return [self._run_so_far(run.path) for run in self._runs]

    def _run_so_far(self, path: Path) -> RunSoFar:
        summary = summarize(path)  # before the record, which is whole if the run is done
        curve = read_curve(path, self._turns.options.metric, self._trial.start)
        return RunSoFar(curve, summary.total_steps or self._turns.definition.total_steps, summary.state == "done")


def size_of(path: Path) -> int:
    """Return the bytes of a file, -1 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def _wait_until_unlocked(run: SweepRun) -> None:
    """Return when no process trains a run: one whose worker was killed saves and ends.

    Raises:
        UserError: it does not end within ORPHAN_PATIENCE_S.
    """
    deadline = time.monotonic() + ORPHAN_PATIENCE_S
    while is_locked(run.path):
        if time.monotonic() > deadline:
            raise UserError(f"{run.path} is in use: another process trains in it, and does not end")
        time.sleep(POLL_S)
