"""metrics.jsonl is written and read without loss; means of losses."""

import json
import math
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

from ddpg.errors import UserError
from ddpg.record.tracking.metrics import Means, encode_row, make_row, read_metrics


def test_floats_come_back_bit_for_bit(tmp_path: Path) -> None:
    generator = random.Random(0)
    values = [generator.uniform(-1, 1) * 10.0 ** generator.randint(-300, 300) for _ in range(500)]
    path = tmp_path / "metrics.jsonl"
    with path.open("wb") as file:
        for step, value in enumerate(values):
            row = make_row(step, {"x": value, "single": np.float32(value % 1), "count": np.int64(step)})
            file.write(encode_row(row))
    rows = read_metrics(path)
    assert [row["x"] for row in rows] == values
    assert [row["single"] for row in rows] == [float(np.float32(value % 1)) for value in values]
    assert [(row["env_step"], row["count"]) for row in rows] == [(i, i) for i in range(500)]
    assert list(rows[0]) == ["env_step", "x", "single", "count"]


def test_what_json_lacks_is_null_and_read_as_nan(tmp_path: Path) -> None:
    line = encode_row({"env_step": 1, "nan": math.nan, "inf": math.inf})
    (tmp_path / "metrics.jsonl").write_bytes(line)
    assert json.loads(line, parse_constant=pytest.fail) == {"env_step": 1, "nan": None, "inf": None}
    (row,) = read_metrics(tmp_path / "metrics.jsonl")
    assert math.isnan(row["nan"])
    assert math.isnan(row["inf"])


@pytest.mark.parametrize("tail", [b'{"env_step": 3, "x', b'{"env_step": 3}', b"\0\0\0\0\n", b"\xff\xfe\n", b""])
def test_torn_last_line_is_ignored(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"env_step": 1}\n{"env_step": 2}\n' + tail)
    assert [row["env_step"] for row in read_metrics(path)] == [1, 2]


def test_damage_inside_is_an_error_that_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"env_step": 1}\nrubbish\n{"env_step": 2}\n')
    with pytest.raises(UserError, match=r"metrics\.jsonl, line 2 "):
        read_metrics(path)
    assert read_metrics(tmp_path / "absent.jsonl") == []


def test_reading_needs_no_sinks() -> None:
    """Reports and pictures read the record of thousands of runs, and send it nowhere."""
    code = """
        import sys
        from ddpg.record.tracking import read_metrics
        unwanted = ("tqdm", "torch", "wandb", "tensorboard", "ddpg.record.tracking.wandb_sink")
        print(*(name for name in unwanted if name in sys.modules))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


class TestMeans:
    def test_means_and_a_fresh_start(self) -> None:
        means = Means()
        for a, b in ((1.0, 4), (3.0, 8)):
            means.add({"a": a, "b": b})
        means.add({"a": 5.0})
        assert means.pop() == {"a": 3.0, "b": 6.0}
        assert means.pop() == {}

    def test_of_numbers_of_numpy(self) -> None:
        """As `after_update` of a noise may return them: neither floats nor changed in place."""
        means = Means()
        for value in (1.0, 3.0, 5.0):
            means.add({"a": np.float32(value)})
        assert means.pop() == {"a": 3.0}

    def test_of_tensors_that_are_written_over(self) -> None:
        """What the next update writes over its predecessor's loss does not change the sum."""
        means, loss = Means(), torch.zeros(())
        for value in (1.0, 2.0, 6.0):
            loss.fill_(value)
            means.add({"loss": loss})
        loss.fill_(99.0)
        assert means.pop() == {"loss": 3.0}

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_resumed_sums_are_the_same_to_the_last_bit(self, dtype: torch.dtype) -> None:
        one, values = Means(), torch.rand(9, generator=torch.Generator().manual_seed(1), dtype=dtype)
        other = Means()
        for value in values[:5]:
            one.add({"loss": value})
        other.load_state_dict(one.state_dict())
        for value in values[5:]:
            one.add({"loss": value})
            other.add({"loss": value})
        assert one.pop() == other.pop()
