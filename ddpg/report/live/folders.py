"""The run folders and sweep folders below some folders, found again for one `stat` of each folder that holds them."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ddpg.record.run_folder import is_run_folder, natural_order

#: The files of a run that are read; none of them may be a link that leads out of the served folders.
READ_FILES = ("config.yaml", "status.json", "provenance.json", "metrics.jsonl")
#: A folder that changed less than this before it was listed is listed again: one clock tick can hold two changes.
COARSE_NS = 2_000_000_000


@dataclass(frozen=True)
class _Listing:
    """A folder that is no run, as it was when it was listed.

    Args:
        changed_ns: when a name in it last came or went.
        is_settled: whether that was long enough before, so that an equal time means an equal folder.
        is_sweep: whether it holds sweep.json.
        below: the folders in it, without hidden ones and links.
    """

    changed_ns: int
    is_settled: bool
    is_sweep: bool
    below: tuple[Path, ...]


class Folders:
    """Finds run folders and sweep folders; a folder is listed again only after a name in it came or went.

    Links to folders are not followed, and a run with a file that lies outside (by a link) is left out.
    """

    def __init__(self, tops: Sequence[Path]) -> None:
        real = {top.resolve(): top for top in tops}
        inside = {one for one in real if any(other in one.parents for other in real)}
        self._tops = {path: top for path, top in real.items() if path not in inside}
        self._listings: dict[Path, _Listing] = {}
        self._runs: set[Path] = set()

    def find(self) -> tuple[list[Path], list[Path]]:
        """Return the run folders and the sweep folders as they are now, each in natural order and once."""
        runs: dict[Path, None] = {}
        sweeps: dict[Path, None] = {}
        for top in self._tops.values():
            for path, is_run in self._walk(top):
                (runs if is_run else sweeps)[path] = None
        self._runs = set(runs)
        return list(runs), list(sweeps)

    def holds(self, path: Path) -> bool:
        """Whether a file or folder, its links resolved, lies in one of the folders or below it."""
        real = Path(os.path.realpath(path))  # a loop of links has no end: then it is the path as it stands
        return any(real == top or top in real.parents for top in self._tops)

    def _walk(self, path: Path) -> Iterator[tuple[Path, bool]]:
        """Yield the run folders (True) and sweep folders (False) in a folder and below it."""
        if self._is_run(path):
            yield path, True
            return
        listing = self._listed(path)
        if listing is None:
            return
        if listing.is_sweep:
            yield path, False
        for below in listing.below:
            yield from self._walk(below)

    def _is_run(self, path: Path) -> bool:
        if path in self._runs:
            return path.is_dir()
        if self._unchanged(path) is not None:
            return False
        return is_run_folder(path) and all(self.holds(path / name) for name in READ_FILES)

    def _unchanged(self, path: Path) -> _Listing | None:
        """Return what is known of a folder if no name in it came or went since."""
        listing = self._listings.get(path)
        if listing is None or not listing.is_settled:
            return None
        try:
            return listing if path.stat().st_mtime_ns == listing.changed_ns else None
        except OSError:
            return None

    def _listed(self, path: Path) -> _Listing | None:
        """Return the listing of a folder, made anew if it has changed; None if it is gone or closed to this user."""
        unchanged = self._unchanged(path)
        if unchanged is not None:
            return unchanged
        try:
            self._listings[path] = _list(path)
        except OSError:
            self._listings.pop(path, None)
        return self._listings.get(path)


def _list(path: Path) -> _Listing:
    changed_ns = path.stat().st_mtime_ns
    is_settled = time.time_ns() - changed_ns > COARSE_NS
    with os.scandir(path) as entries:
        found = list(entries)
    below = [one.name for one in found if not one.name.startswith(".") and one.is_dir(follow_symlinks=False)]
    is_sweep = any(one.name == "sweep.json" for one in found)
    return _Listing(changed_ns, is_settled, is_sweep, tuple(path / name for name in sorted(below, key=natural_order)))
