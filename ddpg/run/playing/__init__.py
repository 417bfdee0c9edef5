"""Stored policies at play: episodes here or in several processes, under disturbances, in a video or a window."""

from ddpg.run.playing.conditions import NOMINAL, Condition
from ddpg.run.playing.play import Played, compare, play, play_seeds
from ddpg.run.playing.playable import Playable, open_playable
from ddpg.run.playing.stage import Part, Show
from ddpg.run.playing.videos import record, record_side_by_side

__all__ = [
    "NOMINAL",
    "Condition",
    "Part",
    "Playable",
    "Played",
    "Show",
    "compare",
    "open_playable",
    "play",
    "play_seeds",
    "record",
    "record_side_by_side",
]
