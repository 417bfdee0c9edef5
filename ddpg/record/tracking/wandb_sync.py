"""Sends to W&B what it has not got of a run that is not being trained: rows, pictures, the model, how it ended."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ddpg.errors import UserError, first_line
from ddpg.record.tracking.metrics import Row
from ddpg.record.tracking.settings import WandbSettings
from ddpg.record.tracking.tracker import Kind
from ddpg.record.tracking.wandb_core import let_go, log_in
from ddpg.record.tracking.wandb_files import mark_as_synced
from ddpg.record.tracking.wandb_identity import WandbIdentity
from ddpg.record.tracking.wandb_sink import WandbSink

CONNECT_S = 20  # the server does not answer at all
ARRIVAL_S = 10.0  # the server may show what it took in a moment later


@dataclass(frozen=True)
class Ended:
    """A run as it lies on disk."""

    folder: Path
    config: Mapping[str, Any]
    rows: Sequence[Row]
    exit_code: int
    summary: Mapping[str, Any]
    files: Sequence[tuple[Path, Kind]]


class WandbServer:
    """The server that WANDB_BASE_URL names, and its word on which rows it has.

    So it matters neither which attempts of a run were online, nor what their files hold.
    """

    def __init__(self) -> None:
        """UserError without a key, or if the server does not answer within `CONNECT_S`."""
        self._api = _connected()

    def send_missing(self, settings: WandbSettings, identity: WandbIdentity, run: Ended) -> int | None:
        """How many rows were sent, perhaps none but how the run ended; None if W&B has it all.

        Raises UserError if W&B cannot be reached, or does not show the whole record in the end; else whatever W&B
        raises.
        """
        self._api = self._api or _connected()
        try:
            return self._send_missing(settings, identity, run)
        except BaseException:
            let_go()  # what is open for this run; and the wandb-core through which the server was asked
            self._api = None
            raise

    def _send_missing(self, settings: WandbSettings, identity: WandbIdentity, run: Ended) -> int | None:
        place = "/".join(part for part in (settings.entity, settings.project, identity.id) if part)
        if self._has_all(place, run):
            mark_as_synced(run.folder, identity.id)
            return None
        sink = WandbSink(replace(settings, mode="online"), run.folder, run.config, identity.group, identity.name)
        before = sink.open_online()
        sink.start(run.rows)
        for path, kind in run.files:
            sink.save(path, kind)
        sink.hand_over(run.exit_code, run.summary)
        self._require_all(place, run)
        mark_as_synced(run.folder, identity.id)
        return max(len(run.rows) - before, 0)

    def _has_all(self, place: str, run: Ended) -> bool:
        import wandb

        self._api.flush()  # else it answers from memory
        try:
            found = self._api.run(place)
        except wandb.errors.CommError as error:
            if isinstance(error.exc, ValueError):  # there is no such run
                return False
            raise
        return found.historyLineCount >= len(run.rows) and (found.state == "finished") == (run.exit_code == 0)

    def _require_all(self, place: str, run: Ended) -> None:
        """W&B's `finish` says nothing when the server refused the rows."""
        deadline = time.monotonic() + ARRIVAL_S
        while not self._has_all(place, run):
            if time.monotonic() > deadline:
                raise UserError(f"W&B did not take all of it; see {run.folder / 'wandb' / 'debug-internal.log'}")
            time.sleep(1.0)


def _connected() -> Any:
    """A wandb.Api. UserError as above."""
    import wandb

    try:
        log_in()
        return wandb.Api(timeout=CONNECT_S)
    except wandb.Error as error:
        raise UserError(f"W&B cannot be reached: {first_line(error)}") from error
