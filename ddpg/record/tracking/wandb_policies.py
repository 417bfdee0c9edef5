"""The policies of a run at W&B: versions of one artifact, which the aliases best and last tell apart."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ddpg.record.tracking.tracker import KeptPolicy, WritePolicies

if TYPE_CHECKING:
    import wandb


def send_policies(run: "wandb.Run", name: str, write: WritePolicies, run_dir: Path, timeout: float) -> int | None:
    """Send what a run has learned, and wait until the server has it.

    Args:
        run: an open W&B run.
        name: of the artifact.
        write: writes the policies.
        run_dir: where W&B's copy of a policy waits for its upload, instead of in the home directory.
        timeout: seconds to wait for the server, for each policy.

    Returns the env step of the newest policy; None if there is none.

    Raises:
        Exception: whatever W&B raises if the server does not take one, and whatever `write` raises.
    """
    with TemporaryDirectory() as top, _staging_in(run_dir / "wandb"):
        policies: Sequence[KeptPolicy] = write(Path(top))
        for policy in policies:
            _send(run, name, policy, timeout)
    return max((policy.env_step for policy in policies), default=None)


def _send(run: "wandb.Run", name: str, policy: KeptPolicy, timeout: float) -> None:
    """Send a policy as a version of the artifact; its aliases leave the version that had them before."""
    import wandb

    artifact = wandb.Artifact(name, type="model")
    for path in sorted(policy.folder.iterdir()):
        artifact.add_file(str(path), skip_cache=True)
    run.log_artifact(artifact, aliases=list(policy.aliases)).wait(timeout=ceil(timeout))


@contextmanager
def _staging_in(folder: Path) -> Iterator[None]:
    """Let W&B keep its copies in a folder for the block."""
    before = os.environ.get("WANDB_DATA_DIR")
    os.environ["WANDB_DATA_DIR"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["WANDB_DATA_DIR"]
        else:
            os.environ["WANDB_DATA_DIR"] = before
