"""The Hugging Face Hub of the tests, which huggingface_hub takes for the real one."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.hub_server import TOKEN, HubServer


@pytest.fixture(scope="module")
def running_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    """A Hub, and a huggingface_hub that was imported with the variables of a user who has an account there."""
    server = HubServer()
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "huggingface_hub"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", server.url)
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hf_home")))
        patch.setenv("HF_TOKEN", TOKEN)
        patch.setenv("HF_HUB_DISABLE_XET", "1")  # which speaks to other servers
        for name in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
            patch.delenv(name, raising=False)
        yield server
    for name in [name for name in sys.modules if name.split(".")[0] == "huggingface_hub"]:
        del sys.modules[name]
    sys.modules.update(before)
    server.stop()


@pytest.fixture
def hub(running_hub: HubServer) -> HubServer:
    """The same, without a repository."""
    running_hub.repos.clear()
    running_hub.requests.clear()
    running_hub.refuse = lambda path: None
    return running_hub


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A folder with the names of an exported one, and a file that is none of it."""
    folder = tmp_path / "exported"
    folder.mkdir()
    (folder / "policy.json").write_text("{}")
    (folder / "policy.safetensors").write_bytes(b"weights" * 100)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# A policy\n")
    (folder / "learning_curve.png").write_bytes(b"picture")
    (folder / "notes.txt").write_text("mine")
    return folder
