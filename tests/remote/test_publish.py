"""`ddpg-export RUN hub=USER/NAME`, and what a reader of the repository does with it."""

from pathlib import Path

import numpy as np
import pytest
from support.hub_server import HubServer
from support.stored_runs import stored_run

import ddpg
from ddpg.commands import export
from ddpg.record.run_folder import RunFolder
from ddpg.run.policies import stored_policy

OBS = np.array([0.3, 0.0, -1.0], np.float64)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return stored_run(tmp_path_factory.mktemp("runs") / "run", "network.normalize_obs=5")


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", ["ddpg-export", *words])
    export.main()


def test_a_published_policy_is_what_the_run_has_learned(
    hub: HubServer, run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "policy"
    typed(
        monkeypatch, str(run.path), f"out={out}", "format=safetensors", "episodes=2", "hub=me/walk", "license=mit",
        "private=true",
    )  # fmt: skip
    repo = hub.repos["me/walk"]
    assert repo.private
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"on the Hub: {hub.url}/me/walk/commit/{repo.head}",
        f'in Python: ddpg.load_policy("hub:me/walk@{repo.head}")',
    ]
    card = repo.files["README.md"].decode()
    assert "license: mit" in card
    assert 'ddpg.load_policy("hub:me/walk")' in card
    loaded = ddpg.load_policy(f"hub:me/walk@{repo.head}")
    assert np.array_equal(loaded(OBS), stored_policy(run, "last")(OBS))


@pytest.mark.parametrize(
    ("words", "refused", "message"),
    [
        (("private=true",), False, "private=true is about the repository that hub=USER/NAME names, and none is named"),
        (("hub=walk",), False, "hub=walk is no name on the Hub; it looks like hub=USER/NAME"),
        (("hub=me/walk",), True, "OUT is not on the Hub as me/walk: your token has no right to write there;"),
    ],
)
def test_one_line_when_it_cannot_go_there(
    hub: HubServer,
    run: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    refused: bool,
    message: str,
) -> None:
    """What is clear beforehand is said before anything is exported; else what was exported stays."""
    hub.refuse = lambda path: 403
    out = tmp_path / "policy"
    with pytest.raises(SystemExit) as ended:
        typed(monkeypatch, str(run.path), f"out={out}", "format=safetensors", "episodes=1", *words)
    assert str(ended.value).startswith(f"ddpg-export: {message.replace('OUT', str(out))}")
    assert "\n" not in str(ended.value)
    assert out.exists() == refused
