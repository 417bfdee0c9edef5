"""Pictures of a study as PNG, SVG and PDF: history, importances, values, schedules, search against confirmation."""

from collections.abc import Callable, Mapping, Sequence
from math import log10
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from ddpg.record.figure import INK, picture, style_axes
from ddpg.report.drawing import picture_files
from ddpg.report.palette import PALETTE
from ddpg.report.study.panels import Panels, complete_trials

MUTED = "#8b929c"
#: The lines of the best tenth of the trials, and of the others.
STRONG: dict[str, Any] = {"color": PALETTE[1], "linewidth": 2.0, "zorder": 3}
FAINT: dict[str, Any] = {"color": MUTED, "linewidth": 0.8, "alpha": 0.5, "zorder": 2}
#: Marker, colour and meaning of trials by their kind.
KINDS: Mapping[str, tuple[str, str, str]] = {
    "complete": ("o", PALETTE[0], "trials"),
    "control": ("s", PALETTE[2], "random controls"),
    "pruned": ("x", MUTED, "pruned, at their scores so far"),
    "failed": ("^", PALETTE[1], "failed, at the score as which they count"),
}


def draw_study(panels: Panels, out: Path) -> dict[str, list[Path]]:
    """Write what there is to draw of a study into a folder; return the files by what they show, PNG first."""
    if panels["note"]:
        return {}
    drawings: dict[str, tuple[bool, float, Callable[[Panels, Axes], None]]] = {
        "history": (any(trial["value"] is not None for trial in panels["trials"]), 4, _history),
        "importances": ("shares" in panels["importances"], 1.4 + 0.3 * len(panels["dimensions"]), _importances),
        "parallel": (bool(complete_trials(panels)), 4, _parallel),
        "schedule": (bool(winning_stages(panels)), 4, _schedule),
        "confirmation": (bool((panels["confirmation"] or {}).get("rows")), 4, _confirmation),
    }
    paths = {}
    for what, (is_there, height, draw) in drawings.items():
        if is_there:
            paths[what] = picture_files(f"study_{panels['name']}_{what}", out)
            with picture(*paths[what], height=height) as figure:
                draw(panels, figure.add_subplot())
    return paths


def _style(axes: Axes, title: str, xlabel: str, ylabel: str) -> None:
    style_axes(axes, title, ylabel)
    axes.set_xlabel(xlabel, color=INK)


def _legend_below(axes: Axes) -> None:
    """Place the legend where no point can be."""
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, frameon=False, fontsize=8, labelcolor=INK)


def kind_of(trial: Mapping[str, Any]) -> str:
    """Return the kind of a trial that has ended, a key of KINDS."""
    return "control" if trial["control"] and trial["state"] == "complete" else str(trial["state"])


def _history(panels: Panels, axes: Axes) -> None:
    trials = [trial for trial in panels["trials"] if trial["value"] is not None]
    for kind, (marker, color, label) in KINDS.items():
        points = [(trial["order"] + 1, trial["value"]) for trial in trials if kind_of(trial) == kind]
        if points:
            counts, scores = zip(*points, strict=True)
            axes.scatter(counts, scores, marker=marker, color=color, s=22, label=label, zorder=3)
    if panels["best"]:
        counts, scores = zip(*panels["best"], strict=True)
        axes.step(counts, scores, where="post", color=PALETTE[0], linewidth=1.5, label="best so far")
    _legend_below(axes)
    _style(axes, f"Study {panels['name']}", "trials that have ended", "score")


def _importances(panels: Panels, axes: Axes) -> None:
    shares = panels["importances"]["shares"][::-1]
    axes.barh([key for key, _ in shares], [100 * share for _, share in shares], color=PALETTE[0], height=0.6)
    _style(axes, "Importances", "%", "")
    axes.xaxis.set_major_formatter("{x:.0f}")
    how = panels["importances"]["evaluator"].replace("; ", ";\n")
    axes.text(1, 1.02, how, transform=axes.transAxes, ha="right", fontsize=7, color=INK)


