"""The uses of a study: see it, go on with it, confirm its best."""

import shlex
from dataclasses import replace
from pathlib import Path
from threading import Timer

import pytest
import yaml
from hydra.core.config_loader import ConfigLoader
from hydra.types import RunMode
from support.command_line import assert_has, user_error
from support.studies import FormulaStudy, depth, write_confirmation

from ddpg.commands.sweep import sweep
from ddpg.search.best import best, finished
from ddpg.search.confirm import report
from ddpg.search.confirmation import read_confirmation
from ddpg.search.control import retry
from ddpg.search.launch import start
from ddpg.search.study import StudyFolder
from ddpg.search.table import status
from ddpg.sweep.options import LocalOptions

#: No chance: a few trials, the third of which fails.
SEEDS = ("hydra.sweeper.seeds=3", "hydra.sweeper.n_trials=4")


def failing(config: dict[str, float], env_step: int) -> float:
    """Diverge with tau above 0.1."""
    if config["tau"] > 0.1:
        raise ArithmeticError("qf1_loss is not finite")
    return depth(config) + 0.1 * config["seed"]


def test_status_and_best(study: FormulaStudy) -> None:
    """Failed trials count as the worst so far, the first ones as the first score; the winner is an experiment."""
    study.pool.formula = failing
    trials = study.run(*SEEDS, "hydra.sweeper.control=0.5", "hydra.sweeper.n_trials=6")
    states = [trial.result.state for trial in trials if trial.result]
    assert {"complete", "failed"} == set(states)
    for place, trial in enumerate(trials):
        assert trial.result is not None
        if trial.result.state == "failed":
            assert "qf1_loss is not finite" in trial.result.why
            after = next(t for t in trials if t.result and t.result.state == "complete")
            before = [t.result.value for t in trials[: max(place, after.number + 1)] if t.result]
            assert trial.result.value == min(value for value in before if value is not None)
    folder = StudyFolder(study.folder.path)
    printed = status(folder, None, width=None)
    winner = max((t for t in trials if t.result and t.result.state == "complete"), key=lambda t: depth(t.params))
    assert_has(printed, f"tau ... gamma ... state ... seeds ... score ... {states.count('failed')} failed")
    assert_has(printed, f"best: trial {winner.number}, score {winner.result and winner.result.value:.2f}")
    assert "random controls" in printed
    assert "complete" not in status(folder, ["failed"], width=None).partition("6 of 6")[0]

    assert_has(best(folder, count=2), f"{winner.number} ... experiment=best ... ddpg-sweep confirm")
    written = yaml.safe_load((folder.path / "experiment" / "best.yaml").read_text())
    assert (written["tau"], written["gamma"]) == (winner.params["tau"], winner.params["gamma"])
    assert {"override /env": "pendulum"} in written["defaults"]
    assert "smoke" not in written["defaults"]  # an experiment of one's own need not be found from there


CONFIRMED = {
    "hydra.sweeper.over_seeds=mean": "1.50 ... [0.26, 2.74] ... 3 ... -0.60 ... [-2.02, 0.82] ... 5 ... "
    "failed on 1 of the new seeds, counted as -2.00 ... best of 2 trials ... -2.10",
    "hydra.sweeper.over_seeds=median": "1.50 ... 3 ... -1.00 ... 5 ... counted as -2.00 ... found: -2.50",
    "hydra.sweeper.over_seeds=min": "1.00 ... 3 ... -2.00 ... 5 ... the min moves with the number of seeds",
    "hydra.sweeper.failed=fail": "1.50 ... 3 ... -0.25 ... [-1.77, 1.27] ... 4 ... left out ... found: -1.75",
}


@pytest.mark.parametrize("word", CONFIRMED)
def test_a_second_look(study: FormulaStudy, word: str) -> None:
    """It aggregates seeds as the study does, and a run that failed counts as the study counts failures."""
    study.pool.formula = lambda config, env_step: (config["seed"] + 1) / 2 - 3 * (config["tau"] > 0.1)
    trials = study.run(*SEEDS, word, "hydra.sweeper.n_trials=2", "hydra.sweeper.over_seeds=mean", word)
    winner = next(trial for trial in trials if trial.params["tau"] < 0.1)
    write_confirmation(study.folder, winner, [1.0, 0.0, -1.0, -1.0, None])
    definition = study.folder.definition()
    complete = finished(study.folder, definition)
    found = read_confirmation(study.folder, definition, complete, complete)
    assert_has(report(definition, found), CONFIRMED[word])


