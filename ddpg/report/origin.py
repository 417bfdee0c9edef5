"""Where forks began: a report counts what a fork has trained itself, not the rows of its source."""

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

from ddpg.record.series import short_number


class Origin(NamedTuple):
    """Names what a fork continues: the last two parts of the run's path, its configuration, and the env step."""

    run: str
    configuration: str
    env_step: int

    def __str__(self) -> str:
        """Write the origin as labels do: outputs/run@1500."""
        return f"{self.run}@{self.env_step}"


def origin_of(config: Mapping[str, Any]) -> Origin | None:
    """Return what the run with a config continues if it is a fork, else None."""
    source = config.get("fork")
    forked = config.get("forked")
    if source is None or not forked:
        return None
    run = PurePath(*PurePath(source).parts[-2:]).as_posix()
    return Origin(run, forked["configuration"], forked["env_step"])


def joined_origins(origins: Iterable[Origin | None]) -> dict[Origin | None, str]:
    """Write each origin so that forks of a configuration's runs have one text: outputs/run_1,…@1500; None is ""."""
    found = sorted({origin for origin in origins if origin is not None})
    alike: dict[tuple[str, int], list[Origin]] = {}
    for origin in found:
        alike.setdefault(origin[1:], []).append(origin)
    texts: dict[Origin | None, str] = {None: ""}
    for first, *others in alike.values():
        text = str(first._replace(run=f"{first.run},…") if others else first)
        texts |= dict.fromkeys([first, *others], text)
    return texts


def notes_on_origins(origins: Iterable[Origin | None]) -> list[str]:
    """Say where the forks of a configuration began, and what several forks of one run tell; nothing of other runs."""
    forks = list(filter(None, origins))
    runs: dict[int, list[str]] = {}
    for origin in forks:
        runs.setdefault(origin.env_step, []).append(origin.run)
    notes = [
        f"forked from {', '.join(dict.fromkeys(names))} at step {short_number(step)}; only what came after it counts"
        for step, names in runs.items()
    ]
    sources = len(set(forks))
    if sources < len(forks):
        notes.append(
            f"{len(forks)} forks continue {'one run' if sources == 1 else f'{sources} runs'}: intervals and tests tell "
            "what further forks would do, not what training anew would"
        )
    return notes
