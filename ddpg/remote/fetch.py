"""Policies from elsewhere: hub:USER/NAME and wandb:ENTITY/PROJECT/NAME become folders of this machine."""

from pathlib import Path

from ddpg.errors import UserError
from ddpg.policies.description import FILE
from ddpg.policies.reading import read_checked, read_description

FROM_HUB = "hub:"
FROM_WANDB = "wandb:"


def is_remote(source: str) -> bool:
    """Whether a source is for `fetch`, and not a folder."""
    return source.startswith((FROM_HUB, FROM_WANDB))


def fetch(source: str) -> Path:
    """Download an exported policy, unless this machine has it, and return its folder in a cache.

    Args:
        source: hub:USER/NAME[@REVISION], a model repository of the Hugging Face Hub at its newest commit, or at a
            branch, tag or commit; or wandb:ENTITY/PROJECT/NAME[:ALIAS], a W&B artifact with the alias `latest`, or
            `last`, `best` or v3. Which commit or version came is logged.

    Raises:
        UserError: the source is none of these, cannot be reached, or holds no exported policy, or not the whole one:
            its files are compared with the SHA-256 in policy.json.
    """
    if source.startswith(FROM_HUB):
        from ddpg.remote.hub import download

        folder = download(source.removeprefix(FROM_HUB))
    elif source.startswith(FROM_WANDB):
        from ddpg.remote.artifacts import download

        folder = download(source.removeprefix(FROM_WANDB))
    else:
        raise UserError(f"{source} is neither hub:USER/NAME[@REVISION] nor wandb:ENTITY/PROJECT/NAME[:ALIAS]")
    _require_whole_policy(folder, source)
    return folder


def _require_whole_policy(folder: Path, source: str) -> None:
    """Raise UserError unless a folder holds an exported policy, with every file that its description names."""
    if not (folder / FILE).is_file():
        raise UserError(f"{source} holds no exported policy: it has no {FILE}, which ddpg-export writes")
    try:
        description = read_description(folder)
        for name in description.files:
            read_checked(folder, name, description)
    except UserError as error:
        raise UserError(f"{source}: {error}") from error
