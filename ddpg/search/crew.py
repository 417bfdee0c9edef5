"""The workers of a study on this machine: started, started again when they are killed, and ended by a signal."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from ddpg.errors import UserError
from ddpg.interrupt import Interrupted, InterruptFlag
from ddpg.search.study import Definition, StudyFolder
from ddpg.sweep.execute.cores import usable
from ddpg.sweep.process import command, log_to_stdout, this_process
from ddpg.sweep.state.folder import Submission, timestamp

log = logging.getLogger(__name__)

POLL_S = 0.2
#: How often workers may die, without a trial that ends in between, until there must be another cause than chance.
MOST_DEATHS = 50


def workers_here(definition: Definition, processes: int | None) -> int:
    """Return how many workers a study has on this machine."""
    cores = definition.threads * definition.options.together
    fitting = max(1, len(usable()) // cores)
    return min(definition.options.workers or processes or fitting, definition.at_once)


class Crew:
    """The workers of this machine."""

    def __init__(self, study: StudyFolder, count: int) -> None:
        self._study = study
        self._count = count
        self._deaths = 0
        self._ended = 0

    def run(self) -> None:
        """Keep the workers alive until each has found nothing more to do.

        Raises:
            UserError: a worker found that the study cannot go on, or workers die again and again.
            Interrupted: a signal came; the runs have saved.
        """
        with self._study.lock():  # the workers of another crew write into the same file
            self._study.sweep.add_submission(Submission(timestamp(), os.getuid(), "local", {this_process(): []}))
        with InterruptFlag() as interrupt:
            workers = [self._start() for _ in range(self._count)]
            codes: list[int] = []
            while workers and interrupt.signum is None:
                time.sleep(POLL_S)
                ended = [worker for worker in workers if worker.poll() is not None]
                codes += [worker.returncode for worker in ended]
                workers = [worker for worker in workers if worker.returncode is None]
                workers += [self._start() for worker in ended if self._is_to_be_replaced(worker)]
            for worker in workers:  # they hear no Ctrl-C themselves, and print that it came
                worker.send_signal(signal.SIGINT if interrupt.signum == signal.SIGINT else signal.SIGTERM)
            for worker in workers:
                worker.wait()
        if interrupt.signum is not None:
            raise Interrupted(interrupt.signum)
        if any(code > 0 for code in codes):
            raise UserError(f"the study stopped, and nothing is lost; see above, then go on: {self._go_on}")

    @property
    def _go_on(self) -> str:
        return f"ddpg-sweep retry {self._study.quoted}"

    def _start(self) -> "subprocess.Popen[bytes]":
        words = command("ddpg.search.worker", str(self._study.path.absolute()), str(os.getpid()))
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)

    def _is_to_be_replaced(self, worker: "subprocess.Popen[bytes]") -> bool:
        """Whether a worker was killed; raise UserError after too many such deaths."""
        if worker.returncode >= 0:
            return False
        ended = sum(trial.result is not None for trial in self._study.trials().values())
        self._deaths = 1 if ended > self._ended else self._deaths + 1
        self._ended = ended
        log.warning("a worker was killed by signal %d, another takes its place", -worker.returncode)
        if self._deaths > MOST_DEATHS:
            raise UserError(f"{self._deaths} workers were killed while no trial ended: out of memory? {self._go_on}")
        return True


def start_detached(study: StudyFolder, count: int) -> None:
    """Run `count` workers under a process that outlives this one and its terminal; it prints to STUDY/pool.log.

    Returns when that process has recorded that it is at work.
    """
    before = len(study.sweep.submissions())
    pool_log = study.path / "pool.log"
    with pool_log.open("ab") as output:
        process = subprocess.Popen(
            command("ddpg.search.crew", str(study.path.absolute()), str(count)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    while len(study.sweep.submissions()) == before:
        if process.poll() is not None:
            raise UserError(f"the workers could not be started, see {pool_log}")
        time.sleep(POLL_S)


def main() -> None:
    """Run workers of the study that the command line names, as many as it says."""
    log_to_stdout()
    try:
        Crew(StudyFolder(Path(sys.argv[1])), int(sys.argv[2])).run()
    except Interrupted as error:
        sys.exit(error.exit_code)
    except UserError as error:
        log.error("%s", error)
        sys.exit(1)
