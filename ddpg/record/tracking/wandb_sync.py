"""Sends to W&B what it lacks of a run that is not being trained: rows, pictures, policies, how the run ended."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ddpg.errors import UserError, first_line
from ddpg.record.tracking.metrics import Row
from ddpg.record.tracking.settings import WandbSettings
from ddpg.record.tracking.tracker import Kind, WritePolicies
from ddpg.record.tracking.wandb_core import connected, end_wandb_core
from ddpg.record.tracking.wandb_identity import WandbIdentity
from ddpg.record.tracking.wandb_sink import WandbSink

ARRIVAL_S = 10.0  # seconds in which the server has to show what it took in


@dataclass(frozen=True)
class EndedRun:
    """A run as it lies on disk.

    Args:
        folder: of the run.
        config: resolved, in plain values.
        rows: of the record.
        exit_code: 0 if the run is done.
        summary: how the run ended.
        results: what became known after that, as the score of the run's trial.
        files: what the run made, with their kinds.
        learned_at: the env step of its last policy; None as long as the run is not done.
        write_policies: writes what the run has learned.
    """

    folder: Path
    config: Mapping[str, Any]
    rows: Sequence[Row]
    exit_code: int
    summary: Mapping[str, Any]
    results: Mapping[str, Any]
    files: Sequence[tuple[Path, Kind]]
    learned_at: int | None
    write_policies: WritePolicies


class Sent(NamedTuple):
    """How many rows W&B got, and whether it got policies."""

    rows: int
    policies: bool


class WandbServer:
    """The server that WANDB_BASE_URL names; it is asked which rows it has, so it does not matter who sent them."""

    def __init__(self) -> None:
        """Connect; UserError as in `connected`."""
        self._api = connected()

    def send_missing(self, settings: WandbSettings, identity: WandbIdentity, run: EndedRun) -> Sent | None:
        """Send what the server lacks; return what was sent, or None if the server had everything.

        The number of rows is 0 if the end of the run, its results or its policies were missing.

        Raises:
            UserError: W&B cannot be reached, does not show the whole record in the end, or refuses a policy.
            Exception: whatever W&B raises.
        """
        self._api = self._api or connected()
        try:
            return self._send_missing(settings, identity, run)
        except BaseException:
            end_wandb_core()  # what is open for this run, and what the server was asked through
            self._api = None
            raise

    def _send_missing(self, settings: WandbSettings, identity: WandbIdentity, run: EndedRun) -> Sent | None:
        place = "/".join(part for part in (settings.entity, settings.project, identity.id) if part)
        found = self._find(place)
        lacks_policies = settings.save_model and run.learned_at not in (None, identity.policies_at)
        if found is None or not _is_whole(found, run) or lacks_policies:
            return self._send_run(place, replace(settings, mode="online"), identity, run)
        if run.results.items() <= found.summary_metrics.items():
            return None
        found.summary.update(dict(run.results))
        return Sent(0, policies=False)

    def _send_run(self, place: str, settings: WandbSettings, identity: WandbIdentity, run: EndedRun) -> Sent:
        """Go on with the W&B run, and return what it lacked; rows arrive also if a policy is refused."""
        sink = WandbSink(settings, run.folder, run.config, identity.group, identity.name)
        before = sink.open_online().starting_step
        sink.start(run.rows)
        for path, kind in run.files:
            sink.save(path, kind)
        summary = {**run.summary, **run.results}
        try:
            policies = sink.send_policies(run.write_policies)
        except Exception as error:  # whatever W&B raises, or an environment that cannot be made here
            sink.hand_over(run.exit_code, summary)
            raise UserError(f"W&B does not keep the policies: {first_line(error)}") from error
        sink.hand_over(run.exit_code, summary)
        self._require_all(place, run)
        return Sent(max(len(run.rows) - before, 0), policies)

    def _find(self, place: str) -> Any:
        """Return the run as the server has it now, or None if there is no such run."""
        import wandb

        self._api.flush()  # otherwise it answers from memory
        try:
            return self._api.run(place)
        except wandb.errors.CommError as error:
            if isinstance(error.exc, ValueError):  # there is no such run
                return None
            raise

    def _require_all(self, place: str, run: EndedRun) -> None:
        """Ask until the server has everything: W&B's `finish` raises nothing when the server refused the rows."""
        deadline = time.monotonic() + ARRIVAL_S
        while not ((found := self._find(place)) and _is_whole(found, run)):
            if time.monotonic() > deadline:
                raise UserError(f"W&B did not take all of it; see {run.folder / 'wandb' / 'debug-internal.log'}")
            time.sleep(1.0)


def _is_whole(found: Any, run: EndedRun) -> bool:
    """Whether a run of the server has every row of the record, and how the run ended."""
    return found.historyLineCount >= len(run.rows) and (found.state == "finished") == (run.exit_code == 0)
