"""The YAML of the framework. This file makes the folder a package: Hydra wants one for a `pkg://` path."""
