"""The native kernels are built once on a machine; where that cannot be, one line says why."""

import _ctypes
import errno
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from support.agents import agent_of
from support.buffers import buffer
from support.native_kernels import needs_kernels

from ddpg.fast.accelerate import accelerate
from ddpg.fast.native import Kernels, build, kernels
from ddpg.fast.native.stored import DIGEST_BYTES, add_digest, load
from ddpg.fast.tape.steps import product

pytestmark = pytest.mark.xdist_group("build")  # one process waits for the compiler, where pytest-xdist runs several


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    kernels.cache_clear()
    yield
    kernels.cache_clear()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stored library of this machine."""
    cache = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        build._found()
    [path] = (cache / "ddpg").iterdir()
    return path


@pytest.fixture
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """compiler("false"): the C compiler is this script for sh, with `$cc` as the compiler that is installed.

    `give FILE "$@"` writes a file where the library is wanted.
    """
    path, cc = tmp_path / "cc", shutil.which(next(iter(build._compiler()), "cc"))
    give = 'give() { file=$1; for word; do case $word in *.so) cat "$file" > "$word";; esac; done; }'

    def chosen(script: str) -> None:
        path.write_text(f"#!/bin/sh\ncc={cc}\n{give}\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("CC", str(path))

    return chosen


@pytest.fixture
def library(built: Path, tmp_path: Path) -> Path:
    """That library as the compiler wrote it."""
    path = tmp_path / "library"
    path.write_bytes(built.read_bytes()[:-DIGEST_BYTES])
    return path


@pytest.fixture
def quick_compiler(library: Path, compiler: Callable[[str], None]) -> None:
    """Let the compiler need no seconds for the same library."""
    compiler(f'give "{library}" "$@"')


@needs_kernels
@pytest.mark.usefixtures("quick_compiler")
def test_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = kernels()
    assert first is not None
    (kept,) = (tmp_path / "cache" / "ddpg").iterdir()
    library = kept.read_bytes()[:-DIGEST_BYTES]
    assert first.name == f"native-{hashlib.sha256(library).hexdigest()[:12]}"
    kernels.cache_clear()
    monkeypatch.setenv("CC", "false")  # no compiler is asked again
    again = kernels()
    assert again is not None
    assert again.name == first.name


def another(library: bytes, name: str, folder: Path) -> bytes:
    """The bytes of a file of that name in the cache, with these contents and their digest."""
    file = folder / name
    file.write_bytes(library)
    add_digest(file)
    return file.read_bytes()


@needs_kernels
@pytest.mark.usefixtures("quick_compiler")
@pytest.mark.parametrize("damage", ["empty", "text", "cut", "overwritten", "foreign", "older"])
def test_a_damaged_or_foreign_file_is_built_anew(damage: str, built: Path, tmp_path: Path) -> None:
    """Loaded as it is, such a file ends the process by a signal, or has other functions."""
    whole = built.read_bytes()
    contents = {
        "empty": b"",
        "text": b"no library",
        "cut": whole[:40960],
        "overwritten": whole[:4096] + b"\xff" * 8192 + whole[12288:],
        "foreign": Path(_ctypes.__file__).read_bytes(),
        "older": another(whole[:-DIGEST_BYTES], "kernels-0123456789abcdef.so", tmp_path),
    }
    path = tmp_path / "cache" / "ddpg" / built.name
    path.parent.mkdir(parents=True)
    path.write_bytes(contents[damage])
    with pytest.raises(OSError, match="not as it was built"):
        load(path)
    assert kernels() is not None
    assert path.read_bytes() == whole


@needs_kernels
def test_a_library_without_kernels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kernels-0.so"
    path.write_bytes(another(Path(_ctypes.__file__).read_bytes(), path.name, tmp_path))
    with pytest.raises(OSError, match="has no kernels"):
        load(path)


@needs_kernels
@pytest.mark.usefixtures("quick_compiler")
def test_a_home_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert isinstance(kernels(), Kernels)


@needs_kernels
@pytest.mark.usefixtures("quick_compiler")
@pytest.mark.parametrize("linkable", ["nothing", "within a folder"])
def test_a_file_system_with_few_hard_links(linkable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link, links = os.link, []

    def link_within_a_folder(source: Path, target: Path) -> None:
        if linkable == "nothing" or Path(source).parent != target.parent:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        link(source, target)
        links.append(target)

    monkeypatch.setattr(os, "link", link_within_a_folder)
    assert kernels() is not None
    (kept,) = (tmp_path / "cache" / "ddpg").iterdir()
    assert isinstance(load(kept), Kernels)
    assert links == ([] if linkable == "nothing" else [kept])


@needs_kernels
@pytest.mark.usefixtures("quick_compiler")
def test_another_c_library_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that shares the folder with its host."""
    assert kernels() is not None
    kernels.cache_clear()
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.17"))
    assert kernels() is not None
    assert len(list((tmp_path / "cache" / "ddpg").iterdir())) == 2