def _parallel(panels: Panels, axes: Axes) -> None:
    trials = complete_trials(panels)
    scores = [trial["value"] for trial in trials]
    score = {"key": "score", "short": "score", "kind": "linear", "domain": [min(scores), max(scores)]}
    dimensions = [*panels["dimensions"], score]
    strong = max(1, round(len(trials) / 10))
    for rank, trial in enumerate(trials):
        values = {**trial["params"], "score": trial["value"]}
        points = [
            (place, share(one, values[one["key"]])) for place, one in enumerate(dimensions) if one["key"] in values
        ]
        places, shares = zip(*points, strict=True)
        axes.plot(places, shares, **(STRONG if rank < strong else FAINT))
    for place, one in enumerate(dimensions):
        axes.axvline(place, color=INK, linewidth=0.8)
        for value in one["values"] if one["kind"] == "category" else one["domain"]:
            name = str(value) if one["kind"] == "category" else f"{value:.3g}"
            axes.annotate(name, (place, share(one, value)), (3, 2), textcoords="offset points", fontsize=7, color=INK)
    _style(axes, "Parallel coordinates: the best tenth is drawn strong", "", "")
    axes.set_xticks(range(len(dimensions)), [one["short"] for one in dimensions], fontsize=8)
    axes.set_yticks([])
    axes.grid(visible=False)


def winning_stages(panels: Panels) -> list[Mapping[str, Any]]:
    """Return the values over env steps of the training that ends with a population's best member; none elsewhere."""
    lineages = (panels["population"] or {"lineages": []})["lineages"]
    return lineages[0]["stages"] if lineages else []


def _schedule(panels: Panels, axes: Axes) -> None:
    stages = winning_stages(panels)
    for place, one in enumerate(panels["dimensions"]):
        points = [
            (step, share(one, stage["params"][one["key"]]))
            for stage in stages
            if one["key"] in stage["params"]
            for step in (stage["start"], stage["stop"])
        ]
        if points:
            steps, shares = zip(*points, strict=True)
            axes.plot(steps, shares, color=PALETTE[place % len(PALETTE)], linewidth=1.8, label=one["short"])
    for stage in stages[1:]:
        axes.axvline(stage["start"], color=MUTED, linewidth=0.6)
    axes.set_ylim(-0.05, 1.05)
    _legend_below(axes)
    trial = panels["population"]["lineages"][0]["trial"]
    _style(axes, f"Values that made trial {trial}", "env steps", "place in the space, 0 to 1")


def share(dimension: Mapping[str, Any], value: Any) -> float:
    """Return where on its axis a value lies, from 0 to 1."""
    if dimension["kind"] == "category":
        options: Sequence[Any] = dimension["values"]
        return (options.index(value) + 0.5) / len(options)
    turned = log10 if dimension["kind"] == "log" else float
    low, high = map(turned, dimension["domain"])
    return (turned(value) - low) / (high - low) if high > low else 0.5


def _confirmation(panels: Panels, axes: Axes) -> None:
    rows = panels["confirmation"]["rows"]
    for name, shift, color, label in (
        ("tuned", -0.12, MUTED, "seeds on which it was chosen"),
        ("confirmed", 0.12, PALETTE[0], "new seeds"),
    ):
        for place, row in enumerate(rows):
            look = row[name]
            at = place + shift
            axes.scatter([at] * len(look["scores"]), look["scores"], s=9, color=color, alpha=0.6)
            if look["low"] is not None:
                axes.plot([at, at], [look["low"], look["high"]], color=color, linewidth=1.6)
            if look["score"] is not None:
                axes.scatter([at], [look["score"]], s=46, color=color, zorder=3, label=None if place else label)
    _legend_below(axes)
    axes.set_xlim(-0.5, len(rows) - 0.5)
    _style(axes, "Search against confirmation, 95 % intervals", "trial, the best in the search first", "score")
    axes.set_xticks(range(len(rows)), [str(row["trial"]) for row in rows])
