"""The progress of a run: counters and results."""

import re
from dataclasses import asdict, dataclass
from typing import Any

#: The results of a run that has no best actor.
NO_RESULTS = {"last_return": None, "best_return": None, "best_of": 0, "best_starts": None}


@dataclass
class Progress:
    """Counters and results of a run; env steps are the agent's decisions."""

    env_step: int = 0
    #: Updates of the agent.
    updates: int = 0
    #: Episodes that have ended.
    episode: int = 0
    #: Mean return of the last evaluation; None before the first.
    last_return: float | None = None
    #: The largest mean return of an evaluation; None before the first.
    best_return: float | None = None
    #: The episodes in each of the evaluations that `best_return` is of; 0 before the first.
    best_of: int = 0
    #: The seed of the starts of those evaluations; None where that is not known.
    best_starts: int | None = None
    #: The env step of the last evaluation; -1 before the first.
    evaluated_at: int = -1

    @property
    def place(self) -> str:
        """Where the run is, for the line of an error, in brackets."""
        return f"(at env_step {self.env_step}, episode {self.episode})"

    def state_dict(self) -> dict[str, Any]:
        """Return all counters and results as numbers, by name."""
        return asdict(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state that `state_dict` returned, or a part of it."""
        for name, value in state.items():
            setattr(self, name, value)


def without_place(line: str) -> str:
    """Remove `Progress.place` from the line of an error, to compare it with another run's."""
    return re.sub(r" \(at env_step \d+, episode \d+\)", "", line)
