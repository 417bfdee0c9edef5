"""learning_curve.png from every kind of record."""

import math
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from ddpg.record.plot import learning_curve, moving_mean, series, short_number
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
        path = learning_curve(tmp_path, "Pendulum-v1, seed 1")
    assert path == tmp_path / "learning_curve.png"
    picture = imread(path)
    assert picture.shape[:2] == (675, 1200)
    assert picture[..., :3].std() > 0.01  # not blank
    assert [file.name for file in tmp_path.glob("*.png")] == ["learning_curve.png"]
    assert not list(tmp_path.glob(".*"))


def test_run_folder_without_a_record(tmp_path: Path) -> None:
    assert learning_curve(tmp_path, "not started").exists()


def test_series_skips_rows_without_the_metric() -> None:
    steps, mean, std = series([*TRAINED, *EVALUATED, NAN], "eval/episodic_return", "eval/episodic_return_std")
    assert steps.tolist() == [1000.0 * i for i in range(1, 12)]
    assert mean[1] == -450.0
    assert set(std) == {50.0}


def test_moving_mean_against_its_definition() -> None:
    values = np.random.default_rng(0).normal(size=30)
    wanted = [values[max(0, i - 6) : i + 1].mean() for i in range(30)]
    np.testing.assert_allclose(moving_mean(values, 7), wanted)


def test_numbers_on_the_axis() -> None:
    assert [short_number(n) for n in (0, 500, 20000, 2500, 1.5e6)] == ["0", "500", "20k", "2.5k", "1.5M"]


def test_pyplot_is_not_needed() -> None:
    import subprocess

    code = "import ddpg.record.plot, sys; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
