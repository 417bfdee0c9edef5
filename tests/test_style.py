"""The parts that are read beside the paper are written with one assignment a line."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("learner", "training", "run")


def packed_assignments(source: str) -> Iterator[str]:
    """List `a, b = x, y` and `a = b = x`; unpacking the result of a call is fine."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign):
            parallel = isinstance(node.targets[0], ast.Tuple | ast.List) and isinstance(
                node.value, ast.Tuple | ast.List
            )
            if parallel or len(node.targets) > 1:
                yield ast.unparse(node)


@pytest.mark.parametrize(
    ("source", "packed"),
    [
        ("a, b = x, y", ["a, b = (x, y)"]),
        ("[a, self.b] = 0.0, f(x)", ["[a, self.b] = (0.0, f(x))"]),
        ("a = b = 0", ["a = b = 0"]),
        ("a, b = f(x)\nc = 1, 2", []),
    ],
)
def test_what_counts_as_packed(source: str, packed: list[str]) -> None:
    assert list(packed_assignments(source)) == packed


@pytest.mark.parametrize("room", ROOMS)
def test_one_assignment_a_line(room: str) -> None:
    files = sorted((ROOT / "ddpg" / room).rglob("*.py"))
    assert files
    packed = {str(file.relative_to(ROOT)): list(packed_assignments(file.read_text())) for file in files}
    assert {name: found for name, found in packed.items() if found} == {}
