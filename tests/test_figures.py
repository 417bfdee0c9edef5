"""scripts/figures.py: what it counts, on a package of a few lines."""

import subprocess
import sys
from pathlib import Path

import pytest

from measure import structure

ROOT = Path(__file__).parent.parent
FILES = {
    "ddpg/__init__.py": "",
    "ddpg/errors.py": '"""Of errors."""\n',
    "ddpg/learner/__init__.py": "",
    "ddpg/learner/agent.py": "import ddpg.errors\nimport ddpg.learner.networks.mlp\n",
    "ddpg/learner/networks/__init__.py": "",
    "ddpg/learner/networks/mlp.py": '"""Whatever is a word."""\n',
    "ddpg/run/__init__.py": "",
    "ddpg/run/build.py": (
        "from ddpg.training import loop\n\n\ndef build(agent, x):\n"
        '    """Build it."""\n    a, b = x, 1\n    c, d = x\n    return agent.act, agent.act.x, x.agent.y\n'
    ),
    "ddpg/training/__init__.py": "",
    "ddpg/training/loop.py": (
        "def f(self):\n    from ddpg.run.build import build\n    return self.agent.update, build\n"
    ),
    "docs/architecture.md": "- To read the algorithm: `networks/mlp.py`, then `agent.py`, 3 lines.\n- `errors.py`\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_import_cone(root: Path) -> None:
    assert structure.import_cone(root, structure.MLP) == [
        "ddpg", "ddpg.learner", "ddpg.learner.networks", "ddpg.learner.networks.mlp",
    ]  # fmt: skip
    assert "ddpg.errors" in structure.import_cone(root, structure.AGENT)


def test_arrows_and_circles(root: Path) -> None:
    graph = structure.arrows(structure.modules(root, "ddpg"))
    assert graph["ddpg.learner.agent"] == {"ddpg.errors", "ddpg.learner.networks.mlp"}
    assert structure.circles(graph) == [{"ddpg.run.build", "ddpg.training.loop"}]
    rooms = structure.arrows_of_rooms(graph)
    assert rooms["ddpg.learner"] == {"ddpg.errors"}
    assert structure.upward_arrows(rooms) == 2


def test_style(root: Path) -> None:
    package = structure.modules(root, "ddpg")
    assert structure.attributes_of_agent(package) == ["act", "update"]
    assert structure.tuple_assignments(package) == 1
    fragments = [text for text in structure.docstrings(package) if structure.FRAGMENTS.match(text)]
    assert fragments == ["Of errors."]
    assert structure.function_lengths(package) == [3, 5]


def test_core_is_what_the_document_names(root: Path) -> None:
    assert [path.name for path in structure.core_files(root)] == ["mlp.py", "agent.py"]


def test_figures_of_this_checkout() -> None:
    shown = subprocess.check_output([sys.executable, ROOT / "scripts" / "figures.py"], text=True)
    assert "| rooms / arrows / upward | " in shown
    assert len(shown.splitlines()) > 15
