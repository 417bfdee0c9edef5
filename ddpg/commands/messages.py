"""Turns an exception into the one line that a user can act on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import yaml
from hydra.errors import ConfigCompositionException, HydraException, OverrideParseException
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from ddpg.commands.overrides import find_mistake
from ddpg.config.settings import omegaconf_line
from ddpg.errors import Refused, UserError, one_line


def explain(error: Exception) -> str | None:
    """Return the line for an error that a user can act on, or None for a bug."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OverrideParseException):
        return _grammar(error.override)
    if isinstance(error, OmegaConfBaseException):
        return omegaconf_line(error)
    if isinstance(error, HydraException):
        return _hydra_line(error)
    if isinstance(error, yaml.YAMLError):
        return f"YAML: {one_line(error)}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'writing failed'}: {error.strerror}"
    if isinstance(error, RuntimeError) and _raised_by(error, "submitit."):
        return f"hydra/launcher: {one_line(error)}"
    if isinstance(error, ValueError | AssertionError) and _raised_by(error, "hydra.", "omegaconf."):
        return one_line(error)
    return None


@contextmanager
def one_line_refusals(words: Sequence[str]) -> Iterator[None]:
    """Raise UserError in one line where Hydra refuses an override among the words of the command line."""
    try:
        yield
    except (Refused, Exception) as error:
        cause = error.error if isinstance(error, Refused) else error
        mistake = find_mistake(words) if _may_be_refusal(cause) else None
        if mistake is None:
            raise
        raise UserError(mistake) from cause


def _may_be_refusal(error: Exception) -> bool:
    """Whether an exception may mean that Hydra has refused an override."""
    refusals = (ConfigCompositionException, ConfigAttributeError, ConfigKeyError)
    return isinstance(error, refusals) or _raised_by(error, "hydra._internal.defaults_list")


def _raised_by(error: Exception, *packages: str) -> bool:
    """Whether the innermost frame of the traceback belongs to a module with one of these prefixes."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and place.tb_frame.f_globals["__name__"].startswith(packages)


def _hydra_line(error: HydraException) -> str:
    """Return Hydra's message and that of OmegaConf's exception which it wraps; one of them can be empty."""
    cause = error.__cause__
    if not isinstance(cause, OmegaConfBaseException):
        return one_line(error)
    return f"{one_line(error)}: {omegaconf_line(cause)}" if str(error) else omegaconf_line(cause)


def _grammar(word: str) -> str:
    if "=" not in word and not word.startswith("~"):
        return f"{word}: values are written KEY=VALUE, as in seed=3"
    return (
        f"{word} cannot be read: write KEY=VALUE, and put a VALUE with spaces or any of ,=:()[]{{}} in two "
        "pairs of quotes, as in 'logger.wandb.name=\"a, b\"'"
    )
