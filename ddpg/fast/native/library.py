"""The kernels in C: built once on a machine by its C compiler, kept, and called."""

import ctypes
import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from ddpg.procfs import proc_field

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent
COMPILERS = ("cc", "gcc", "clang")
#: Sums are reordered where kernels say so (`omp simd reduction`), and nowhere else; NaN stays NaN.
OPTIONS = ["-std=gnu11", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC"]
#: A compiler may have no library for threads: one thread, then.
THREADS = ("-fopenmp", "-fopenmp-simd")
PATIENCE_S = 300
#: What a processor needs, and the options to use it; the best comes first.
PROCESSORS = {
    ("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx2", "fma"): ["-mprefer-vector-width=512"],
    ("avx2", "fma"): [],
}

#: As in step.h.
STEP = np.dtype([("kind", np.int64), ("at", np.uint64, 8), ("n", np.int64, 12), ("x", np.float64, 6)])


class MissingError(Exception):
    """Why there are no kernels, though there could be."""


class ForeignError(Exception):
    """Why there can be no kernels here."""


@dataclass(frozen=True)
class Step:
    """One call of a kernel: its name, the tensors or addresses that it works on, sizes and strides, constants."""

    kernel: str
    at: Sequence[Tensor | int | None]
    n: Sequence[int]
    x: Sequence[float] = ()

    def with_relu(self) -> "Step | None":
        """The same and a ReLU of its result, as the last number says; None if the kernel cannot do that."""
        return replace(self, n=(*self.n[:-1], 1)) if self.kernel in ("product", "dots") else None

    def through_relu(self, y: Tensor) -> "Step | None":
        """The same, and its result, which is a gradient, goes through the ReLU that had the result y."""
        able = self.kernel == "product" and len(self.at) == 4 and self.n[-1] == 0
        return replace(self, at=(*self.at, y)) if able else None


class Kernels:
    """The built kernels. `name` stands for their very instructions: another compiler may round in another way."""

    def __init__(self, path: Path) -> None:
        self.name = f"native-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
        library = ctypes.CDLL(str(path))
        self._kind_of, self._play = library.kind_of, library.play
        self._kind_of.restype = ctypes.c_int64
        self._play.restype = None
        self._threads = torch.get_num_threads

    def has(self, kernel: str) -> bool:
        """Whether there is a kernel of that name."""
        return bool(self._kind_of(kernel.encode()) >= 0)

    def alone(self) -> "Kernels":
        """The same with one thread, for what is too little to share."""
        mine = copy(self)
        mine._threads = lambda: 1
        return mine

    def program(self, steps: Sequence[Step]) -> Callable[[], None]:
        """A function that does these steps, one after the other, by as many threads as torch has, or `alone`."""
        table = np.zeros(len(steps), STEP)
        for row, step in zip(table, steps, strict=True):
            row["kind"] = self._kind_of(step.kernel.encode())
            row["at"][: len(step.at)] = [at.data_ptr() if isinstance(at, Tensor) else at or 0 for at in step.at]
            row["n"][: len(step.n)], row["x"][: len(step.x)] = step.n, step.x
        play = partial(self._play, ctypes.c_void_p(table.ctypes.data), ctypes.c_int64(len(steps)))
        threads = self._threads

        def run(used: object = (table, steps)) -> None:  # kept: the program has only their addresses
            play(threads())

        return run


@cache
def kernels() -> Kernels | None:
    """Those of this machine; None, and a line that says why, where there are none."""
    try:
        return _found()
    except ForeignError as error:
        log.info("updates are computed by torch's kernels: %s", error)
        return None
    except (MissingError, OSError, RuntimeError) as error:  # a system without /proc, a user without a home
        log.warning("updates are computed by torch's kernels, which is slower: %s", error)
        return None


def _found() -> Kernels:
    options = [*OPTIONS, *_processor()]
    sources = b"".join(path.read_bytes() for path in sorted(FOLDER.glob("*.[ch]")))
    name = f"kernels-{hashlib.sha256(sources + ' '.join(options).encode()).hexdigest()[:12]}.so"
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ddpg" / name
    try:
        return Kernels(kept)
    except OSError as error:
        if not kept.exists():
            return _built(options, kept, "none was built here before")
        log.info("%s cannot be loaded: %s", kept, error)  # torn, or built for another system that shares this folder
        return _built(options, kept, f"{kept} cannot be loaded")


def _processor() -> list[str]:
    here = f"{platform.system()} {platform.machine()}"
    if here != "Linux x86_64":
        raise ForeignError(f"native ones are written for Linux x86_64, this is {here}")
    flags = set((proc_field("cpuinfo", "flags") or "").split())
    for needed, more in PROCESSORS.items():
        if flags.issuperset(needed):
            return [f"-m{flag}" for flag in needed] + more
    raise ForeignError("native ones are written for processors with AVX2 and FMA")


def _built(options: Sequence[str], kept: Path, why: str) -> Kernels:
    """Compiled now, which takes seconds, and kept for the next time where that is possible."""
    compiler = os.environ.get("CC") or next(filter(shutil.which, COMPILERS), None)
    if compiler is None:
        raise MissingError(f"there is no C compiler ({', '.join(COMPILERS)}), and {why}")
    log.info("building native kernels with %s, once on this machine: %s", compiler, why)
    with TemporaryDirectory() as folder:
        new = Path(folder) / kept.name
        for threads in THREADS:
            command = [*shlex.split(compiler), *options, threads, str(FOLDER / "kernels.c"), "-o", str(new), "-lm"]
            reason = _failure(command)
            if reason is None:
                return _loaded([_keep(new, kept), new])
    raise MissingError(f"the C compiler {compiler} failed: {reason}")


def _failure(command: Sequence[str]) -> str | None:
    """Why the compiler does not do it; None if it did."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = done.stderr.decode(errors="replace").splitlines()
    otherwise = f"it ended with {done.returncode}"
    return next((line.strip() for line in lines if "error" in line), otherwise) if done.returncode else None


def _loaded(places: Sequence[Path]) -> Kernels:
    """From the first place that programs may be loaded from."""
    for place in places:
        try:
            return Kernels(place)
        except OSError as error:
            reason = error
    raise MissingError(f"what the C compiler built cannot be loaded: {reason}")


def _keep(new: Path, kept: Path) -> Path:
    """Where it lies from now on. Of the jobs of a sweep that do this at the same time the first one's stays.

    For on some network disks a file that is replaced is gone for those who have loaded it.
    """
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=kept.parent) as folder:
            own = shutil.copy(new, folder)
            try:
                os.link(own, kept)
            except FileExistsError:
                with suppress(OSError):
                    Kernels(kept)
                    return kept
                Path(own).replace(kept)
    except OSError as error:  # a home that cannot be written to
        log.info("native kernels are not kept, so every start builds them: %s", error)
        return new
    return kept
