"""Words of a command line as Hydra reads them: the folder of a run that goes on."""

from pathlib import Path

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


def test_a_name_that_hydra_would_replace_is_refused(tmp_path: Path) -> None:
    with user_error("Hydra takes ${ for the beginning of another value; rename the folder"):
        hydra_words([f"resume={folder(tmp_path, 'a${b')}"])
