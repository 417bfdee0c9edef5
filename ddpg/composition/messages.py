"""Turns an exception into the one line that a user can act on."""

from collections.abc import Callable, Sequence

import yaml
from hydra.errors import ConfigCompositionException, HydraException, OverrideParseException
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from ddpg.composition.free_keys import free_keys
from ddpg.composition.grammar import grammar_mistake
from ddpg.composition.jobs import composing
from ddpg.composition.mistakes import find_mistake
from ddpg.composition.options_help import Choices
from ddpg.composition.overrides import known_flags
from ddpg.composition.own_files import file_mistake
from ddpg.config.spelling import as_typed
from ddpg.config.variables import omegaconf_line
from ddpg.errors import Refused, UserError, one_line
from ddpg.sweep.slurm import failure


def explain(error: Exception) -> str | None:
    """Return the line for an error that a user can act on, or None for a bug."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OmegaConfBaseException):
        return omegaconf_line(error)
    if isinstance(error, HydraException):
        return _hydra_line(error)
    if isinstance(error, yaml.YAMLError):
        return f"YAML: {one_line(error)}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'writing failed'}: {error.strerror}"
    if isinstance(error, RuntimeError) and _raised_by(error, "submitit."):
        return f"hydra/launcher: {failure(str(error))}"
    if isinstance(error, ValueError | AssertionError) and _raised_by(error, "hydra.", "omegaconf."):
        return one_line(error)
    return None


def try_words(words: Sequence[str], attempt: Callable[[list[str]], None]) -> None:
    """Do what the words of a `ddpg-train` command line ask for.

    Where Hydra refuses free keys for want of a +, it is tried again with them. Raises UserError in one line where it
    refuses anything else.

    Args:
        words: overrides before flags.
        attempt: a function of such words, which raises what Hydra raises.
    """
    try:
        attempt(list(words))
    except (Refused, Exception) as error:
        cause = error.error if isinstance(error, Refused) else error
        accepted = _accepted(words, cause)
        if accepted is None:
            raise
    else:
        return
    try_words(accepted, attempt)


def _accepted(words: Sequence[str], refusal: Exception) -> list[str] | None:
    """Return the words in another form, which Hydra may accept; None if its refusal has nothing to do with them.

    Raises UserError for a mistake in them.
    """
    flags = known_flags(words)
    choices = Choices(flags.config_dir)
    if isinstance(refusal, OverrideParseException):
        (word,) = as_typed([str(refusal.override)])
        raise UserError(grammar_mistake(word, as_typed(flags.overrides), choices)) from refusal
    if not _may_be_refusal(refusal):
        return None
    with composing(flags, choices) as line:
        free = free_keys(line)
        if free:
            return [f"++{word}" if word.partition("=")[0] in free else word for word in words]
        mistake = find_mistake(line)
    if mistake is not None:
        raise UserError(mistake) from refusal
    return None


def _may_be_refusal(error: Exception) -> bool:
    """Whether an exception may mean that Hydra has refused an override."""
    refusals = (ConfigCompositionException, ConfigAttributeError, ConfigKeyError)
    return isinstance(error, refusals) or _raised_by(error, "hydra._internal.defaults_list", "omegaconf.")


def _raised_by(error: Exception, *packages: str) -> bool:
    """Whether the innermost frame of the traceback belongs to a module with one of these prefixes."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and place.tb_frame.f_globals["__name__"].startswith(packages)


def _hydra_line(error: HydraException) -> str:
    """Return Hydra's message and that of OmegaConf's exception which it wraps; one of them can be empty."""
    cause = error.__cause__
    line = one_line(error)
    if isinstance(cause, OmegaConfBaseException):
        line = f"{line}: {omegaconf_line(cause)}" if str(error) else omegaconf_line(cause)
    return file_mistake(line) or line
