"""ddpg-report from what is compared to scores, the table and the pictures."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from support.report_runs import RETURN, sample, write_run

from ddpg.report.drawing import curve, look, marked
from ddpg.report.metric import Metric
from ddpg.report.statistics import ENOUGH, Estimates, conventions, iqm, max_of_mean
from ddpg.report.text import number, seed_list
from ddpg.report.write import write_report


def test_max_of_mean_gives_the_table_of_td3() -> None:
    """Trap 21: 9636.95 ± 859.07 for HalfCheetah in Table 1 of Fujimoto et al. 2018, from the curves they published."""
    with gzip.open(Path(__file__).parents[1] / "data" / "td3_halfcheetah.txt.gz", "rt") as file:
        curves = sample(np.loadtxt(file))
    assert curves.values.shape == (10, 201)
    scores = {score.convention: score for score in Estimates(100).scores(curves, Metric(RETURN))}
    published = scores["max of the mean evaluation"]
    assert published.mean == pytest.approx(9636.95, abs=0.01)
    assert published.std == pytest.approx(859.07, abs=0.01)
    assert published.step == 100 * 195
    assert scores["last evaluation"].mean < published.mean - 20  # the other conventions say something else
    assert scores["last 10 evaluations"].mean < published.mean - 20


def test_max_of_mean_is_no_mean_of_maxima() -> None:
    """Trap 21: the place is chosen once, for all seeds."""
    assert max_of_mean(np.array([[9.0, 5.0, 0.0], [0.0, 5.0, 8.0]])) == 1


def test_iqm_by_hand() -> None:
    assert iqm(np.array([100.0, 2.0, 3.0, -50.0])) == 2.5
    assert iqm(np.array([1.0, 2.0, 9.0])) == 4.0
    assert iqm(np.array([8, 7, 100, 1, 2, 5, 6, -100.0])) == (2 + 5 + 6 + 7) / 4


def test_conventions_by_hand() -> None:
    evaluations = np.arange(12.0)
    one = sample([evaluations, 2 * evaluations - 30 * (evaluations == 11)], [[0, *[1] * 100], [5] * 120])
    told = {name: (step, values.tolist()) for _, name, step, values in conventions(one, Metric(RETURN))}
    assert told == {
        "last evaluation": (1100, [11, -8]),
        "last 10 evaluations": (1100, [6.5, 10.0]),
        "max of the mean evaluation": (1000, [10, 20]),
        "last 100 training episodes": (1100, [1, 5]),
    }


def test_conventions_of_short_runs_say_how_much_there_was() -> None:
    names = [name for _, name, _, _ in conventions(sample([[1, 2, 3], [1, 2, 3]], [[1, 2], [1, 2, 3]]), Metric(RETURN))]
    assert names == [
        "last evaluation", "last 3 evaluations", "max of the mean evaluation", "last 2 training episodes",
    ]  # fmt: skip
    names = [name for _, name, _, _ in conventions(sample([[1], [1]], [[], [1]]), Metric(RETURN))]
    assert names == ["last evaluation", "max of the mean evaluation"]


def test_only_what_a_metric_has_is_told() -> None:
    """The returns of training episodes are no values of a loss, and its largest is not its best."""
    curves = sample([[1, 2, 3], [1, 2, 3]], [[1, 2], [1, 2, 3]])
    for metric, names in (
        ("losses/qf1_loss", ["last value", "last 3 values"]),
        ("eval/episodic_length", ["last evaluation", "last 3 evaluations"]),
        ("charts/episodic_length", ["last 2 training episodes"]),
        ("charts/episodic_return", ["last 2 training episodes"]),
    ):
        assert [name for _, name, _, _ in conventions(curves, Metric(metric))] == names


def test_no_interval_for_fewer_than_three_seeds() -> None:
    estimates = Estimates(50)
    assert estimates.interval(np.array([[1.0], [2.0]])) is None
    bounds = estimates.interval(np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]]))
    assert bounds is not None
    assert bounds.shape == (2, 2)
    assert (bounds[0] < [7 / 3, 70 / 3]).all()
    assert (bounds[1] > [7 / 3, 70 / 3]).all()


def test_interval_of_three_seeds_against_all_resamples() -> None:
    """27 resamples of (0, 3, 6): the mean is 0 or 6 in 1 of 27 each, more than 2.5 %; so the bounds are 0 and 6."""
    bounds = Estimates(4000).interval(np.array([[0.0], [3.0], [6.0]]))
    assert bounds is not None
    assert bounds[:, 0].tolist() == [0, 6]


def test_bounds_of_a_curve_are_from_the_same_seeds_at_every_step() -> None:
    values = np.random.default_rng(3).normal(size=(3, 1))
    bounds = Estimates(30).interval(np.tile(values, 50))
    assert bounds is not None
    assert (bounds == bounds[:, :1]).all()


def test_intervals_are_repeatable_and_leave_the_global_generator_alone() -> None:
    values = np.random.default_rng(0).normal(size=(6, 4))
    np.random.seed(5)
    expected = np.random.random(3)
    np.random.seed(5)
    first = Estimates(200).interval(values)
    np.testing.assert_array_equal(np.random.random(3), expected)
    np.testing.assert_array_equal(Estimates(200).interval(values), first)


@pytest.mark.parametrize("seeds", range(1, 13))
def test_the_same_numbers_as_rliable(seeds: int) -> None:
    """Agarwal et al. 2021, whose package needs pandas and statsmodels; both draw the same resamples."""
    library = pytest.importorskip("rliable.library")
    metrics = pytest.importorskip("rliable.metrics")
    values = np.random.default_rng(seeds).normal(size=(seeds, 1))
    np.random.seed(0)
    points, bounds = library.get_interval_estimates(
        {"": values}, lambda x: np.array([metrics.aggregate_iqm(x)]), reps=300
    )
    np.testing.assert_allclose(iqm(values), points[""], rtol=1e-14)
    own = Estimates(300).interval(values)
    assert (own is None) == (seeds < ENOUGH)
    if own is not None:
        np.testing.assert_allclose(own, bounds[""], rtol=1e-14)


# Table and pictures


def test_table_by_hand(tmp_path: Path) -> None:
    for seed, last in ((1, 10.0), (2, 20.0), (3, 30.0), (4, 80.0)):
        write_run(tmp_path / f"ou{seed}", [0.0, 90.0, 50.0, last], [seed] * 3, seed=seed)
    for seed in (1, 2):
        write_run(tmp_path / f"g{seed}", [0.0, 1.0, 2.0, 3.0 * seed], seed=seed, gamma=0.5)
    text = write_report([tmp_path], tmp_path / "out", RETURN, 500, None)
    table = {(row[0], row[1]): row[2:] for row in table_of(text)}
    # 13 of 256 resamples have the same seed 3 or 4 times, so that it is both of the middle two
    assert table["last evaluation", "gamma=0.99"] == ["4 (1-4)", "300", "25.00", "[10.00, 80.00]", "35.00 ± 26.93"]
    assert table["last evaluation", "gamma=0.5"] == ["2 (1, 2)", "300", "4.50", "- (2 seeds)", "4.50 ± 1.50"]
    assert table["last 4 evaluations", "gamma=0.99"][2] == "41.25"
    assert table["max of the mean evaluation", "gamma=0.99"] == [
        "4 (1-4)", "100", "90.00", "[90.00, 90.00]", "90.00 ± 0.00",
    ]  # fmt: skip
    assert table["last 3 training episodes", "gamma=0.99"][-1] == "2.50 ± 1.12"
    assert ("last 3 training episodes", "gamma=0.5") not in table
    assert len({len(line) for line in text.splitlines() if line[:1] == "|"}) == 1  # aligned
    written = (tmp_path / "out" / "report.md").read_text()
    assert "![eval/episodic_return of pendulum](pendulum.png)" in written
    assert "![" not in text
    assert set(text.splitlines()[:-1]) <= set(written.splitlines())


def table_of(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line[:1] == "|"]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_seeds_that_failed_are_in_the_table(tmp_path: Path) -> None:
    """3 of 6 count; of these two end at 90 or above; the one that failed is not solved, those that run may yet be."""
    for seed, last in enumerate((95.0, 90.0, 10.0), start=1):
        write_run(tmp_path / f"{seed}", [0.0, last], seed=seed)
    for seed, state in enumerate(("failed", "running", "interrupted"), start=4):
        write_run(tmp_path / f"{seed}", [99.0], seed=seed, state=state)
    text = write_report([tmp_path], tmp_path / "out", RETURN, 50, 90.0)
    table = {row[0]: row[2:] for row in table_of(text)}
    assert table["convention"][-1] == "solved (at least 90)"
    assert (table["last evaluation"][0], table["last evaluation"][-1]) == ("3 of 6 (1-3)", "2 of 4")
    assert table["last 2 evaluations"][-1] == ""
    assert "- 3 of 6 seeds reached step 100; failed: seed 4 (failed at 0); still running" in text  # no label "-"


def test_conventions_stand_in_one_order_whatever_a_configuration_lacks(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1.0], gamma=0.1)  # has neither a second evaluation nor a training episode
    write_run(tmp_path / "b", [1.0, 2.0, 3.0], [1.0], gamma=0.2)
    write_run(tmp_path / "c", [1.0, 2.0], [1.0, 2.0], gamma=0.3)
    text = write_report([tmp_path], tmp_path / "out", RETURN, 50, None)
    assert [(row[0], row[1][-3:]) for row in table_of(text)[2:]] == [
        ("last evaluation", "0.1"), ("last evaluation", "0.2"), ("last evaluation", "0.3"),
        ("last 3 evaluations", "0.2"), ("last 2 evaluations", "0.3"),
        ("max of the mean evaluation", "0.1"), ("max of the mean evaluation", "0.2"),
        ("max of the mean evaluation", "0.3"),
        ("last 1 training episode", "0.2"), ("last 2 training episodes", "0.3"),
    ]  # fmt: skip
    assert "- not the same number of steps in all configurations: their last one is at 0 to 200 (column step)" in text


def test_nothing_in_common_is_told(tmp_path: Path) -> None:
    for seed in (1, 2):
        path = write_run(tmp_path / f"{seed}", [1.0, 2.0], seed=seed) / "metrics.jsonl"
        path.write_text(path.read_text().split("\n")[seed - 1] + "\n")
    text = write_report([tmp_path], tmp_path / "out", RETURN, 50, 90.0)
    assert "\n- not compared: there is no step at which all its seeds have a finite value\n" in text
    assert "written: " in text


def test_a_picture_for_each_environment(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        for name in ("pendulum", "cart/pole 2"):
            for gamma in (0.5, 0.99):
                folder = tmp_path / f"{name[:3]}{seed}{gamma}"
                write_run(folder, [gamma, seed, 3.0, 4.0], env__name=name, seed=seed, gamma=gamma)
    write_report([tmp_path], tmp_path / "out", RETURN, 50, None)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"report.md", "pendulum.png", "cart_pole_2.png"}
    for path in (tmp_path / "out").glob("*.png"):
        pixels = np.round(255 * imread(path)[..., :3])
        for color in ((0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)):  # a line for each of the two configurations
            assert (pixels == color).all(axis=-1).sum() > 100


@pytest.mark.parametrize("configurations", [1, 2, 9])
@pytest.mark.filterwarnings("error")
def test_pictures_of_any_number_of_lines(tmp_path: Path, configurations: int) -> None:
    for i in range(configurations):
        write_run(tmp_path / f"{i}", [1.0, 2.0, 3.0, i], gamma=i / 10)
        write_run(tmp_path / f"{i}b", [1.0, 5.0], state="failed", seed=2, gamma=i / 10)
    write_report([tmp_path], tmp_path / "out", RETURN, 50, None)
    assert imread(tmp_path / "out" / "pendulum.png")[..., :3].std() > 0.01


def test_lines_look_different() -> None:
    assert len({look(place)[:2] for place in range(21)}) == 21


def test_lines_on_each_other_are_marked_at_steps_of_their_own() -> None:
    places = [set(range(21)[start::every]) for start, every in (marked(21, place, 4) for place in range(4))]
    assert sum(map(len, places)) == len(set.union(*places)) == 21
    assert marked(1, 3, 4) == (0, 1)


@pytest.mark.parametrize(("seeds", "lines"), [(1, 1), (3, 4), (5, 6), (6, 1)])
def test_few_seeds_are_drawn_each(seeds: int, lines: int) -> None:
    """A mean of 93, 93 and -99.9 is at 28.9, where no seed is."""
    axes = Figure().add_subplot()
    one = sample([[0.0, value] for value in ([93.0, 93.0, -99.9, 1.0, 2.0, 3.0])[:seeds]])
    curve(axes, one, look(0), Estimates(20), 0.1, [one])
    assert len(axes.lines) == lines
    assert {line.get_color() for line in axes.lines} == {look(0)[0]}


def test_seeds_and_numbers_are_short() -> None:
    assert [seed_list(s) for s in ((), (3,), (1, 2), (1, 2, 3, 7))] == ["0", "1 (3)", "2 (1, 2)", "4 (1-3, 7)"]
    assert [number(v) for v in (0.0, 1234.56, -12.345, 0.0012345)] == ["0.00", "1234.6", "-12.35", "0.00123"]
