"""W&B artifacts, downloaded into a folder of this program; W&B's own cache is not used."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from ddpg.errors import UserError, first_line
from ddpg.record.tracking.wandb_core import connected, end_wandb_core, no_run_is_open


class Downloaded(NamedTuple):
    """Where the files of an artifact lie, and which version it is, as in v3."""

    folder: Path
    version: str


def download_artifact(name: str, top: Path, prefix: str) -> Downloaded:
    """Download the files of an artifact whose names begin with `prefix`, unless they lie in `top` already.

    Args:
        name: as in entity/project/name:alias.
        top: where the versions of all artifacts lie, each in a folder of its own.
        prefix: how names begin.

    Raises:
        UserError: wandb is not installed, W&B cannot be reached, it has no such artifact, or one that only links to
            files elsewhere.
    """
    try:
        artifact = _found(name)
        collection = artifact.name.partition(":")[0]
        folder = top / artifact.entity / artifact.project / collection / f"{artifact.version}-{artifact.digest}"
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            _download(artifact, prefix, folder)
        return Downloaded(folder, artifact.version)
    except UserError:
        raise
    except Exception as error:  # wandb has many, and lets those of the network through
        raise UserError(f"{name} cannot be fetched from W&B: {first_line(error)}") from error
    finally:
        if no_run_is_open():
            end_wandb_core()


def _found(name: str) -> Any:
    """Ask W&B for an artifact."""
    try:
        import wandb
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed, which W&B needs: pip install wandb") from error
    try:
        return connected().artifact(name)
    except wandb.errors.CommError as error:
        if isinstance(error.exc, ValueError):
            raise UserError(f"W&B has no artifact {name}, or does not show it to you") from error
        raise UserError(f"W&B cannot be reached: {first_line(error)}") from error


def _download(artifact: Any, prefix: str, folder: Path) -> None:
    """Make a folder with the wanted files, in one step, so that nobody finds it with a part of them."""
    links = [path for path, entry in artifact.manifest.entries.items() if path.startswith(prefix) and entry.ref]
    if links:
        raise UserError(f"W&B does not store {links[0]} of {artifact.qualified_name}, it only links to it")
    with TemporaryDirectory(dir=folder.parent) as above:
        unfinished = Path(above) / folder.name
        unfinished.mkdir()
        artifact.download(str(unfinished), skip_cache=True, path_prefix=prefix)
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process has made it meanwhile
                raise
