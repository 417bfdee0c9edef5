"""Overrides that Hydra takes in silence, though they cannot be meant."""

import pytest
from support.command_line import user_error

from ddpg.composition.word_checks import check_repeated, require_effect_in_run, require_effect_in_sweep


@pytest.mark.parametrize("words", ["a=1 b=2 a=1", "~a +a=1", "noise=ou noise@second=ou", "a={b:1} a.c=2"])
def test_given_once(words: str, caplog: pytest.LogCaptureFixture) -> None:
    check_repeated(words.split(), refused=["a", "noise"])
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ("a=1 b=2 a=3", ["a=1 a=3: the last one counts"]),
        ("a=1 ++a=2 a=1", ["a=1 ++a=2: the last one counts", "++a=2 a=1: the last one counts"]),
    ],
)
def test_given_twice(words: str, lines: list[str], caplog: pytest.LogCaptureFixture) -> None:
    check_repeated(words.split(), refused=["b"])
    assert caplog.messages == lines


@pytest.mark.parametrize("words", ["env=hopper env=walker2d", "seed=1 b=1 seed=2,3"])
def test_chosen_twice(words: str) -> None:
    first, *_, last = words.split()
    with user_error(f"{first} {last} ... twice"):
        check_repeated(words.split(), refused=["env", "seed"])


@pytest.mark.parametrize(
    "word", ["hydra/launcher=slurm", "hydra/sweeper=basic", "hydra.launcher.wait=false", "++hydra.sweep.dir=x"]
)
def test_word_of_a_sweep_in_a_run(word: str) -> None:
    with user_error(f"{word.lstrip('+')} ... -m"):
        require_effect_in_run(["seed=1", word])


def test_word_of_a_run_in_a_sweep() -> None:
    with user_error("hydra.run.dir=x ... -m ... hydra.sweep.dir"):
        require_effect_in_sweep(["hydra.run.dir=x"], "basic", freezes=False)
    require_effect_in_run(["hydra.run.dir=x"])


@pytest.mark.parametrize("word", ["hydra.job.env_set.A=1", "hydra.job.chdir=true", "hydra.output_subdir=null"])
def test_word_for_jobs_of_hydra(word: str) -> None:
    require_effect_in_sweep([word], "basic", freezes=False)
    with user_error(f"{word} ... hydra/launcher=local"):
        require_effect_in_sweep([word], "local", freezes=True)
