"""Figures of how a checkout of this project is built, from its files and the syntax trees of its Python."""

import ast
import re
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

WIDTH = 100
LONG_FILE = 270
#: First words of a docstring that is no sentence, because its noun or verb is missing.
FRAGMENTS = re.compile(r"(Of|Those|The same|What|This|That)\b")
#: Expressions that stand for an agent, as `ast.unparse` writes them.
AGENTS = ("agent", "self.agent", "self._agent", "trainer.agent")
#: The modules of the MLP and of the agent, newest places first.
MLP = ("ddpg.learner.networks.mlp", "ddpg.networks.mlp")
AGENT = ("ddpg.learner.agent", "ddpg.agent")
#: Where an agent is at home, so that its attributes may be used.
HOMES_OF_AGENT = ("ddpg/learner/", "ddpg/agent.py")


@dataclass(frozen=True)
class Module:
    """A Python file: its path below the root, its text and its syntax tree."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def written(self) -> list[str]:
        """The lines that are not blank."""
        return [line for line in self.lines if line.strip()]

    @property
    def name(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def modules(root: Path, folder: str) -> list[Module]:
    """Read the Python files below a folder of the checkout."""
    paths = sorted((root / folder).rglob("*.py"))
    return [Module(str(path.relative_to(root)), path.read_text(encoding="utf-8")) for path in paths]


def count_lines(root: Path, *patterns: str) -> tuple[int, int]:
    """Return how many files match the patterns, and how many lines they have."""
    paths = {path for pattern in patterns for path in root.glob(pattern)}
    return len(paths), sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def import_cone(root: Path, candidates: Iterable[str]) -> list[str]:
    """Return the modules of ddpg that a fresh process has after importing the first candidate that exists."""
    [name, *_] = [name for name in candidates if (root / f"{name.replace('.', '/')}.py").exists()]
    code = f"import sys, {name}; print(*[name for name in sys.modules if name.partition('.')[0] == 'ddpg'])"
    return subprocess.check_output([sys.executable, "-c", code], cwd=root, encoding="utf-8").split()


def attributes_of_agent(package: Iterable[Module], homes: tuple[str, ...] = HOMES_OF_AGENT) -> list[str]:
    """Return the names X in `agent.X`, `self.agent.X` and the like, outside the agent's homes."""
    strangers = [module for module in package if not module.path.startswith(homes)]
    return sorted(
        {
            node.attr
            for module in strangers
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in AGENTS
        }
    )


def core_files(root: Path) -> list[Path]:
    """Return the files that docs/architecture.md names for reading the algorithm."""
    document = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
    [sentence] = re.findall(r"To read the algorithm:(.*?)(?:\.\s|$)", document, re.DOTALL)
    names = re.findall(r"`([\w/]+\.py)`", sentence)
    return [next(path for path in sorted((root / "ddpg").rglob("*.py")) if path.match(name)) for name in names]


def tuple_assignments(package: Iterable[Module]) -> int:
    """Count assignments of several values to several names in one line, as in `a, b = x, y`."""
    return sum(
        isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and isinstance(node.targets[0], ast.Tuple)
        for module in package
        for node in ast.walk(module.tree)
    )


def docstrings(package: Iterable[Module]) -> list[str]:
    """Return all docstrings of modules, classes and functions."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = (node for module in package for node in ast.walk(module.tree) if isinstance(node, documented))
    return [text for node in nodes if (text := ast.get_docstring(node))]


def function_lengths(package: Iterable[Module]) -> list[int]:
    """Return the number of lines of each function, sorted, without decorators."""
    return sorted(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for module in package
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def imports(module: Module, names: set[str]) -> Iterator[str]:
    """Yield the modules among `names` that a module imports anywhere, for the type checker, too."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & names
            yield from submodules or ({node.module} & names)


def room(name: str) -> str:
    """Return the first two parts of a module's name: its package, or itself if it lies at the top."""
    return ".".join(name.split(".")[:2])


def arrows(package: Iterable[Module]) -> dict[str, set[str]]:
    """Return, for each module, the other modules of the package that it imports."""
    package = list(package)
    names = {module.name for module in package}
    return {module.name: set(imports(module, names)) - {module.name} for module in package}


def arrows_of_rooms(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return, for each room, the other rooms that its modules import."""
    rooms: dict[str, set[str]] = defaultdict(set)
    for source, targets in graph.items():
        rooms[room(source)] |= {room(target) for target in targets} - {room(source)}
    return dict(rooms)


def reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """Return what can be reached from `start` along one arrow or more."""
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph[name]
    return found


def circles(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """Return the groups of names each of which can be reached from each other one of its group."""
    reach = {name: reachable(graph, name) for name in graph}
    groups = {
        frozenset(other for other in reach[name] if name in reach[other]) for name in graph if name in reach[name]
    }
    return [set(group) for group in sorted(groups, key=sorted)]


def upward_arrows(graph: Mapping[str, set[str]]) -> int:
    """Count the arrows inside circles: in any order of the names, some of them run upward."""
    return sum(len(graph[name] & circle) for circle in circles(graph) for name in circle)


def functions_line(package: Iterable[Module]) -> str:
    """Return the median, the 90th percentile and the maximum of the lengths of functions."""
    lengths = function_lengths(package)
    percentile = statistics.quantiles(lengths, n=10, method="inclusive")[-1]
    return f"{statistics.median(lengths):g} / {percentile:g} / {lengths[-1]}"
