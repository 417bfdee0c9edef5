"""The text of `ddpg-sweep status` for a folder that holds sweeps: a line for each of them."""

import os
from collections.abc import Sequence
from pathlib import Path

from ddpg.errors import UserError
from ddpg.record.run_folder import is_run_folder, natural_order
from ddpg.sweep.state.folder import SweepFolder
from ddpg.sweep.state.status import RunState, State, states
from ddpg.sweep.state.table import aligned, counts, cut


def sweeps_below(top: Path) -> list[Path]:
    """Return the folders of sweeps below `top`, in natural order; none if `top` is one itself."""
    found = []
    for path, below, files in os.walk(top):
        if is_run_folder(Path(path)) or {"sweep.json", "multirun.yaml"} & {*files}:
            below.clear()
            found += [] if is_run_folder(Path(path)) else [Path(path)]
        below[:] = sorted((name for name in below if not name.startswith(".")), key=natural_order)
    return [path for path in found if path != top]


def overview(top: Path, sweeps: Sequence[Path], only: Sequence[State] | None, width: int | None) -> str:
    """Return a line with the counts for each sweep.

    Args:
        top: the folder that holds them.
        sweeps: their folders.
        only: the states of which a sweep must have a run; None for all sweeps.
        width: characters at which lines are cut; None for no limit.
    """
    found = {path: _runs(path) for path in sweeps}
    shown = {path: runs for path, runs in found.items() if only is None or any(run.state in only for run in runs)}
    names = aligned(["sweep", *(str(path.relative_to(top)) for path in shown)])
    texts = ["", *(counts(runs) if runs else "no run has started" for runs in shown.values())]
    lines = [cut(f"{name}  {text}".rstrip(), width) for name, text in zip(names, texts, strict=True)]
    return "\n".join([*lines, f"the runs of one of them: ddpg-sweep status {SweepFolder(sweeps[-1]).quoted}"])


def _runs(path: Path) -> list[RunState]:
    try:
        return states(SweepFolder(path))
    except UserError:  # a sweep of Hydra's own launchers that has no run folder yet
        return []
