"""The training loop: Algorithm 1 around the agent's update, with evaluation, records and exact resume."""

import copy
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from torch import Tensor

from ddpg.errors import UserError
from ddpg.interrupt import Interrupted, InterruptFlag
from ddpg.learner.agent import DDPG
from ddpg.learner.noise import Noise
from ddpg.learner.replay import ReplayBuffer
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import Means, Tracker
from ddpg.training.checkpoint import Checkpoints, require_storable, write_actor
from ddpg.training.diagnostics import NoiseMeter, QBias, finite, network_metrics
from ddpg.training.evaluate import evaluate
from ddpg.training.schedule import Schedule
from ddpg.training.seeding import derived_seed, generator_states, restore_generators

log = logging.getLogger(__name__)

#: Env steps between two in-memory snapshots: what a signal can cost, at under 1 % of the time.
SNAPSHOT_EVERY = 200


class Trainer:
    """One run. Everything it works with is given; it owns the counters and the order of events.

    Every episode begins from a seed of its own, so the state at an episode's start, without any simulator state, is
    all that an exact resume needs. It is copied in memory there (`_snapshot`), written every `checkpoint_every`
    steps, and written when a signal or an error ends the run: what is lost is at most the episode under way.
    """

    def __init__(
        self,
        *,
        agent: DDPG, noise: Noise, replay: ReplayBuffer, env: gym.Env, make_env: Callable[[], gym.Env],
        resets_fully: bool, tracker: Tracker, folder: RunFolder, schedule: Schedule, seed: int,
        generators: dict[str, np.random.Generator],
    ) -> None:  # fmt: skip
        self.agent, self.noise, self.replay, self.tracker = agent, noise, replay, tracker
        self.folder, self.schedule, self.seed, self.generators = folder, schedule, seed, generators
        self.checkpoints = Checkpoints(folder.checkpoints)
        self.make_env, self.resets_fully = make_env, resets_fully
        self.env, self.eval_env = env, make_env()
        bounds = env.action_space
        assert isinstance(bounds, spaces.Box)  # what EnvSpec.make lets through
        self.low, self.high = bounds.low, bounds.high
        self.env_step = self.episode = 0
        self.means, self.noise_meter = Means(), NoiseMeter((self.high - self.low) / 2)
        self.last_return = self.best_return = -np.inf
        self.evaluated_at = -1  # env step of the last evaluation
        self.interrupt = InterruptFlag()
        self._losses: Mapping[str, float | Tensor] = {}

    def train(self) -> float:
        """Runs to total_steps from wherever the folder's checkpoint stands; the last mean evaluation return.

        Raises Interrupted on a signal, UserError if the simulator fails or a number is not finite; in each case the
        state at the last episode's start has been saved.
        """
        self._resume()
        self._started, self._mark = time.monotonic(), (time.monotonic(), self.env_step)
        try:
            self._snapshot = self._state()
            require_storable(self._snapshot)  # before a rescue could write what cannot be read again
            with self.interrupt:  # around the rescue too: another Ctrl-C must not cut its save short
                self._run_to_the_end()
        finally:
            self.env.close()
            self.eval_env.close()
        return float(self.last_return)

    def _run_to_the_end(self) -> None:
        try:
            if self.env_step == 0:
                self._evaluate()
            while self.env_step < self.schedule.total_steps:
                self._run_episode()
                self._at_boundary()
            if self.evaluated_at != self.env_step:
                self._evaluate()
            self._require_sound()
            self._save(self._state())
        except (Exception, Interrupted):
            self._rescue()
            raise

    def _run_episode(self) -> None:
        """Lines 5-16 of Algorithm 1 for one episode, cut where total_steps is reached."""
        obs, start = self._reset(), self.env_step
        self.noise.reset()
        episodic_return, length, over = 0.0, 0, False
        while not over and self.env_step < self.schedule.total_steps:
            self.interrupt.check()
            action = self._explore(obs)
            next_obs, reward, terminated, truncated = self._step(action)
            over = terminated or truncated
            cut = self.env_step == self.schedule.total_steps
            self.agent.observe(obs)
            self.replay.add(obs, action, reward, next_obs, terminated, ends=over or cut)
            self._learn(self.schedule.updates_due(self.env_step, start, over or cut))
            obs, episodic_return, length = next_obs, episodic_return + reward, length + 1
            self._log_progress()
            if self.env_step % self.schedule.eval_every == 0:
                self._evaluate()
        self._require_finite(**self._losses)  # before the state at the next episode's start is kept
        self.noise_meter.end_episode()
        if over:
            metrics = {"charts/episodic_return": episodic_return, "charts/episodic_length": length}
            self.tracker.log(self.env_step, metrics)
        self.episode += 1

    def _explore(self, obs: np.ndarray) -> np.ndarray:
        """Line 8: a_t = mu(s_t) + N_t, clipped to the bounds; uniform over them in the first random_steps."""
        if self.env_step < self.schedule.random_steps:
            return self.generators["warmup"].uniform(self.low, self.high).astype(np.float32)
        mean = self.agent.act(obs)
        noisy = mean + self.noise(obs, self.env_step)
        if not finite(noisy):  # named is what came first: losses spoil the weights, and these the action
            self._require_finite(**self._losses, action=mean, noisy_action=noisy)
        action = np.minimum(np.maximum(noisy.astype(np.float32, copy=False), self.low), self.high)
        self.noise_meter.add(action, mean)
        return action

    def _step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool]:
        """Line 9: execute a_t, observe r_t and s_{t+1}."""
        try:
            next_obs, reward, terminated, truncated, _ = self.env.step(action)
        except UserError as error:
            raise self._failure(error) from error
        self.env_step += 1
        self._require_finite(next_obs=next_obs, reward=reward)
        return next_obs, float(reward), terminated, truncated

    def _reset(self) -> np.ndarray:
        try:
            obs, _ = self.env.reset(seed=derived_seed(self.seed, "episode", self.episode))
        except UserError as error:
            raise self._failure(error) from error
        self._require_finite(obs=obs)
        return obs

    def _learn(self, updates: int) -> None:
        """Lines 11-15, so many times."""
        for _ in range(updates):
            self.interrupt.check()  # the updates of a whole episode may come at once
            batch = self.replay.sample(self.schedule.batch_size)
            self._losses = self.agent.update(batch)
            self.replay.update_priorities(self.agent.td_error)
            self.means.add(self._losses)
            self.means.add(self.noise.after_update(batch))

    def _require_finite(self, **quantities: Any) -> None:
        for name, value in quantities.items():
            if not finite(value):
                raise self._failure(f"{name} is not finite")

    def _require_sound(self) -> None:
        """A loss is computed before its update, so what the last update broke shows in the weights alone."""
        for name, network in (("actor", self.agent.actor), ("critic", self.agent.critic)):
            if not all(bool(param.isfinite().all()) for param in network.parameters()):
                raise self._failure(f"a weight of the {name} is not finite")

    def _failure(self, what: object) -> UserError:
        return UserError(f"{what} (at env_step {self.env_step}, episode {self.episode})")

    def _evaluate(self) -> None:
        """Noise-free episodes from the same starts every time; the best actor so far is kept."""
        self._require_finite(**self._losses)
        seeds = [derived_seed(self.seed, "evaluation", k) for k in range(self.schedule.eval_episodes)]
        self.eval_env = self._fresh(self.eval_env)
        act, q_bias = self.agent.act, QBias.of(self.agent, self.replay.gamma)
        try:
            episodes = evaluate(act, self.eval_env, seeds, on_step=self.interrupt.check, on_transition=q_bias)
        except UserError as error:
            raise self._failure(f"evaluation: {error}") from error
        self._require_finite(evaluation_return=episodes.returns)
        self.last_return, self.evaluated_at = float(episodes.returns.mean()), self.env_step
        if self.last_return > self.best_return:
            self.best_return = self.last_return
            write_actor(self.folder.best_actor, self.agent.actor.state_dict(), self.env_step)
        self.tracker.log(self.env_step, episodes.metrics() | q_bias.metrics())

    def _log_progress(self) -> None:
        self.tracker.step(self.env_step)
        if self.env_step % self.schedule.log_every == 0:
            now, (then, step) = time.monotonic(), self._mark
            timing = {"charts/SPS": (self.env_step - step) / (now - then), "time/elapsed_s": now - self._started}
            means, self._mark = self.means.pop(), (now, self.env_step)
            self._require_finite(**{name: means[name] for name in self._losses if name in means})
            self.tracker.log(self.env_step, means | self._diagnostics() | timing)

    def _diagnostics(self) -> dict[str, float]:
        """What shows whether the exploration and the networks are healthy; nothing of it changes what is learned."""
        metrics = self.noise_meter.pop()
        if self.agent.updates:
            batch = self.replay.glance(self.schedule.batch_size, self.generators["diagnostics"])
            metrics |= network_metrics(self.agent, batch)
        return metrics

    def _at_boundary(self) -> None:
        """Between two episodes: take the snapshot, and write it if it is time."""
        if self.env_step - self._snapshot["env_step"] >= SNAPSHOT_EVERY:
            self._require_sound()
            self._snapshot = self._state()
            self.env = self._fresh(self.env)
        # a small memory is written before it drops what no checkpoint holds yet
        every = min(self.schedule.checkpoint_every, self.replay.buffer_size // 2)
        if self._snapshot["env_step"] - self._saved_at >= every:
            self._save(self._snapshot)

    def _fresh(self, env: gym.Env) -> gym.Env:
        """The env as a resumed run would find it: a new one where reset(seed) does not clear everything."""
        if self.resets_fully:
            return env
        env.close()
        return self.make_env()

    def _state(self) -> dict[str, Any]:
        """A copy of everything that the rest of the run depends on."""
        return {
            "env_step": self.env_step, "episode": self.episode, "replay_total": self.replay.total,
            "agent": copy.deepcopy(self.agent.state_dict()), "noise": copy.deepcopy(self.noise.state_dict()),
            "replay": self.replay.state_dict(), "generators": generator_states(self.generators),
            "tracker": self.tracker.position(), "noise_meter": self.noise_meter.state_dict(),
            **self.means.state_dict(),
            "last_return": self.last_return, "best_return": self.best_return, "evaluated_at": self.evaluated_at,
        }  # fmt: skip

    def _resume(self) -> None:
        state = self.checkpoints.load(self.replay, expected=self.folder.status().get("env_step", 0) > 0)
        self.tracker.rewind(state["tracker"] if state else None)
        if state:
            self.env_step, self.episode = state["env_step"], state["episode"]
            for part in ("agent", "noise", "replay", "noise_meter"):
                getattr(self, part).load_state_dict(state[part])
            restore_generators(self.generators, state["generators"])
            self.means.load_state_dict(state)
            for name in ("last_return", "best_return", "evaluated_at"):
                setattr(self, name, state[name])
            log.info("resumed at env_step %d", self.env_step)
        self._saved_at = self.env_step

    def _save(self, state: dict[str, Any]) -> None:
        self.tracker.sync()
        if not self.checkpoints.save(state["env_step"], state, self.replay, state["replay_total"]):
            log.warning(
                "env_step %d is not saved: buffer_size=%d holds less than the episode under way; "
                "a resume goes on from env_step %d",
                state["env_step"], self.replay.buffer_size, self._saved_at,
            )  # fmt: skip
            return
        self._saved_at = state["env_step"]
        self.folder.write_status(**self.folder.status() | {"env_step": self._saved_at})
        write_actor(self.folder.actor, state["agent"]["actor"], state["env_step"])

    def _rescue(self) -> None:
        """Saves the last snapshot when the run ends early; a second failure must not hide the first."""
        try:
            self._save(self._snapshot)
        except (OSError, UserError) as error:
            log.warning("the newest state is not saved (%s); a resume goes on from env_step %d", error, self._saved_at)
