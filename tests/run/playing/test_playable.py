"""What can be played: runs, and exported policies of people who are trusted or not."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command_line import user_error
from support.stored_runs import stored_run

from ddpg.export.write import export
from ddpg.run.playing import open_playable, play


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an exported policy, beside its run; its evaluation has two episodes."""
    pytest.importorskip("safetensors", reason="not installed")
    folder = tmp_path_factory.mktemp("exported")
    export(stored_run(folder / "run", "env=pendulum"), ["safetensors"], "last", folder / "policy", 2, None)
    return folder / "policy"


def changed(exported: Path, folder: Path, **environment: Any) -> Path:
    """A copy whose environment has other values."""
    folder.mkdir()
    for path in exported.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    description = json.loads((folder / "policy.json").read_text(encoding="utf-8"))
    description["environment"] |= environment
    (folder / "policy.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


def test_an_exported_policy_has_the_returns_of_its_run_and_of_its_description(exported: Path) -> None:
    episodes = play(open_playable(exported), 2)
    np.testing.assert_array_equal(episodes.returns, play(open_playable(exported.with_name("run")), 2).returns)
    evaluation = json.loads((exported / "policy.json").read_text(encoding="utf-8"))["evaluation"]
    assert evaluation["returns"] == episodes.returns.tolist()


def test_a_source_from_elsewhere_is_fetched(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddpg.run.playing.playable.fetch", {"hub:me/policy": exported}.__getitem__)
    playable = open_playable("hub:me/policy")
    assert (playable.name, playable.folder, playable.video) == ("hub:me/policy", exported, None)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"imports": ["os"]}, "env.imports=[os]"),
        ({"id": "os:Pendulum-v1"}, "env.id=os:Pendulum-v1"),
        ({"id": "GymV26Environment-v0", "kwargs": {"env_id": "os:a"}}, "env.id=GymV26Environment-v0"),
        ({"wrappers": [{"_target_": "os.system"}]}, "env.wrappers=[{'_target_': 'os.system'}]"),
        ({"kwargs": {"a": {"b": {"_target_": "os.system", "command": "true"}}}}, "env.kwargs.a.b._target_=os.system"),
        ({"_target_": "ddpg.envs.os.system"}, "env._target_=ddpg.envs.os.system"),
        ({"kwargs": {"g": "${oc.create:{_target_: a.b}}"}}, "env.kwargs.g=${oc.create:{_target_: a.b}}"),
        ({"kwargs": {"g": [{"h": "${oc.env:HOME}"}]}}, "env.kwargs.g=[{'h': '${oc.env:HOME}'}]"),
    ],
)
def test_code_that_a_stranger_names_does_not_run(
    exported: Path, tmp_path: Path, environment: dict[str, Any], named: str
) -> None:
    with user_error(f"names code that its environment would run: {named}; trust=true allows it"):
        open_playable(changed(exported, tmp_path / "copy", **environment))


def test_who_is_trusted_may_name_code(exported: Path, tmp_path: Path) -> None:
    wrappers = [
        {"_target_": "gymnasium.wrappers.TransformReward", "func": {"_target_": "builtins.abs", "_partial_": True}}
    ]
    folder = changed(exported, tmp_path / "copy", wrappers=wrappers)
    returns = play(open_playable(folder, trust=True), 1).returns
    np.testing.assert_allclose(returns, -play(open_playable(exported), 1).returns)


@pytest.mark.parametrize(
    ("environment", "parts"),
    [
        ({"id": "MountainCarContinuous-v0"}, "has observations of 2 numbers ... the policy was trained on 3 numbers"),
        ({"gravity": 3}, "does not fit this version: env.gravity=3: there is no such key"),
        ({"action_repeat": "many"}, "does not fit this version: env.action_repeat=many must be a whole number"),
    ],
)
def test_an_environment_that_does_not_fit(
    exported: Path, tmp_path: Path, environment: dict[str, Any], parts: str
) -> None:
    with user_error(parts):
        play(open_playable(changed(exported, tmp_path / "copy", **environment)), 1)


def test_the_best_actor_was_not_exported(exported: Path) -> None:
    with user_error("actor=best ... was exported as the last actor"):
        open_playable(exported, "best")
