"""The command `ddpg-report compare`: which configurations differ, and how certain that is."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from ddpg.commands.command_line import folders_first, key_values, print_help
from ddpg.commands.report import FILTER, filters_of
from ddpg.composition.word_checks import check_repeated
from ddpg.config.signature import fit
from ddpg.errors import UserError
from ddpg.interrupt import ending_at_once
from ddpg.report.compare.options import Options

USAGE = (
    "ddpg-report compare FOLDER... [KEY=VALUE ...]: tests of the differences between the configurations of all runs "
    "in the folders and below"
)
#: Why the report has the best evaluation of a run and a comparison does not.
NO_BEST = (
    "convention=best is not compared: the best of many evaluations is too high, and the more so the more the "
    "evaluations of a configuration vary, so that noise would win; last and last10 choose nothing, and "
    "ddpg-eval RUN actor=best measures the best actor anew"
)


def main(words: Sequence[str]) -> None:
    """`ddpg-report compare FOLDER... [KEY=VALUE ...]`: print and write what differs, and how certain that is."""
    print_help(words, f"{USAGE}\n\nKEY=VALUE is one of these, or {FILTER}", fields(Options))
    folders, rest = folders_first(words, "ddpg-report compare", fields(Options))
    check_repeated(rest)
    names = {option.name for option in fields(Options)}
    own = [word for word in rest if "=" not in word or word.partition("=")[0].partition(".")[0] in names]
    values = key_values(own, "baseline=td3", texts=("baseline", "out"))
    if values.get("convention") == "best":
        raise UserError(NO_BEST)
    options = Options(**fit(values, Options))
    with ending_at_once():
        from ddpg.report.compare.write import write_comparison

    print(write_comparison([Path(folder) for folder in folders], options, filters_of(rest, names)))
