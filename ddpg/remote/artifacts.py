"""W&B artifacts that hold an exported policy, as folders in the cache of this program."""

import logging
import re
from pathlib import Path

from ddpg.cache import cache_folder
from ddpg.errors import UserError
from ddpg.record.tracking.wandb_artifacts import download_artifact

log = logging.getLogger(__name__)

PART = r"[^/:\\]+"


def download(name: str) -> Path:
    """Download the policy of ENTITY/PROJECT/NAME[:ALIAS], unless this version lies in the cache; return its folder.

    Raises:
        UserError: there is no such artifact, or W&B cannot be reached.
    """
    if not re.fullmatch(f"{PART}/{PART}/{PART}(:{PART})?", name):
        raise UserError(f"wandb:{name} is no artifact; it looks like wandb:ENTITY/PROJECT/NAME or .../NAME:ALIAS")
    full_name = name if ":" in name else f"{name}:latest"
    folder, version = download_artifact(full_name, cache_folder() / "wandb", prefix="policy.")
    log.info("wandb:%s is version %s", name, version)
    return folder
