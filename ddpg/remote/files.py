"""The names of the files in an exported folder."""

from ddpg.policies.description import FILE
from ddpg.policies.load import FORMATS

#: The model card and what it shows.
CARD = "README.md"
CURVE = "learning_curve.png"
VIDEO = "replay.mp4"

#: What an exported policy consists of; formats that were not exported are absent.
EXPORTED = (FILE, *(format.file for format in FORMATS.values()), CARD)

#: The pictures of the card; each may be absent.
PICTURES = (CURVE, VIDEO)
