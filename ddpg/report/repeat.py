"""The command that trains a run again, from the words of its first start, or the reason why there is none."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ddpg.config.spelling import as_typed, shell_quoted
from ddpg.report.reading import RunRecord, key_of

#: Keys of the command line that say where a run was watched and where it lies, not what is learned.
PRIVATE = ("hydra", "logger")


class Repeat(NamedTuple):
    """A command, or "" and why there is none: half a sentence that follows a colon. The other one is ""."""

    command: str
    why_not: str


def repeat(record: RunRecord, public: bool = False) -> Repeat:
    """Return the command that trains a run again, from its beginning to where its config ends.

    It names what may have come after the words were typed: total_steps, and the starts of evaluations.

    Args:
        record: the run.
        public: whether strangers read it. Then it leaves out where the run was logged and the folders around it.
    """
    if record.config.get("fork") is not None:
        return Repeat("", "it continues another run")
    why_not = why_no_command(record.overrides or ())
    if why_not:
        return Repeat("", why_not)
    words = {key_of(word): word for word in record.overrides or ()}
    words["total_steps"] = f"total_steps={record.config['total_steps']}"
    eval_seed = record.config.get("eval", {}).get("seed")
    if eval_seed is not None:  # a population gives it to its members
        words["eval.seed"] = f"eval.seed={eval_seed}"
    left_out = PRIVATE if public else ()
    kept = [word for key, word in words.items() if key.replace("/", ".").partition(".")[0] not in left_out]
    folder = next((start.get("config_dir") for start in record.starts if "overrides" in start), None)
    if folder is not None and public:
        folder = Path(folder).name or folder
    return Repeat(command_of(kept, folder), "")


def why_no_command(words: Sequence[str]) -> str:
    """Say why the words of a run are not those of a command that trains it alone; "" if they are."""
    if not words or any(key_of(word) in ("resume", "fork") for word in words):
        return "the words that it began with are not on record"
    group = next((word for word in as_typed(words) if word.startswith("+") and "." not in key_of(word)), None)
    return "" if group is None else f"{group} may start more than this run"


def command_of(words: Iterable[str], config_dir: str | None = None) -> str:
    """Return the command line of a run with these words, and with a folder of the user's own config groups."""
    own = [] if config_dir is None else ["--config-dir", config_dir]
    return " ".join(["ddpg-train", *map(shell_quoted, [*own, *as_typed(words)])])
