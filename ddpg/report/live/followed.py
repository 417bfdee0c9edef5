"""A run of the live page: what is followed of its folder, and what the page was sent of it."""

from pathlib import Path
from typing import NamedTuple

from ddpg.report.columns import own_columns
from ddpg.report.entries import Entry
from ddpg.report.live.parts import Parts
from ddpg.report.live.pulse import pulse, state
from ddpg.report.live.sweeps import Duty
from ddpg.report.live.watched import Watched
from ddpg.report.payload import ReadRun, read_run
from ddpg.report.reading import Label
from ddpg.report.thinning import Thinning
from ddpg.report.view import View
from ddpg.sweep.state.status import State

#: Keys of an entry that `pulse` and `curves` have, and those that change while a run goes on; the rest seldom does.
OTHERS = ("id", "state", "step", "error", "curves")
RESULTS = (
    "hours",
    "steps_per_second",
    "clock",
    "counts",
    "note",
    "scores",
    "averaged",
    "scored_at",
    "scored_from",
    "trained_to",
    "superseded",
    "steps_to_threshold",
)
#: The label of a run until all are compared.
UNNAMED = Label("", "")


class Form(NamedTuple):
    """The form of a run's curves: their thinning, and the most steps of a run in its environment."""

    thinning: Thinning
    longest: int


class Followed:
    """A run folder and its entry in the payload, in four parts: `pulse`, `origin`, `results` and `curves`."""

    def __init__(self, number: int, path: Path) -> None:
        self.number = number
        self.path = path
        self.watched = Watched(path)
        self.is_seen = False
        self.state: State = "pending"
        #: What a report needs of the run, as far as its curves were written.
        self.read: ReadRun | None = None
        self._parts = Parts()
        self._is_sent = False
        #: What the curves were written for: how far the run was, and in which form.
        self._written_step = 0
        self._form: Form | None = None

    def look(self, duty: Duty | None, version: int) -> bool:
        """Read what is new in the folder, and write the part `pulse`; return whether it has changed."""
        self.is_seen = True
        self.watched.look()
        self.state = state(self.watched, duty)
        return self._parts.set("pulse", pulse(self.watched, self.state), version)

    def staleness(self, form: Form) -> float:
        """Return the share of the run that the page's curves lack; 2 if they have another form; 0 if nothing lacks."""
        record = self.watched.record
        if record is None:
            return 0.0
        if self._form != form or self.read is None or self.read.record.config is not record.config:
            return 2.0
        return abs(self.watched.step - self._written_step) / max(self.watched.total_steps, 1)

    def write(self, form: Form, view: View, version: int) -> None:
        """Write the part `curves`, and read what a report needs of the run."""
        record = self.watched.record
        assert record is not None
        longest = {record.environment: form.longest}
        own = own_columns(self.watched.columns(), record.origin)
        self.read = read_run(record, own, UNNAMED, view, form.thinning, longest)
        self._parts.set("curves", {"curves": self.read.alone["curves"]}, version)
        self._written_step = self.watched.step
        self._form = form
        if self.state != "running":
            self.watched.forget()

    def tell(self, entry: Entry, version: int) -> None:
        """Write the parts `origin` and `results`, from the entry with what is known of the run among others."""
        video = self.watched.video
        origin = {key: value for key, value in entry.items() if key not in OTHERS + RESULTS}
        origin["video"] = None if video is None else f"/files/{self.number}/{video}"
        self._parts.set("origin", origin, version)
        self._parts.set("results", {key: entry[key] for key in RESULTS}, version)
        if not self._is_sent:  # until now no page was sent anything of it
            self._parts.renew(version)
            self._is_sent = True

    def since(self, version: int) -> bytes | None:
        """Return the `id` and what changed after a version, as JSON; None if nothing did, or a part is missing."""
        text = self._parts.since(version) if self._is_sent else None
        return None if text is None else b'{"id":%d,' % self.number + text[1:]
