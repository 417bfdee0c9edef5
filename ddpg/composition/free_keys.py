"""Keys of dictionaries that take any key, as in `extra.note=hi`: Hydra wants a + there, which users do not write."""

from collections.abc import Iterator

from omegaconf import OmegaConf

from ddpg.composition.jobs import CommandLine, Job
from ddpg.config.places import has_place


def free_keys(line: CommandLine) -> set[str]:
    """Return the keys of a command line that are set without a + in dictionaries that take any key."""
    try:
        return {key for job in line.jobs for key in _free_keys(job)}
    except Exception:  # what composes them is broken itself, which is what Hydra says then
        return set()


def _free_keys(job: Job) -> Iterator[str]:
    """Yield the key of each override that has no mistake but the missing +."""
    config = job.config.copy()
    settings = [override for override in job.values if not (override.is_delete() or override.is_add())]
    for override in settings:
        if override.key_or_group in job.keys:  # a _target_ among them says what is free
            OmegaConf.update(config, override.key_or_group, override.value(), force_add=True)
    for override in settings:
        unknown = job.unknown_keys(override)
        if unknown and all(has_place(config, key) for key in unknown):
            yield override.key_or_group
