"""Evaluation in this process, which Ctrl-C stops between two steps."""

import signal
from pathlib import Path

from ddpg.apart import apart
from ddpg.api.compose import user_errors
from ddpg.api.process import alone
from ddpg.interrupt import InterruptFlag
from ddpg.policies.description import Which
from ddpg.run.playing import open_playable, play
from ddpg.training.evaluate import Episodes


def evaluate_here(path: Path, which: Which, episodes: int, seed: int, processes: int) -> Episodes:
    """Play noise-free episodes of a run; the arguments are those of `Run.evaluate`.

    Raises:
        UserError: another thread trains or evaluates in this process, or the run cannot be played.
        KeyboardInterrupt: Ctrl-C.
    """
    flag = InterruptFlag(signals=())

    def work() -> Episodes:
        with alone(f"{path} is being evaluated"):
            return play(open_playable(path, which), episodes, seed, processes, on_step=flag.check)

    with user_errors():
        return apart(work, lambda: flag.stop(signal.SIGINT))
