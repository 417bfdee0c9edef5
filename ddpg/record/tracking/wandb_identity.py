"""wandb.json: one W&B run for each run folder, for ever."""

import json
import logging
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from ddpg.record.run_folder import atomic_write

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WandbIdentity:
    """The content of wandb.json: one W&B run for each run folder, for ever."""

    id: str
    group: str
    name: str
    rows: int  # of the record, that the last clean end left at the other side: the server or the offline segments

    @classmethod
    def of(cls, run_dir: Path, group: str, name: str) -> "WandbIdentity":
        """That of the folder, with this group and name from now on; a new one for a new folder."""
        known = known_identity(run_dir)
        return cls(known.id if known else uuid.uuid4().hex[:12], group, name, known.rows if known else 0)

    def keep(self, run_dir: Path) -> None:
        """Write it, before a W&B run exists of which the folder would not know."""
        with atomic_write(run_dir / "wandb.json") as file:
            file.write(json.dumps(asdict(self)).encode())


def known_identity(run_dir: Path) -> WandbIdentity | None:
    """That of a folder whose run W&B was told of; after a loss of wandb.json, with the id that W&B's folders name."""
    try:
        return WandbIdentity(**({"group": "", "name": ""} | json.loads((run_dir / "wandb.json").read_text())))
    except (FileNotFoundError, ValueError, TypeError) as error:
        folders = sorted(run_dir.glob("wandb/*run-*_*-*"), key=lambda path: path.name.partition("run-")[2])
        if not folders:
            return None
        found = WandbIdentity(folders[-1].name.rpartition("-")[2], "", "", 0)
        log.warning("%s cannot be read (%s); its W&B run is %s", run_dir / "wandb.json", type(error).__name__, found.id)
        return found
