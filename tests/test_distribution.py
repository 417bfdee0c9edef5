"""The distribution's name has one spelling everywhere, and messages take it from the metadata."""

import re
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from ddpg import distribution
from ddpg.distribution import distribution_name, install_hint

ROOT = Path(__file__).parent.parent
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
[NAME] = re.findall(r'^name = "(.*)"$', PROJECT, re.MULTILINE)
STALE = "the installation is older than pyproject.toml: pip uninstall -y ddpg; pip install -e . --no-deps"


def test_the_installation_has_the_name() -> None:
    assert distribution_name() == NAME, STALE


def test_hint_names_the_distribution_and_the_checkout() -> None:
    hint = install_hint("video")
    assert f"pip install '{distribution_name()}[video]'" in hint
    assert "make setup" in hint


def test_hint_without_an_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where PYTHONPATH names a checkout."""
    monkeypatch.setattr(distribution, "entry_points", lambda **_: metadata.EntryPoints())
    assert install_hint("video") == "make setup in the checkout"


def test_no_other_spelling_in_any_file() -> None:
    """`pip install 'ddpg[video]'` would install somebody else's code, under the same import name."""
    files = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")
    texts = [ROOT / name for name in files if name.endswith((".py", ".yaml", ".md", ".toml", ".txt", "Makefile"))]
    spelled = {
        (path.name, name)
        for path in texts
        if path != Path(__file__)
        for name in re.findall(r"([\w.-]*ddpg[\w.-]*)\[[a-zA-Z]", path.read_text(encoding="utf-8"))
        + re.findall(r"pip install ([\w.-]*ddpg[\w.-]*)", path.read_text(encoding="utf-8"))
    }
    assert {name for _, name in spelled} == {NAME}, sorted(spelled)
