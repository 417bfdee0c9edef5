"""When a run learns, looks and saves."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Schedule:
    """How much and how often, in env steps unless the name says otherwise."""

    total_steps: int
    random_steps: int
    learning_starts: int
    batch_size: int
    updates_per_step: float
    update_every: int | Literal["episode"]
    eval_every: int
    eval_episodes: int
    checkpoint_every: int
    log_every: int

    def updates_due(self, env_step: int, episode_start: int, over: bool) -> int:
        """Updates after this env step: what `updates_per_step` makes of the steps since updates were last possible."""
        if self.update_every == "episode":
            return self._updates_until(env_step) - self._updates_until(episode_start) if over else 0
        if env_step % self.update_every:
            return 0
        return self._updates_until(env_step) - self._updates_until(env_step - self.update_every)

    def total_updates(self) -> int:
        """Of a run in one piece."""
        blocks = 1 if self.update_every == "episode" else self.update_every
        return self._updates_until(self.total_steps // blocks * blocks)

    def _updates_until(self, env_step: int) -> int:
        """Updates of the whole run by then: the whole part, fractions fall due over time."""
        return int(max(0, env_step - self.learning_starts) * self.updates_per_step)
