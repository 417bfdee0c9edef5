"""The words of a `ddpg-train` command line in the form that Hydra reads."""

import re
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser

from ddpg.composition.options_help import Choices
from ddpg.composition.overrides import known_flags, without_defaults
from ddpg.config.spelling import as_typed
from ddpg.errors import UserError
from ddpg.record.find_run import require_run

#: Keys whose values are folders.
FOLDERS = ("hydra.run.dir", "hydra.sweep.dir")
#: A text in quotes, in which a backslash makes a quote an ordinary character.
_QUOTED = re.compile(r"""'([^'\\]|\\.)*'|"([^"\\]|\\.)*\"""", re.DOTALL)


def hydra_words(words: Sequence[str]) -> list[str]:
    """Return the words in the form that Hydra reads: overrides before flags, `resume=RUN` and `fork=RUN` with folders.

    Hydra's argparse refuses a flag between overrides, and `-m` may stand anywhere here. Hydra's grammar has no `=` in a
    value, which names of folders have here, and a comma means several values there.
    """
    meant = without_defaults(words)
    flags = known_flags(meant)
    others = list(meant)
    for override in flags.overrides:
        others.remove(override)
    _require_no_keys_below(flags.overrides)
    return [*map(_quoted_folder, _forked(flags, _continued(flags))), *others]


def _require_no_keys_below(words: Sequence[str]) -> None:
    """Raise UserError for `fork.tau=0.1`, because a run folder has no keys."""
    for word in as_typed(words):
        if word.startswith(("fork.", "resume.")):
            key, _, without = word.partition(".")
            raise UserError(f"{word}: {key} is the folder of a run and has no keys; write {without}")


def _quoted_folder(word: str) -> str:
    """Put a folder with = or a comma in its name into quotes, unless it was written in Hydra's own grammar."""
    key, _, folder = word.partition("=")
    if key not in FOLDERS or {"=", ","}.isdisjoint(folder) or folder[:1] in "'\"" or "${" in folder:
        return word
    return f"{key}={quoted(folder)}"


def _continued(flags: Namespace) -> list[str]:
    """Let `resume=RUN` make RUN Hydra's output folder."""
    overrides: list[str] = flags.overrides
    chosen = [word for word in overrides if word.lstrip("+").startswith("resume=")]
    if not chosen:
        return overrides
    resume = chosen[0].lstrip("+")
    if flags.multirun or len(chosen) > 1:
        other = "-m" if flags.multirun else chosen[1]
        raise UserError(f"{resume} cannot be combined with {other}: it continues one run")
    folder = _run_folder(resume, resume.partition("=")[2])
    words = _added([word for word in overrides if word not in chosen], flags)
    for word in words:
        if word.startswith(("hydra.run.", "hydra.output_subdir")):
            raise UserError(f"{word} cannot be given with resume: a run goes on in its own folder")
        if word.lstrip("+").startswith("fork="):
            raise UserError(f"{resume} cannot be combined with {word.lstrip('+')}: a fork goes on from another run")
    return [f"resume={quoted(folder)}", *words, f"hydra.run.dir={quoted(folder)}"]


def _forked(flags: Namespace, overrides: list[str]) -> list[str]:
    """Put the run folders of `fork=RUN`, or in a sweep `fork=RUN,RUN`, into quotes; keys get a ++ as for `resume`."""
    chosen = [word for word in overrides if word.lstrip("+").startswith("fork=")]
    if not chosen:
        return overrides
    if len(chosen) > 1:
        raise UserError(f"{' '.join(chosen)}: a run is a fork of one run; several are written fork=RUN,RUN, with -m")
    value = chosen[0].partition("=")[2]
    names = [value] if "," not in value or Path(_unquoted(value)).exists() else value.split(",")
    if len(names) > 1 and not flags.multirun:
        raise UserError(f"fork={value}: forks of several runs are a sweep: add -m")
    folders = [_run_folder(f"fork={name}", name) for name in names]
    words = _added([word for word in overrides if word not in chosen], flags)
    return [f"fork={','.join(map(quoted, folders))}", *words]


def _run_folder(word: str, name: str) -> str:
    """Return the name of a run folder without quotes; raise UserError if there is no such run."""
    if not name:
        raise UserError(f"{word} names no run: {word}outputs/RUN")
    folder = Path(_unquoted(name))
    require_run(folder, word)
    if "${" in str(folder):
        raise UserError(f"{word}: Hydra takes ${{ for the beginning of another value; rename the folder")
    return str(folder)


def _added(words: Sequence[str], flags: Namespace) -> list[str]:
    """Put a ++ before keys, because another run's config has them, which Hydra does not know."""
    choices = Choices(flags.config_dir)
    return [f"++{word}" if _sets_key(word, choices) else word for word in words]


def _sets_key(word: str, choices: Choices) -> bool:
    """Whether a word gives a value to a key of the run."""
    key, is_set, _ = word.partition("=")
    is_plain = bool(is_set) and key[:1] not in ("+", "~") and not key.startswith("hydra")
    return is_plain and not choices.is_group(key)


def quoted(text: str) -> str:
    """Return a text in quotes, as Hydra's command line takes it: a backslash is one, except in front of a quote."""
    doubled = re.sub(r"\\+(?='|\Z)", r"\g<0>\g<0>", text)
    escaped = doubled.replace("'", "\\'")
    return f"'{escaped}'"


def _unquoted(value: str) -> str:
    """Return a value without the quotes around it, as Hydra reads it; other values are names as they are."""
    if not _QUOTED.fullmatch(value):
        return value
    return str(OverridesParser.create().parse_override(f"key={value}").value())
