"""ddpg-report compare as a command: its sentences, checked against scipy, and the mistakes of users."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from support.report_runs import EPISODES, RETURN, write_run

from ddpg.commands.report import main

#: Scores of five seeds of two configurations in three environments.
SWEEP = {
    "hopper": ([1000.0, 1100.0, 900.0, 1050.0, 950.0], [2000.0, 2100.0, 1900.0, 2050.0, 1950.0]),
    "walker": ([500.0, 800.0, 200.0, 600.0, 400.0], [700.0, 900.0, 300.0, 800.0, 500.0]),
    "cheetah": ([9.0, 9.5, 8.5, 9.2, 8.8], [1.0, 1.5, 0.5, 1.2, 0.8]),
}


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """call(*argv) returns what `ddpg-report compare` prints, or the line with which it refuses."""
    monkeypatch.chdir(tmp_path)

    def _call(*argv: str, picture: bool = False) -> str:
        if not picture:
            monkeypatch.setattr("ddpg.report.compare.figure.draw", lambda found, path: None)  # takes a second
        monkeypatch.setattr(sys, "argv", ["ddpg-report", "compare", *argv])
        try:
            main()
        except SystemExit as exit:
            if exit.code:
                return str(exit.code)
        return capsys.readouterr().out

    return _call


def write_seeds(name: str, scores: Sequence[float], first: int = 1, **keys: Any) -> None:
    """Write runs with these last evaluations, one for each seed."""
    for seed, score in enumerate(scores, start=first):
        write_run(Path(f"{name}_{seed}"), [0.0, score / 2, score], seed=seed, **keys)


def write_sweep() -> None:
    for environment, groups in SWEEP.items():
        for gamma, scores in zip((0.9, 0.99), groups, strict=True):
            write_seeds(f"sweep/{environment}_{gamma}", scores, gamma=gamma, env__name=environment)


def numbers(folder: str) -> dict[str, Any]:
    return json.loads(Path(folder, "compare", "compare.json").read_text())


def test_sentences_of_a_sweep(call: Callable[..., str]) -> None:
    write_sweep()
    text = call("sweep", picture=True)
    method = "(exact permutation test of the means, Holm over 3 comparisons, 5 %)"
    assert (
        f"- gamma=0.99 is better than gamma=0.9 on 1 of 3 environments and worse on 1 (cheetah) {method}: hopper"
        in text
    )
    assert "gamma=0.99 against gamma=0.9: better by 1000.0 (95 %: " in text
    assert (
        "gamma=0.9 against gamma=0.99: better by 8.00 (95 %: 7.44 to 8.56), g = 18.98, P(improvement) = 1.00 "
        "(95 %: 0.56 to 1.00); " in text
    )
    assert "gamma=0.99 against gamma=0.9: 5 seeds cannot tell: 140.0 more" in text
    assert "seeds are not paired" in text
    assert "pooled range" in text
    written = Path("sweep/compare")
    assert {path.name for path in written.iterdir()} == {"compare.md", "compare.json", "compare.png"}
    assert "![Performance profiles and differences](compare.png)" in (written / "compare.md").read_text()
    found = {one["environment"]: one for one in numbers("sweep")["comparisons"]}
    assert all(found[name]["tests"]["better"] == (name != "walker") for name in SWEEP)
    for name, (low, high) in SWEEP.items():
        first, second = (np.array(high), np.array(low)) if found[name]["first"] == "gamma=0.99" else (low, high)
        expected = stats.ttest_ind(first, second, equal_var=False)
        assert found[name]["tests"]["t_test"]["p"] == pytest.approx(expected.pvalue)
        exact = stats.permutation_test(
            (first, second), lambda a, b, axis: np.abs(a.mean(axis=axis) - b.mean(axis=axis)),
            alternative="greater", n_resamples=np.inf,
        )  # fmt: skip
        assert found[name]["tests"]["permutation"]["p"] == pytest.approx(exact.pvalue)


def test_what_few_seeds_cannot_tell(call: Callable[..., str]) -> None:
    """The pooled deviation is 100: 2.04 of these are found by 5 seeds in 8 of 10 cases, and 0.92 by 20."""
    write_seeds("runs/a", [-126.49, -63.25, 0.0, 63.25, 126.49], gamma=0.1)
    write_seeds("runs/b", [-34.3, 28.9, 92.2, 155.4, 218.7], gamma=0.2)
    text = call("runs")
    assert "5 seeds cannot tell: 92.18 more" in text
    assert "the smallest difference that they would find in 8 of 10 cases is 204" in text
    assert "; about 20 seeds would find 92.18;" in text


def test_few_seeds_may_tell_where_another_comparison_is_significant(call: Callable[..., str]) -> None:
    """The smallest p of 4 and 4 seeds, 0.029, is above 0.05 / 2; Holm asks for 0.05 after the first of two."""
    for gamma, scores in ((0.9, [1.0, 2.0, 3.0, 4.0, 5.0]), (0.99, [101.0, 102.0, 103.0, 104.0, 105.0])):
        write_seeds(f"all/hopper_{gamma}", scores, gamma=gamma, env__name="hopper")
        write_seeds(f"all/walker_{gamma}", [1.0 + gamma, 2.0, 3.0, 4.0], gamma=gamma, env__name="walker")
    text = call("all")
    assert "gamma=0.99 is better than gamma=0.9 on 1 of 2 environments" in text
    assert "4 seeds cannot tell" in text


def test_what_is_not_tested_yet_counts_as_well(call: Callable[..., str]) -> None:
    """The smallest p of 4 and 4 seeds would do for one environment; the other is still to be tested."""
    for gamma, scores in ((0.9, [1.0, 2.0, 3.0, 4.0]), (0.99, [101.0, 102.0, 103.0, 104.0])):
        write_seeds(f"all/hopper_{gamma}", scores, gamma=gamma, env__name="hopper")
        write_seeds(f"all/walker_{gamma}", scores, gamma=gamma, env__name="walker")
    write_run(Path("all/walker_0.99_5"), [0.0], state="running", seed=5, gamma=0.99, env__name="walker")
    call("all")
    tests = {one["environment"]: one["tests"] for one in numbers("all")["comparisons"]}
    assert tests["walker"] is None
    assert tests["hopper"]["p"] == pytest.approx(2 / 70)
    assert tests["hopper"]["adjusted"] == pytest.approx(4 / 70)
    assert (tests["hopper"]["better"], tests["hopper"]["smallest_difference"]) == (False, None)


def test_three_seeds_can_never_tell(call: Callable[..., str]) -> None:
    write_seeds("runs/a", [1.0, 2.0, 3.0], gamma=0.1)
    write_seeds("runs/b", [1001.0, 1002.0, 1003.0], gamma=0.2)
    text = call("runs", "solved=1000")
    assert "no difference is certain on 1 environment" in text
    assert "3 seeds can never tell: 1000.0 more" in text
    assert "has p = 0.1 with so few, and 0.05 is needed; about 4 seeds would find 1000.0" in text
    assert "3 of 3 [29, 100] %" in text
    assert "3 of 3 does not mean always: if up to 63 % of runs fail" in text


def test_baseline_and_many_configurations(call: Callable[..., str]) -> None:
    for place in range(5):
        write_seeds(f"runs/{place}", [place / 10, place / 10 + (-0.5) ** (place % 2 + 1)], gamma=(place + 1) / 10)
    text = call("runs")
    assert "no tests: 5 configurations are 10 pairs" in text
    assert "is the best of 5 and chosen by its score" in text
    assert len(numbers("runs")["comparisons"]) == 0
    call("runs", "baseline=0.2")
    pairs = [(one["first"], one["second"]) for one in numbers("runs")["comparisons"]]
    assert len(pairs) == 4
    assert {second for _, second in pairs} == {"gamma=0.2"}


def test_failed_seeds_count_and_are_named(call: Callable[..., str]) -> None:
    write_seeds("runs/a", [10.0, 11.0, 12.0], gamma=0.1)
    write_seeds("runs/b", [20.0, 21.0], gamma=0.2)
    write_run(Path("runs/b_3"), [0.0], state="failed", seed=3, gamma=0.2)
    text = call("runs", "solved=20")
    assert "gamma=0.2: 1 run that failed (seed 3): counted with the worst value in the environment, 0.00" in text
    assert "2 of 3 [" in text
    text = call("runs", "failed=leave_out")
    assert "left out, so these are the scores of the survivors, which flatter" in text
    assert "and Welch's test where seeds are unequally many" in text


@pytest.mark.parametrize("state", ["running", "waiting"])
def test_a_sweep_that_is_not_finished_gets_no_test(call: Callable[..., str], state: str) -> None:
    write_seeds("runs/a", [10.0, 11.0, 12.0], gamma=0.1)
    write_seeds("runs/b", [20.0, 21.0], gamma=0.2)
    write_run(Path("runs/b_3"), [0.0], state="running", seed=3, gamma=0.2)
    if state == "waiting":
        Path("runs/b_3/status.json").unlink()
        Path("runs/b_3/provenance.json").write_text("[]")
    text = call("runs")
    where = "gamma=0.2 seed 3 (running at 0)" if state == "running" else "1 not started"
    assert f"no test: not finished ({where}): who tests early" in text
    assert numbers("runs")["comparisons"][0]["tests"] is None


def test_over_environments(call: Callable[..., str]) -> None:
    write_sweep()
    text = call("sweep", "low=0", "high.hopper=2000", "high.walker=1000", "high.cheetah=10", "convention=last10")
    assert "scores are normalized by low and high of the command (cheetah 0.00 to 10.00; hopper" in text
    found = numbers("sweep")["over_environments"]["configurations"]["gamma=0.9"]
    expected = 0.75 * np.mean([np.mean(SWEEP["hopper"][0]) / 2000, np.mean(SWEEP["walker"][0]) / 1000, 9 / 10])
    assert found["mean"]["value"] == pytest.approx(expected)


def test_odd_numbers_are_no_obstacle(call: Callable[..., str]) -> None:
    """All values equal, a seed whose last evaluation is NaN, one seed, and different lengths of evaluations."""
    write_seeds("runs/a", [5.0, 5.0, 5.0], gamma=0.1)
    write_seeds("runs/b", [5.0, 5.0, 5.0], gamma=0.2, eval__episodes=3)
    text = call("runs")
    assert "all scores are equal (3 seeds)" in text
    assert "the runs differ in eval.episodes: 1, 3 episodes an evaluation" in text
    write_seeds("one/a", [5.0], gamma=0.1)
    write_seeds("one/b", [6.0, 7.0], gamma=0.2)
    assert "a single seed does not show how much seeds differ (gamma=0.1)" in call("one")
    rows = Path("runs/a_1/metrics.jsonl")
    rows.write_text(rows.read_text().replace('"eval/episodic_return": 5.0', '"eval/episodic_return": null'))
    assert "\n- pendulum: compared at step 100, where gamma=0.1 ends; others went on to 200\n" in call("runs")


def test_other_metrics_and_filters(call: Callable[..., str]) -> None:
    write_sweep()
    for path in Path("sweep").glob("*/metrics.jsonl"):
        path.write_text(path.read_text().replace(RETURN, "losses/qf1_loss"))
    text = call("sweep", "metric=losses/qf1_loss", "env.name=hopper")
    assert "gamma=0.99 is higher than gamma=0.9 on hopper" in text
    assert "walker" not in text


def test_environments_that_are_not_shared(call: Callable[..., str]) -> None:
    write_seeds("runs/a", [1.0, 2.0], gamma=0.1, env__name="halfcheetah-v4")
    write_seeds("runs/b", [3.0, 4.0], gamma=0.2, env__name="halfcheetah-v5")
    write_seeds("runs/c", [3.0, 5.0], gamma=0.3, env__name="halfcheetah-v5")
    text = call("runs")
    assert "no environment has scores of both: " in text
    assert "no environment has all configurations" in text


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("", ["folders come first", "baseline=", "alpha="]),
        ("nope", ["nope"]),
        ("same", ["nothing to compare", "one configuration"]),
        ("runs baseline=gama=0.1", ["baseline=gama=0.1", "did you mean gamma=0.1"]),
        ("runs baseline=gamma", ["several"]),
        ("runs convention=max", ["convention=max", "last10"]),
        ("runs convention=best", ["convention=best is not compared", "last10", "ddpg-eval"]),
        ("runs alpha=0", ["alpha=0"]),
        ("runs failed=drop", ["failed=drop", "leave_out"]),
        ("runs low=0", ["low", "high"]),
        ("runs low=5 high=1", ["low=5", "high=1"]),
        ("runs low=0 high.pendulun=1", ["high", "pendulum"]),
        ("runs metric=eval/episodic_retrun", ["eval/episodic_return"]),
        ("runs convention=training100", ["training100", "no run has"]),
    ],
)
def test_mistakes_are_one_line(call: Callable[..., str], argv: str, words: list[str]) -> None:
    write_seeds("runs/a", [1.0, 2.0], gamma=0.1)
    write_seeds("runs/b", [3.0, 4.0], gamma=0.2)
    write_seeds("same/a", [1.0, 2.0])
    line = call(*argv.split())
    assert line.startswith("ddpg-report: ")
    assert "\n" not in line
    for word in words:
        assert word in line


def test_help_names_every_option(call: Callable[..., str]) -> None:
    text = call("--help")
    for word in ("FOLDER", "baseline=null", "convention=last", "alpha=0.05", "failed=worst", "low=null"):
        assert word in text


def test_returns_of_training_episodes(call: Callable[..., str]) -> None:
    for gamma in (0.1, 0.2):
        for seed in range(5):
            write_run(Path(f"runs/{gamma}_{seed}"), [1.0, 1.0], [gamma, seed / 100], seed=seed, gamma=gamma)
    text = call("runs", f"metric={EPISODES}", "convention=training100")
    assert "last 2 training episodes" in text


def test_different_numbers_of_training_episodes_get_no_test(call: Callable[..., str]) -> None:
    """One rising curve over 1,500 steps in episodes of 10 and of 50 steps: the last 100 of 150, and all of 30."""
    for length, gamma in ((10, 0.1), (50, 0.2)):
        for seed in range(5):
            path = write_run(Path(f"runs/{gamma}_{seed}"), [0.0] * 16, seed=seed, gamma=gamma, total_steps=1500)
            rows = [{"env_step": step, EPISODES: step + seed} for step in range(length, 1501, length)]
            with (path / "metrics.jsonl").open("a") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows)
    text = call("runs", "convention=training100")
    kinds = "last 100 training episodes and last 30 training episodes"
    assert f"no test: they have scores of different conventions, {kinds}" in text
    assert "no environment has all configurations at one step and by one convention" in text
    [found] = numbers("runs")["comparisons"]
    assert (found["tests"], found["improvement"]) == (None, None)


def test_paired_seeds(call: Callable[..., str]) -> None:
    """The seeds differ by thousands, the two runs of a seed by 5 to 12: only pairs show it."""
    write_seeds("runs/a", [1000.0, 2000.0, 3000.0, 4000.0, 5000.0, 6000.0, 7000.0, 8.0], gamma=0.1)
    write_seeds("runs/b", [1005.0, 2007.0, 3008.0, 4012.0, 5009.0, 6010.0, 7006.0], gamma=0.2)
    assert "7 and 8 seeds cannot tell" in call("runs")
    text = call("runs", "paired=true", picture=True)
    assert (
        "gamma=0.2 is better than gamma=0.1 on pendulum (exact sign-flip test of the paired differences, 5 %)" in text
    )
    assert "sign-flip p = 0.016 (exact), paired t p = " in text
    assert "7 pairs of seeds; correlation of the scores in a pair 1.00; the difference of the next pair is in [" in text
    assert (
        "gamma=0.2 against gamma=0.1, 7 pairs of seeds: 7 (1-7) (left out, because the other side has no such run, or "
        "another number: gamma=0.1 1 (8)): better by 8.14" in text
    )
    assert "Holm" not in text  # of a single comparison
    assert "seeds are paired, because the command says so" in text
    [found] = numbers("runs")["comparisons"]
    assert found["seeds"] == [7, 7]
    assert found["improvement"]["probability"] == 1
    assert found["pairing"]["left_out"] == {"gamma=0.1": [8], "gamma=0.2": []}
    differences = np.array([5.0, 7, 8, 12, 9, 10, 6])
    assert found["tests"]["t_test"]["p"] == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)


def test_five_pairs_can_never_tell(call: Callable[..., str]) -> None:
    write_seeds("runs/a", [1.0, 2.0, 3.0, 4.0, 5.0], gamma=0.1)
    write_seeds("runs/b", [101.0, 103.0, 102.0, 105.0, 104.0], gamma=0.2)
    text = call("runs", "paired=true")
    assert "5 paired seeds can never tell: 100.0 more" in text
    assert (
        "even the clearest difference has p = 0.062 with so few, and 0.05 is needed; about 6 paired seeds would" in text
    )
    assert "g of the differences = 1, is found by 6, 10, 20 paired seeds in 35, 80, 99 % of cases at p = 0.05." in text


def test_runs_without_a_partner_get_no_test(call: Callable[..., str]) -> None:
    write_seeds("runs/a", [1.0, 2.0, 3.0], gamma=0.1)
    write_seeds("runs/b", [4.0, 5.0, 6.0], first=4, gamma=0.2)
    text = call("runs", "paired=true")
    assert "no test: no two runs have one seed (gamma=0.2: 3 (4-6); gamma=0.1: 3 (1-3))" in text
    assert numbers("runs")["comparisons"][0]["improvement"] is None
    assert "gamma=0.2 and gamma=0.1: no test; the reason is below" in text
    assert "would find a difference: in 8 of 10" not in text


def test_a_single_pair_is_named_beside_its_difference(call: Callable[..., str]) -> None:
    """The means of the table differ by 22, the two runs of seed 3 by 1."""
    write_seeds("runs/a", [1.0, 2.0, 33.0], gamma=0.1)
    write_seeds("runs/b", [34.0, 35.0, 36.0], first=3, gamma=0.2)
    text = call("runs", "paired=true")
    assert "gamma=0.2 against gamma=0.1, 1 pair of seeds: 1 (3) (left out, because" in text
    assert "gamma=0.2 2 (4, 5), gamma=0.1 2 (1, 2)): 1.00 more on average; no test: only seed 3 makes a pair" in text


def test_a_difference_of_equal_seeds_has_no_interval(call: Callable[..., str]) -> None:
    write_seeds("runs/a", [5.0] * 5, gamma=0.1)
    write_seeds("runs/b", [9.0] * 5, gamma=0.2)
    assert "better by 4.00 (no interval: all seeds of each are equal)" in call("runs")
    write_seeds("pairs/a", [float(seed) for seed in range(6)], gamma=0.1)
    write_seeds("pairs/b", [4.0 + seed for seed in range(6)], gamma=0.2)
    assert "better by 4.00 (no interval: all differences are equal)" in call("pairs", "paired=true")
