"""The command `ddpg-report compare`: which configurations differ, and how certain that is."""

from collections.abc import Sequence
from dataclasses import fields
from itertools import takewhile
from pathlib import Path

from ddpg.commands.command_line import is_value, key_values, print_help
from ddpg.config.signature import fit
from ddpg.errors import UserError
from ddpg.interrupt import ending_at_once
from ddpg.report.compare.options import Options

USAGE = (
    "ddpg-report compare FOLDER... [KEY=VALUE ...]: tests of the differences between the configurations of all runs "
    "in the folders and below"
)


def main(words: Sequence[str]) -> None:
    """`ddpg-report compare FOLDER... [KEY=VALUE ...]`: print and write what differs, and how certain that is."""
    print_help(words, USAGE, fields(Options))
    folders = [Path(word) for word in takewhile(lambda word: not is_value(word), words)]
    if not folders:
        names = " ".join(f"[{option.name}=...]" for option in fields(Options))
        raise UserError(f"folders come first: ddpg-report compare FOLDER... {names}")
    options = Options(**fit(key_values(words[len(folders) :], "baseline=td3"), Options))
    with ending_at_once():
        from ddpg.report.compare.write import write_comparison

    print(write_comparison(folders, options))
