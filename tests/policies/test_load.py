"""Exported folders that cannot be loaded, and what the messages say; classes that may be built."""

import json
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from support.command_line import assert_has, user_error
from support.exports import Exported
from support.networks import WARPED, Warped, Wavy
from support.stored_runs import stored_run

from ddpg.commands.export import chosen_formats, summary
from ddpg.export.formats import require_packages
from ddpg.export.write import export
from ddpg.policies import load
from ddpg.policies.description import full_name
from ddpg.policies.load import is_exported
from ddpg.policies.pt2_archive import require_no_code
from ddpg.policies.reading import read_description, sha256

pytestmark = pytest.mark.xdist_group("exported")

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def folder(exported: dict[str, Exported], tmp_path: Path) -> Path:
    """A copy of an exported policy."""
    return shutil.copytree(exported["vectors"].folder, tmp_path / "policy")


def edit(folder: Path, change: Edit) -> None:
    path = folder / "policy.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(format=2), "policy.json has format 2, of a newer version ... reads 1"),
        (lambda c: c.pop("format"), "policy.json is damaged ... no format number"),
        (lambda c: c.pop("action"), "policy.json is damaged: 'action'"),
        (lambda c: c["network"].pop("dtype"), "policy.json is damaged: 'network lacks dtype'"),
        (lambda c: c.update(environment=None), "policy.json is damaged"),
        (lambda c: c["action"].update(low=[1.0, 2.0, 3.0]), "policy.json is damaged"),
        (lambda c: c["observation"].update(dtype="floatt"), "policy.json is damaged ... floatt"),
        (lambda c: c["observation"].update(dtype=[]), "policy.json is damaged ... no arrays of numbers"),
        (lambda c: c["action"].update(shape=[]), "policy.json is damaged ... no arrays of numbers"),
        (lambda c: c["action"].update(shape=[float("inf")]), "policy.json is damaged ... infinity"),
        (lambda c: c.update(environment=None), "policy.json is damaged ... NoneType"),
        (lambda c: c["files"].update({"../policy.onnx": "0"}), "policy.json is damaged: files has '../policy.onnx'"),
        (lambda c: c["files"].update({"policy.onnx": 5}), "policy.json is damaged: files has 'policy.onnx': 5"),
        (lambda c: c["network"].update(target="os.system"), "os.system, which is not of this package ... [system]"),
        (lambda c: c["network"]["arguments"].update(hidden=[9]), "weights are not those of its network"),
        (lambda c: c["network"]["arguments"].update(hidden=None), "Actor cannot be made with the arguments"),
        (lambda c: c.update(files={}), "format=safetensors: ... has no policy.safetensors"),
    ],
)  # fmt: skip
def test_a_description_that_does_not_fit(folder: Path, change: Edit, message: str) -> None:
    edit(folder, change)
    with user_error(message):
        load(folder, "safetensors")


def test_folders_that_are_no_policies(exported: dict[str, Exported], folder: Path, tmp_path: Path) -> None:
    with user_error("none: there is no such folder"):
        load(tmp_path / "none")
    with user_error("is a run and no exported policy: ddpg-export"):
        load(exported["vectors"].run.path)
    with user_error("is no exported policy: it has no policy.json"):
        load(tmp_path)
    with user_error("format=onx is not one of safetensors, onnx, pt2"):
        load(folder, "onx")
    with user_error("policy.onnx is a file of an exported policy; did you mean ... policy?"):
        is_exported(folder / "policy.onnx")
    (folder / "policy.json").write_text("{")
    with user_error("policy.json is damaged"):
        load(folder)
    (folder / "policy.json").unlink()
    with user_error("has policy.safetensors without policy.json: take the whole folder"):
        is_exported(folder)


@pytest.mark.parametrize("format", ["safetensors", "onnx", "pt2"])
def test_a_damaged_file(folder: Path, format: str) -> None:
    path = folder / f"policy.{format}"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with user_error(f"policy.{format} is damaged, or another policy's ... SHA-256"):
        load(folder, format)
    edit(folder, lambda c: c["files"].update({path.name: sha256(content[:99])}))
    path.write_bytes(content[:99])  # what the description says, but nothing that can be read
    with user_error(str(folder)):
        load(folder, format)
    path.unlink()
    with user_error(f"policy.{format} is missing"):
        load(folder, format)


