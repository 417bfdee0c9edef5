"""The runs below some folders as a browser follows them: all at first, then what has changed."""

import secrets
import threading
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from ddpg.errors import UserError
from ddpg.record.find_run import near_folder
from ddpg.report.facts import Usual, nothing_is_known
from ddpg.report.live.comparison import Comparison
from ddpg.report.live.files import Served, served_file
from ddpg.report.live.folders import Folders
from ddpg.report.live.followed import Followed
from ddpg.report.live.pace import Pace, Stopwatch
from ddpg.report.live.parts import Parts
from ddpg.report.live.queues import queues
from ddpg.report.live.sweeps import Sweeps
from ddpg.report.live.writing import Writing
from ddpg.report.view import View

#: Shares of a processor core: for looking at all folders, and for comparing all runs.
LOOKING = 0.015
COMPARING = 0.0075
#: Seconds between two looks at least, and until the page asks again while there are runs that were not looked at.
LOOK_S = 2.0
SOON_S = 0.1
#: Seconds of processor time for which runs that were not looked at before are read at once.
OPENING_S = 1.0


class Feed:
    """Follows run folders, and answers what has changed since a version; nothing is done until somebody asks.

    Several browsers may ask at the same time: the folders are looked at for all of them together.
    """

    def __init__(self, folders: Sequence[Path], view: View, command: str, usual: Usual = nothing_is_known) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise UserError(f"{folder}: there is no such folder{near_folder(folder)}")
        self._folders = Folders(folders)
        self._comparison = Comparison(folders, view, command, usual)
        self._writing = Writing(view)
        self._sweeps = Sweeps()
        self._head = Parts()
        self._runs: dict[Path, Followed] = {}
        self._gone: dict[int, int] = {}
        self._numbers = count()
        self._version = 0
        self._name = secrets.token_hex(4)  # a page that was open before the server began anew gets everything
        self._lock = threading.Lock()
        self._looking = Pace(LOOKING, LOOK_S)
        self._comparing = Pace(COMPARING, LOOK_S)
        self._is_outdated = True

    def payload(self, since: str) -> bytes:
        """Return what has changed since a version, as JSON: everything for a version that this feed never gave.

        The object has `version`, `wait` (seconds until it is worth to ask again), `head` (the payload but for its
        runs; the keys that changed), `runs` (of each its `id` and the keys that changed) and `gone` (ids).
        """
        with self._lock:
            if self._looking.is_due or self._unseen():
                self._version += 1
                self._refresh()
            return self._changes(self._number_of(since))

    def file(self, path: str) -> Served | None:
        """Return a file by `ID/NAME`, the number of a run and a name inside its folder; None if it is not served."""
        number, _, name = path.partition("/")
        with self._lock:
            run = next((one for one in self._runs.values() if str(one.number) == number), None)
        return None if run is None else served_file(self._folders, run.watched.path, name)

    def _refresh(self) -> None:
        with self._looking.working():
            self._find()
            self._look()
        is_complete = self._open()
        self._is_outdated |= self._writing.renew(self._runs.values(), self._version)
        if self._is_outdated and (self._comparing.is_due or is_complete):
            with self._comparing.working():
                self._comparison.update([run for run in self._runs.values() if run.read], self._version)
            self._is_outdated = False

    def _find(self) -> None:
        """Find runs that are new, and those that are gone."""
        found, sweeps = self._folders.find()
        for path in self._runs.keys() - set(found):
            self._gone[self._runs.pop(path).number] = self._version
            self._is_outdated = True
        self._runs = {path: self._runs.get(path) or Followed(next(self._numbers), path) for path in found}
        self._sweeps.refresh(sweeps, {path for path, run in self._runs.items() if run.state == "done"})

    def _look(self) -> None:
        """Read what is new in the folders of the runs that are followed."""
        duties = self._sweeps.duties()
        for path, run in self._runs.items():
            if run.is_seen:
                self._is_outdated |= run.look(duties.get(path), self._version)

    def _open(self) -> bool:
        """Read runs for the first time, as far as there is time for it; return whether those were the last ones."""
        unseen = self._unseen()
        duties = self._sweeps.duties()
        clock = Stopwatch(OPENING_S)
        for run in unseen:
            run.look(duties.get(run.path), self._version)
            self._writing.write(run, self._version)
            self._is_outdated = True
            if clock.is_over:
                break
        queue = {"unread": len(self._unseen()), **queues(self._sweeps.runs(), duties, self._runs)}
        self._head.set("live", {"live": queue}, self._version)
        return bool(unseen) and not self._unseen()

    def _unseen(self) -> list[Followed]:
        return [run for run in self._runs.values() if not run.is_seen]

    def _number_of(self, since: str) -> int:
        """Return the number of a version; -1, before all others, for a version of another feed."""
        name, _, number = since.partition("-")
        return int(number) if name == self._name and number.isdecimal() else -1

    def _changes(self, version: int) -> bytes:
        wait_s = SOON_S if self._unseen() else self._looking.period_s
        heads = [head for parts in (self._head, self._comparison.head) if (head := parts.since(version))]
        head = b",".join(one[1:-1] for one in heads)
        runs = b",".join(one for run in self._runs.values() if (one := run.since(version)))
        gone = ",".join(str(number) for number, changed in self._gone.items() if changed > version >= 0)
        beginning = f'{{"version":"{self._name}-{self._version}","wait":{wait_s:.3g},"gone":[{gone}],"head":{{'
        return b"".join([beginning.encode(), head, b'},"runs":[', runs, b"]}"])
