"""learning_curve.png from every kind of record."""

import math
import subprocess
import sys
import warnings
from pathlib import Path

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
        path = learning_curve(tmp_path, "Pendulum-v1, seed 1")
    assert path == tmp_path / "learning_curve.png"
    picture = imread(path)
    assert picture.shape[:2] == (675, 1200)
    assert picture[..., :3].std() > 0.01  # not blank
    assert [file.name for file in tmp_path.glob("*.png")] == ["learning_curve.png"]
    assert not list(tmp_path.glob(".*"))


def test_run_folder_without_a_record(tmp_path: Path) -> None:
    assert learning_curve(tmp_path, "not started").exists()


def test_pyplot_is_not_needed() -> None:
    """pyplot keeps every figure, and looks for a display."""
    code = "import ddpg.record.learning_curve, sys; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
