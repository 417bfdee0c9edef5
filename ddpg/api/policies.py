"""Loading a policy, wherever it lies.

An exported folder is loaded with what its format needs alone, so everything else is imported where it is used.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ddpg.api.arguments import require_actor
from ddpg.errors import UserError
from ddpg.policies import Policy
from ddpg.policies.description import Which


def load_policy(
    source: str | os.PathLike[str],
    which: Which = "last",
    format: str | None = None,
    classes: Sequence[Callable[..., Any]] = (),
) -> Policy:
    """Load a policy: a function from observations to actions, without exploration noise.

        policy = ddpg.load_policy("exported")
        action = policy(obs)  # one observation, or a batch

    Args:
        source: an exported folder, a run folder or a `Run`, `hub:USER/NAME[@REVISION]` or
            `wandb:ENTITY/PROJECT/NAME[:ALIAS]`.
        which: the actor of a run: the last one, or the one with the best evaluation in training.
        format: of an exported policy: "safetensors", "onnx" or "pt2"; None: what the folder has and can be read here,
            but not pt2, because reading that can run code.
        classes: of networks that are not this package's, which an exported policy may be built of.

    Raises:
        UserError: there is no policy, it is damaged or does not fit this version, or a package is missing.
    """
    from ddpg.policies.load import is_exported, load

    require_actor(which)
    folder = _folder(source)
    if is_exported(folder):
        policy = load(folder, format, classes)
        if which == "best" and policy.description.actor != "best":
            raise UserError(f"{source} has the last actor of its run, not the best; ddpg-export RUN actor=best has it")
        return policy
    if format is not None or classes:
        raise UserError(f"{source} is no exported policy, so it has no format or classes to choose; see ddpg-export")
    try:
        from ddpg.api.run import load_run  # loads Hydra, which exported policies do without
    except ModuleNotFoundError as error:
        raise UserError(
            f"{source} is no exported policy, and a run is read with {error.name}, which is not installed: "
            f"install what this package depends on, or ddpg-export {source} where that is"
        ) from error
    return load_run(folder).policy(which)


def _folder(source: object) -> Path:
    """Return the folder of a policy, fetched if it lies elsewhere."""
    if not isinstance(source, str | os.PathLike):
        raise UserError(f"source={source!r} must be a folder, a Run, hub:USER/NAME or wandb:ENTITY/PROJECT/NAME")
    if isinstance(source, str):
        from ddpg.remote import fetch, is_remote

        if is_remote(source):
            return fetch(source)
    return Path(source)