def test_packages_that_are_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with user_error("format=onnx needs onnxruntime: pip install onnxruntime"):
        load(folder, "onnx")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with user_error("cannot be loaded here: safetensors needs safetensors; onnx needs onnxruntime; pt2 ... trust"):
        load(folder)


def test_an_older_torch_neither_reads_nor_writes_programs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: "2.6.1+cu126")
    with user_error("format=pt2 needs torch>=2.9: pip install 'torch>=2.9'"):
        load(folder, "pt2")
    with user_error("format=pt2 needs torch>=2.9: pip install 'torch>=2.9'"):
        require_packages(["pt2"])
    with user_error("format=onnx needs torch>=2.7: pip install 'hydra-ddpg[onnx]', or make"):
        require_packages(["onnx"])
    assert chosen_formats(None) == ["safetensors"]
    monkeypatch.setattr("importlib.metadata.version", lambda name: "2.10.0")
    assert chosen_formats(None) == ["safetensors", "onnx"]


def test_a_class_of_the_user_is_built_only_if_it_is_given(tmp_path: Path) -> None:
    run = stored_run(tmp_path / "run", "network.actor._target_=support.networks.Wavy")
    folder = tmp_path / "policy"
    description = export(run, ["safetensors"], "last", folder, episodes=1, license=None)
    assert read_description(folder).network.target == full_name(Wavy, "classes") == "support.networks.Wavy"
    with user_error("safetensors needs the class support.networks.Wavy ... in classes=[...] ... with trust=true"):
        load(folder)
    assert load(folder, classes=[Wavy])(np.zeros(3)).shape == (2,)
    call = f'import support.networks; ddpg.load_policy("{folder}", classes=[support.networks.Wavy])'
    assert summary(description, folder, "run")[-1] == f"in Python: {call}"
    with user_error("classes: a policy is described by the name of a class or a function, which a str does not have"):
        load(folder, classes=["support.networks.Wavy"])  # type: ignore[list-item]


def test_a_class_within_the_network_is_built_only_if_it_is_given(tmp_path: Path) -> None:
    folder = tmp_path / "policy"
    description = export(stored_run(tmp_path / "run", *WARPED), ["safetensors"], "last", folder, 1, license=None)
    with user_error("safetensors needs the classes support.networks.Warped and support.networks.Warp, which"):
        load(folder)
    with user_error("its network needs support.networks.Warp, which is not of this package ... classes=[Warp]"):
        load(folder, "safetensors", classes=[Warped])
    call = "in Python: import support.networks; ddpg.load_policy( ... classes=[support.networks.Warped, support."
    assert_has(summary(description, folder, "run")[-1], call)


def test_an_archive_of_torch_has_no_code_and_is_refused_with_any(folder: Path) -> None:
    path = folder / "policy.pt2"
    require_no_code(path.read_bytes(), "it")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/data/sample_inputs/other.pt", b"\x80\x04N.")
    with user_error("it has the pickle archive/data/sample_inputs/other.pt"):
        require_no_code(path.read_bytes(), "it")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("policy/data/aotinductor/model/model.so", b"ELF")
    with user_error("it has policy/data/aotinductor/model/model.so, which ... could be code"):
        require_no_code(path.read_bytes(), "it")
    with user_error("it is no archive of torch.export"):
        require_no_code(b"PK", "it")


def test_other_spaces(exported: dict[str, Exported]) -> None:
    description = exported["vectors"].policy.description
    obs = spaces.Box(-np.inf, np.inf, (3,), np.float32)
    action = spaces.Box(np.array([-3.0, 0.0], np.float32), np.array([1.0, 10.0], np.float32))
    description.require_spaces(obs, action, "Walk-v0")
    with user_error("Walk-v1 has observations of 4 numbers ... trained on 3 numbers (float32, -inf to inf)"):
        description.require_spaces(spaces.Box(-np.inf, np.inf, (4,), np.float32), action, "Walk-v1")
    with user_error("Walk-v1 has actions of 2 numbers (float32, -1 to 1) ... [-3, 0] to [1, 10]"):
        description.require_spaces(obs, spaces.Box(-1, 1, (2,), np.float32), "Walk-v1")
