"""The structures that kernels take are the same in C and in Python, and each header is complete."""

import re
import shlex
import shutil
import subprocess
from typing import Any, get_type_hints

import pytest
import torch
from support.native_kernels import NATIVE, needs_kernels

from ddpg.fast.native import Kernels, Step, build, operands

HEADERS = sorted(path.name for path in build.FOLDER.glob("*.h"))
#: Of numpy's making, and handed on as an address.
NOT_OURS = {"Generator"}
#: Types in C to which pointers say nothing of numbers.
OF_NO_NUMBERS = {"void", "char", *NOT_OURS}
#: What a field of a structure in C is by its type in Python.
KINDS = {
    int: "Int",
    float: "double",
    operands.Floats: "float*",
    operands.Doubles: "double*",
    operands.Ints: "Int*",
    operands.Pointer: "pointer",
}


def fields_in_c(body: str) -> list[tuple[str, str]]:
    """The names and kinds of the fields of a structure, in order."""
    fields = []
    for declaration in re.findall(r"([^;]+);", body):
        words = declaration.replace("const ", "").strip()
        kind, _, names = words.partition(" ")
        for name in names.split(","):
            if name.strip().startswith("*"):
                fields.append((name.strip(" *"), "pointer" if kind in OF_NO_NUMBERS else f"{kind}*"))
            else:
                fields.append((name.strip(), kind))
    return fields


def structures_in_c() -> dict[str, list[tuple[str, str]]]:
    text = re.sub(r"/\*.*?\*/", "", (build.FOLDER / "operands.h").read_text(), flags=re.DOTALL)
    found = re.findall(r"typedef struct \{([^}]*)\} (\w+);", text)
    return {name: fields_in_c(body) for body, name in found if name not in NOT_OURS}


def structures_in_python() -> dict[str, type[Any]]:
    classes = [value for value in vars(operands).values() if isinstance(value, type) and issubclass(value, tuple)]
    return {structure.__name__: structure for structure in classes}


def fields_in_python(structure: type[Any]) -> list[tuple[str, str]]:
    return [(name, KINDS[hint]) for name, hint in get_type_hints(structure, include_extras=True).items()]


def kernels_in_c() -> dict[str, str]:
    """Each kernel's structure."""
    entries = re.findall(r"\bX\((\w+), (\w+)\)", (build.FOLDER / "kernels.c").read_text())
    return {name: structure for structure, name in entries}


def test_the_same_fields_in_the_same_order() -> None:
    in_c = structures_in_c()
    in_python = {name: fields_in_python(structure) for name, structure in structures_in_python().items()}
    assert list(in_c) == list(in_python)
    assert in_c == in_python
    assert {kind for fields in in_c.values() for _, kind in fields} == set(KINDS.values())


def test_each_structure_is_that_of_a_kernel() -> None:
    assert set(kernels_in_c().values()) == structures_in_c().keys()


@needs_kernels
@pytest.mark.parametrize("kernel", kernels_in_c())
def test_a_kernel_takes_its_own_structure_alone(kernel: str) -> None:
    assert NATIVE is not None
    for name, structure in structures_in_python().items():
        step = Step(kernel, structure(*[0] * len(structure._fields)))
        if name == kernels_in_c()[kernel]:
            NATIVE.program([step])
        else:
            with pytest.raises(ValueError, match=f"{kernel} of {name}"):
                NATIVE.program([step])


@needs_kernels
def test_a_kernel_that_does_not_exist() -> None:
    assert NATIVE is not None
    assert not NATIVE.has("cube")
    with pytest.raises(ValueError, match="cube"):
        NATIVE.program([Step("cube", operands.Sum(None, None, 0, 1.0))])


@needs_kernels
def test_other_numbers_than_the_kernel_reads() -> None:
    assert NATIVE is not None
    double = torch.zeros(2, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"Sum\.a takes torch\.float32, not torch\.float64"):
        NATIVE.program([Step("sum", operands.Sum(torch.zeros(()), double, n=2, factor=1.0))])


@needs_kernels
def test_what_c_gets(kernels_of_one: Kernels) -> None:
    """Addresses, whole numbers of any sign, and the sign of a zero."""
    x, out = torch.tensor([1.0, -2.0]), torch.zeros(3, 2)
    backwards = operands.Elementwise(out[-1], x, x, 3, 2, -2, 1, 0, 1, 0, 1, u=0.0, v=0.0)
    kernels_of_one.program([Step("copy_float", backwards)])()
    assert out.tolist() == [[1, -2]] * 3
    limits = operands.Elementwise(out, x, x, 1, 2, 2, 1, 2, 1, 2, 1, u=-0.0, v=5.0)
    kernels_of_one.program([Step("clamp_float", limits)])()
    assert out[0].tolist() == [1, 0]
    assert out[0].signbit().tolist() == [False, True]
    total = operands.Sum(out, x.data_ptr(), n=2, factor=0.5)
    kernels_of_one.program([Step("sum", total)])()
    assert out[0, 0] == -0.5


@pytest.fixture
def kernels_of_one() -> Kernels:
    assert NATIVE is not None
    return NATIVE.alone()


@needs_kernels
@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler of that name")
@pytest.mark.parametrize("header", HEADERS)
def test_a_header_is_complete_by_itself(header: str) -> None:
    """It includes what it uses, and may be included twice."""
    command = ["cc", *build.OPTIONS, *build._processor_options(), "-Wall", "-Wno-unused-function", "-fsyntax-only"]
    twice = f'#include "{header}"\n' * 2
    done = subprocess.run([*command, f"-I{build.FOLDER}", "-x", "c", "-"], input=twice, text=True, capture_output=True)
    assert done.returncode == 0, f"{shlex.join(command)}: {done.stderr}"
