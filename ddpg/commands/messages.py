"""From an exception to the one line that a user can act on."""

import re
from argparse import Namespace
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NoReturn

import hydra
import yaml
from hydra._internal.utils import get_args_parser  # hydra-core is held below 1.4
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ddpg.commands.options_help import Choices
from ddpg.config.settings import flat, told
from ddpg.config.signature import nearest
from ddpg.errors import UserError, one_line


def explain(error: Exception, argv: Sequence[str]) -> str | None:
    """The line for an error that a user can act on; None for a bug. `argv` is the command line after the command."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, MissingConfigException):
        return _unknown_option(error, argv)
    if isinstance(error, OverrideParseException):
        return _grammar(error)
    if isinstance(error, OmegaConfBaseException):
        return told(error)
    if isinstance(error, HydraException):
        return _bad_override(one_line(error if str(error) else error.__cause__ or error), argv)
    if isinstance(error, yaml.YAMLError):
        return f"YAML: {one_line(error)}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'writing failed'}: {error.strerror}"
    if isinstance(error, RuntimeError) and _raised_by(error, "submitit."):
        return f"{_said('hydra/launcher', argv)}: {one_line(error)}"
    if isinstance(error, ValueError | AssertionError) and _raised_by(error, "hydra.", "omegaconf."):
        return _bad_override(one_line(error), argv)
    return None


def known_flags(argv: Sequence[str]) -> Namespace:
    """Hydra's. UserError for `--seed 3` and the like: Hydra's own message about it is a page long."""
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]
    flags, words = parser.parse_known_args(list(argv))
    unknown = [word for word in words if word.startswith("-")]
    if unknown:
        key = unknown[0].lstrip("-").partition("=")[0].replace("-", "_")
        raise UserError(f"{unknown[0]}: there is no such flag; values are written KEY=VALUE, as in {key}=VALUE")
    return flags


def _refuse(message: str) -> NoReturn:
    raise UserError(message)


def _raised_by(error: Exception, *packages: str) -> bool:
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and place.tb_frame.f_globals["__name__"].startswith(packages)


def _grammar(error: OverrideParseException) -> str:
    if "=" not in error.override and not error.override.startswith("~"):
        return f"{error.override}: values are written KEY=VALUE, as in seed=3"
    return (
        f"{error.override} cannot be read: write KEY=VALUE, and put a VALUE with spaces or any of ,=:()[]{{}} in two "
        "pairs of quotes, as in 'logger.wandb.name=\"a, b\"'"
    )


def _unknown_option(error: MissingConfigException, argv: Sequence[str]) -> str:
    group, _, option = (error.missing_cfg_file or "").rpartition("/")
    if not group:
        return one_line(error)
    options = error.options or _options(group, argv)
    return f"{group}={option}: there is no such option{nearest(option, options, most=40)}"


def _bad_override(message: str, argv: Sequence[str]) -> str:
    """Hydra's paragraph as a line of ours where it is a common one."""
    unknown = re.search(r"Could not (?:override|delete from config\.) '([^']+)'", message)
    if unknown:
        composed = _composed(argv)
        near = _choices_named(unknown[1], composed, argv) or nearest(unknown[1], _known_keys(unknown[1], composed))
        return f"{_said(unknown[1], argv)}: there is no such key{near}"
    swept = re.search(r"Ambiguous value for argument '([^'=]+)=([^']*)'", message)
    if swept:
        key, values = swept.groups()
        listed = "" if key in _composed(argv).hydra.runtime.choices else f", or write a list as {key}=[{values}]"
        return f"{key}={values} is several values: add -m to run each of them{listed}"
    added = re.search(r"(?:An item is already at '|Multiple values for )([\w/.]+)", message)
    if added:
        said = _said(added[1].rstrip("."), argv)
        return f"{said} would add a key that is there already: without the +, {said.lstrip('+')}, it is set"
    if "Config group override must be a string" in message:
        group, value = _chosen_wrongly(argv)
        near = nearest(value.removeprefix("null"), _options(group, argv), most=40)
        return f"{group}={value}: there is no such option{near}"
    return message


def _said(key: str, argv: Sequence[str]) -> str:
    """What was written about a key."""
    return next((word for word in argv if re.match(rf"[+~]*{re.escape(key)}(@[^=]*)?(=|$)", word)), key)


def _chosen_wrongly(argv: Sequence[str]) -> tuple[str, str]:
    """The group for which the command line gives something that is no name."""
    choices = _composed(argv).hydra.runtime.choices
    chosen = {group: value for group, _, value in (word.partition("=") for word in argv) if group in choices}
    return next((g, v) for g, v in chosen.items() if v in ("null", "true", "false") or not re.match(r"[A-Za-z_]", v))


def _composed(argv: Sequence[str]) -> DictConfig:
    """The config of this command line's folders and groups, without its values."""
    arguments = get_args_parser().parse_known_args(list(argv))[0]
    path = [f"hydra.searchpath=[file://{arguments.config_dir}]"] if arguments.config_dir else []
    groups = [word for word in arguments.overrides if re.fullmatch(r"[\w/]+=[A-Za-z_]\w*", word)]
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        try:
            return hydra.compose("config", overrides=path + groups, return_hydra_config=True)
        except Exception:  # one of the groups is what is wrong
            return hydra.compose("config", overrides=path, return_hydra_config=True)


def _known_keys(word: str, composed: DictConfig) -> list[str]:
    """Every key and group that the command line can name."""
    keys = list(flat(OmegaConf.to_container(composed))) + [str(group) for group in composed.hydra.runtime.choices]
    return [key for key in keys if word.startswith("hydra") or not key.startswith("hydra.")]


def _choices_named(word: str, composed: DictConfig, argv: Sequence[str]) -> str:
    """The end of a message for the name of an option in the place of its group's; empty for any other word."""
    groups = [str(group) for group in composed.hydra.runtime.choices if not str(group).startswith("hydra/")]
    choices = _choices(argv)
    close = {group: get_close_matches(word, choices.options(group), n=1, cutoff=0.85) for group in groups}
    found = [f"{group}={options[0]}" for group, options in close.items() if options]
    return f"; did you mean {' or '.join(found[:3])}?" if found else ""


def _options(group: str, argv: Sequence[str]) -> list[str]:
    return _choices(argv).options(group)


def _choices(argv: Sequence[str]) -> Choices:
    return Choices(get_args_parser().parse_known_args(list(argv))[0].config_dir)
