"""The picture of a comparison: labels that leave room for it, and the colours of the report."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from matplotlib.figure import Figure
from support.report_runs import RETURN, write_run

from ddpg.report import drawing
from ddpg.report.compare import figure
from ddpg.report.compare.figure import LINE, label
from ddpg.report.compare.options import Options
from ddpg.report.compare.result import result
from ddpg.report.metric import Metric
from ddpg.report.reading import read_runs
from ddpg.report.samples import samples


def test_long_names_are_broken_into_lines() -> None:
    names = ["study=pendulum actor.lr=0.0002705 critic.lr=0.0006436 tau=0.0214", "ddpg_td3"]
    lines = label(SimpleNamespace(environment="pendulum", pair=names)).splitlines()  # type: ignore[arg-type]
    assert lines[0] == "pendulum"
    assert lines[-1] == "minus ddpg_td3"
    assert " ".join(lines[1:-1]) == names[0]
    assert max(map(len, lines)) <= LINE


def test_a_configuration_has_one_look_in_all_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three configurations, the last of which is the best; one environment lacks the first."""
    for name, gammas in (("hopper", (0.1, 0.2, 0.3)), ("walker", (0.2, 0.3))):
        for gamma in gammas:
            for seed in (1, 2):
                keys = {"env__name": name, "gamma": gamma, "seed": seed}
                write_run(tmp_path / f"{name}{gamma}{seed}", [0.0, gamma + seed], **keys)
    drawn: list[Figure] = []

    @contextmanager
    def in_memory(*paths: Path, **size: Any) -> Iterator[Figure]:
        drawn.append(Figure())
        yield drawn[-1]

    monkeypatch.setattr(drawing, "picture", in_memory)
    monkeypatch.setattr(figure, "picture", in_memory)
    drawing.draw(samples(read_runs([tmp_path], Metric(RETURN)), Metric(RETURN)), Metric(RETURN), tmp_path)
    figure.draw(result([tmp_path], Options(), {}), tmp_path / "compare.png")
    looks = [
        {str(line.get_label()).split()[0]: (line.get_color(), line.get_linestyle()) for line in one.axes[0].lines}
        for one in drawn
    ]
    hopper, walker, profiles = [{label: look for label, look in one.items() if "gamma" in label} for one in looks]
    assert [len(one) for one in (hopper, walker, profiles)] == [3, 2, 3]
    assert hopper == profiles == hopper | walker
    differences = drawn[-1].axes[1].lines[1::2]
    assert {line.get_color() for line in differences} == {hopper[name][0] for name in ("gamma=0.3", "gamma=0.2")}
