"""The command `ddpg-report`: learning curves and a table of final scores of many runs."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from importlib import import_module
from itertools import takewhile
from pathlib import Path

from ddpg.commands.command_line import is_value, key_values, one_line_errors, print_help
from ddpg.config.signature import fit
from ddpg.errors import UserError
from ddpg.interrupt import ending_at_once


@dataclass
class ReportArguments:
    """The arguments of `ddpg-report`: folders, then KEY=VALUE."""

    folders: list[str]
    out: str | None = field(
        default=None, metadata={"help": "folder for what is written; null: report/ in the first FOLDER"}
    )
    metric: str = field(default="eval/episodic_return", metadata={"help": "any name in metrics.jsonl"})
    solved: float | None = field(
        default=None, metadata={"help": "a column tells how many seeds end with at least this; null: no such column"}
    )


def main() -> None:
    """`ddpg-report FOLDER... [KEY=VALUE ...]`: write learning curves and a table of final scores.

    `ddpg-report compare ...` and `ddpg-report serve ...` are commands of their own; a folder of that name is ./compare.
    """
    with one_line_errors("ddpg-report"):
        words = sys.argv[1:]
        if words[:1] in (["compare"], ["serve"]):
            import_module(f"ddpg.commands.report_{words[0]}").main(words[1:])
            return
        arguments = report_arguments(words)
        with ending_at_once():
            from ddpg.report.write import write_report

        folders = [Path(folder) for folder in arguments.folders]
        out = folders[0] / "report" if arguments.out is None else Path(arguments.out)
        print(write_report(folders, out, arguments.metric, arguments.solved))


def report_arguments(words: Sequence[str]) -> ReportArguments:
    """Read the words after `ddpg-report`; print the help text and exit if they ask for it.

    Raises UserError for a word that does not fit.
    """
    usage = (
        "ddpg-report FOLDER... [KEY=VALUE ...]: learning curves and a table of final scores of all runs in the folders "
        "and below"
    )
    options = fields(ReportArguments)[1:]
    print_help(words, usage, options)
    folders = list(takewhile(lambda word: not is_value(word), words))
    if not folders:
        raise UserError(f"folders come first: ddpg-report FOLDER... {' '.join(f'[{f.name}=...]' for f in options)}")
    values = key_values(words[len(folders) :], "solved=90")
    return ReportArguments(**fit({"folders": folders, **values}, ReportArguments))
