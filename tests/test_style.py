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


def without_encoding(source: str) -> Iterator[str]:
    """List calls that read or write text in whatever encoding the locale has."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or any(keyword.arg == "encoding" for keyword in node.keywords):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        words = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
        modes = {str(word.value) for word in words if isinstance(word, ast.Constant)}
        is_text = (
            (name == "read_text" and not node.args)
            or (name == "write_text" and len(node.args) < 2)
            or (name == "open" and not any("b" in mode for mode in modes) and not ast.unparse(node).startswith("os."))
            or any(ast.unparse(keyword) == "text=True" for keyword in node.keywords)
        )
        if is_text:
            yield ast.unparse(node)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("path.read_text()", True),
        ("path.read_text(encoding='utf-8')", False),
        ("path.write_text(text)", True),
        ("path.open()", True),
        ("path.open('ab')", False),
        ("open(path, 'w')", True),
        ("os.open(path, os.O_RDONLY)", False),
        ("subprocess.run(words, text=True)", True),
        ("replace(note, text=words)", False),
        ("subprocess.run(words, encoding='utf-8')", False),
    ],
)
def test_what_counts_as_without_encoding(source: str, found: bool) -> None:
    assert bool(list(without_encoding(source))) == found


@pytest.mark.parametrize("top", ["ddpg", "hydra_plugins", "scripts"])
def test_text_is_utf_8_whatever_the_locale(top: str) -> None:
    found = {
        str(file.relative_to(ROOT)): list(without_encoding(file.read_text(encoding="utf-8")))
        for file in sorted((ROOT / top).rglob("*.py"))
    }
    assert {name: calls for name, calls in found.items() if calls} == {}
