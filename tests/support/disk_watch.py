"""The contents of a folder at each instant of a run, and what a power cut at that instant may leave of them."""

import hashlib
import os
import random
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: The content by path; None for a folder.
Tree = dict[str, Any]
#: The inode by path.
Entries = dict[str, int]

_watches: list["Watch"] = []
_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")


def _on_event(event: str, args: tuple[Any, ...]) -> None:
    for watch in tuple(_watches):
        if event in _CHANGES or (event == "open" and _writes(args[1], args[2])):
            watch.instant(f"{event} {args[0]}")


def _writes(mode: str | None, flags: int) -> bool:
    return any(letter in mode for letter in "wax+") if mode else bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


sys.addaudithook(_on_event)  # it cannot be removed; without a Watch it does nothing


@dataclass
class Instant:
    """The folder just before a file operation, and the part of it that the disk is known to hold."""

    operation: str
    now: Entries  # path in the folder -> inode
    durable: Entries  # path -> inode, as far as fsync of the folders has made it safe
    content: dict[int, bytes | None]  # inode -> bytes now, None for a folder
    synced: dict[int, bytes | None]  # inode -> bytes at the last fsync of the file

    def killed(self) -> Tree:
        """Return what kill -9 leaves: everything."""
        return {path: self.content[inode] for path, inode in self.now.items()}

    def cut(self, entry: Callable[[], bool], data: Callable[[bytes, bytes], bytes | None]) -> Tree:
        """Return what a power cut leaves.

        Args:
            entry: decides for each unsafe change of a folder whether the disk has it.
            data: the content of a file that was changed since its last fsync, from the content then and the one now.
        """
        tree: Tree = {}
        for path in sorted({*self.now, *self.durable}):
            choice = self.now if self.now.get(path) == self.durable.get(path) or entry() else self.durable
            parent = path.rpartition("/")[0]
            if path not in choice or (parent and parent not in tree):
                continue
            inode = choice[path]
            now, safe = self.content.get(inode, self.synced.get(inode)), self.synced.get(inode, b"")
            tree[path] = None if now is None else now if now == safe else data(safe or b"", now)
        return tree

    def trees(self, rng: random.Random) -> Iterator[tuple[str, Tree]]:
        """Yield what may be found afterwards; for the power cut the two extremes and a mixture."""
        yield "killed", self.killed()
        yield "cut, nothing unsafe is there", self.cut(lambda: False, lambda safe, now: safe)
        yield "cut, names without content", self.cut(lambda: True, lambda safe, now: safe)
        yield "cut, some is there", self.cut(lambda: rng.random() < 0.5, lambda safe, now: torn(rng, safe, now))


def torn(rng: random.Random, safe: bytes, now: bytes) -> bytes:
    """Tear a file that was being written: its old content, a part of the new one, or zeros at its end."""
    length = rng.randint(min(len(safe), len(now)), len(now))
    return rng.choice([safe, now[:length], now[:length] + bytes(len(now) - length)])


class Watch:
    """Follows the file operations of this process in one folder."""

    def __init__(self, folder: Path, shadow: Path) -> None:
        self.folder = folder
        self.instants: list[Instant] = []
        self._shadow = shadow  # links there keep inodes from being used again
        self._busy = False
        self._durable: Entries = {}
        self._synced: dict[int, bytes | None] = {}
        self._linked: set[int] = set()

    @contextmanager
    def watching(self) -> Iterator[None]:
        fsync = os.fsync

        def watched(descriptor: int) -> None:
            self.instant("fsync")
            fsync(descriptor)
            self._safe(descriptor)

        os.fsync = watched
        _watches.append(self)
        try:
            yield
        finally:
            _watches.remove(self)
            os.fsync = fsync
        self.instant("the end")

    def instant(self, operation: str) -> None:
        """Note the state of the folder before `operation`."""
        if self._busy:
            return
        self._busy = True
        now, content = self._look()
        self.instants.append(Instant(operation, now, dict(self._durable), content, dict(self._synced)))
        self._busy = False

    def _look(self) -> tuple[Entries, dict[int, bytes | None]]:
        now: Entries = {}
        content: dict[int, bytes | None] = {}
        for path in sorted(self.folder.rglob("*")):
            inode = path.stat().st_ino
            now[str(path.relative_to(self.folder))] = inode
            content[inode] = None if path.is_dir() else path.read_bytes()
        return now, content

    def _safe(self, descriptor: int) -> None:
        """Note an fsync: the content of a file is safe, or the names in a folder."""
        self._busy = True
        status, path = os.fstat(descriptor), Path(f"/proc/self/fd/{descriptor}").readlink()
        if stat.S_ISREG(status.st_mode):
            self._synced[status.st_ino] = path.read_bytes()
        elif path.is_relative_to(self.folder):
            self._safe_folder(path)
        self._busy = False

    def _safe_folder(self, path: Path) -> None:
        prefix = "" if path == self.folder else f"{path.relative_to(self.folder)}/"
        here = {p for p in self._durable if p.startswith(prefix) and "/" not in p[len(prefix) :]}
        self._durable = {p: inode for p, inode in self._durable.items() if p not in here}
        for child in path.iterdir():
            inode = child.stat().st_ino
            self._durable[prefix + child.name] = inode
            if child.is_dir():
                self._synced[inode] = None
            elif inode not in self._linked:
                os.link(child, self._shadow / str(inode))
                self._linked.add(inode)


def write_tree(tree: Tree, folder: Path) -> None:
    folder.mkdir(parents=True)
    for path, content in tree.items():
        if content is None:
            (folder / path).mkdir(parents=True, exist_ok=True)
        else:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)


def digest(tree: Tree) -> str:
    """Hash a tree."""
    return hashlib.sha256(repr(sorted(tree.items())).encode()).hexdigest()
