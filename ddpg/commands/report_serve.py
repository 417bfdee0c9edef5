"""The command `ddpg-report serve`: a page that shows runs while they are trained."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated

from ddpg.commands.command_line import folders_first, key_values, print_help
from ddpg.config.signature import fit
from ddpg.interrupt import ending_at_once
from ddpg.ranges import Range


@dataclass
class ServeArguments:
    """The arguments of `ddpg-report serve`: folders, then KEY=VALUE."""

    folders: list[str]
    port: Annotated[int, Range(at_least=0, at_most=65535)] = field(
        default=8765, metadata={"help": "where the page is: http://localhost:PORT; 0: any free one"}
    )
    host: str = field(
        default="127.0.0.1",
        metadata={"help": "who can see the page: only this machine; 0.0.0.0: everybody who can reach it"},
    )


def main(words: Sequence[str]) -> None:
    """Serve the page of the folders until Ctrl-C. `words` are those after `ddpg-report serve`."""
    arguments = serve_arguments(words)
    with ending_at_once():
        from ddpg.commands.usual_configs import UsualConfigs
        from ddpg.report.live.feed import Feed
        from ddpg.report.live.server import open_server
        from ddpg.report.page.page import live_page
        from ddpg.report.view import View

    command = shlex.join(["ddpg-report", "serve", *words])
    feed = Feed([Path(folder) for folder in arguments.folders], View(), command, UsualConfigs())
    with open_server(arguments.host, arguments.port, live_page(), feed) as server:
        print(f"{', '.join(arguments.folders)}: {server.url} (Ctrl-C ends it; it only reads)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("ended; the runs go on")


def serve_arguments(words: Sequence[str]) -> ServeArguments:
    """Read the words after `ddpg-report serve`; print the help text and exit if they ask for it.

    Raises UserError for a word that does not fit.
    """
    usage = (
        "ddpg-report serve FOLDER... [KEY=VALUE ...]: a page that shows the runs in the folders and below them while "
        "they are trained"
    )
    options = fields(ServeArguments)[1:]
    print_help(words, usage, options)
    folders, rest = folders_first(words, "ddpg-report serve", options)
    values = key_values(rest, "port=8080")
    return ServeArguments(**fit({"folders": folders, **values}, ServeArguments))
