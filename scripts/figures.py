"""Prints how a checkout of this project is built: import cones, rooms, sizes and style.

scripts/figures.py             this checkout
scripts/figures.py ROOT ...    others, a column for each
"""

import argparse
from pathlib import Path

from measure import structure
from measure.structure import Module

ROOT = Path(__file__).resolve().parent.parent


def figures(root: Path) -> dict[str, str]:
    """Return the figures of a checkout by their names."""
    package = structure.modules(root, "ddpg")
    return {**cones(root, package), **rooms(package), **style(package), **sizes(root, package)}


def cones(root: Path, package: list[Module]) -> dict[str, str]:
    """Return what the learner imports, what others use of the agent, and what is to be read."""
    lines = {module.name: len(module.lines) for module in package}
    found = {}
    for key, candidates in (("the MLP", structure.MLP), ("the agent", structure.AGENT)):
        cone = structure.import_cone(root, candidates)
        found[f"modules (lines) imported by {key}"] = f"{len(cone)} ({sum(lines[name] for name in cone)})"
    used = structure.attributes_of_agent(package)
    without_fast = structure.attributes_of_agent(package, (*structure.HOMES_OF_AGENT, "ddpg/fast/"))
    found["attributes of the agent used from outside"] = str(len(used))
    found["... not counting fast/"] = f"{len(without_fast)}: {' '.join(without_fast)}"
    core = structure.core_files(root)
    found["core to read: files / lines"] = (
        f"{len(core)} / {sum(len(path.read_text(encoding='utf-8').splitlines()) for path in core)}"
    )
    return found


def rooms(package: list[Module]) -> dict[str, str]:
    """Return how modules and rooms import each other."""
    graph = structure.arrows(package)
    of_rooms = structure.arrows_of_rooms(graph)
    circles = structure.circles(graph)
    sizes = ", ".join(str(len(circle)) for circle in circles)
    return {
        "module arrows / circles (sizes)": f"{sum(map(len, graph.values()))} / {len(circles)} ({sizes or '-'})",
        "rooms / arrows / upward": (
            f"{len(of_rooms)} / {sum(map(len, of_rooms.values()))} / {structure.upward_arrows(of_rooms)}"
        ),
    }


def style(package: list[Module]) -> dict[str, str]:
    """Return figures of how the package is written."""
    lines = [line for module in package for line in module.written]
    wide = sum(len(line) > structure.WIDTH for line in lines)
    texts = structure.docstrings(package)
    fragments = sum(structure.FRAGMENTS.match(text) is not None for text in texts)
    tuples = structure.tuple_assignments(package)
    return {
        "functions: median / p90 / max lines": structure.functions_line(package),
        f"files over {structure.LONG_FILE} lines": str(long_files(package)),
        f"lines over {structure.WIDTH} columns": f"{100 * wide / len(lines):.1f} %",
        "tuple assignments per 1,000 lines": f"{1000 * tuples / len(lines):.1f}",
        "fragments among docstrings": f"{fragments} of {len(texts)}",
    }


def long_files(package: list[Module]) -> int:
    """Count the files that are longer than a file should be."""
    return sum(len(module.lines) > structure.LONG_FILE for module in package)


def sizes(root: Path, package: list[Module]) -> dict[str, str]:
    """Return files and lines of code, tests and documents."""
    kinds = {
        "package": ("ddpg/**/*.py", "hydra_plugins/**/*.py"),
        "C": ("ddpg/**/*.c", "ddpg/**/*.h"),
        "conf": ("conf/**/*.yaml",),
        "tests": ("tests/**/*.py",),
        "scripts": ("scripts/**/*.py",),
        "examples": ("examples/**/*.py",),
        "docs": ("*.md", "docs/*.md"),
    }
    counted = {kind: structure.count_lines(root, *patterns) for kind, patterns in kinds.items()}
    found = {f"{kind}: files / lines": f"{files} / {lines}" for kind, (files, lines) in counted.items()}
    return found | {f"tests over {structure.LONG_FILE} lines": str(long_files(structure.modules(root, "tests")))}


def main() -> None:
    """Print a line for each figure, in Markdown, with a column for each checkout."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("roots", nargs="*", type=Path, default=[ROOT], metavar="ROOT", help="checkouts of this project")
    roots = [root.resolve() for root in parser.parse_args().roots]
    found = [figures(root) for root in roots]
    print("| | " + " | ".join(root.name for root in roots) + " |")
    print("|---" * (1 + len(found)) + "|")
    for name in found[0]:
        print(f"| {name} | " + " | ".join(one[name] for one in found) + " |")


if __name__ == "__main__":
    main()
