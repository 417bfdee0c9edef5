"""The evaluations of a run: when they fall due, where they run, and what is kept of them."""

import logging
from collections.abc import Callable

from ddpg.learner.protocol import Agent, WithCritic
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import Tracker
from ddpg.training.environments import Environments
from ddpg.training.evaluate import evaluate
from ddpg.training.progress import Progress
from ddpg.training.q_bias import QBias
from ddpg.training.schedule import Schedule
from ddpg.training.seeding import derived_seed
from ddpg.training.stored_actors import read_actor, write_actor

log = logging.getLogger(__name__)


class Evaluations:
    """Episodes without noise, from the same starts every time; the best actor is kept.

    They leave training as it was. Where they share the environment with it, one that falls due
    waits for the end of the episode under way.
    """

    def __init__(
        self,
        agent: Agent,
        environments: Environments,
        schedule: Schedule,
        progress: Progress,
        tracker: Tracker,
        folder: RunFolder,
        seed: int,
        gamma: float,
    ) -> None:
        self._agent = agent
        self._environments = environments
        self._schedule = schedule
        self._progress = progress
        self._tracker = tracker
        self._folder = folder
        self._gamma = gamma
        self._seed = seed
        self._seeds = [derived_seed(seed, "evaluation", k) for k in range(schedule.eval_episodes)]

    def due_at_the_start(self) -> bool:
        """Whether to evaluate before anything is learned."""
        return self._progress.env_step == 0 and self._schedule.eval_every is not None

    def due_in_an_episode(self) -> bool:
        """Whether to evaluate after this env step."""
        if self._environments.single:
            return False
        env_step = self._progress.env_step
        return self._schedule.evaluation_due(env_step - 1, env_step)

    def due_after_an_episode(self, start: int) -> bool:
        """Whether an evaluation has waited for the end of the episode that began after `start`."""
        if not self._environments.single:
            return False
        return self._schedule.evaluation_due(start, self._progress.env_step)

    def due_at_the_end(self) -> bool:
        """Whether the final actor is still to be evaluated, or there is no best one."""
        progress = self._progress
        done = progress.evaluated_at == progress.env_step and progress.best_return is not None
        return not done and self._schedule.eval_every is not None

    def run(self, on_step: Callable[[], None]) -> None:
        """Evaluate the agent as it is now; `on_step` is called at every step and may raise.

        Raises UserError if the simulator fails, or an action is not finite.
        """
        agent = self._agent
        q_bias = QBias.of(agent, self._gamma) if isinstance(agent, WithCritic) else None
        with self._environments.evaluating() as env:
            episodes = evaluate(agent.act, env, self._seeds, on_step=on_step, on_transition=q_bias)
        self._keep(float(episodes.returns.mean()))
        metrics = episodes.metrics() | (q_bias.metrics() if q_bias else {})
        self._tracker.log(self._progress.env_step, metrics)

    def _keep(self, mean_return: float) -> None:
        """Note an evaluation's result, and write the actor if it is the best so far."""
        progress = self._progress
        progress.last_return = mean_return
        progress.evaluated_at = progress.env_step
        if not self._are_as_before():
            self._begin_anew()
        progress.best_starts = self._seed
        if progress.best_return is None or mean_return > progress.best_return:
            progress.best_return = mean_return
            actor = self._agent.networks["actor"].state_dict()
            write_actor(self._folder.best_actor, actor, progress.env_step, progress.best_of)

    def _are_as_before(self) -> bool:
        """Whether evaluations have as many episodes, from the same starts, as those so far."""
        progress = self._progress
        same_starts = progress.best_starts in (None, self._seed)
        return progress.best_of == len(self._seeds) and same_starts

    def _begin_anew(self) -> None:
        """Begin to choose the best actor anew, among evaluations like the present one.

        The best one by another number of episodes stays, under another name: the largest of many
        means is the further above the truth, the fewer episodes each of them has.
        """
        if self._progress.best_of:
            self._progress.best_return = None
        self._progress.best_of = len(self._seeds)
        path = self._folder.best_actor
        before = read_actor(path).get("episodes")
        if before in (None, len(self._seeds)):
            return
        kept = path.with_stem(f"{path.stem}_of_{before}")
        path.replace(kept)
        log.info(
            "eval.episodes=%d: the best actor is chosen anew; the one by %d episodes stays as %s",
            len(self._seeds),
            before,
            kept.name,
        )
