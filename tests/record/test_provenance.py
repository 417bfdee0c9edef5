"""The code and the machine that provenance.json names."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ddpg.record import provenance as module
from ddpg.record.provenance import code_version, command_line, commits, own_configs, provenance, repository


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git repository with one commit."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "code.py").write_text("x = 1\n")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "code.py"], [*who, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def test_clean_checkout(checkout: Path) -> None:
    found = repository(checkout)
    assert found is not None
    assert len(found["commit"]) == 40
    assert (found["dirty"], found["diff"], found["untracked"]) == (False, "", [])
    assert Path(found["root"]) == checkout.resolve()


def test_changes_are_kept_and_bounded(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / "code.py").write_text("x = 2\n")
    (checkout / "new file.py").write_text("")
    found = repository(checkout)
    assert found is not None
    assert found["dirty"]
    assert "+x = 2" in found["diff"]
    assert found["diff_cut_by"] == 0
    assert len(found["untracked"]) == 1
    monkeypatch.setattr(module, "LONGEST_DIFF", 10)
    cut = repository(checkout)
    assert cut is not None
    assert cut["diff"] == found["diff"][:10]
    assert cut["diff_cut_by"] == len(found["diff"]) - 10


def test_version_is_that_of_the_repository_without_its_diff(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A diff of the whole tree takes seconds on a network disk."""
    asked: list[str] = []
    git = module._git
    monkeypatch.setattr(module, "_git", lambda folder, *words: asked.append(words[0]) or git(folder, *words))
    monkeypatch.setattr(module.version, "__file__", str(checkout / "code.py"))
    monkeypatch.chdir(checkout)
    assert code_version() == {"commit": repository(checkout)["commit"], "commit_of_directory": None, "dirty": False}
    (checkout / "code.py").write_text("x = 2\n")
    asked.clear()
    assert code_version()["dirty"]
    assert "diff" not in asked
    asked.clear()
    assert commits()["commit"] == code_version()["commit"]
    assert asked.count("status") == 1  # of code_version


def test_the_commit_of_the_users_code_beside_a_package_that_is_installed(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    monkeypatch.setattr(module.version, "__file__", str(checkout / "untracked.py"))
    here = repository(checkout)["commit"]
    assert code_version() == {"commit": None, "commit_of_directory": here, "dirty": None}
    monkeypatch.chdir("/")
    assert commits() == {"commit": None, "commit_of_directory": None}


def test_repository_without_a_commit_and_no_repository(tmp_path: Path) -> None:
    assert repository(tmp_path) is None
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    found = repository(tmp_path)
    assert found is not None
    assert found["commit"] is None


def test_a_slow_repository_costs_one_warning_a_question(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "GIT_SECONDS", 0.0)
    assert repository(checkout) is None
    (warning,) = caplog.messages
    assert str(checkout) in warning


def test_the_users_repository_is_recorded_too(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    found = provenance(seed=1)["git_of_directory"]
    assert found["root"] == str(checkout.resolve())


def test_package_installed_inside_a_repository_is_not_its_code(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = checkout / ".venv" / "ddpg" / "__init__.py"
    installed.parent.mkdir(parents=True)
    installed.touch()
    monkeypatch.setattr(module.version, "__file__", str(installed))
    assert provenance(seed=1)["git"] is None


def test_everything_is_there_without_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["ddpg-train", "env=pendulum", "note=two words"])
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    found = json.loads(json.dumps(provenance(seed=7)))
    assert found["git"] is None
    assert found["git_of_directory"] is None
    assert found["command"] == "ddpg-train env=pendulum 'note=two words'"
    assert found["seed"] == 7
    assert found["slurm"] == {"SLURM_JOB_ID": "17"} or found["slurm"]["SLURM_JOB_ID"] == "17"
    assert {"python", "ddpg", "torch", "gymnasium", "numpy", "wandb"} <= set(found["versions"])
    assert found["versions"]["numpy"]
    assert found["machine"]["cores"] >= 1


def test_the_command_has_no_plus_that_the_program_has_put_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """As before the keys of a fork, which Hydra does not know."""
    monkeypatch.setattr(sys, "argv", ["ddpg-train", "fork=outputs/RUN", "++tau=0.1", "+env.kwargs.x=1"])
    assert command_line()["command"] == "ddpg-train fork=outputs/RUN tau=0.1 +env.kwargs.x=1"


def test_the_folder_of_own_config_groups() -> None:
    assert own_configs({"threads": 1}) == {}
    assert own_configs({"config_dir": "theirs", "threads": 1}) == {"config_dir": "theirs"}


def test_unknown_package_is_null(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGES", ("no-such-package",))
    assert module.versions()["no-such-package"] is None
