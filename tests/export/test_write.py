"""An exported folder appears whole or not at all, and says what was found."""

import json
import logging
import random
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from support.command_line import user_error
from support.stored_runs import stored_run

from ddpg.distribution import install_hint
from ddpg.export import proof
from ddpg.export.formats import onnx_metadata
from ddpg.export.write import export
from ddpg.policies import Description, Policy, load
from ddpg.policies.reading import read_description, sha256
from ddpg.record.run_folder import RunFolder
from ddpg.run.playing import open_playable, play


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return stored_run(tmp_path_factory.mktemp("runs") / "run")


def written(run: RunFolder, out: Path, *formats: str, episodes: int = 1) -> Description:
    return export(run, formats or ["safetensors"], "last", out, episodes, license=None)


def test_what_is_written(run: RunFolder, tmp_path: Path) -> None:
    random.seed(3)
    np.random.seed(3)
    torch.manual_seed(3)
    before = (random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist(), torch.get_num_threads())
    description = written(run, tmp_path / "policy", "safetensors", "onnx", episodes=10)
    assert before == (
        random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist(), torch.get_num_threads()
    )  # fmt: skip
    assert read_description(tmp_path / "policy") == description
    for name, expected in description.files.items():
        assert sha256((tmp_path / "policy" / name).read_bytes()) == expected
    assert description.evaluation is not None
    assert description.evaluation.returns == play(open_playable(run.path)).returns.tolist()
    assert all(check["observations"] >= 1000 for check in description.checks.values())
    (check,) = [check for format, check in description.checks.items() if format == "safetensors"]
    assert check["exact"]
    assert check["returns"] == description.evaluation.returns
    model = onnx.load(tmp_path / "policy" / "policy.onnx")
    found = {entry.key: entry.value for entry in model.metadata_props}
    assert found.items() >= onnx_metadata(description).items()
    assert json.loads(found["policy.action"])["high"] == [1.0, 10.0]
    assert [entry.name for entry in [*model.graph.input, *model.graph.output]] == ["obs", "action"]


def test_an_exported_policy_is_replaced_and_nothing_else(run: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "policy"
    written(run, out, "safetensors")
    written(run, out, "pt2")
    assert {path.name for path in out.iterdir()} >= {"policy.json", "policy.pt2"}
    assert not (out / "policy.safetensors").exists()
    (out / "notes.txt").write_text("mine")
    with user_error("notes.txt, which no export writes"):
        written(run, out)
    with user_error("which no export writes"):
        written(run, out / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["policy"]


def test_the_working_directory_is_not_replaced(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with user_error("out=. is the working directory, or above it"):
        written(run, Path())


@pytest.fixture(params=[1, 2], ids=["always", "in batches"])
def wrong(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """What is loaded acts a little otherwise than what was written, for so many observations at once or more."""

    def load_wrong(*arguments: object) -> Policy:
        policy = load(*arguments)  # type: ignore[arg-type]
        error = np.float32(1e-5)
        return Policy(
            policy.description, policy.format, lambda batch: policy(batch) + error * (len(batch) >= request.param)
        )

    monkeypatch.setattr(proof, "load", load_wrong)


def test_what_acts_otherwise_is_not_kept(run: RunFolder, tmp_path: Path, wrong: None) -> None:
    with user_error("format=safetensors cannot be kept: an action differs from the run's by"):
        written(run, tmp_path / "policy")
    assert list(tmp_path.iterdir()) == []


def test_what_fails_leaves_the_former_export(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "policy"
    former = written(run, out)
    monkeypatch.setattr("ddpg.export.write.prove", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        written(run, out)
    assert read_description(out) == former
    assert [path.name for path in tmp_path.iterdir()] == ["policy"]


def test_bad_input(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with user_error("format=torchscript is not one of"):
        written(run, tmp_path / "policy", "torchscript")
    with user_error("there is no such folder"):
        written(RunFolder(tmp_path / "none"), tmp_path / "policy")
    with user_error("actor_best.pt does not exist"):
        export(run, ["safetensors"], "best", tmp_path / "policy", 1, license=None)
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with user_error(f"format=onnx needs onnxscript: {install_hint('onnx')}"):
        written(run, tmp_path / "policy", "onnx")
    assert list(tmp_path.iterdir()) == []


def test_who_plays_is_said_where_it_takes_long(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ddpg.export.proof")
    written(run, tmp_path / "quick", episodes=2)
    assert not caplog.messages
    monkeypatch.setattr("ddpg.patience.REPORT_S", 0.0)
    written(run, tmp_path / "slow", episodes=2)
    said = list(dict.fromkeys(caplog.messages))
    assert said[:2] == ["the run's actor plays episode 1 of 2", "the run's actor plays episode 2 of 2"]
    assert said[2].endswith(f" of {proof.OBSERVATIONS} observations")
    assert said[-2:] == ["safetensors plays episode 1 of 2", "safetensors plays episode 2 of 2"]
