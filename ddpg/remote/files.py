"""The names of the files in an exported folder."""

from ddpg.policies.description import FILE
from ddpg.policies.load import FORMATS

#: What an exported policy consists of; formats that were not exported are absent.
EXPORTED = (FILE, *(format.file for format in FORMATS.values()), "README.md")

#: What the model card shows.
PICTURES = ("learning_curve.png", "replay.mp4")
