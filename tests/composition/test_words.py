"""Words of a command line as Hydra reads them: the folder of a run that goes on."""

from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from support.command_line import user_error

from ddpg.composition.words import hydra_words, quoted


def folder(tmp_path: Path, name: str) -> Path:
    path = tmp_path / name
    path.mkdir()
    (path / "config.yaml").touch()
    return path


@pytest.mark.parametrize("name", ["a", "it's", 'a "b"', "gamma=1, x", "back\\slash", "end\\", "it\\'s", "'a'", "'"])
def test_a_run_goes_on_in_a_folder_of_any_name(name: str, tmp_path: Path) -> None:
    path = folder(tmp_path, name)
    for word in (f"resume={path}", f"resume={quoted(str(path))}"):
        resume, run_dir = OverridesParser.create().parse_overrides(hydra_words([word]))
        assert resume.value() == str(path)
        assert run_dir.value() == str(path)


@pytest.mark.parametrize("key", ["hydra.run.dir", "hydra.sweep.dir"])
@pytest.mark.parametrize("name", ["a", "lr=1", "a,b", "'a,b'"])
def test_the_folder_of_a_run_or_a_sweep_may_have_any_name(key: str, name: str) -> None:
    (word,) = OverridesParser.create().parse_overrides(hydra_words([f"{key}={name}"]))
    assert word.value() == name.strip("'")
    assert not word.is_sweep_override()


def test_a_fork_is_of_a_run_in_a_folder_of_any_name(tmp_path: Path) -> None:
    """In a sweep it can be of several; its keys are those of the run, and flags stay what they are."""
    paths = [folder(tmp_path, name) for name in ("gamma=1, x", "it's")]
    word, tau, launcher, flag = hydra_words([f"fork={paths[0]}", "tau=1", "-m", "hydra/launcher=local"])
    assert OverridesParser.create().parse_override(word).value() == str(paths[0])
    assert (tau, launcher, flag) == ("++tau=1", "hydra/launcher=local", "-m")
    path = folder(tmp_path, "b")
    word, _ = hydra_words([f"fork={paths[1]},{path}", "-m"])
    swept: Any = OverridesParser.create().parse_override(word).value()
    assert [name.text for name in swept.list] == [str(paths[1]), str(path)]


@pytest.mark.parametrize("key", ["resume", "fork"])
def test_a_name_that_hydra_would_replace_is_refused(key: str, tmp_path: Path) -> None:
    with user_error("Hydra takes ${ for the beginning of another value; rename the folder"):
        hydra_words([f"{key}={folder(tmp_path, 'a${b')}"])


def test_one_word_says_what_is_forked(tmp_path: Path) -> None:
    path = folder(tmp_path, "a")
    with user_error(f"fork={path} fork={path}: a run is a fork of one run; several are written fork=RUN,RUN, with -m"):
        hydra_words([f"fork={path}", f"fork={path}", "-m"])
    with user_error(f"resume={path} cannot be combined with fork={path}"):
        hydra_words([f"resume={path}", f"fork={path}"])
    with user_error("fork=nope: there is no such folder"):
        hydra_words(["fork=nope"])
    with user_error(f"fork={path},{path}: forks of several runs are a sweep: add -m"):
        hydra_words([f"fork={path},{path}"])


@pytest.mark.parametrize("key", ["resume", "fork"])
def test_a_folder_is_needed_and_has_no_keys(key: str, tmp_path: Path) -> None:
    with user_error(f"{key}= names no run: {key}=outputs/RUN"):
        hydra_words([f"{key}="])
    with user_error(f"{key}.tau=3: {key} is the folder of a run and has no keys; write tau=3"):
        hydra_words([f"{key}={folder(tmp_path, 'a')}", f"{key}.tau=3"])
