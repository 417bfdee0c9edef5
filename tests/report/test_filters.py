"""Runs are chosen and grouped in Hydra's words."""

from itertools import compress
from pathlib import Path

import numpy as np
import pytest
from support.report_runs import RETURN, write_run

from ddpg.errors import UserError
from ddpg.report.filters import chosen, resolved
from ddpg.report.payload import Report, read_report
from ddpg.report.reading import RunRecord, find_runs
from ddpg.report.view import View

CHOICES = {"noise": "ou", "preset": None}


@pytest.fixture
def records(tmp_path: Path) -> list[RunRecord]:
    """Four configurations: two noises, two learning rates, one of which has hidden layers of its own."""
    for noise in ("ou", "gaussian"):
        for rate in (0.001, 0.0003):
            write_run(
                tmp_path / f"{noise}{rate}", [1.0, 2.0], choices={**CHOICES, "noise": noise},
                optimizer__actor__lr=rate, hidden=[256, 256] if rate == 0.001 else [8], noise__sigma=len(noise) / 10,
            )  # fmt: skip
    return find_runs([tmp_path])


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, "gaussian0.0003 gaussian0.001 ou0.0003 ou0.001"),
        ({"noise": "ou"}, "ou0.0003 ou0.001"),
        ({"optimizer.actor.lr": "1e-3"}, "gaussian0.001 ou0.001"),
        ({"optimizer.actor.lr": "1e-3,3e-4", "noise": "[ou]"}, "ou0.0003 ou0.001"),
        ({"hidden": "[256, 256]", "noise": "ou"}, "ou0.001"),
        ({"seed": "1", "noise": "gaussian,ou", "hidden": "[8]"}, "gaussian0.0003 ou0.0003"),
    ],
)
def test_values_are_meant_and_not_spelled(records: list[RunRecord], filters: dict[str, str], names: str) -> None:
    kept = [record.folder.path.name for record in compress(records, chosen(records, resolved(records, filters)))]
    assert " ".join(sorted(kept)) == names


def test_an_environment_that_was_named_by_its_id_alone_is_no_default(tmp_path: Path) -> None:
    """Records of before have the default option there, which the id was typed over."""
    for env_id in ("Pendulum-v1", "Swimmer-v5", "BipedalWalker-v3"):
        write_run(tmp_path / env_id, [1.0], choices={"env": "pendulum"}, env={"name": env_id, "id": env_id})
    records = find_runs([tmp_path])
    for option, env_id in (("pendulum", "Pendulum-v1"), ("gym", "Swimmer-v5"), ("bipedalwalker", "BipedalWalker-v3")):
        kept = compress(records, chosen(records, resolved(records, {"env": option})))
        assert [record.folder.path.name for record in kept] == [env_id]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"noise": "uo"}, "noise=uo is in no run; did you mean ou"),
        ({"nois": "ou"}, "nois=ou: .* did you mean noise"),
        ({"noise": "ou", "noise.sigma": "0.8"}, "none with all of them"),
    ],
)
def test_mistakes_name_what_there_is(records: list[RunRecord], filters: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        resolved(records, filters)


def report_of(tmp_path: Path, **view: object) -> Report:
    """Report four seeds: two of each of two learning rates, with one noise."""
    for seed, rate, last in ((1, 0.1, 10.0), (2, 0.1, 20.0), (1, 0.2, 40.0), (2, 0.2, 70.0)):
        write_run(tmp_path / f"{rate}{seed}", [0.0, last], seed=seed, optimizer__actor__lr=rate, choices=CHOICES)
    return read_report([tmp_path], View(**view), "")  # type: ignore[arg-type]


def test_a_group_has_every_run_that_counts(tmp_path: Path) -> None:
    [one] = report_of(tmp_path, group_by=("noise",)).samples
    assert (one.configuration, one.seeds) == ("noise=ou", (1, 2, 1, 2))
    assert np.array_equal(one.values[:, -1], [10.0, 20.0, 40.0, 70.0])
    assert "the mean of 2 configurations" in one.notes[-1]


def test_the_page_has_all_runs_and_the_choice(tmp_path: Path) -> None:
    report = report_of(tmp_path, filters={"optimizer.actor.lr": "0.2"}, metric=RETURN)
    assert len(report.payload["runs"]) == 4
    assert report.payload["view"]["filters"] == {"optimizer.actor.lr": "0.2"}
    [one] = report.samples
    assert np.array_equal(one.values[:, -1], [40.0, 70.0])
