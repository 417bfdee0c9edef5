"""Sources that are no folders, by their names."""

from pathlib import Path

import pytest
from support.hub_server import HubServer

from ddpg.errors import UserError
from ddpg.remote import fetch, is_remote
from ddpg.remote.hub import upload


@pytest.mark.parametrize("source", ["hub:me/walker", "wandb:me/ddpg/policy:best"])
def test_a_source_with_a_prefix_is_remote(source: str) -> None:
    assert is_remote(source)
    assert not is_remote(f"./{source}")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("outputs/run", "outputs/run is neither hub:USER/NAME[@REVISION] nor wandb:ENTITY/PROJECT/NAME[:ALIAS]"),
        ("wandb:policy", "wandb:policy is no artifact; it looks like wandb:ENTITY/PROJECT/NAME or .../NAME:ALIAS"),
        ("wandb:a/b/c/d", "wandb:a/b/c/d is no artifact; it looks like wandb:ENTITY/PROJECT/NAME or .../NAME:ALIAS"),
    ],
)
def test_a_source_of_another_form(source: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        fetch(source)
    assert str(caught.value) == message


def test_a_repository_without_a_policy(hub: HubServer, exported: Path) -> None:
    (exported / "policy.json").unlink()
    upload(exported, "me/other", private=False)
    with pytest.raises(UserError) as caught:
        fetch("hub:me/other")
    assert str(caught.value) == "hub:me/other holds no exported policy: it has no policy.json, which ddpg-export writes"
