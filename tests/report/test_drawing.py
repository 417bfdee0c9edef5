"""The pictures of a report."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from support.report_runs import sample, write_run

from ddpg.report.drawing import draw_curve, look, looks_of, marker_places
from ddpg.report.view import View
from ddpg.report.write import write_report


def test_a_picture_for_each_environment(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        for name in ("pendulum", "cart/pole 2"):
            for gamma in (0.5, 0.99):
                folder = tmp_path / f"{name[:3]}{seed}{gamma}"
                write_run(folder, [gamma, seed, 3.0, 4.0], env__name=name, seed=seed, gamma=gamma)
    write_report([tmp_path], tmp_path / "out", View(), "")
    pictures = {f"{name}.{kind}" for name in ("pendulum", "cart_pole_2") for kind in ("png", "svg", "pdf")}
    tables = {f"{name}.{kind}" for name in ("runs", "curves") for kind in ("csv", "parquet")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"report.md", "index.html", *pictures, *tables}
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
    write_report([tmp_path], tmp_path / "out", View(), "")
    assert imread(tmp_path / "out" / "pendulum.png")[..., :3].std() > 0.01


def test_lines_look_different() -> None:
    assert len({look(place)[:2] for place in range(21)}) == 21


def test_looks_are_given_in_natural_order() -> None:
    labels = ["n=128", "Norm=y", "n=64", "sigma=0.05", "sigma=-1", "sigma=1e-3"]
    assert list(looks_of(labels)) == ["n=64", "n=128", "Norm=y", "sigma=-1", "sigma=1e-3", "sigma=0.05"]
    assert list(looks_of(labels).values()) == [look(place) for place in range(6)]


def test_lines_on_each_other_are_marked_at_steps_of_their_own() -> None:
    places = [set(range(21)[start::every]) for start, every in (marker_places(21, place, 4) for place in range(4))]
    assert sum(map(len, places)) == len(set.union(*places)) == 21
    assert marker_places(1, 3, 4) == (0, 1)


@pytest.mark.parametrize(("seeds", "lines"), [(1, 1), (3, 4), (9, 10), (10, 1)])
def test_few_seeds_are_drawn_each(seeds: int, lines: int) -> None:
    """A mean of 93, 93 and -99.9 is at 28.9, where no seed is."""
    axes = Figure().add_subplot()
    one = sample([[0.0, value] for value in ([93.0, 93.0, -99.9, *range(7)])[:seeds]])
    draw_curve(axes, one, look(0), 0.1, [one])
    assert len(axes.lines) == lines
    assert {line.get_color() for line in axes.lines} == {look(0)[0]}
