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

from ddpg.fast.native.library import Kernels
from ddpg.procfs import proc_field

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent
COMPILERS = ("cc", "gcc", "clang")
#: Sums are reordered where kernels ask for it (`omp simd reduction`), and nowhere else; NaN stays NaN.
OPTIONS = ["-std=gnu11", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC"]
#: A compiler may come without the library for threads: then there is one thread.
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
    """Load the library that was built of these sources with these options, or build it."""
    options = [*OPTIONS, *_processor_options()]
    sources = b"".join(path.read_bytes() for path in sorted(FOLDER.glob("*.[ch]")))
    name = f"kernels-{hashlib.sha256(sources + ' '.join(options).encode()).hexdigest()[:12]}.so"
    path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ddpg" / name
    try:
        return Kernels(path)
    except OSError as error:
        if not path.exists():
            return _built(options, path, "none was built here before")
        log.info("%s cannot be loaded: %s", path, error)  # torn, or built for another system that shares this folder
        return _built(options, path, f"{path} cannot be loaded")


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
    compiler = os.environ.get("CC") or next(filter(shutil.which, COMPILERS), None)
    if compiler is None:
        raise MissingError(f"there is no C compiler ({', '.join(COMPILERS)}), and {why}")
    log.info("building native kernels with %s, once on this machine: %s", compiler, why)
    with TemporaryDirectory() as folder:
        new = Path(folder) / path.name
        for threads in THREADS:
            command = [*shlex.split(compiler), *options, threads, str(FOLDER / "kernels.c"), "-o", str(new), "-lm"]
            reason = _failure(command)
            if reason is None:
                return _loaded([_stored(new, path), new])
    raise MissingError(f"the C compiler {compiler} failed: {reason}")


def _failure(command: Sequence[str]) -> str | None:
    """Run the compiler; return why it failed, or None."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    lines = done.stderr.decode(errors="replace").splitlines()
    return next((line.strip() for line in lines if "error" in line), f"it ended with {done.returncode}")


def _loaded(paths: Sequence[Path]) -> Kernels:
    """Load the first of the files that lies where programs may be loaded from."""
    for path in paths:
        try:
            return Kernels(path)
        except OSError as error:
            reason = error
    raise MissingError(f"what the C compiler built cannot be loaded: {reason}")


def _stored(new: Path, path: Path) -> Path:
    """Copy the new library to `path`, and return where it lies: at `new` if it cannot be stored.

    Of the jobs of a sweep that build at the same time, the first one's stays, because on some network disks a file that
    is replaced is gone for those who have loaded it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path.parent) as folder:
            own = shutil.copy(new, folder)
            try:
                os.link(own, path)
            except FileExistsError:
                with suppress(OSError):
                    Kernels(path)
                    return path
                Path(own).replace(path)
    except OSError as error:  # a home that cannot be written to
        log.info("native kernels are not stored, so every start builds them: %s", error)
        return new
    return path
