"""Exported policies are loaded where there is nothing but what docs/export.md says, and no network."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.bare import Bare
from support.command_line import assert_has
from support.exports import Exported

pytestmark = pytest.mark.xdist_group("exported")

#: Loads each folder in a format through the public name, and acts on observations one by one.
ACT = """
import sys
import ddpg
import numpy as np
format, absent, *folders = sys.argv[1:]
for name in absent.split():
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    raise SystemExit(f"{name} is there")
for folder in folders:
    policy = ddpg.load_policy(folder, format=None if format == "default" else format)
    obs = np.load(f"{folder}.obs.npy")
    np.save(f"{folder}.{policy.format}.npy", np.stack([policy(one) for one in obs]))
    print(policy.format)
"""
#: Asks for a run, which needs more.
ASK = """
import sys
import ddpg
try:
    ddpg.load_policy(sys.argv[1])
except ValueError as error:
    print(error)
"""
EVERYWHERE = "hydra omegaconf gymnasium yaml msgspec"


@pytest.fixture(scope="module")
def folders(exported: dict[str, Exported]) -> list[Path]:
    for one in exported.values():
        np.save(f"{one.folder}.obs.npy", one.obs)
    return [one.folder for one in exported.values()]


def acted(one: Exported, format: str) -> tuple[np.ndarray, np.ndarray, Any]:
    """Return the actions of the bare environment, those of the run's actor, and half ranges."""
    eager = np.stack([one.policy(obs) for obs in one.obs])
    return np.load(f"{one.folder}.{format}.npy"), eager, one.policy.description.action.half_ranges()


def test_torch_numpy_and_safetensors_alone(exported: dict[str, Exported], folders: list[Path], tmp_path: Path) -> None:
    bare = Bare(tmp_path / "venv", "torch", "numpy", "safetensors")
    assert bare.run(ACT, "default", f"{EVERYWHERE} onnxruntime", *folders).split() == ["safetensors"] * 2
    assert bare.run(ACT, "pt2", "", *folders).split() == ["pt2"] * 2
    for one in exported.values():
        for format in ("safetensors", "pt2"):
            found, eager, _ = acted(one, format)
            assert np.array_equal(found, eager)


def test_onnxruntime_and_numpy_alone(exported: dict[str, Exported], folders: list[Path], tmp_path: Path) -> None:
    bare = Bare(tmp_path / "venv", "onnxruntime", "numpy")
    assert bare.run(ACT, "default", f"{EVERYWHERE} torch safetensors", *folders).split() == ["onnx"] * 2
    for one in exported.values():
        found, eager, half_ranges = acted(one, "onnx")
        assert (abs(found.astype(float) - eager) / half_ranges).max() <= 1e-6
    message = bare.run(ASK, exported["vectors"].run.path)
    assert_has(message, "is no exported policy, and a run is read with ... which is not installed ... ddpg-export")
