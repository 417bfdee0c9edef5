"""The parts that docs/extending.md shows with a file of conf/ are trained with, as they stand there."""

import re
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest
from support.runs import TINY

import ddpg

DOCUMENT = (Path(__file__).parent.parent / "docs" / "extending.md").read_text(encoding="utf-8")


def shown(section: str) -> tuple[str, dict[str, str]]:
    """Return the Python of a section, and its YAML by the path of the file."""
    text = DOCUMENT.split(f"\n## {section}\n")[1].split("\n## ")[0]
    code = textwrap.dedent("\n".join(re.findall(r"^(?: {4}.*)?$", text, re.MULTILINE)))
    python, *files = re.split(r"^# (conf/\S+)$", code, flags=re.MULTILINE)
    return python, dict(zip(files[::2], files[1::2], strict=True))


def test_the_parts_are_trained_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ""
    for section in ("A replay buffer", "An optimizer", "A head"):
        python, files = shown(section)
        module += python
        assert files, section
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
    (tmp_path / "my_package.py").write_text(module)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "my_package", ModuleType("my_package"))  # so that it is put back afterwards
    del sys.modules["my_package"]
    [line] = re.findall(r"`ddpg-train --config-dir conf (.*)` trains with all three", DOCUMENT)
    words = ["env=pendulum", *TINY, "total_steps=250", *line.split(), "optimizer.critic.amsgrad=true"]
    run = ddpg.train(words, out=tmp_path / "run", config_dir=tmp_path / "conf")
    assert run.status["state"] == "done"
    assert not run.warnings
