"""Exported folders on the Hub of support/hub_server.py: what goes there, what comes back, what is said otherwise."""

import logging
import sys
from pathlib import Path

import pytest
from support.hub_server import HubServer

from ddpg.errors import UserError
from ddpg.remote.hub import download, require_upload, upload

UPLOADED = {"policy.json", "policy.safetensors", "README.md", "learning_curve.png"}


def test_an_upload_is_one_commit_of_exactly_the_exported_files(hub: HubServer, exported: Path) -> None:
    published = upload(exported, "me/walker", private=False)
    repo = hub.repos["me/walker"]
    assert published.commit == repo.head
    assert published.url == f"{hub.url}/me/walker/commit/{repo.head}"
    assert len(repo.commits) == 2
    assert not repo.private
    assert repo.files.keys() == UPLOADED | {".gitattributes"}
    assert all(repo.files[name] == (exported / name).read_bytes() for name in UPLOADED)

    (exported / "policy.safetensors").rename(exported / "policy.onnx")
    upload(exported, "me/walker", private=False)
    assert repo.files.keys() == UPLOADED - {"policy.safetensors"} | {"policy.onnx", ".gitattributes"}


def test_nothing_is_told_to_the_hub_beside_the_upload(hub: HubServer, exported: Path) -> None:
    upload(exported, "me/walker", private=True)
    assert hub.repos["me/walker"].private
    assert {request.split("/")[1] for request in hub.requests} == {"api", "me", "large"}
    assert {request.split("/")[2] for request in hub.requests if " /api/" in request} == {
        "repos", "models", "validate-yaml",
    }  # fmt: skip
    assert not any("torch" in agent for agent in hub.agents)


