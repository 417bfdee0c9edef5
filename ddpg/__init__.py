"""DDPG experiments: Hydra config in, learned policy and honest record out.

The public names are those of `__all__`. `import ddpg` itself loads neither torch nor Hydra nor numpy: each name is
imported when it is first used (PEP 562).
"""

from typing import TYPE_CHECKING

from ddpg.errors import UserError
from ddpg.lazy import lazy_names
from ddpg.version import __version__

if TYPE_CHECKING:
    from ddpg.api.frames import frame

__all__ = ["UserError", "__version__", "frame"]

#: The module of each name that is imported when it is first used.
_HOMES: dict[str, str] = {"frame": "ddpg.api.frames"}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
