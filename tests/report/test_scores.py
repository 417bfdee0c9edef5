"""The final score of a single run."""

from pathlib import Path

from support.report_runs import RETURN, write_run

from ddpg.report.metric import Metric
from ddpg.report.reading import read_runs
from ddpg.report.samples import samples
from ddpg.report.scores import averaged, scores
from ddpg.report.statistics import conventions


def test_a_run_has_the_score_that_enters_the_table(tmp_path: Path) -> None:
    """The page shows single runs, report.md their mean: both average equally many episodes, however many a run has."""
    metric = Metric(RETURN)
    write_run(tmp_path / "a", [0.0, 1.0, 2.0], [10.0, 20.0, 60.0], seed=1)
    write_run(tmp_path / "b", [0.0, 3.0, 5.0], [5.0, 7.0], seed=2)
    [both] = samples(read_runs([tmp_path], metric), metric)
    table = {rank: values.tolist() for rank, _, _, values in conventions(both, metric)}
    mine = [scores(run, both, metric) for run in both.counted]
    assert [one["last"] for one in mine] == table[0] == [2.0, 5.0]
    assert [one["last10"] for one in mine] == table[1] == [1.5, 4.0]
    assert [one["training100"] for one in mine] == table[3] == [40.0, 6.0]
    counts = {"last10": 2, "training100": 2}  # the names promise 10 and 100
    assert [averaged(run, both, metric) for run in both.counted] == [counts, counts]
