"""All runs in some folders, chosen in Hydra's words."""

from collections.abc import Iterable
from itertools import compress

from ddpg.api.folders import Folder, as_paths
from ddpg.api.run import Run
from ddpg.errors import UserError
from ddpg.report.filters import chosen, resolved
from ddpg.report.reading import find_all_runs


def runs(folders: Folder | Iterable[Folder], *filters: str) -> list[Run]:
    """Find every run in folders and below them, each once; those of a sweep that wait for their start come last.

        ddpg.runs("outputs/sweeps/X", "preset=td3", "optimizer.actor.lr=1e-3,3e-4")

    Args:
        folders: a folder, or several.
        filters: words in which a run has to agree, as ddpg-report takes them; several values mean any of them.

    Raises:
        UserError: a folder is missing or has no run that has started, or no run has such a key or value.
    """
    found = find_all_runs(as_paths(folders))
    records = [*found.started, *found.waiting]
    wanted = resolved(records, _pairs(filters))
    return [Run(record.folder.path) for record in compress(records, chosen(records, wanted))]


def _pairs(filters: Iterable[str]) -> dict[str, str]:
    """Split words at their first `=`; UserError for one without it, or of no text."""
    for word in filters:
        if not isinstance(word, str) or "=" not in word:
            raise UserError(f'{word!r} is no filter; write KEY=VALUE, as in "preset=td3"')
    return dict(word.split("=", 1) for word in filters)
