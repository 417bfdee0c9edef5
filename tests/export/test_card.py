"""README.md of an exported folder, read as the Hub reads it."""

import json
import pkgutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from support.command_line import assert_has, user_error
from support.stored_runs import stored_run
from torch import nn

from ddpg.config.settings import to_yaml
from ddpg.export.card import write_card
from ddpg.export.usage import loading
from ddpg.policies import Description
from ddpg.policies.description import Evaluation, full_name
from ddpg.record.run_folder import RunFolder, read_yaml
from ddpg.run.policies import stored_policy

EVALUATION = Evaluation(seeds=[11, 12, 13], returns=[10.0, 20.0, 30.0], lengths=[5, 6, 7])
OVERRIDES = (
    "env=halfcheetah", "preset=cleanrl", "seed=4", "logger.wandb.entity=my_team", "hydra.run.dir=/home/me/runs/1",
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of the preset that CleanRL's published scores belong to."""
    folder = stored_run(tmp_path_factory.mktemp("runs") / "run", *OVERRIDES[:-1])
    folder.add_start({"overrides": OVERRIDES, "git": {"commit": "0123456789abcdef", "dirty": False}})
    config = folder.config.read_text() + "choices:\n  algorithm: delayed\n  preset: cleanrl\n"
    folder.config.write_text(config)
    return folder


@pytest.fixture(scope="module")
def description(run: RunFolder) -> Description:
    found = stored_policy(run, "last").description
    return replace(found, license="mit", files={"policy.safetensors": "00"}, evaluation=EVALUATION)


def with_target(description: Description, target: str) -> Description:
    return replace(description, network=replace(description.network, target=target))


def test_the_hub_can_read_it(run: RunFolder, description: Description, tmp_path: Path) -> None:
    card = huggingface_hub.ModelCard.load(write_card(tmp_path, description, run, "hub:me/cheetah"))
    assert card.data.license == "mit"
    assert card.data.pipeline_tag == "reinforcement-learning"
    assert {"reinforcement-learning", "ddpg", "HalfCheetah-v4"} <= set(card.data.tags)
    assert card.data.model_name == "DDPG"
    reward, mean, std = card.data.eval_results
    assert (reward.task_type, reward.dataset_name) == ("reinforcement-learning", "HalfCheetah-v4")
    assert (reward.metric_type, reward.metric_value) == ("mean_reward", "20.00 +/- 8.16")
    assert reward.metric_args["episodes"] == 3
    assert reward.metric_args["seeds"] == "11, 12, 13"
    assert "over these episodes" in reward.metric_args["interval"]
    assert (mean.metric_value, round(std.metric_value, 2)) == (20.0, 8.16)


def test_what_it_says(run: RunFolder, description: Description, tmp_path: Path) -> None:
    text = write_card(tmp_path, description, run, "hub:me/cheetah").read_text()
    assert "| return | 20.00 ± 8.16 |" in text
    assert 'ddpg.load_policy("hub:me/cheetah")' in text
    assert "`safetensors` and `huggingface_hub`:" in text
    assert "[hub]'`." in text
    assert "policy.onnx" not in text  # which this folder does not have
    assert "\nddpg-train env=halfcheetah preset=cleanrl seed=4 total_steps=400\n" in text
    assert "seed 4, code of commit 0123456789ab" in text
    assert "[CleanRL's DDPG page](https://docs.cleanrl.dev/rl-algorithms/ddpg/) | 10374.1 ± 157.37" in text
    assert "steps there, 400 here" in text
    assert "One training run, seed 4." in text
    assert "learning_curve.png" not in text  # a run without a record has none
    assert not any(secret in text for secret in ("my_team", "/home/me", str(run.path)))


@pytest.mark.parametrize(
    ("source", "environment", "play"),
    [
        ("hub:me/fish", {"id": "dm_control/fish-swim-v0"}, "`ddpg-eval hub:me/fish` ... [hub,dm_control]'`."),
        ("walker", {"id": "BipedalWalker-v3"}, "`ddpg-eval walker` ... [box2d]'`."),
        ("mine", {"id": "mine:Robot-v0"}, "`ddpg-eval mine trust=true` ... the code that `policy.json` names, with"),
        ("mine", {"imports": ["robots"]}, "`ddpg-eval mine trust=true` ... the code that `policy.json` names, with"),
    ],
)
def test_the_command_that_plays_it(
    run: RunFolder, description: Description, tmp_path: Path, source: str, environment: dict[str, Any], play: str
) -> None:
    described = replace(description, environment={**description.environment, **environment})
    assert_has(write_card(tmp_path, described, run, source).read_text(), play)


def test_what_becomes_of_observations_and_actions(run: RunFolder, description: Description, tmp_path: Path) -> None:
    assert "`action` goes to `env.step` as it is. `ddpg-eval" in write_card(tmp_path, description, run, "a").read_text()
    changed = replace(description, conversions=["observations are flattened", "`env.step` takes another form"])
    sentence = "`action` goes to `env.step`, but observations are flattened; `env.step` takes another form. `ddpg-eval"
    assert sentence in write_card(tmp_path, changed, run, "a").read_text()


def test_a_network_of_the_user_is_imported(run: RunFolder, description: Description, tmp_path: Path) -> None:
    mine = with_target(description, "robots.nets.Mine")
    text = write_card(tmp_path, mine, run, "walker").read_text()
    lines = 'import ddpg\nimport robots.nets\npolicy = ddpg.load_policy("walker", classes=[robots.nets.Mine])\n'
    assert lines in text
    assert "`ddpg-eval walker trust=true`" in text
    both = replace(mine, files={"policy.safetensors": "00", "policy.onnx": "00"})
    assert "`ddpg-eval walker`" in write_card(tmp_path, both, run, "walker").read_text()


class Nest:
    class Actor(nn.Module):
        """A class within another."""


def test_what_is_imported_of_a_network_is_a_module(description: Description) -> None:
    nested = with_target(description, full_name(Nest.Actor, "classes"))
    imports, call = loading(nested, "walker")
    names: dict[str, Any] = {}
    exec("\n".join(imports), names)
    assert eval(call.partition("classes=")[2].rstrip(")"), names) == [Nest.Actor]


def test_functions_of_torch_have_a_name_by_which_they_are_found() -> None:
    for function in (torch.tanh, nn.functional.relu, nn.functional.softplus):
        assert pkgutil.resolve_name(full_name(function, "classes")) is function
    with user_error("classes: a policy is described ... which a method_descriptor does not have"):
        full_name(torch.Tensor.tanh, "classes")


def test_a_fork_has_no_command_and_names_no_folder(description: Description, tmp_path: Path) -> None:
    folder = stored_run(tmp_path / "run", *OVERRIDES[:-1])
    source = "/home/alice/outputs/first"
    origin = {"fork": source, "forked": {"configuration": "8d93be39", "env_step": 1500}}
    folder.config.write_text(to_yaml(read_yaml(folder.config) | origin))
    folder.add_start({"overrides": [*OVERRIDES, f"fork={source}", "tau=0.1"]})
    (tmp_path / "card").mkdir()
    text = write_card(tmp_path / "card", description, folder, "cheetah").read_text()
    assert "No command trains this run alone: it continues another run. Its values stand here:\n" in text
    assert "ddpg-train" not in text
    assert "- It continues another run from env step 1,500; what is listed here holds from there on.\n" in text
    assert not any(part in text for part in ("alice", str(folder.path)))


def test_the_folder_of_own_config_groups_has_no_path(run: RunFolder, description: Description, tmp_path: Path) -> None:
    before = run.provenance.read_text()
    run.write_json(run.provenance, [{"overrides": ["env=my_robot"], "config_dir": "/home/alice/robots"}])
    text = write_card(tmp_path, description, run, "cheetah").read_text()
    run.provenance.write_text(before)
    assert "\nddpg-train --config-dir robots env=my_robot total_steps=400\n" in text


def test_any_value_of_the_environment_stays_in_its_row(
    run: RunFolder, description: Description, tmp_path: Path
) -> None:
    long = ["a" * 60, "b|c" * 20]
    changed = {**description.environment, "max_episode_steps": 50, "kwargs": {"names": long}}
    text = write_card(tmp_path, replace(description, environment=changed), run, "cheetah").read_text()
    assert "| max episode steps | `50` |\n" in text
    row = f'| kwargs | `{{"names": ["{long[0]}", "{long[1]}"]}}` |\n'
    assert row.replace("b|c", "b\\|c") in text


def test_the_curve_and_the_film_are_shown_where_they_are(
    run: RunFolder, description: Description, tmp_path: Path
) -> None:
    run.metrics.write_text(json.dumps({"env_step": 100, "eval/episodic_return": 1.0}) + "\n")
    (tmp_path / "replay.mp4").write_bytes(b"film")
    text = write_card(tmp_path, description, run, "cheetah").read_text()
    run.metrics.unlink()
    assert (tmp_path / "learning_curve.png").stat().st_size > 1000
    assert "](learning_curve.png)" in text
    assert 'src="replay.mp4"' in text
    assert not run.learning_curve.exists()


def test_a_chosen_actor_without_licence_and_evaluation_and_without_the_package_of_the_hub(
    run: RunFolder, description: Description, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    bare = replace(description, actor="best", license=None, evaluation=None)
    text = write_card(tmp_path, bare, run, "cheetah").read_text()
    head = text.split("---")[1]
    assert "license" not in head
    assert "model-index" not in head
    assert "chosen as the best of its run's evaluations" in text
    assert "## Evaluation" not in text
