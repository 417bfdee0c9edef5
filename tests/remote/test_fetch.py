"""Sources that are no folders, by their names."""

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from support.hub_server import HubServer
from support.stored_runs import stored_run
from support.tracked import log_rows, settings, tracker_of
from support.wandb_server import WandbServer

from ddpg.errors import UserError
from ddpg.policies import load
from ddpg.remote import fetch, is_remote
from ddpg.remote.hub import upload
from ddpg.run.artifacts import write_policies
from ddpg.run.policies import stored_policy

OBS = np.array([0.3, 0.0, -1.0])


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


def test_a_policy_comes_whole_or_not_at_all(hub: HubServer, tmp_path: Path) -> None:
    run = stored_run(tmp_path / "run")
    (policy,) = write_policies(run, tmp_path)
    upload(policy.folder, "me/whole", private=False)
    fetched = fetch("hub:me/whole")
    assert np.array_equal(load(fetched)(OBS), stored_policy(run, "last")(OBS))

    weights = policy.folder / "policy.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    upload(policy.folder, "me/whole", private=False)
    with pytest.raises(
        UserError, match=r"^hub:me/whole: .*policy.safetensors is damaged, or another policy's: its SHA"
    ):
        fetch("hub:me/whole")
    weights.unlink()
    upload(policy.folder, "me/whole", private=False)
    with pytest.raises(
        UserError, match=r"^hub:me/whole: .*policy.safetensors is missing, although policy.json names it"
    ):
        fetch("hub:me/whole")


def test_the_policies_of_a_run_come_back_from_wandb_by_their_aliases(
    wandb_server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    run = stored_run(tmp_path / "run")
    best = torch.load(run.actor, weights_only=True) | {"env_step": 300}
    torch.save(best, run.best_actor)
    tracker = tracker_of(run.path, settings(mode="online", save_model=True))
    tracker.rewind(None)
    log_rows(tracker, 0, 1)
    tracker.save_policies(partial(write_policies, run))
    tracker.finish(0, {})
    name = f"wandb:me/ddpg/policy-{next(iter(wandb_server.runs))}"
    newest = fetch(name)
    assert newest.is_relative_to(tmp_path / "cache" / "ddpg" / "wandb")
    assert load(newest).description.env_step == 400

    best_folder = fetch(f"{name}:best")
    assert load(best_folder).description.env_step == 300
    wandb_server.requests.clear()
    assert fetch(f"{name}:v0") == best_folder
    assert wandb_server.requests["artifacts"] == 0  # a version is downloaded once
    with pytest.raises(UserError, match=rf"^W&B has no artifact {name[6:]}:v7, or does not show it to you$"):
        fetch(f"{name}:v7")


def test_what_fails_while_wandb_is_asked_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(name: str) -> None:
        raise ConnectionError("cut off")

    monkeypatch.setattr("ddpg.record.tracking.wandb_artifacts._found", cut)
    with pytest.raises(UserError, match=r"^me/ddpg/p:best cannot be fetched from W&B: ConnectionError: cut off$"):
        fetch("wandb:me/ddpg/p:best")


def test_without_the_package_of_wandb_the_line_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UserError, match=r"^wandb is not installed, which W&B needs: pip install wandb$"):
        fetch("wandb:me/ddpg/policy:last")


def test_without_a_key_wandb_is_not_asked(no_wandb_account: None) -> None:
    with pytest.raises(UserError, match=r"^W&B cannot be reached: UsageError: no API key; run `wandb login` or set"):
        fetch("wandb:me/ddpg/policy:last")
