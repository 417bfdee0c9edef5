"""What all commands share: mistakes in one line, --help, KEY=VALUE."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import Field
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from ddpg.config.signature import shown
from ddpg.errors import Refused, UserError
from ddpg.interrupt import Interrupted


@contextmanager
def one_line_errors(command: str) -> Iterator[None]:
    """What a user can act on is printed as one line; a bug keeps its traceback, HYDRA_FULL_ERROR=1 shows all."""
    full = os.environ.get("HYDRA_FULL_ERROR")
    argv = sys.argv[1:]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises then, instead of printing its own lines
    try:
        yield
    except Interrupted as error:  # the run has said what it saved
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print(f"{command}: interrupted", file=sys.stderr)
        sys.exit(130)
    except (Refused, Exception) as error:
        from ddpg.commands.messages import explain  # Hydra is loaded for what went wrong, and not before

        cause = error.error if isinstance(error, Refused) else error
        message = explain(cause, argv)
        if full == "1" or message is None:
            raise cause from None
        sys.exit(f"{command}: {message}")
    finally:
        os.environ.pop("HYDRA_FULL_ERROR") if full is None else os.environ.update(HYDRA_FULL_ERROR=full)


def print_help(argv: list[str], usage: str, options: tuple[Field[Any], ...]) -> None:
    """Does that and ends the program, if the first word asks for it."""
    if argv and argv[0] in ("-h", "--help"):
        words = [f"{f.name}={shown(f.default)}" for f in options]
        width = max([12, *map(len, words)])
        lines = [f"  {w:{width}} {f.metadata['help']}" for w, f in zip(words, options, strict=True)]
        print("\n".join([usage, "", *lines] if lines else [usage]))
        sys.exit()


def is_value(word: str) -> bool:
    """Whether a word is a KEY=VALUE, and no folder with a = in its name."""
    return "=" in word and not Path(word).exists()


def key_values(words: list[str], example: str) -> dict[str, Any]:
    """Of KEY=VALUE words. UserError, with an example, for a word that is none."""
    for word in words:
        if "=" not in word:
            raise UserError(f"{word}: values are written KEY=VALUE, as in {example}")
    values = OmegaConf.to_container(OmegaConf.from_dotlist(words), resolve=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}
