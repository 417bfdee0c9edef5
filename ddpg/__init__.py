"""DDPG experiments: Hydra config in, learned policy and honest record out.

The public names are those of `__all__`. `import ddpg` itself loads neither torch nor Hydra nor numpy: each name is
imported when it is first used (PEP 562).
"""

from typing import TYPE_CHECKING

from ddpg.errors import UserError
from ddpg.lazy import lazy_names
from ddpg.version import __version__

if TYPE_CHECKING:
    from ddpg.api.compose import compose
    from ddpg.api.frames import frame
    from ddpg.api.policies import load_policy
    from ddpg.api.run import Run, load_run
    from ddpg.api.runs import runs
    from ddpg.api.train import train
    from ddpg.policies import Policy

__all__ = ["Policy", "Run", "UserError", "__version__", "compose", "frame", "load_policy", "load_run", "runs", "train"]

#: The module of each name that is imported when it is first used.
_HOMES = {
    "Policy": "ddpg.policies",
    "Run": "ddpg.api.run",
    "compose": "ddpg.api.compose",
    "frame": "ddpg.api.frames",
    "load_policy": "ddpg.api.policies",
    "load_run": "ddpg.api.run",
    "runs": "ddpg.api.runs",
    "train": "ddpg.api.train",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