def test_an_upload_by_the_pipeline_of_hf_xet(
    hub: HubServer, exported: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is what users have; where the Hub stores files in git, nothing goes to the servers of Xet."""
    require_upload("me/walker")  # which imports huggingface_hub
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", False)
    monkeypatch.setattr(hub, "large", ())
    published = upload(exported, "me/walker", private=False)
    assert published.commit == hub.repos["me/walker"].head
    assert hub.repos["me/walker"].files.keys() == UPLOADED | {".gitattributes"}
    assert capfd.readouterr() == ("", "")


def test_what_was_uploaded_comes_back_at_any_commit(
    hub: HubServer, exported: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = upload(exported, "me/walker", private=False)
    (exported / "policy.safetensors").write_bytes(b"better")
    second = upload(exported, "me/walker", private=False)
    with caplog.at_level(logging.INFO, "ddpg.remote.hub"):
        newest = download("me/walker")
    assert caplog.messages == [
        f"hub:me/walker is commit {second.commit}: hub:me/walker@{second.commit} is this policy for ever"
    ]
    assert {path.name for path in newest.iterdir()} == UPLOADED - {"learning_curve.png"}
    assert (newest / "policy.safetensors").read_bytes() == b"better"
    older = download(f"me/walker@{first.commit}")
    assert (older / "policy.safetensors").read_bytes() == b"weights" * 100

    hub.requests.clear()
    assert download(f"me/walker@{second.commit}") == newest
    assert hub.requests == []  # a commit never changes


def test_what_was_downloaded_is_there_without_a_network(
    hub: HubServer, exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(exported, "me/offline", private=False)
    folder = download("me/offline")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert download("me/offline") == folder
    with pytest.raises(
        UserError, match=r"^hub:me/never cannot be fetched: the Hub cannot be reached, and it was never"
    ):
        download("me/never")
    with pytest.raises(UserError, match="is not on the Hub as me/offline: the Hub cannot be reached"):
        upload(exported, "me/offline", private=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert download("me/offline") == folder
    with pytest.raises(UserError, match="HF_HUB_OFFLINE forbids the network, and it was never downloaded here"):
        download("me/never")
    with pytest.raises(UserError, match=r"^hub=me/offline asks for the network, which HF_HUB_OFFLINE forbids$"):
        require_upload("me/offline")


def test_nothing_of_huggingface_hub_was_needed_before(hub: HubServer) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "huggingface_hub"]:
        del sys.modules[name]
    with pytest.raises(UserError, match="there is no repository me/absent"):
        download("me/absent")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("walker", "hub:walker is no name on the Hub; it looks like hub:USER/NAME or hub:USER/NAME@REVISION"),
        (
            "me/absent",
            "hub:me/absent cannot be fetched: there is no repository me/absent, or your token does not show it",
        ),
        ("me/walker@v9", "hub:me/walker@v9 cannot be fetched: there is no such revision"),
    ],
)
def test_what_cannot_be_fetched(hub: HubServer, exported: Path, name: str, message: str) -> None:
    upload(exported, "me/walker", private=False)
    with pytest.raises(UserError) as caught:
        download(name)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("refused", "status", "reason"),
    [
        ("/api/repos/create", 403, "your token has no right to write there; huggingface.co/settings/tokens makes one"),
        ("/commit/main", 403, "your token has no right to write there"),
        ("/commit/main", 413, "the Hub answers 413, refused"),
    ],
)
def test_an_upload_that_fails_leaves_the_folder(
    hub: HubServer, exported: Path, refused: str, status: int, reason: str
) -> None:
    before = {path.name: path.read_bytes() for path in exported.iterdir()}
    hub.refuse = lambda path: status if path.endswith(refused) else None
    with pytest.raises(UserError) as caught:
        upload(exported, "me/walker", private=False)
    assert str(caught.value).startswith(f"{exported} is not on the Hub as me/walker: {reason}")
    assert str(caught.value).endswith(f"; `hf upload me/walker {exported} .` uploads it when that is mended")
    assert "\n" not in str(caught.value)
    assert {path.name: path.read_bytes() for path in exported.iterdir()} == before


def test_a_licence_that_the_hub_does_not_know(hub: HubServer, exported: Path) -> None:
    (exported / "README.md").write_text("---\nlicense: beer\n---\n# A policy\n")
    with pytest.raises(UserError, match=r'Invalid metadata in README.md. - "license" must be one of \[apache-2.0, mit'):
        upload(exported, "me/walker", private=False)


def test_a_public_repository_does_not_take_what_shall_be_private(hub: HubServer, exported: Path) -> None:
    upload(exported, "me/walker", private=False)
    commits = dict(hub.repos["me/walker"].commits)
    with pytest.raises(UserError, match="me/walker is there already and public: private=true needs another name"):
        upload(exported, "me/walker", private=True)
    assert hub.repos["me/walker"].commits == commits


def test_a_repository_with_another_model_is_left_alone(hub: HubServer, exported: Path) -> None:
    upload(exported, "me/walker", private=False)
    repo = hub.repos["me/walker"]
    files = repo.files
    files.pop("policy.json")
    commits = dict(repo.commits)
    with pytest.raises(
        UserError, match=r"README.md without policy.json, so no export wrote it: remove .* than hub=me/walker$"
    ):
        upload(exported, "me/walker", private=False)
    assert repo.commits == commits


def test_what_is_clear_before_anything_is_exported(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    require_upload("me/walker")
    with pytest.raises(UserError, match=r"^hub=walker is no name on the Hub; it looks like hub=USER/NAME$"):
        require_upload("walker")
    for name in ("me/walker--2", "me/walker.git", "mü/walker"):
        with pytest.raises(UserError, match=rf"^hub={name} is no name on the Hub: .*'{name}'\.$"):
            require_upload(name)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(
        UserError, match=r"^hub=me/walker needs a token of the Hub: `hf auth login` stores one, or HF_TOK"
    ):
        require_upload("me/walker")
    assert hub.requests == []


def test_a_token_that_the_hub_does_not_know(hub: HubServer, exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(UserError, match=r"the Hub does not know the token; `hf auth login` stores another one$"):
        upload(exported, "me/walker", private=True)


def test_without_the_package_the_line_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UserError, match=r"^huggingface_hub is not installed, which the Hub needs: .*\[hub\]"):
        download("me/walker")
