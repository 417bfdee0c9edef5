"""Run folders become the runs that are compared."""

import json
from pathlib import Path

import pytest
from support.report_runs import CONFIG, RETURN, changed, write_run

from ddpg.config.settings import group
from ddpg.errors import UserError
from ddpg.report.metric import Metric
from ddpg.report.reading import find_runs, labelled, read_runs


def test_a_run_has_its_values_by_step_and_what_is_known_of_it(tmp_path: Path) -> None:
    write_run(tmp_path / "sweep" / "0_a", [-5.0, -4.0], [-9.0])
    write_run(tmp_path / "sweep" / "1_b", [], state="failed", seed=2)
    first, second = read_runs([tmp_path], Metric(RETURN))
    assert (first.environment, first.seed, first.state, first.done_step) == ("pendulum", 1, "done", 100)
    assert (first.total_steps, first.eval_episodes) == (300, 1)
    assert [one.tolist() for one in first.metric] == [[0, 100], [-5, -4]]
    assert [one.tolist() for one in first.episodes] == [[10], [-9]]
    assert (second.seed, second.state) == (2, "failed")
    assert [one.tolist() for one in second.metric] == [[], []]


def test_of_rows_with_one_step_the_last_counts_and_without_a_number_none(tmp_path: Path) -> None:
    path = write_run(tmp_path / "a", []) / "metrics.jsonl"
    values = [(200, 2.0), (0, 0.0), (200, 3.0), (300, None), (100, 1.0)]
    path.write_text("".join(json.dumps({"env_step": step, RETURN: value}) + "\n" for step, value in values))
    [run] = read_runs([tmp_path], Metric(RETURN))
    assert [one.tolist() for one in run.metric] == [[0, 100, 200], [0, 1, 3]]


def test_every_run_is_found_once(tmp_path: Path) -> None:
    for name in ("10_x", "2_x"):
        write_run(tmp_path / "sweeps" / "today" / name, [1.0])
    write_run(tmp_path / "alone", [1.0])
    found = find_runs([tmp_path, tmp_path / "sweeps", tmp_path / "alone"])
    names = [str(run.folder.path.relative_to(tmp_path)) for run in found]
    assert names == ["alone", "sweeps/today/2_x", "sweeps/today/10_x"]


@pytest.mark.parametrize("missing", ["config.yaml", "status.json"])
def test_a_run_that_has_not_started_is_none(tmp_path: Path, missing: str) -> None:
    """A sweep has prepared the run, or it could not be built."""
    folder = write_run(tmp_path / "a", [])
    (folder / "provenance.json").write_text("[]")
    (folder / missing).unlink()
    with pytest.raises(UserError, match="holds no run "):
        find_runs([tmp_path])


def test_runs_are_grouped_as_by_wandb(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1.0])
    write_run(tmp_path / "b", [2.0], seed=2, eval__every=50, extra={"note": "again"}, total_steps=100)
    write_run(tmp_path / "c", [3.0], gamma=0.9)
    found = read_runs([tmp_path], Metric(RETURN))
    assert [run.configuration for run in found] == ["gamma=0.99", "gamma=0.99", "gamma=0.9"]
    assert group(CONFIG) == group(changed(CONFIG, seed=9)) != group(changed(CONFIG, gamma=0.9))


def test_a_frozen_run_is_labelled_by_what_its_sweep_has_kept(tmp_path: Path) -> None:
    """The first entry counts: who goes on with the run may say less."""
    for name, noise in (("0", "ou"), ("1", "gaussian")):
        folder = write_run(
            tmp_path / name, [1.0], noise={"_target_": f"ddpg.learner.noise.{noise}", "sigma": len(noise)}
        )
        choices = {"noise": noise, "env": "pendulum", "preset": None, "hydra/launcher": "local"}
        frozen = {"submitted": "now", "choices": choices, "overrides": [f"noise={noise}", "+extra.note=1"]}
        (folder / "provenance.json").write_text(json.dumps([frozen, {"command": "ddpg-train", "overrides": []}]))
    records = find_runs([tmp_path])
    assert records[0].choices == {"noise": "ou", "env": "pendulum"}
    assert records[0].typed == ("noise", "extra.note")
    assert [run.configuration for run in read_runs([tmp_path], Metric(RETURN))] == ["noise=ou", "noise=gaussian"]


def test_a_configuration_that_is_alone_in_an_environment_has_its_name_of_elsewhere(tmp_path: Path) -> None:
    for environment, gammas in {"hopper": (0.9, 0.99), "walker": (0.99,), "cheetah": (0.5,)}.items():
        for gamma in gammas:
            write_run(tmp_path / f"{environment}{gamma}", [1.0], gamma=gamma, env__name=environment)
    names = {path.name: label.configuration for path, label in labelled(find_runs([tmp_path])).items()}
    assert names == {
        "hopper0.9": "gamma=0.9", "hopper0.99": "gamma=0.99", "walker0.99": "gamma=0.99", "cheetah0.5": "-",
    }  # fmt: skip


FORK = {"fork": "outputs/src", "forked": {"configuration": "8d93be39", "env_step": 100}}


def test_a_fork_begins_where_it_was_forked(tmp_path: Path) -> None:
    write_run(tmp_path / "fork", [-5.0, -4.0, -3.0], [-9.0] * 15, **FORK)
    write_run(tmp_path / "new", [-5.0, -4.0], [-9.0] * 10, **FORK, seed=2)
    first, second = read_runs([tmp_path], Metric(RETURN))
    assert [one.tolist() for one in first.metric] == [[200], [-3]]
    assert first.episodes.steps.tolist() == [110, 120, 130, 140, 150]
    assert first.origin == second.origin == ("outputs/src", "8d93be39", 100)
    assert not len(second.metric.steps)
    assert not len(second.episodes.steps)


def test_a_fork_is_named_by_its_source_and_the_env_step(tmp_path: Path) -> None:
    fork = "fork=outputs/src@100"
    write_run(tmp_path / "src", [1.0])
    write_run(tmp_path / "same", [1.0], **FORK)
    write_run(tmp_path / "tau", [1.0], **FORK, gamma=0.9)
    names = {path.name: label.configuration for path, label in labelled(find_runs([tmp_path])).items()}
    assert names == {"src": "gamma=0.99", "same": f"{fork} gamma=0.99", "tau": f"{fork} gamma=0.9"}


def test_forks_of_several_seeds_have_one_name(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_run(tmp_path / f"{seed}", [1.0], seed=seed, **FORK | {"fork": f"/far/outputs/src_{seed}"})
    write_run(tmp_path / "later", [1.0], **FORK | {"forked": {"configuration": "8d93be39", "env_step": 200}})
    write_run(tmp_path / "other", [1.0], **FORK | {"forked": {"configuration": "12345678", "env_step": 200}})
    names = {path.name: label.configuration for path, label in labelled(find_runs([tmp_path])).items()}
    same = "fork=outputs/src_1,…@100"
    hashes = ("8d93be39", "12345678")
    later, other = (f"fork=outputs/src@200 configuration='{configuration}'" for configuration in hashes)
    assert names == {"1": same, "2": same, "later": later, "other": other}
