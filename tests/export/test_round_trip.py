"""What is exported acts as the run's actor, for every network of conf/network."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from support.command_line import user_error
from support.composing import composed
from support.exports import ALL
from support.networks import WARPED, Warp, Warped, Wavy
from support.stored_runs import CAMERA, stored_run
from torch import nn

from ddpg.config.settings import check
from ddpg.export import proof
from ddpg.export.write import export
from ddpg.policies import load
from ddpg.record.config_file import read_config
from ddpg.record.run_folder import RunFolder
from ddpg.run.playing import open_playable
from ddpg.run.policies import stored_actor, stored_policy

ROOT = Path(__file__).parents[2]
NETWORKS = sorted(path.stem for path in (ROOT / "conf" / "network").glob("*.yaml"))


@pytest.fixture(scope="module")
def converted() -> set[str]:
    """The layers of the actors that were converted already: others of the same are written as safetensors alone."""
    return set()


@pytest.fixture(autouse=True)
def _fewer_observations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "OBSERVATIONS", 100)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network(network: str, converted: set[str], tmp_path: Path) -> None:
    pictures = composed(f"network={network}").network.actor._target_.endswith("PixelActor")
    run = stored_run(tmp_path / "run", *(CAMERA if pictures else ()), f"network={network}")
    layers = str(actor_of(run))
    require_round_trip(run, ["safetensors"] if layers in converted else ALL)
    converted.add(layers)


@pytest.mark.parametrize(
    ("formats", "overrides"),
    [
        (("safetensors", "onnx"), ("network=paper", "dtype=float64", "network.normalize_obs=3")),
        (("safetensors", "pt2"), ("network.actor._target_=support.networks.Wavy", "network.actor.activation=tanh")),
        (("safetensors", "onnx"), WARPED),
    ],
)
def test_other_choices(formats: tuple[str, ...], overrides: tuple[str, ...], tmp_path: Path) -> None:
    require_round_trip(stored_run(tmp_path / "run", *overrides), formats)


def test_pictures_in_float64_have_no_convolution_in_onnxruntime(tmp_path: Path) -> None:
    run = stored_run(tmp_path / "run", *CAMERA, "dtype=float64")
    with user_error("policy.onnx cannot be run by onnxruntime ... Conv"):
        export(run, ["onnx"], "last", tmp_path / "onnx", episodes=1, license=None)
    assert not (tmp_path / "onnx").exists()


def actor_of(run: RunFolder) -> nn.Module:
    playable = open_playable(run.path)
    with closing(playable.make_env()) as env:
        return stored_actor(check(read_config(run.config)), run, "last", env)[0]


def require_round_trip(run: RunFolder, formats: Sequence[str]) -> None:
    """Export a run and load it in each format: equal to the bit with torch, to 1e-6 with onnxruntime."""
    out = run.path / "policy"
    description = export(run, formats, "last", out, episodes=2, license="mit")
    assert {path.name for path in out.iterdir()} >= {"policy.json", *description.files}
    policy = stored_policy(run, "last")
    space = policy.description.observation
    rng = np.random.default_rng(0)
    batch = rng.integers(0, 256, (30, *space.shape)) if space.dtype == "uint8" else rng.normal(0, 3, (30, *space.shape))
    batch = batch.astype(space.dtype)
    expected = np.stack([policy(obs) for obs in batch])
    assert expected.std(axis=0).min() > 0.01
    low, high = policy.description.action.bounds()
    assert (low <= expected).all()
    assert (expected <= high).all()
    for format in formats:
        written = load(out, format, classes=[Wavy, Warped, Warp])
        assert written.description == description
        found = np.stack([written(obs) for obs in batch])
        assert (abs(found.astype(float) - expected) / policy.description.action.half_ranges()).max() <= (
            1e-6 if format == "onnx" else 0
        )
        check = description.checks[format]
        assert check["observations"] >= 100
        assert check["exact"] or format == "onnx"
        if check["exact"]:
            assert check["returns"] == description.evaluation.returns
