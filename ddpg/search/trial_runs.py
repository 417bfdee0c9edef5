"""The runs of a trial: their configs from the study's recipe, their folders, their places in sweep.json."""

from pathlib import Path
from typing import Any

from ddpg.config.spelling import as_typed
from ddpg.record.run_folder import RunFolder
from ddpg.search.recipe import Recipe
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Part, Trial
from ddpg.sweep.freeze import FrozenRun, freeze
from ddpg.sweep.state.folder import SweepRun


class TrialRuns:
    """Makes the run folders of trials; the study's lock is held meanwhile."""

    def __init__(self, study: StudyFolder, definition: Definition) -> None:
        self._study = study
        self._definition = definition
        self._recipe = Recipe.read(definition.space, study.path / "bases")

    def are_made(self, trial: Trial) -> bool:
        """Whether a trial has its place in sweep.json, and each of its runs a folder with a config."""
        return trial.run_number(len(trial.seeds)) <= self.listed() and all(
            RunFolder(self._study.run_folder(trial, seed)).config.exists() for seed in trial.seeds
        )

    def listed(self) -> int:
        """Return how many runs sweep.json has."""
        return len(self._study.sweep.manifest()["runs"])

    def make(self, trial: Trial) -> None:
        """Make the folders.

        Raises:
            UserError: the values of the trial do not fit together, or the run from which it goes on has lost its state.
                Then its runs are named in sweep.json alone, so that those after it keep their numbers.
        """
        first = trial.run_number(0)
        manifest = self._study.sweep.manifest()
        listed = manifest.pop("runs")
        try:
            runs = [self._run(trial, first + place, seed) for place, seed in enumerate(trial.seeds)]
            freeze(self._study.sweep, runs, alive=(), handling=manifest)
        except Exception:
            listed[first : trial.run_number(len(trial.seeds))] = self._entries(trial)
            self._study.sweep.write({**manifest, "runs": listed})
            raise

    def of(self, trial: Trial) -> tuple[SweepRun, ...]:
        """Return the runs of a trial, in the order of its seeds."""
        runs = self._study.sweep.runs
        return tuple(runs[trial.run_number(place)].absolute() for place in range(len(trial.seeds)))

    def _run(self, trial: Trial, number: int, seed: int) -> FrozenRun:
        run = self._recipe.run(number, self._study.run_folder(trial, seed), trial.params, seed)
        _mark(run.config, self._definition.name, trial.number)
        if trial.part is not None:
            run.config["fork"] = self._parent_run(trial.part)
            run.config["total_steps"] = trial.part.stop
            if run.config["eval"]["seed"] is None:
                run.config["eval"]["seed"] = trial.part.eval_seed
        return run

    def _parent_run(self, part: Part) -> str | None:
        """Return the run folder from which a part goes on; None for the first."""
        if part.parent is None:
            return None
        parent = self._study.trials()[part.parent]
        (seed,) = parent.seeds
        return str(self._study.run_folder(parent, seed))

    def _entries(self, trial: Trial) -> list[dict[str, Any]]:
        """Return what sweep.json says about the runs of a trial."""
        words = as_typed(self._definition.space.words(trial.params))
        sweep = self._study.path
        folders: dict[int, Path] = {seed: self._study.run_folder(trial, seed) for seed in trial.seeds}
        return [
            {"folder": str(folder.relative_to(sweep)), "overrides": [*words, f"seed={seed}"]}
            for seed, folder in folders.items()
        ]


def _mark(config: dict[str, Any], study: str, number: int) -> None:
    """Let W&B know what a run belongs to: the study as its group, unless it has one, and the trial among free keys."""
    config["extra"] = {**config["extra"], "study": study, "trial": number}
    wandb = config["logger"].get("wandb")
    if isinstance(wandb, dict) and wandb.get("group") is None:
        wandb["group"] = study