@needs_kernels
def test_threads_come_with_their_library(
    library: Path,
    compiler: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Until then a run that asks for several is told why it has one."""
    compiler('case "$*" in *"-fopenmp "*) exit 1;; *) $cc "$@" -O0;; esac')
    alone = kernels()
    assert alone is not None
    assert not alone.has_threads
    for threads in (1, 2):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        accelerate(agent_of(), buffer(8), torch.device("cpu"))
        assert ("one thread and not 2" in caplog.text) == (threads == 2)
    kernels.cache_clear()
    compiler("false")  # what is stored serves
    again = kernels()
    assert again is not None
    assert again.name == alone.name
    compiler(f'give "{library}" "$@"')
    for threads in (1, 2):  # one thread needs no other library
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        kernels.cache_clear()
        found = kernels()
        assert found is not None
        assert found.has_threads == (threads == 2)


@needs_kernels
def test_a_library_for_threads_that_cannot_be_loaded(
    library: Path, compiler: Callable[[str], None], tmp_path: Path
) -> None:
    (tmp_path / "nonsense").write_text("nonsense")
    compiler(f'case "$*" in *"-fopenmp "*) give "{tmp_path}/nonsense" "$@";; *) give "{library}" "$@";; esac')
    assert isinstance(kernels(), Kernels)


@needs_kernels
def test_nan_stays_nan_where_the_compiler_would_leave_it_out(compiler: Callable[[str], None]) -> None:
    compiler('$cc -ffast-math "$@" -O1')
    found = kernels()
    assert found is not None
    a, b, out = torch.eye(64), torch.full((64, 128), torch.nan), torch.zeros(64, 128)
    found.program(product(a, b, None, out) or ())()
    assert out.isnan().all()


@needs_kernels
def test_a_compiler_that_insists_on_leaving_it_out(
    compiler: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    compiler('$cc "$@" -ffinite-math-only')
    assert kernels() is None
    assert "this compiler takes no number for NaN" in caplog.text


def test_no_compiler(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(build, "_processor_options", list)
    monkeypatch.setenv("PATH", "")
    assert kernels() is None
    assert caplog.messages == [
        "updates are computed by torch's kernels, which is slower: there is no C compiler (cc, gcc, clang), and "
        "none was built here before"
    ]


@pytest.mark.parametrize(
    ("compiler", "said"),
    [
        ("false", "the C compiler false failed: it ended with 1"),
        ("nothing-like-it", "No such file or directory: 'nothing-like-it'"),
        ("true", "the C compiler true failed: it ended without an error and without a library"),
        ('gcc "', 'CC=gcc " is no command: No closing quotation'),
    ],
)
def test_a_compiler_that_fails(
    compiler: str, said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CC", compiler)
    monkeypatch.setattr(build, "_processor_options", list)
    assert kernels() is None
    assert said in caplog.text


@needs_kernels
@pytest.mark.usefixtures("quick_compiler")
def test_a_home_where_nothing_may_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk that is mounted with noexec: the new file is still in the temporary folder."""
    monkeypatch.setattr(build, "store", lambda new, kept: kept)
    assert isinstance(kernels(), Kernels)


def test_no_home(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A container's user who is in no list of users."""
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(build.Path, "home", _homeless)
    monkeypatch.setattr(build, "_processor_options", list)
    assert kernels() is None
    assert "Could not determine home directory" in caplog.text


def test_something_else_than_a_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    compiler = tmp_path / "my cc"
    compiler.write_text('#!/bin/sh\nfor word; do case $word in *.so) echo nonsense > "$word";; esac; done\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", f"'{compiler}'")
    monkeypatch.setattr(build, "_processor_options", list)
    assert kernels() is None
    assert "what the C compiler built cannot be loaded" in caplog.text


def test_another_processor(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="ddpg.fast.native.build")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert kernels() is None
    assert "native ones are written for Linux x86_64, this is Linux riscv64" in caplog.text


def _homeless() -> Path:
    raise RuntimeError("Could not determine home directory.")
