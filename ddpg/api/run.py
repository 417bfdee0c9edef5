"""A run folder as an object."""

import os
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from ddpg.api.arguments import require_actor, whole
from ddpg.api.compose import Composed, composed, user_errors
from ddpg.api.folders import new_run_folder
from ddpg.api.metrics import Metrics
from ddpg.api.overrides import Overrides, as_words
from ddpg.composition.words import quoted
from ddpg.errors import UserError
from ddpg.lazy import undisturbed
from ddpg.policies.description import Which
from ddpg.record.find_run import require_run
from ddpg.record.run_folder import RunFolder
from ddpg.report.reading import RunRecord, read_record

if TYPE_CHECKING:
    import gymnasium as gym

    from ddpg.policies import Policy
    from ddpg.training.evaluate import Episodes

#: A line of train.log with a warning or an error, and its text.
_WARNING = re.compile(r"\[[^]]*\]\[[^]]*\]\[(?:WARNING|ERROR)\] - (.*)")


class Run:
    """A run folder: what it has recorded, and what can be done with it.

    Everything is read when it is asked for, so that a run which is being trained elsewhere shows how far it is.
    """

    def __init__(self, path: Path) -> None:
        #: The run folder, an absolute path.
        self.path = path.absolute()

    @property
    def config(self) -> DictConfig:
        """The config with which the run was trained last, resolved; a copy."""
        return OmegaConf.create(dict(self._record.config))

    @property
    def status(self) -> dict[str, Any]:
        """The content of status.json: `state` (running, done, interrupted, failed), `env_step`, results; {} before."""
        return dict(self._record.status)

    @property
    def starts(self) -> list[dict[str, Any]]:
        """An entry for each start of the run, the newest last: command, overrides, commit, versions, machine.

        A run that was frozen for a sweep, or is a fork, has an entry about its origin before them.
        """
        return [dict(start) for start in self._record.starts]

    @property
    def warnings(self) -> list[str]:
        """The warnings in train.log, each once, such as that no update falls due within the run."""
        try:
            lines = (self.path / "train.log").read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        return list(dict.fromkeys(found[1] for found in map(_WARNING.match, lines) if found))

    @cached_property
    def metrics(self) -> Metrics:
        """The curves of the run by the name of the metric, as `run.metrics["eval/episodic_return"].values`."""
        return Metrics(self.path)

    def policy(self, which: Which = "last") -> "Policy":
        """Load what the run has learned: a function from observations to actions, without exploration noise.

        Args:
            which: the last actor, or the one with the best evaluation in training.

        Raises:
            UserError: the run has no such actor yet.
        """
        undisturbed("torch")
        from ddpg.run.policies import stored_policy

        require_actor(which)
        with user_errors():
            return stored_policy(RunFolder(self.path), which)

    def env(self, render: bool = False) -> "gym.Env[Any, Any]":
        """Make the environment of the run, in the form that its policy sees.

        Args:
            render: whether `env.render()` returns pictures.
        """
        undisturbed("torch")
        from ddpg.run.playing import open_playable
        from ddpg.training.seeding import process_generators_kept

        with user_errors(), process_generators_kept():
            return open_playable(self.path).make_env(render)

    def evaluate(self, episodes: int = 10, seed: int = 0, which: Which = "last", processes: int = 1) -> "Episodes":
        """Run noise-free episodes from starts that training never saw, as `ddpg-eval` does.

        Args:
            episodes: how many.
            seed: another one begins from other starts.
            which: the last actor, or the one with the best evaluation in training.
            processes: how many play at the same time, with the same returns; each takes seconds to start, and has to
                find the environment by `env.imports` if it is yours.

        Returns their `returns` and `lengths`, each [episodes].

        Raises:
            UserError: the run has no such actor yet, or another thread trains or evaluates in this process.
            KeyboardInterrupt: Ctrl-C, which ends it within a step.
        """
        undisturbed("torch")
        from ddpg.api.evaluating import evaluate_here

        require_actor(which)
        return evaluate_here(
            self.path,
            which,
            whole("episodes", episodes, least=1),
            whole("seed", seed, least=0),
            whole("processes", processes, least=1),
        )

    def resume(self, overrides: Overrides = (), progress: bool = False, **values: Any) -> "Run":
        """Go on with a run that was interrupted, or train it further: `run.resume(total_steps=200_000)`.

        The run ends with the numbers that it would have had without the interruption. Returns the run itself.

        Args:
            overrides: what may change, as `{"eval.episodes": 20}`.
            progress: whether the progress is shown.
            values: the same for keys without a dot.

        Raises:
            UserError: something else changes, or the run cannot go on.
            KeyboardInterrupt: Ctrl-C; the newest snapshot is saved by then.
        """
        words = [f"resume={quoted(str(self.path))}", *as_words(overrides), *as_words(values)]
        _train(composed(words, None), progress)
        return self

    def fork(
        self,
        overrides: Overrides = (),
        out: str | os.PathLike[str] | None = None,
        progress: bool = False,
        **values: Any,
    ) -> "Run":
        """Train a new run that begins where this one stands, with other values: `run.fork(tau=0.01)`.

        This run stays as it is. The new one has a copy of its newest checkpoint and of its record up to that.

        Args:
            overrides: what is to be another value, as `{"noise.sigma": 0.2}`.
            out: the folder of the new run; without it a new one in `outputs`.
            progress: whether the progress is shown.
            values: the same for keys without a dot; another `seed` begins all random draws anew.

        Raises:
            UserError: the run has no checkpoint or no replay memory, or its state does not fit a value.
            KeyboardInterrupt: Ctrl-C; the newest snapshot is saved by then.
        """
        folder = new_run_folder(out)
        words = [f"fork={quoted(str(self.path))}", *as_words(overrides), *as_words(values)]
        words += [] if folder is None else [f"hydra.run.dir={quoted(str(folder))}"]
        return Run(_train(composed(words, None), progress))

    def __repr__(self) -> str:
        status = self.status
        state = status.get("state", "not started")
        done = f"{status.get('env_step', 0)} of {self.config.total_steps} steps"
        last = status.get("last_return")
        result = "" if last is None else f", return {last:.1f}"
        number = len(self.warnings)
        warned = f", {number} warning{'s' * (number > 1)}" if number else ""
        return f"<Run {_shown(self.path)}: {state}, {done}{result}{warned}>"

    def __fspath__(self) -> str:
        """Return the folder, so that a run can be given wherever a folder can."""
        return str(self.path)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)

    @property
    def _record(self) -> RunRecord:
        with user_errors():
            return read_record(self.path)


def load_run(path: str | os.PathLike[str]) -> Run:
    """Open a run folder.

    Raises:
        UserError: the folder is none of a run; a nearby one is named.
    """
    if not isinstance(path, str | os.PathLike):
        raise UserError(f"path={path!r} must be the folder of a run, as a text or a Path")
    folder = Path(path)
    require_run(folder, str(path))
    return Run(folder)


def _train(job: Composed, progress: bool) -> Path:
    """Train as `train_here` does, which loads torch: mistakes in the words are told before."""
    undisturbed("torch")
    from ddpg.api.training import train_here

    return train_here(job, progress)


def _shown(path: Path) -> Path:
    """Return a path as it is written from the working directory, if it lies in that."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
