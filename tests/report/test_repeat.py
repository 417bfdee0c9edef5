"""The command that trains a run again is that of this run, or there is none."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.report_runs import write_run

from ddpg.report.reading import RunRecord, find_runs
from ddpg.report.repeat import Repeat, repeat


def started(folder: Path, *starts: Mapping[str, Any], **keys: Any) -> RunRecord:
    """Return the record of a run that was started in these ways."""
    write_run(folder, [1.0], **keys)
    (folder / "provenance.json").write_text(json.dumps(starts))
    [record] = find_runs([folder])
    return record


def test_a_run_that_was_extended_is_repeated_to_its_end(tmp_path: Path) -> None:
    first = {"overrides": ["env=pendulum", "total_steps=100", "++env.kwargs.names=[a b]"]}
    record = started(tmp_path / "a", first, {"overrides": ["resume=a", "total_steps=300"]})
    assert repeat(record).command == "ddpg-train env=pendulum total_steps=300 'env.kwargs.names=[a b]'"


def test_steps_that_nobody_typed_are_named(tmp_path: Path) -> None:
    """A population sets them for its members, and the usual number may change."""
    record = started(tmp_path / "a", {"overrides": ["env=pendulum"]}, total_steps=200)
    assert repeat(record).command == "ddpg-train env=pendulum total_steps=200"
    record = started(tmp_path / "b", {"overrides": ["env=pendulum"]}, total_steps=200, eval={"seed": 7})
    assert repeat(record).command == "ddpg-train env=pendulum total_steps=200 eval.seed=7"


def test_own_config_groups_are_found_again(tmp_path: Path) -> None:
    first = {"overrides": ["env=my_robot", "logger=none"], "config_dir": "../my conf"}
    record = started(tmp_path / "a", first, {"overrides": ["resume=a"]})
    assert repeat(record).command == "ddpg-train --config-dir '../my conf' env=my_robot logger=none total_steps=300"
    assert repeat(record, public=True).command == "ddpg-train --config-dir 'my conf' env=my_robot total_steps=300"


@pytest.mark.parametrize(
    "starts", [[], [{"command": "ddpg-train"}], [{"overrides": []}], [{"overrides": ["resume=a"]}]]
)
def test_a_run_without_words_has_no_command(tmp_path: Path, starts: list[Mapping[str, Any]]) -> None:
    """As one that Python trained from a config: the command would train the defaults."""
    why = "the words that it began with are not on record"
    assert repeat(started(tmp_path / "a", *starts)) == Repeat("", why)


def test_a_trial_of_a_study_and_a_fork_have_none(tmp_path: Path) -> None:
    trial = started(tmp_path / "a", {"overrides": ["env=pendulum", "+study=pendulum", "gamma=0.9"]})
    assert repeat(trial) == Repeat("", "+study=pendulum may start more than this run")
    forked = {"configuration": "8d93be39", "env_step": 100}
    fork = started(tmp_path / "b", {"overrides": ["env=pendulum"]}, fork="outputs/source", forked=forked)
    assert repeat(fork) == Repeat("", "it continues another run")
