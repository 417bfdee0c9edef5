"""The groups and options that --help lists: those of conf/ and those of a user."""

from pathlib import Path

import pytest

from ddpg.commands import train
from ddpg.composition.options_help import Choices

CONF = Path(__file__).parents[2] / "conf"


def test_every_group_and_option_is_listed() -> None:
    listed = {f"{group}/{option}" for group in Choices(None).groups() for option in Choices(None).options(group)}
    files = (path.relative_to(CONF).with_suffix("").as_posix() for path in CONF.glob("*/**/*.yaml"))
    assert listed == {name for name in files if not name.startswith(("hydra/", "_"))}


def test_own_options_groups_and_groups_within_groups(tmp_path: Path) -> None:
    for name in ("noise/mine.yaml", "plant/big/tree.yaml"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    own = Choices(str(tmp_path))
    assert {"mine", "ou"} <= set(own.options("noise"))
    assert {"plant", "plant/big"} <= set(own.groups())
    lines = own.help().splitlines()
    assert "plant/big: tree" in lines
    assert not any(line.startswith("plant:") for line in lines)


def test_a_group_that_is_none_has_no_options() -> None:
    assert Choices(None).options("nope") == []


def test_help_takes_the_folder_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder is relative to the working directory, and --help may stand anywhere."""
    (tmp_path / "own" / "noise").mkdir(parents=True)
    (tmp_path / "own" / "noise" / "mine.yaml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["ddpg-train", "env=hopper", "--help", "--config-dir", "own"])
    with pytest.raises(SystemExit) as exit:
        train.main()
    assert exit.value.code is None
    assert ", keras, mine, none, " in capsys.readouterr().out
