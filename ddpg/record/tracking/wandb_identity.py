"""wandb.json: one W&B run for each run folder, for ever."""

import json
import logging
import os
import uuid
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ddpg.record.run_folder import atomic_write

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WandbIdentity:
    """The content of wandb.json: under which id, group and name W&B knows the run, and which policies it has.

    `policies_at` is the env step of the newest policy that the server took; None if it has none.
    """

    id: str
    group: str
    name: str
    policies_at: int | None = None

    @classmethod
    def of(cls, run_dir: Path, group: str, name: str) -> "WandbIdentity":
        """Return the identity of a run folder: of one that has none a new id, with this group and name."""
        known = known_identity(run_dir) or cls(new_id(), group, name)
        return replace(known, group=known.group or group, name=known.name or name)

    def save(self, run_dir: Path) -> None:
        """Write wandb.json."""
        with atomic_write(run_dir / "wandb.json") as file:
            file.write(json.dumps(asdict(self)).encode())


def new_id() -> str:
    """Return an id for a run that W&B does not know yet; an agent of a W&B sweep has chosen it already.

    Under such an agent W&B ignores any other id, so that a later sync under it would make a second run.
    """
    chosen = os.environ.get("WANDB_RUN_ID") if "WANDB_SWEEP_ID" in os.environ else None
    return chosen or uuid.uuid4().hex[:12]


def known_identity(run_dir: Path) -> WandbIdentity | None:
    """Return the identity of a run folder; None if the run never had to do with W&B.

    If wandb.json is lost, W&B's own folders still name the id.
    """
    try:
        return WandbIdentity(**json.loads((run_dir / "wandb.json").read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError) as error:
        folders = sorted(run_dir.glob("wandb/*run-*_*-*"), key=lambda path: path.name.partition("run-")[2])
        if not folders:
            return None
        found = WandbIdentity(folders[-1].name.rpartition("-")[2], "", "")
        log.warning("%s cannot be read (%s); its W&B run is %s", run_dir / "wandb.json", type(error).__name__, found.id)
        return found
