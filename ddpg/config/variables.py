"""Variables of the environment in a config: what is said of one that is not set, and of one that does not fit."""

import os
import re
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ddpg.config.keys import flat
from ddpg.config.spelling import shell_quoted
from ddpg.errors import UserError, untyped_first_line


def about_the_environment(error: UserError, unresolved: Any) -> UserError:
    """Return an error with what helps where the value that does not fit is a variable of the environment, a text.

    Args:
        error: its message begins with the key.
        unresolved: the config in plain dicts and lists, with its interpolations.
    """
    key = str(error).partition("=")[0]
    written = str(flat(unresolved).get(key))
    named = re.search(r"\$\{oc\.env:(\w+)", written)
    if named is None or "${oc.decode:" in written:
        return error
    value = os.environ.get(named[1])
    if value is not None and isinstance(_decoded(named[1]), str):
        return UserError(f"{named[1]}={value}: {error}; unset that variable, or export what is allowed")
    decoded = shell_quoted(f'{key}="${{oc.decode:{written}}}"')
    return UserError(f"{error}; a variable of the environment is a text, and oc.decode reads it: {decoded}")


def _decoded(variable: str) -> Any:
    """Return what oc.decode makes of a variable of the environment; a text if it makes nothing else of it."""
    try:
        return OmegaConf.create({"value": f"${{oc.decode:${{oc.env:{variable}}}}}"}).value
    except OmegaConfBaseException:
        return ""


def omegaconf_line(error: OmegaConfBaseException) -> str:
    """Return the first line of OmegaConf's message, with the key in front if it does not name it."""
    text = untyped_first_line(error)
    unset = re.search(r"Environment variable '(.*)' not found", text)
    if unset is not None:
        text = f"{unset[0]}: export it, or write what holds without it, ${{oc.env:{unset[1]},VALUE}}"
    return f"{error.full_key}: {text}" if error.full_key and error.full_key not in text else text
