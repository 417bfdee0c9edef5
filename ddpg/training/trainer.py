"""The training loop: Algorithm 1 around the agent's update, with evaluations and a record.

Lines are those of Algorithm 1 of Lillicrap et al. (2016).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from torch import Tensor

from ddpg.envs import EPISODE_METRICS
from ddpg.errors import UserError
from ddpg.interrupt import InterruptFlag
from ddpg.learner.networks import observe, running_norms
from ddpg.learner.noise import Noise
from ddpg.learner.protocol import Agent
from ddpg.learner.replay import ReplayBuffer
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import Tracker
from ddpg.training.actions import require_action_shape
from ddpg.training.environments import Environments
from ddpg.training.evaluations import Evaluations
from ddpg.training.finite import NOT_FINITE, finite
from ddpg.training.monitor import Monitor
from ddpg.training.progress import Progress
from ddpg.training.returned import as_metrics, as_step
from ddpg.training.schedule import Schedule
from ddpg.training.seeding import Generators, begin_episode, derived_seed
from ddpg.training.snapshots import Part, Snapshots

#: Env steps between two snapshots in memory: what a signal can cost, at under 1 % of the time.
SNAPSHOT_EVERY = 200


class Trainer:
    """One run: the order of its events. `Snapshots` has the state that a resume needs.

    A snapshot is taken at an episode's start, written every `checkpoint_every` env steps, and
    written when a signal or an error ends the run, so that little more than the episode under way
    is lost.
    """

    def __init__(
        self,
        *,
        agent: Agent,
        noise: Noise,
        replay: ReplayBuffer,
        environments: Environments,
        tracker: Tracker,
        folder: RunFolder,
        schedule: Schedule,
        seed: int,
        eval_seed: int,
        generators: Generators,
        interrupt: InterruptFlag,
    ) -> None:
        self.agent = agent
        self.noise = noise
        self.replay = replay
        self.environments = environments
        self.tracker = tracker
        self.folder = folder
        self.schedule = schedule
        self.seed = seed
        self.generators = generators
        bounds = environments.training.action_space
        assert isinstance(bounds, spaces.Box)  # EnvSpec.make lets nothing else through
        self.low = bounds.low
        self.high = bounds.high
        self.progress = Progress()
        self.monitor = Monitor(agent, replay, self.low, self.high)
        parts: dict[str, Part] = {
            "agent": agent,
            "actor": agent.networks["actor"],
            "noise": noise,
            "generators": generators,
            "means": self.monitor.means,
            "noise_meter": self.monitor.noise_meter,
            "replay": replay,
            "progress": self.progress,
        }
        self.evaluations = Evaluations(
            agent, environments, schedule, self.progress, tracker, folder, eval_seed, replay.gamma
        )
        self.snapshots = Snapshots(parts, replay, self.progress, tracker, folder)
        self.interrupt = interrupt
        self._norms = running_norms(*agent.networks.values())
        self._losses: Mapping[str, float | Tensor] = {}

    def train(self) -> float | None:
        """Train to total_steps, from the newest checkpoint of the folder if there is one.

        Returns the last mean evaluation return, None without evaluations. Raises Interrupted on a
        signal, UserError if the simulator fails or a number is not finite; in each case the newest
        snapshot was saved.
        """
        try:
            self.snapshots.resume()
            self.monitor.start(self.progress.env_step)
            # around the rescue too, because another Ctrl-C must not cut its save short
            with self.interrupt:
                self._run_to_the_end()
        finally:
            self.environments.close()
        return None if self.schedule.eval_every is None else self.progress.last_return

    def _run_to_the_end(self) -> None:
        try:
            if self.evaluations.due_at_the_start():
                self._evaluate()
            while self.progress.env_step < self.schedule.total_steps:
                self._run_episode()
                self._between_episodes()
            if self.evaluations.due_at_the_end():
                self._evaluate()
            self._require_finite_weights()
            self.snapshots.take()
            self.snapshots.save()
        except KeyboardInterrupt:  # the user does not wait for a save
            raise
        except BaseException as error:
            self.snapshots.rescue()
            if isinstance(error, SystemExit):  # by a part that is not of this package
                raise self._failure(f"sys.exit({error.code!r}) was called") from error
            raise

    def _run_episode(self) -> None:
        """Run lines 5-15 of Algorithm 1 for one episode, cut where total_steps is reached."""
        start = self.progress.env_step
        obs = self._reset()
        self.noise.reset()
        episodic_return = 0.0
        length = 0
        over = False
        cut = False
        while not over and not cut:
            self.interrupt.check()
            action = self._explore(obs)
            next_obs, reward, terminated, truncated, info = self._step(action)
            over = terminated or truncated
            cut = self.progress.env_step == self.schedule.total_steps
            observe(self._norms, obs)
            self.replay.add(obs, action, reward, next_obs, terminated, ends=over or cut)
            self._learn(self.schedule.updates_due(self.progress.env_step, start, over or cut))
            obs = next_obs
            episodic_return += reward
            length += 1
            self._log_progress()
            if self.evaluations.due_in_an_episode():
                self._evaluate()
        self._require_finite(self._losses)  # before a snapshot keeps what they have spoiled
        self.monitor.noise_meter.end_episode()
        if over:
            metrics = {"charts/episodic_return": episodic_return, "charts/episodic_length": length}
            of_info = {f"info/{name}": number for name, number in info[EPISODE_METRICS].items()}
            self.tracker.log(self.progress.env_step, metrics | of_info)
        self.progress.episode += 1
        if self.evaluations.due_after_an_episode(start):
            self._evaluate()

    def _reset(self) -> np.ndarray:
        """Line 6: receive the initial observation, from the episode's own seed."""
        seed = derived_seed(self.seed, "episode", self.progress.episode)
        try:
            return begin_episode(self.environments.training, seed)
        except UserError as error:
            raise self._failure(error) from error

    def _explore(self, obs: np.ndarray) -> np.ndarray:
        """Line 8: a_t = mu(s_t) + N_t within the bounds; uniform in the first random_steps."""
        if self.progress.env_step < self.schedule.random_steps:
            return self.generators["warmup"].uniform(self.low, self.high).astype(np.float32)
        mean = self.agent.explore(obs)
        noise = np.asarray(self.noise(obs, self.progress.env_step))
        try:
            require_action_shape(self.agent, mean, self.low.shape)
            require_action_shape(self.noise, noise, self.low.shape)
        except UserError as error:
            raise self._failure(error) from error
        noisy = mean + noise
        if not finite(noisy):
            # losses come first, because they spoil the weights, and weights spoil the action
            self._require_finite(self._losses)
            self._require_finite({"action": mean, "noisy_action": noisy})
        action = np.minimum(np.maximum(noisy.astype(np.float32, copy=False), self.low), self.high)
        self.monitor.noise_meter.add(action, mean)
        return action

    def _step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Line 9: execute a_t; observe r_t, s_{t+1}, and whether it terminated or was truncated."""
        try:
            next_obs, reward, terminated, truncated, info = self.environments.training.step(action)
        except UserError as error:
            raise self._failure(error) from error
        self.progress.env_step += 1
        return next_obs, float(reward), terminated, truncated, info

    def _learn(self, updates: int) -> None:
        """Lines 11-15, once for each update that is due."""
        for _ in range(updates):
            self.interrupt.check()  # because the updates of a whole episode may come at once
            batch = self.replay.sample(self.schedule.batch_size)
            step = as_step(self.agent, self.agent.update(batch))
            self.progress.updates += 1
            self.replay.update_priorities(step.td_error)
            self._losses = as_metrics(self.agent, "update", step.metrics)
            self.monitor.means.add(self._losses)
            of_noise = self.noise.after_update(batch)
            self.monitor.means.add(as_metrics(self.noise, "after_update", of_noise))

    def _evaluate(self) -> None:
        """Run episodes without noise, which leave training as it was."""
        self._require_finite(self._losses)
        try:
            self.evaluations.run(on_step=self.interrupt.check)
        except UserError as error:
            raise self._failure(f"evaluation: {error}") from error

    def _log_progress(self) -> None:
        env_step = self.progress.env_step
        self.tracker.step(env_step)
        if env_step % self.schedule.log_every == 0:
            speed = self.monitor.speed(env_step)
            means = self.monitor.means.pop()
            self._require_finite({name: means[name] for name in self._losses if name in means})
            diagnostics = self.monitor.noise_meter.pop()
            if self.progress.updates:
                rng = self.generators["diagnostics"]
                diagnostics |= self.monitor.networks(self.schedule.batch_size, rng)
            self.tracker.log(env_step, means | diagnostics | speed)

    def _between_episodes(self) -> None:
        """Take a snapshot if the last one is old, and write it if that is due."""
        if self.progress.env_step - self.snapshots.taken_at >= SNAPSHOT_EVERY:
            self._require_finite_weights()
            self.snapshots.take()
            self.environments.renew_training()
        self.snapshots.save_if_due(self.schedule.checkpoint_every)

    def _require_finite(self, quantities: Mapping[str, Any]) -> None:
        for name, value in quantities.items():
            if not finite(value):
                raise self._failure(f"{name} {NOT_FINITE}")

    def _require_finite_weights(self) -> None:
        """Check the weights, because a loss does not show what its own update has spoiled."""
        for name, network in self.agent.networks.items():
            if not all(bool(param.isfinite().all()) for param in network.parameters()):
                raise self._failure(f"a weight of the {name} {NOT_FINITE}")

    def _failure(self, what: object) -> UserError:
        return UserError(f"{what} {self.progress.place}")
