"""The names of the files in an exported folder."""

from ddpg.policies import description

#: What an exported policy consists of; formats that were not exported are absent.
EXPORTED = (description.FILE, "policy.safetensors", "policy.onnx", "policy.pt2", "README.md")

#: What the model card shows.
PICTURES = ("learning_curve.png", "replay.mp4")
