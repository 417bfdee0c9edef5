"""The process of a worker that plays episodes: requests come on standard input, answers go to standard output."""

import json
import logging
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from ddpg.errors import UserError
from ddpg.run.playing.conditions import Condition
from ddpg.run.playing.playable import open_playable
from ddpg.run.playing.stage import Part, Stage


def main() -> None:
    """Answer each request until there are no more, or until a signal ends the process; its environment is closed."""
    signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(128 + signum))
    logging.basicConfig(format="%(message)s")
    answers = _answers()
    with ExitStack() as opened:
        stages = Stages(opened)
        for line in sys.stdin:
            try:
                answer = stages.answer(json.loads(line))
            except UserError as error:
                answer = {"error": str(error)}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


class Stages:
    """The stage of the last request, which the next one uses if it is of the same part."""

    def __init__(self, opened: ExitStack) -> None:
        self._opened = opened
        self._key: Any = None
        self._stage: Stage | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Play the episode of a request."""
        key = {name: value for name, value in request.items() if name != "seed"}
        if self._stage is None or key != self._key:
            self._stage = None
            self._opened.close()
            condition = Condition(**request["condition"])
            playable = open_playable(Path(request["folder"]), request["which"], request["trust"], request["digest"])
            part = Part(playable, condition)
            self._stage = self._opened.enter_context(Stage(part))
            self._key = key
        episode = self._stage.episode(request["seed"])
        return {"return": episode.returns.item(), "length": episode.lengths.item(), "info": dict(episode.info[0])}


def _answers() -> IO[str]:
    """Return a stream to the standard output, which libraries in C then no longer write to: theirs goes to errors."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return stream
