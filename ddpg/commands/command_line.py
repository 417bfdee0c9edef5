"""The parts that all commands share: one line for every mistake, the help text, and words of the form KEY=VALUE."""

import logging
import os
import sys
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import Field
from io import TextIOWrapper
from itertools import takewhile
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from yaml import YAMLError

from ddpg.composition.brackets import lonely
from ddpg.composition.word_checks import check_repeated
from ddpg.config.spelling import as_written
from ddpg.errors import Refused, UserError, one_line
from ddpg.interrupt import Interrupted


def find_own_packages() -> None:
    """Let the YAML name a package in the working directory, as `python -c` could import it."""
    sys.path.append(str(Path.cwd()))


def print_progress() -> None:
    """Print what this package logs, as how far long work is, on the standard error."""
    logging.basicConfig(format="%(message)s")
    logging.getLogger("ddpg").setLevel(logging.INFO)


@contextmanager
def one_line_errors(command: str) -> Iterator[None]:
    """Exit with one line for an error that a user can act on; a bug keeps its traceback.

    HYDRA_FULL_ERROR=1, Hydra's own variable, gives every error its traceback. Within the block it is always 1:
    otherwise Hydra would print lines of its own and exit, and the exception would be lost. The tests of
    this package's messages hold that nothing else is printed.
    """
    full = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"
    _print_any_character()
    try:
        yield
    except Interrupted as error:  # the run has already logged what it saved
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print(f"{command}: interrupted", file=sys.stderr)
        sys.exit(130)
    except (Refused, Exception) as error:
        from ddpg.composition.messages import explain  # loads Hydra, which `ddpg-sweep` does without

        cause = error.error if isinstance(error, Refused) else error
        message = explain(cause)
        if full == "1" or message is None:
            raise cause from cause.__cause__
        sys.exit(f"{command}: {message}")
    finally:
        if full is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = full


def _print_any_character() -> None:
    """Let the streams write an escape for a character that the locale has not, instead of an exception."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def require_text(words: Sequence[str]) -> None:
    """Raise UserError for a word with bytes that are no text in this locale, because a record could not have it."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError as error:
            shown = word.encode(errors="backslashreplace").decode()
            locale = f"in this locale ({sys.getfilesystemencoding()})"
            raise UserError(f"{shown}: some bytes are no text {locale}: export PYTHONUTF8=1") from error


def print_help(words: Sequence[str], usage: str, options: Sequence[Field[Any]]) -> None:
    """Print the usage and the options with their defaults, and exit, if the first word is -h or --help."""
    if not words or words[0] not in ("-h", "--help"):
        return
    names = [f"{option.name}={as_written(option.default)}" for option in options]
    width = max([12, *map(len, names)])
    lines = [f"  {name:{width}} {option.metadata['help']}" for name, option in zip(names, options, strict=True)]
    print("\n".join([usage, "", *lines] if lines else [usage]))
    sys.exit()


def is_value(word: str) -> bool:
    """Whether a word is a KEY=VALUE, and not a folder with a = in its name."""
    return "=" in word and not Path(word).exists()


def key_values(words: Sequence[str], example: str, texts: Container[str] = ()) -> dict[str, Any]:
    """Return the values of KEY=VALUE words by key.

    Of a key that is given twice the last value counts, which is said.

    Args:
        words: as they were typed.
        example: such a word, for messages.
        texts: keys whose values are texts, also where they look like numbers or lists, as names of folders may.

    Raises:
        UserError: any word of another form.
    """
    check_repeated(words)
    values = OmegaConf.create()
    for word in words:
        if "=" not in word:
            raise UserError(f"{word}: values are written KEY=VALUE, as in {example}")
        alone, missing = lonely(word)
        if alone:
            raise UserError(f"{word} cannot be read: the {alone} {'is never closed' if missing else 'closes nothing'}")
        try:
            values.merge_with_dotlist([word])
        except YAMLError as error:
            raise UserError(f"{word} cannot be read: {one_line(error)}") from error
    plain = OmegaConf.to_container(values, resolve=True)
    assert isinstance(plain, dict)
    last = {key: text for key, _, text in (word.partition("=") for word in words) if key in texts}
    plain |= {key: text for key, text in last.items() if not isinstance(plain[key], str | None)}
    return {str(key): value for key, value in plain.items()}


def folders_first(words: Sequence[str], command: str, options: Sequence[Field[Any]]) -> tuple[list[str], list[str]]:
    """Split the words after a command into the folders, which come first, and the KEY=VALUE words.

    Raises UserError, with the options, if there is no folder.
    """
    folders = list(takewhile(lambda word: not is_value(word), words))
    if not folders:
        listed = " ".join(f"[{option.name}=...]" for option in options)
        raise UserError(f"folders come first: {command} FOLDER... {listed}")
    return folders, list(words[len(folders) :])
