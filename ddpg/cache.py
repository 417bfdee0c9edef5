"""The folder for what this program can make or download again."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return ~/.cache/ddpg, or that of XDG_CACHE_HOME; it need not exist yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ddpg"
