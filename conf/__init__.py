"""The YAML of the framework; the file makes the folder importable, which Hydra asks of a `pkg://` search path."""
