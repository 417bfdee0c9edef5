"""The command `ddpg-report`: learning curves and a table of final scores of many runs."""

import shlex
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields
from importlib import import_module
from pathlib import Path

from ddpg.commands.command_line import folders_first, key_values, one_line_errors, print_help
from ddpg.composition.word_checks import check_repeated
from ddpg.config.signature import fit
from ddpg.interrupt import ending_at_once


@dataclass
class ReportArguments:
    """The arguments of `ddpg-report`: folders, then KEY=VALUE. A KEY of another name is one of the runs' configs."""

    folders: list[str]
    out: str | None = field(
        default=None, metadata={"help": "folder for what is written; null: report/ in the first FOLDER"}
    )
    metric: str = field(default="eval/episodic_return", metadata={"help": "any name in metrics.jsonl"})
    group_by: str | list[str] | None = field(
        default=None, metadata={"help": "keys or groups that tell configurations apart, as [preset,noise]; null: all"}
    )
    solved: float | None = field(
        default=None, metadata={"help": "a column tells how many seeds end with at least this; null: no such column"}
    )
    threshold: float | None = field(
        default=None, metadata={"help": "a column tells after how many steps a run has this; null: no such column"}
    )


#: The filters, as the help text explains them.
FILTER = "any key or group of the runs, to choose those with a value: noise=ou,gaussian optimizer.actor.lr=1e-3"


def main() -> None:
    """`ddpg-report FOLDER... [KEY=VALUE ...]`: write a page, learning curves and a table of final scores.

    `ddpg-report compare ...` and `ddpg-report serve ...` are commands of their own; a folder of that name is ./compare.
    """
    with one_line_errors("ddpg-report"):
        words = sys.argv[1:]
        if words[:1] in (["compare"], ["serve"]):
            import_module(f"ddpg.commands.report_{words[0]}").main(words[1:])  # they import this module
            return
        arguments, filters = report_arguments(words)
        with ending_at_once():
            from ddpg.commands.usual_configs import UsualConfigs
            from ddpg.report.view import View, group_keys
            from ddpg.report.write import write_report

        folders = [Path(folder) for folder in arguments.folders]
        out = folders[0] / "report" if arguments.out is None else Path(arguments.out)
        view = View(arguments.metric, group_keys(arguments.group_by), filters, arguments.solved, arguments.threshold)
        print(write_report(folders, out, view, shlex.join(["ddpg-report", *words]), UsualConfigs()))


def report_arguments(words: Sequence[str]) -> tuple[ReportArguments, dict[str, str]]:
    """Read the words after `ddpg-report`, and the filters among them; print the help text and exit if they ask for it.

    Raises UserError for a word that does not fit.
    """
    usage = (
        "ddpg-report FOLDER... [KEY=VALUE ...]: a page, curves and tables of all runs in the folders and below\n"
        "ddpg-report compare FOLDER... [KEY=VALUE ...]: tests of which configuration is better\n"
        "ddpg-report serve FOLDER... [KEY=VALUE ...]: the page in a browser, while runs are trained"
    )
    options = fields(ReportArguments)[1:]
    print_help(words, f"{usage}\n\nKEY=VALUE is one of these, or {FILTER}", options)
    folders, rest = folders_first(words, "ddpg-report", options)
    names = {option.name for option in options}
    check_repeated(rest)
    own = [word for word in rest if word.partition("=")[0] in names or "=" not in word]
    values = key_values(own, "solved=90", texts=("out",))
    return ReportArguments(**fit({"folders": folders, **values}, ReportArguments)), filters_of(rest, names)


def filters_of(words: Sequence[str], names: Collection[str]) -> dict[str, str]:
    """Return the values of those words by key that are no arguments; UserError for one that cannot be read."""
    filters = {}
    for word in words:
        key, _, value = word.partition("=")
        if key.partition(".")[0] not in names:
            key_values([word], "noise=ou")
            filters[key] = value
    return filters
