"""The part of a live page that needs all runs at once: labels, keys, which runs count, and scores."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ddpg.report.facts import Usual, changed
from ddpg.report.live.followed import Followed
from ddpg.report.live.parts import Parts
from ddpg.report.payload import ReadRun, assemble, made
from ddpg.report.reading import Label, labelled
from ddpg.report.study.panels import all_panels
from ddpg.report.view import View


class Comparison:
    """Compares the runs that were read, as a report does, and writes what the page is to know of that."""

    def __init__(self, folders: Sequence[Path], view: View, command: str, usual: Usual) -> None:
        self.head = Parts()
        self._usual = usual
        self._view = view
        self._made = made(folders, command, live=True)
        self._labels: dict[Path, Label] = {}
        self._changed: dict[Path, dict[str, list[str]] | None] = {}
        self._configs: list[tuple[Path, int]] = []

    def update(self, runs: Sequence[Followed], version: int) -> None:
        """Compare the runs anew."""
        self._label(runs)
        read = [self._now(run) for run in runs]
        payload = assemble(read, read, self._view, self._made, all_panels(run.path for run in runs))
        for run, entry in zip(runs, payload["runs"], strict=True):
            run.tell({**entry, "changed": self._changed[run.path]}, version)
        for name, content in payload.items():
            if name != "runs":
                self.head.set(name, {name: content}, version)

    def _label(self, runs: Sequence[Followed]) -> None:
        """Name the configurations and what differs from their presets, if there are others than before."""
        records = [run.read.record for run in runs if run.read]
        configs = [(record.folder.path, id(record.config)) for record in records]
        if configs != self._configs:
            self._labels = labelled(records)
            self._changed = {record.folder.path: changed(record, self._usual) for record in records}
            self._configs = configs

    def _now(self, run: Followed) -> ReadRun:
        """Return a run with its label, and with the state that its folder has now."""
        read = run.read
        assert read is not None
        label = self._labels[read.record.folder.path]
        status = (run.watched.record or read.record).status
        measured = replace(
            read.measured,
            configuration=label.configuration,
            shared=label.shared,
            state=run.state,
            done_step=status.get("env_step", 0),
        )
        return replace(read, measured=measured)
