"""No secrets in a config: its values are written down, and leave the machine."""

import re
from collections.abc import Mapping
from typing import Any

from ddpg.config.keys import flat
from ddpg.errors import UserError

#: What a name of a variable of the environment has as a part if its value is a secret.
SECRET = frozenset({"APIKEY", "CREDENTIALS", "KEY", "PASSWD", "PASSWORD", "SECRET", "TOKEN"})


def require_no_secrets(unresolved: Any) -> None:
    """Raise UserError for a value that comes from a variable of the environment whose name says that it is a secret.

    Args:
        unresolved: the config in plain dicts and lists, with its interpolations.
    """
    values = {key: value for key, value in flat(unresolved).items() if not isinstance(value, Mapping)}
    for key, value in values.items():
        for variable in re.findall(r"\$\{oc\.env:([^},]+)", str(value)):
            if not SECRET.isdisjoint(re.split("[^A-Z]+", variable.upper())):
                raise UserError(
                    f"{key}: the value of {variable} would stand in config.yaml, at W&B and in exported policies; let "
                    "the code that needs it read the variable"
                )
