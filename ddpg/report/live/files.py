"""The files of a run that a browser may ask for: its videos and its picture, by an allow-list of names."""

import re
from pathlib import Path
from typing import NamedTuple

from ddpg.report.live.folders import Folders
from ddpg.report.live.stamps import stamp

#: What a file may be called inside its run folder, and of which type it is then.
ALLOWED = (
    (re.compile(r"videos/[A-Za-z0-9][A-Za-z0-9_.-]*\.mp4"), "video/mp4"),
    (re.compile(r"videos/[A-Za-z0-9][A-Za-z0-9_.-]*\.gif"), "image/gif"),
    (re.compile(r"learning_curve\.png"), "image/png"),
)


class Served(NamedTuple):
    """A file that may be served."""

    path: Path
    content_type: str


def served_file(folders: Folders, run: Path, name: str) -> Served | None:
    """Return a file of a run folder; None if it is not on the list, not there, or a link that leads out."""
    content_type = next((kind for pattern, kind in ALLOWED if pattern.fullmatch(name)), None)
    path = run / name
    if content_type is None or not path.is_file() or not folders.holds(path):
        return None
    return Served(path, content_type)


def video_name(run: Path) -> str | None:
    """Return the name of a run's newest video inside its folder; None if there is none."""
    videos = [path for kind in ("mp4", "gif") for path in (run / "videos").glob(f"*.{kind}")]
    stamps = {path: found for path in videos if (found := stamp(path)) is not None}  # the run may replace one just now
    newest = max(stamps, key=lambda path: stamps[path].changed_ns, default=None)
    return None if newest is None else f"videos/{newest.name}"
