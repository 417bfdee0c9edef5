"""The section of report.md about a study."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from ddpg.report.study.panels import Panels, complete_trials, folders_of_others
from ddpg.report.text import literal

TITLES = {
    "history": "history",
    "importances": "importances",
    "parallel": "parallel coordinates",
    "schedule": "the values that made the best member",
    "confirmation": "search against confirmation",
}


def study_section(panels: Panels, pictures: Mapping[str, Path]) -> str:
    """Write the section: counts, the best trial, what the second look found, and the pictures."""
    lines = [f"## Study {literal(panels['name'])}", ""]
    if panels["note"]:
        return "\n".join([*lines, literal(panels["note"]), ""])
    counts = Counter(trial["state"] for trial in panels["trials"])
    listed = ", ".join(f"{count} {state}" for state, count in counts.items()) or "none yet"
    lines += [
        f"- {len(panels['trials'])} of {panels['n_trials']} trials: {listed}",
        f"- score: {literal(panels['score'])}",
    ]
    lines += _best(panels)
    if folders_of_others(panels):
        lines.append("- the table of scores has the newest generation that has ended, or all if none of it was chosen")
    lines += [f"- {literal(note)}" for note in (panels["importances"]["note"], *_confirmation(panels)) if note]
    lines.append("")
    for name, path in pictures.items():
        lines += [f"![{TITLES[name]}]({path.name})", ""]
    return "\n".join(lines) + "\n"


def _best(panels: Panels) -> list[str]:
    complete = complete_trials(panels)
    controls = [trial for trial in complete if trial["control"]]
    names = {"best": complete, "best random control": controls}
    return [f"- {name}: trial {found[0]['number']}, {found[0]['value']:.4g}" for name, found in names.items() if found]


def _confirmation(panels: Panels) -> list[str]:
    """Say how much of the winner's score was luck."""
    found = panels["confirmation"]
    if found is None:
        return [f"no second look yet: ddpg-sweep confirm {panels['folder']}"]
    if found["note"]:
        return [found["note"]]
    if found["difference"] is None:
        return ["the winner has no score on the new seeds"]
    expected = found["expected"]
    by_choice = "not known" if expected is None else f"{expected:+.4g}"
    difference = f"{found['difference']:+.4g}"
    return [f"on new seeds the winner's score differs by {difference}; expected from its selection alone: {by_choice}"]
