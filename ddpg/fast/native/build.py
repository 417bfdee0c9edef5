"""Builds the native kernels once on a machine, with its C compiler, and loads them."""

import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from ddpg.cache import cache_folder
from ddpg.fast.native.library import Kernels
from ddpg.fast.native.stored import add_digest, load, store
from ddpg.procfs import proc_field

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent
COMPILERS = ("cc", "gcc", "clang")
#: Sums are reordered where kernels ask for it (`omp simd reduction`), and nowhere else; NaN stays NaN, also where the
#: compiler's default or `CC` has -ffast-math. To take that back comes first, because with clang it ends -ffp-contract.
OPTIONS = ["-std=gnu11", "-O3", "-fno-fast-math", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"]
OPTIONS += ["-shared", "-fPIC"]
#: A compiler may come without the library for threads: then there is one thread, until it comes with it.
THREADS = ("-fopenmp", "-fopenmp-simd")
TIMEOUT_S = 300
#: The features that a processor needs, and further options to use them; the best come first.
PROCESSORS = {
    ("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx2", "fma"): ["-mprefer-vector-width=512"],
    ("avx2", "fma"): [],
}


class MissingError(Exception):
    """There are no kernels, though this machine could have them."""


class ForeignError(Exception):
    """The kernels are not written for this machine."""


@cache
def kernels() -> Kernels | None:
    """Return the kernels of this machine, which are built if need be; None, and a line of log, if there are none."""
    try:
        return _found()
    except ForeignError as error:
        log.info("updates are computed by torch's kernels: %s", error)
        return None
    except (MissingError, OSError, RuntimeError) as error:  # a system without /proc, a user without a home
        log.warning("updates are computed by torch's kernels, which is slower: %s", error)
        return None


def _found() -> Kernels:
    """Load the library that was built of these sources for this machine, or build it: with threads if possible.

    For a run of one thread a stored library without them will do, so nothing is built for it.
    """
    processor = _processor_options()
    builds = [[*OPTIONS, *processor, threads] for threads in THREADS]
    if torch.get_num_threads() == 1:
        for options in builds:
            with suppress(OSError):  # there is none, or it is damaged
                return load(_path(options))
    for options in builds:
        try:
            return _loaded_or_built(options)
        except MissingError as error:
            reason = error
    raise reason


def _path(options: Sequence[str]) -> Path:
    """Return where the library is stored that is built of these sources with these options."""
    sources = b"".join(path.read_bytes() for path in sorted(FOLDER.glob("*.[ch]")))
    # with the C library, because a container and its host may share the folder
    made_of = sources + " ".join([*options, *platform.libc_ver()]).encode()
    return cache_folder() / f"kernels-{hashlib.sha256(made_of).hexdigest()[:16]}.so"


def _loaded_or_built(options: Sequence[str]) -> Kernels:
    """Load what was built with these options, or build it."""
    path = _path(options)
    try:
        return load(path)
    except (FileNotFoundError, NotADirectoryError):
        return _built(options, path, "none was built here before")
    except OSError as error:  # damaged, or built for another system that shares this folder
        return _built(options, path, f"what is stored cannot be used: {error}")


def _processor_options() -> list[str]:
    """Return the compiler's options for this processor."""
    here = f"{platform.system()} {platform.machine()}"
    if here != "Linux x86_64":
        raise ForeignError(f"native ones are written for Linux x86_64, this is {here}")
    features = set((proc_field("cpuinfo", "flags") or "").split())
    for needed, more in PROCESSORS.items():
        if features.issuperset(needed):
            return [f"-m{feature}" for feature in needed] + more
    raise ForeignError("native ones are written for processors with AVX2 and FMA")


def _built(options: Sequence[str], path: Path, why: str) -> Kernels:
    """Compile the kernels, which takes seconds, and store the library at `path` where that is possible."""
    compiler = _compiler()
    if not compiler:
        raise MissingError(f"there is no C compiler ({', '.join(COMPILERS)}), and {why}")
    shown = shlex.join(compiler)
    log.info("building native kernels with %s: %s", shown, why)
    with TemporaryDirectory() as folder:
        new = Path(folder) / path.name
        reason = _failure([*compiler, *options, str(FOLDER / "kernels.c"), "-o", str(new), "-lm"], new)
        if reason is not None:
            raise MissingError(f"the C compiler {shown} failed: {reason}")
        add_digest(new)
        return _loaded([store(new, path), new])


def _compiler() -> list[str]:
    """Return the words of `CC`, or the first compiler that is installed; no words if there is none."""
    chosen = os.environ.get("CC", "")
    try:
        words = shlex.split(chosen)
    except ValueError as error:  # a quote that is not closed
        raise MissingError(f"CC={chosen} is no command: {error}") from error
    return words or list(filter(shutil.which, COMPILERS))[:1]


def _failure(command: Sequence[str], library: Path) -> str | None:
    """Run the compiler; return why it failed, or None if the library is there."""
    environment = os.environ | {"TMPDIR": str(library.parent)}  # gcc aborts where Python looks for another folder
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, env=environment, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None if library.exists() else "it ended without an error and without a library"
    lines = done.stderr.decode(errors="replace").splitlines()
    return next((line.strip() for line in lines if "error" in line), f"it ended with {done.returncode}")


def _loaded(paths: Sequence[Path]) -> Kernels:
    """Load the first of the files that lies where programs may be loaded from."""
    for path in paths:
        try:
            return load(path)
        except OSError as error:
            reason = error
    raise MissingError(f"what the C compiler built cannot be loaded: {reason}")