def test_the_winner_of_a_study_in_a_file(study: FormulaStudy, loader: ConfigLoader, tmp_path: Path) -> None:
    """The experiment has what the file chose and set, because it cannot name the file."""
    (tmp_path / "conf" / "study").mkdir(parents=True)
    text = "# @package _global_\ndefaults: [{override /noise: gaussian}]\nbuffer_size: 777\n"
    (tmp_path / "conf" / "study" / "mine.yaml").write_text(text)
    (trial,) = study.run(f"hydra.searchpath=[file://{tmp_path / 'conf'}]", "+study=mine", "hydra.sweeper.n_trials=1")
    best(study.folder, count=1)
    words = [f"hydra.searchpath=[file://{study.folder.path}]", "experiment=best"]
    config = loader.load_configuration("config", words, RunMode.RUN)
    assert (config.buffer_size, config.total_steps, config.tau) == (777, 400, trial.params["tau"])
    assert config.noise._target_.endswith("Gaussian")


def test_the_command_of_a_winner(study: FormulaStudy, tmp_path: Path) -> None:
    """It names the folder of the user's own groups beside that of the experiment, and what cannot stand in a file."""
    study.run("hydra.sweeper.n_trials=1")
    sweep = study.folder.sweep
    sweep.write({**sweep.manifest(), "directory": str(tmp_path), "config_dir": "my groups"})
    definition = study.folder.definition()
    space = replace(definition.space, fixed=(*definition.space.fixed, "~extra.note"))
    study.folder.define(replace(definition, space=space))
    [line] = (line for line in best(study.folder, count=1).splitlines() if line.startswith("train with them: "))
    words = shlex.split(line.partition(": ")[2])
    assert words[:3] == ["ddpg-train", "--config-dir", str(study.folder.path)]
    assert words[3:] == [f"hydra.searchpath=['file://{tmp_path}/my groups']", "experiment=best", "~extra.note"]


def test_a_wider_space_goes_on_if_asked(study: FormulaStudy) -> None:
    """The trials so far are in the journal with the space as it is now."""
    first = study.run("hydra.sweeper.n_trials=2")
    trials = study.run("hydra.sweeper.n_trials=4", "tau=tag(log,interval(1e-5,1))", "hydra.sweeper.widen=true")
    assert [trial.params for trial in trials[:2]] == [trial.params for trial in first]
    assert len(trials) == 4


def test_a_space_with_few_points(
    study: FormulaStudy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The study has as many trials, and a line says why they are fewer than n_trials."""
    definition = study.begin("tau=choice(0.1,0.2)", "gamma=range(0.8,1,0.1)", "hydra.sweeper.n_trials=9")
    monkeypatch.setattr("ddpg.search.launch._started", lambda *_: study.work)
    start(study.folder, definition, LocalOptions("local", processes=1, wait=True))
    assert_has(capsys.readouterr().out, "study of 4 trials, which are all points of its space: ... 4 of 4 trials")
    assert len({tuple(trial.params.values()) for trial in study.trials()}) == 4


def test_retry_of_trials_that_failed(study: FormulaStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are tried once more, and the journal follows."""
    study.pool.formula = failing
    study.run("hydra.sweeper.n_trials=6", "hydra/sweeper/method=random")
    study.pool.formula = lambda config, env_step: depth(config)
    monkeypatch.setattr("ddpg.search.control.start", lambda *_: study.work())
    assert retry(StudyFolder(study.folder.path), {}, lost=None)
    assert [trial.result and trial.result.state for trial in study.trials()] == ["complete"] * 6
    (study.folder.path / "trial_0002" / "trial.json").write_text("{")
    with user_error("trial_0002 ... damaged"):
        study.work()


def test_what_tells_a_run_of_a_study(study: FormulaStudy) -> None:
    """W&B's group is the study; the trial stands among the free keys, which change nothing of what is learned."""
    study.run("hydra.sweeper.n_trials=2", "+extra.note=hi")
    config = yaml.safe_load((study.folder.path / "trial_0001" / "seed_1" / "config.yaml").read_text())
    assert config["extra"] == {"note": "hi", "study": "study", "trial": 1}
    assert config["logger"]["wandb"]["group"] == "study"


def test_cancel_waits_until_a_worker_has_told_its_result(
    study: FormulaStudy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    study.begin()
    held = study.folder.lock()
    held.__enter__()
    Timer(0.2, lambda: held.__exit__(None, None, None)).start()
    monkeypatch.setattr("sys.argv", ["ddpg-sweep", "cancel", str(study.folder.path)])
    sweep()
    assert "nothing of this sweep is alive" in capsys.readouterr().out
