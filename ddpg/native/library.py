"""The kernels in C: built once on a machine by its C compiler, kept, and called."""

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent
COMPILERS = ("cc", "gcc", "clang")
#: No option that reorders sums or forgets NaN: the numbers do not depend on who compiles, or hardly.
OPTIONS = ["-std=gnu11", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC"]
THREADS = "-fopenmp"
#: What a processor needs, and the options to use it; the best comes first.
PROCESSORS = {
    ("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx2", "fma"): ["-mprefer-vector-width=512"],
    ("avx2", "fma"): [],
}

#: As in step.h.
STEP = np.dtype([("kind", np.int64), ("at", np.uint64, 8), ("n", np.int64, 12), ("x", np.float64, 6)])


class MissingError(Exception):
    """Why there are no kernels here."""


@dataclass(frozen=True)
class Step:
    """One call of a kernel: its name, the tensors or addresses that it works on, sizes and strides, constants."""

    kernel: str
    at: Sequence[Tensor | int | None]
    n: Sequence[int]
    x: Sequence[float] = ()

    def with_relu(self) -> "Step | None":
        """The same and a ReLU of its result; None if the kernel has no place for it."""
        place = {"product": 11, "dots": 5}.get(self.kernel)
        return None if place is None else replace(self, n=(*self.n, *[0] * (place - len(self.n)), 1))


class Kernels:
    """The built kernels."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        library = ctypes.CDLL(str(path))
        self._kind_of, self._play = library.kind_of, library.play
        self._kind_of.restype = ctypes.c_int64
        self._play.restype = None

    def has(self, kernel: str) -> bool:
        """Whether there is a kernel of that name."""
        return bool(self._kind_of(kernel.encode()) >= 0)

    def program(self, steps: Sequence[Step]) -> Callable[[], None]:
        """A function that does these steps, one after the other, with as many threads as torch has."""
        table = np.zeros(len(steps), STEP)
        for row, step in zip(table, steps, strict=True):
            row["kind"] = self._kind_of(step.kernel.encode())
            row["at"][: len(step.at)] = [at.data_ptr() if isinstance(at, Tensor) else at or 0 for at in step.at]
            row["n"][: len(step.n)], row["x"][: len(step.x)] = step.n, step.x
        play = partial(self._play, ctypes.c_void_p(table.ctypes.data), ctypes.c_int64(len(steps)))

        def run(used: object = (table, steps)) -> None:  # kept: the program has only their addresses
            play(torch.get_num_threads())

        return run


@cache
def kernels() -> Kernels | None:
    """Those of this machine; None, and a line that says why, where there are none."""
    try:
        return _found()
    except MissingError as error:
        log.warning("updates are computed by torch's kernels, which is slower: %s", error)
        return None


def _found() -> Kernels:
    options = [*OPTIONS, *_processor()]
    sources = b"".join(path.read_bytes() for path in sorted(FOLDER.glob("*.[ch]")))
    name = f"native-{hashlib.sha256(sources + ' '.join(options).encode()).hexdigest()[:12]}.so"
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ddpg" / name
    try:
        return Kernels(kept)
    except OSError:  # there is none, or it was built for another system that shares this folder
        return _built(options, kept)


def _processor() -> list[str]:
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise MissingError(f"kernels are written for Linux on x86-64, this is {platform.system()} {platform.machine()}")
    flags = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")).split()
    for needed, more in PROCESSORS.items():
        if set(needed) <= set(flags):
            return [f"-m{flag}" for flag in needed] + more
    raise MissingError("kernels are written for processors with AVX2 and FMA")


def _built(options: Sequence[str], kept: Path) -> Kernels:
    """Compiled now, which takes seconds, and kept for the next time where that is possible."""
    compiler = os.environ.get("CC") or next(filter(shutil.which, COMPILERS), None)
    if compiler is None:
        raise MissingError(f"there is no C compiler ({', '.join(COMPILERS)}), and none was here before")
    with TemporaryDirectory() as folder:
        new = Path(folder) / kept.name
        for threads in ([THREADS], []):  # a compiler may have no OpenMP: one thread, then
            command = [*compiler.split(), *options, *threads, str(FOLDER / "kernels.c"), "-o", str(new), "-lm"]
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False)
            except OSError as error:
                raise MissingError(f"the C compiler cannot be started: {error}") from error
            if done.returncode == 0:
                return Kernels(_keep(new, kept))
    reason = next((line for line in done.stderr.splitlines() if "error" in line), f"it ended with {done.returncode}")
    raise MissingError(f"the C compiler {compiler} failed: {reason.strip()}")


def _keep(new: Path, kept: Path) -> Path:
    """Where it lies from now on. Jobs of a sweep may do this at the same time: each gets a whole file."""
    own = kept.with_suffix(f".{os.getpid()}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(new, own)
        own.replace(kept)
    except OSError as error:  # a home that cannot be written to
        log.debug("not kept: %s", error)
        return new
    return kept
