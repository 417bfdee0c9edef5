"""The Python that documents show runs: all blocks of a document in order, in one namespace and an empty folder.

`ddpg.train` is made short: the overrides of `SHORT` win over those of a document. What a document cannot do in a test
it says in HTML comments before a block:

    <!-- run: outputs/first -->     the block finds a finished run in that folder
    <!-- exported: FOLDER -->       and its policy in that one, in every format
    <!-- not run: REASON -->        the block is only compiled
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from support.runs import TINY

import ddpg
from ddpg.api.overrides import Overrides, as_words
from ddpg.api.run import Run
from ddpg.export.write import export
from ddpg.record.run_folder import RunFolder
from ddpg.report.reading import key_of

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("README.md", "docs/python.md", "docs/export.md")
SHORT = (*TINY, "eval.episodes=1", "eval.every=200")
#: The comments before a block, each on a line of its own, and its code.
SHOWN = re.compile(r"((?:^<!--[^\n]*-->\n+)*)^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!-- (run|exported|not run): (.*) -->")


@dataclass(frozen=True)
class Block:
    """A block of Python: its first line in the document and its code, what it finds, and whether it is executed."""

    line: int
    code: str
    runs: Sequence[str]
    exported: Sequence[str]
    is_run: bool


def blocks(text: str) -> Iterator[Block]:
    for shown in SHOWN.finditer(text):
        comments = COMMENT.findall(shown[1])
        runs = [path for word, path in comments if word == "run"]
        exported = [path for word, path in comments if word == "exported"]
        line = text.count("\n", 0, shown.start(2)) + 1
        yield Block(line, shown[2], runs, exported, all(word != "not run" for word, _ in comments))


def execute(text: str, name: str, finished: Path) -> dict[str, Any]:
    """Execute the blocks of a document; a traceback has its name and the numbers of its lines."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(text):
        for folder in block.runs:
            shutil.copytree(finished, folder)
        for folder in block.exported:
            export(RunFolder(finished), ["safetensors", "onnx", "pt2"], "last", Path(folder), 1, None)
        code = compile("\n" * (block.line - 1) + block.code, name, "exec")
        if block.is_run:
            exec(code, namespace)
    return namespace


def shortened(overrides: Overrides) -> list[str]:
    """Return overrides with SHORT in place of those of the same keys."""
    fixed = {key_of(word): word for word in SHORT}
    return [*fixed.values(), *(word for word in as_words(overrides) if key_of(word) not in fixed)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    return ddpg.train(shortened(["env=pendulum"]), out=tmp_path_factory.mktemp("documents") / "run").path


@pytest.fixture
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory, short runs, and pictures that open no window."""
    train = ddpg.train

    def train_shortly(overrides: Overrides = (), **arguments: Any) -> Run:
        return train(shortened(overrides), **arguments)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ddpg, "train", train_shortly)
    matplotlib.use("agg")


@pytest.mark.usefixtures("in_a_folder")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_documented_python_runs(name: str, finished: Path) -> None:
    execute((ROOT / name).read_text(encoding="utf-8"), str(ROOT / name), finished)


SMALL = """
```python
first = __name__
```

<!-- run: outputs/first -->
<!-- a comment for readers of the source -->

```python
from pathlib import Path
found = Path("outputs/first/config.yaml").exists()
```

<!-- not run: nobody is there -->
```python
raise SystemExit
```

```bash
ls
```
"""


@pytest.mark.usefixtures("in_a_folder")
def test_how_documents_are_executed(finished: Path) -> None:
    namespace = execute(SMALL, "small.md", finished)
    assert (namespace["first"], namespace["found"]) == ("__main__", True)
    assert [block.line for block in blocks(SMALL)] == [3, 10, 16]


@pytest.mark.usefixtures("in_a_folder")
def test_a_block_that_fails_is_named_by_its_line(finished: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        execute("Text.\n\n```python\nx = 1\nx / 0\n```\n", "small.md", finished)
    assert (str(caught.traceback[-1].path), caught.traceback[-1].lineno) == ("small.md", 4)


def test_every_documented_block_is_seen() -> None:
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert text.count("```python") == len(list(blocks(text))), name
