"""The schedule of a run: when it updates, evaluates, logs and saves."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Schedule:
    """How much and how often, as the config says; in env steps unless the name says otherwise.

    Without evaluations `eval_every` is None.
    """

    total_steps: int
    random_steps: int
    learning_starts: int
    batch_size: int
    updates_per_step: float
    update_every: int | Literal["episode"]
    eval_every: int | None
    eval_episodes: int
    checkpoint_every: int
    log_every: int

    def updates_due(self, env_step: int, episode_start: int, over: bool) -> int:
        """Count the updates that follow this env step.

        They make up for the steps since updates could last be made: for `update_every` steps or,
        with `update_every=episode`, once the episode is `over`, for all of its steps since the env
        step `episode_start`.
        """
        if self.update_every == "episode":
            return self._updates_between(episode_start, env_step) if over else 0
        if env_step % self.update_every:
            return 0
        return self._updates_between(env_step - self.update_every, env_step)

    def evaluation_due(self, since: int, env_step: int) -> bool:
        """Whether a multiple of `eval_every` comes after `since`, and not after `env_step`."""
        if self.eval_every is None:
            return False
        return env_step // self.eval_every > since // self.eval_every

    def total_updates(self) -> int:
        """Count the updates of a run that is not interrupted."""
        blocks = 1 if self.update_every == "episode" else self.update_every
        return self._updates_until(self.total_steps // blocks * blocks)

    def _updates_between(self, start: int, stop: int) -> int:
        return self._updates_until(stop) - self._updates_until(start)

    def _updates_until(self, env_step: int) -> int:
        """Count the updates from the run's start on; a fraction is carried over to later steps."""
        return int(max(0, env_step - self.learning_starts) * self.updates_per_step)
