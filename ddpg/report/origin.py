"""Where forks began: a report counts what a fork has trained itself, not the rows of its source."""

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

from ddpg.record.series import short_number


class Origin(NamedTuple):
    """The run that a fork continues, by the last two parts of its path, and the env step where the fork began."""

    run: str
    env_step: int

    def __str__(self) -> str:
        """Write the origin as labels do: outputs/run@1500."""
        return f"{self.run}@{self.env_step}"


def origin_of(config: Mapping[str, Any]) -> Origin | None:
    """Return where the run with a config began if it is a fork, else None."""
    forked = config.get("forked")
    if not forked:
        return None
    return Origin(PurePath(*PurePath(config["fork"]).parts[-2:]).as_posix(), forked["env_step"])


def notes_on_origins(origins: Iterable[Origin | None]) -> list[str]:
    """Say from which runs and at which env step the forks of a configuration began; nothing of other runs."""
    runs: dict[int, list[str]] = {}
    for origin in filter(None, origins):
        runs.setdefault(origin.env_step, []).append(origin.run)
    return [
        f"forked from {', '.join(dict.fromkeys(names))} at step {short_number(step)}; only what came after it counts"
        for step, names in runs.items()
    ]
