"""Built libraries in files: a digest at the end of each, which is compared before the library is loaded.

A process that loads a damaged library dies on a signal, at every start. The loader of the system does not look
at what follows a library in its file.
"""

import hashlib
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp

from ddpg.fast.native.library import Kernels

log = logging.getLogger(__name__)

DIGEST_BYTES = hashlib.sha256().digest_size


def add_digest(path: Path) -> None:
    """Append to a new library the digest of its bytes and of its file's name, which stands for its sources."""
    with path.open("r+b") as file:
        digest = _digest(path.name, file.read())
        file.write(digest)


def load(path: Path) -> Kernels:
    """Load the kernels of a library that ends in its digest.

    Raises OSError if the file is not as it was built, if it has other functions, or if this system cannot load it.
    """
    content = path.read_bytes()
    library = content[:-DIGEST_BYTES]
    if content[-DIGEST_BYTES:] != _digest(path.name, library):
        raise OSError(f"{path} is not as it was built: damaged, or of another origin")
    try:
        return Kernels(path, f"native-{hashlib.sha256(library).hexdigest()[:12]}")
    except AttributeError as error:
        raise OSError(f"{path} has no kernels: {error}") from error


def store(new: Path, path: Path) -> Path:
    """Copy the new library to `path`, and return where it lies: at `new` if it cannot be stored.

    Of the jobs of a sweep that build at the same time, the first one's stays, because on some network disks a file that
    is replaced is gone for those who have loaded it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _temporary(path.parent) as own:
            shutil.copy(new, own)
            try:
                os.link(own, path)
            except OSError:  # it is there already, or this file system has no hard links
                with suppress(OSError):
                    load(path)
                    return path
                own.replace(path)
    except OSError as error:  # a home that cannot be written to
        log.info("native kernels are not stored, so every start builds them: %s", error)
        return new
    return path


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    """Have a new file in the folder itself, because some file systems link no file from one folder into another."""
    handle, name = mkstemp(dir=folder)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _digest(name: str, library: bytes) -> bytes:
    return hashlib.sha256(name.encode() + library).digest()
