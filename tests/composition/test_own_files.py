"""Mistakes in an experiment file of a user: each ends in one line, before anything is written."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import assert_has

Refusal = Callable[..., str]
HEAD = "# @package _global_\n"
SWEEP = "mode: MULTIRUN, sweeper: {params: {seed: '1,2'}}"

#: What the file has, and the line about it.
EXPERIMENTS = {
    f"{HEAD}hydra: {{sweeper: {{params: {{seed: '1,2,3'}}}}}}": (
        "hydra.sweeper.params sweeps seed=1,2,3 ... add -m ... hydra.mode: MULTIRUN"
    ),
    f"{HEAD}hydra: {{mode: MULTIRUN, launcher: {{partition: gpu}}}}": (
        "hydra.launcher.partition=gpu: hydra/launcher=serial has no options ... override /hydra/launcher: slurm"
    ),
    f"{HEAD}hydra: {{mode: MULTIRUN, sweeper: {{n_trials: 3}}}}": (
        "experiment/mine.yaml: hydra.sweeper.n_trials is no option of hydra/sweeper=frozen ... /hydra/sweeper: search]"
    ),
    f"{HEAD}hydra: {{mode: MULTIRUN, sweeper: {{params: {{seed: [1, 2]}}}}}}": (
        "seed=[1,2] must be a whole number ... in hydra.sweeper.params seed: 1,2"
    ),
    f"{HEAD}noise: ou": "noise=ou is a text here ... defaults: [override /noise: ou]",
    f"{HEAD}env: hopper": "env=hopper is a text here ... defaults: [override /env: hopper]",
    f"{HEAD}env: hopper\nhydra: {{{SWEEP}}}": "env=hopper is a text here ... defaults: [override /env: hopper]",
    f"{HEAD}preset: paper": "preset=paper is a text here ... defaults: [override /preset: paper]",
    f"{HEAD}defaults: [override env: hopper]": "experiment/mine.yaml: a group is named from the top ... override /env:",
    "defaults: [override /env: hopper]": "experiment/mine.yaml: its first line has to be # @package _global_",
    "total_steps: 9": "experiment.total_steps: ... first line of experiment/mine.yaml has to be # @package _global_",
}


@pytest.mark.parametrize("text", EXPERIMENTS)
def test_experiment(text: str, refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "own" / "experiment").mkdir(parents=True)
    (tmp_path / "own" / "experiment" / "mine.yaml").write_text(f"{text}\n")
    assert_has(refusal("--config-dir", "own", "experiment=mine"), EXPERIMENTS[text])
    assert not Path("outputs").exists()


def test_a_study_without_a_sweeper(refusal: Refusal, tmp_path: Path) -> None:
    """Its values would be listed, not searched."""
    (tmp_path / "own" / "study").mkdir(parents=True)
    text = f"{HEAD}hydra: {{mode: MULTIRUN, sweeper: {{params: {{noise: 'choice(ou,gaussian)'}}}}}}\n"
    (tmp_path / "own" / "study" / "mine.yaml").write_text(text)
    line = refusal("--config-dir", "own", "+study=mine", "hydra/launcher=local")
    assert_has(line, "study/mine.yaml chooses no sweeper: ... override /hydra/sweeper: search]")
