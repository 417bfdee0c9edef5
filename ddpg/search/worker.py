"""A worker of a study: takes a trial, trains its seeds, tells its score, and takes the next, until none is left."""

import logging
import sys
import time
from contextlib import suppress
from pathlib import Path

from ddpg.errors import UserError, typed_line
from ddpg.interrupt import Interrupted, InterruptFlag
from ddpg.search.study import StudyFolder
from ddpg.search.trial_work import TrialWork, size_of
from ddpg.search.turns import Turns
from ddpg.sweep.execute.worker import end_with
from ddpg.sweep.process import log_to_stdout, this_process

log = logging.getLogger(__name__)

#: Seconds between two looks at the trials of others, on which the next one depends.
OTHERS_POLL_S = 0.5
#: Seconds after which a worker that waits asks whether the others are alive, which on Slurm is a question to squeue.
OWNERS_S = 60.0


def work(study: StudyFolder, worker: str, interrupt: InterruptFlag) -> None:
    """Train trials until none is left that this worker could take, or a signal comes.

    Args:
        study: its folder.
        worker: the name of the task that trains, as in submissions.jsonl.
        interrupt: the flag of signals, which is caught outside.

    Raises:
        UserError: the study cannot go on, as with a metric that no run logs, or a full disk; what was trained is kept.
    """
    try:
        _work(Turns(study, worker, interrupt), interrupt)
    except Interrupted as error:
        log.warning("%s while another process held the lock; another worker goes on with what this one had", error)
    except OSError as error:
        raise UserError(f"{typed_line(error)}; when that is mended: ddpg-sweep retry {study.quoted}") from error


def _work(turns: Turns, interrupt: InterruptFlag) -> None:
    while interrupt.signum is None:
        turn = turns.next()
        if turn is None and turns.others_will_come():
            _wait_for_others(turns, interrupt)
            continue
        if turn is None:
            return
        try:
            TrialWork(turns, turn, interrupt).train()
        except (UserError, OSError):
            with suppress(Interrupted):  # the error counts, and a trial whose worker has ended is found anyway
                turns.give_back(turn.trial.number)
            raise


def _wait_for_others(turns: Turns, interrupt: InterruptFlag) -> None:
    """Return when a trial can be taken or none will come, or after OWNERS_S, because a worker may have died meanwhile.

    Many workers wait at the same time, so the one file is looked at to which everybody writes what becomes of trials.
    """
    journal = turns.study.journal
    deadline = time.monotonic() + OWNERS_S
    size = size_of(journal)
    must_wait = turns.must_wait()
    while interrupt.signum is None and time.monotonic() < deadline and must_wait:
        time.sleep(OTHERS_POLL_S)
        before = size
        size = size_of(journal)
        must_wait = size == before or turns.must_wait()


def main() -> None:
    """Work on the study that the command line names, for the process whose number it names."""
    end_with(int(sys.argv[2]))
    log_to_stdout()
    with InterruptFlag() as interrupt:
        try:
            work(StudyFolder(Path(sys.argv[1])), this_process(), interrupt)
        except UserError as error:
            log.error("%s", error)
            sys.exit(1)
    if interrupt.signum is not None:
        sys.exit(128 + interrupt.signum)
