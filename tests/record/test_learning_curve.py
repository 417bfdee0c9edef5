"""learning_curve.png from every kind of record."""

import math
import os
import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib
import pytest
from matplotlib.image import imread

from ddpg.record.learning_curve import learning_curve
from ddpg.record.tracking.metrics import encode_row

TRAINED = [{"env_step": 200 * i, "charts/episodic_return": -1000.0 / i} for i in range(1, 60)]
EVALUATED = [
    {"env_step": 1000 * i, "eval/episodic_return": -900.0 / i, "eval/episodic_return_std": 50.0} for i in range(1, 12)
]
NAN = {"env_step": 7, "charts/episodic_return": math.nan, "eval/episodic_return": math.nan}
RECORDS = {
    "whole": TRAINED + EVALUATED,
    "no evaluation": TRAINED,
    "no episode": EVALUATED,
    "one row": TRAINED[:1],
    "one evaluation": EVALUATED[:1],
    "losses only": [{"env_step": 1000, "losses/qf1_loss": 1.0}],
    "nan among others": [NAN, *TRAINED, NAN],
    "nan alone": [NAN],
    "spread is nan": [{**row, "eval/episodic_return_std": math.nan} for row in EVALUATED],
    "empty": [],
}


@pytest.mark.parametrize("name", RECORDS)
def test_every_record_gives_a_picture(tmp_path: Path, name: str) -> None:
    (tmp_path / "metrics.jsonl").write_bytes(b"".join(map(encode_row, RECORDS[name])) + b'{"env_st')
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = tmp_path / "learning_curve.png"
        learning_curve(tmp_path, "Pendulum-v1, seed 1", path)
    picture = imread(path)
    assert picture.shape[:2] == (675, 1200)
    assert picture[..., :3].std() > 0.01  # not blank
    assert [file.name for file in tmp_path.glob("*.png")] == ["learning_curve.png"]
    assert not list(tmp_path.glob(".*"))


def test_run_folder_without_a_record(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.png"
    learning_curve(tmp_path, "not started", path)
    assert path.exists()


def test_pyplot_is_not_needed() -> None:
    """pyplot keeps every figure, and looks for a display."""
    code = "import ddpg.record.learning_curve, sys; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a picture that was drawn by matplotlib's default style."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "metrics.jsonl").write_bytes(b"".join(map(encode_row, RECORDS["whole"])))
    learning_curve(folder, "title", folder / "learning_curve.png")
    return folder


@pytest.mark.parametrize("changed", [{"text.usetex": True}, {"font.size": 30, "savefig.dpi": 20}, {"axes.grid": True}])
def test_the_user_s_style_does_not_count(plain: Path, changed: dict[str, object]) -> None:
    picture = plain / "learning_curve.png"
    before = picture.read_bytes()
    with matplotlib.rc_context(changed):
        learning_curve(plain, "title", picture)
        assert {key: matplotlib.rcParams[key] for key in changed} == changed
    assert picture.read_bytes() == before


@pytest.mark.parametrize("title", ["a$_{$b", "$\\frac{$", "100 % of $5$", "\\alpha_{^", "<b>|</b>", "\t{}%s", "環境"])
@pytest.mark.filterwarnings("error")
def test_a_title_is_text(plain: Path, title: str) -> None:
    learning_curve(plain, title, plain / "titled.png")


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "tkagg"])
def test_a_backend_of_the_user_s_counts_for_the_user_s_pictures_alone(plain: Path, backend: str) -> None:
    code = f"""
import os, sys
from pathlib import Path
from ddpg.record.pictures import optional_pictures
with optional_pictures("picture"):
    from ddpg.record.learning_curve import learning_curve
    learning_curve(Path({str(plain)!r}), {backend!r}, Path({str(plain / "learning_curve.png")!r}))
import matplotlib
assert os.environ["MPLBACKEND"] == {backend!r} == matplotlib.rcParams["backend"]
"""
    before = (plain / "learning_curve.png").read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"MPLBACKEND": backend}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (plain / "learning_curve.png").read_bytes() != before
