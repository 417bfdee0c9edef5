"""Finds what is wrong with a command line that Hydra has refused.

Hydra refuses with paragraphs about its own API. `find_mistake` says the most common of them in one line. It does not
read them: it compares the parsed overrides with the groups of conf/ and with the config that they compose. It is called
after Hydra has refused, so what is right costs no time, and what Hydra takes is never refused here.
"""

import re
from collections.abc import Iterator

from hydra.core.override_parser.types import Override

from ddpg.composition.jobs import CommandLine, Job
from ddpg.composition.options_help import PLUGINS
from ddpg.composition.other_names import name_here
from ddpg.config.spelling import as_typed, as_written, close_spellings, nearest
from ddpg.errors import UserError


def find_mistake(line: CommandLine) -> str | None:
    """Return a message about the first override that Hydra cannot accept, or None if none of the checks finds one."""
    try:
        return next(filter(None, _mistakes(line)), None)
    except UserError as error:
        return str(error)
    except Exception:  # what the checks need is broken itself, which is what Hydra says then
        return None


def _mistakes(line: CommandLine) -> Iterator[str | None]:
    """Yield a message, or None, of each check of each override."""
    common = line.common
    yield from _unknown_options(common)
    if not line.is_multirun:
        swept = [override for override in line.overrides if override.is_sweep_override()]
        yield from (_several_values(common, override) for override in swept)
    for job in line.jobs:
        yield from _unknown_options(job)
        yield from (_already_there(job, override) for override in job.overrides if override.is_add())
        yield from (_swept_by_yaml(override) or _unknown_key(job, override) for override in job.values)


def _several_values(job: Job, override: Override) -> str:
    (word,) = as_typed([str(override.input_line)])
    key, _, values = word.partition("=")
    if "resume" in [other.key_or_group for other in job.overrides]:
        return f"{word} is several values, and resume continues one run"
    takes_list = isinstance(job.keys.get(key), list) or (key not in job.keys and not job.choices.is_group(key))
    as_list = f", or write a list as {key}=[{values}]" if takes_list and "(" not in values else ""
    return f"{word} is several values: add -m to run each of them{as_list}"


def _unknown_options(job: Job) -> Iterator[str]:
    """Yield a line for each option that no file defines."""
    for override in job.groups:
        group = override.key_or_group
        chosen = override.value()
        for option in chosen if isinstance(chosen, list) else [chosen]:
            if override.is_delete() or (isinstance(option, str) and job.choices.exists(group, option)):
                continue
            yield f"{group}={as_written(option)}: there is no such option{_other_option(job, group, option)}"


def _other_option(job: Job, group: str, option: object) -> str:
    """Return the end of a message: where an option comes from, or the one that is meant."""
    written = as_written(option)
    advice = PLUGINS.get(group, {}).get(written.lower())
    if advice is not None:
        return f" without the package that brings it: {advice}"
    near = nearest("" if option is None else written, job.choices.options(group), most=40)
    if group == "env" and re.search(r"-v\d+$", written):
        return f"; an environment of gymnasium is env=gym env.id={written}{near.replace('; did', ', or did', 1)}"
    return near


def _already_there(job: Job, override: Override) -> str | None:
    """A group or a key that is added, though it is there."""
    key = override.get_key_element().lstrip("+")
    if override in job.groups:
        is_there = key in job.chosen
    else:
        is_merged = isinstance(override.value(), dict | list)
        is_there = job.keys.get(key) not in (None, "???") and not is_merged
    if not is_there:
        return None
    line = str(override.input_line)
    return f"{line} would add a key that is there already: without the +, {line.lstrip('+')}, it is set"


def _swept_by_yaml(override: Override) -> str | None:
    """A sweep that is written as only a YAML file can write it."""
    if not override.key_or_group.startswith("hydra.sweeper.params"):
        return None
    word = str(override.input_line).lstrip("+")
    return f"{word}: that is for YAML files; on the command line a key is swept by its name alone, as in seed=1,2"


def _unknown_key(job: Job, override: Override) -> str | None:
    """A key that is set or deleted, though it is not there."""
    for key in job.unknown_keys(override):
        written = override.input_line if key == override.key_or_group else key
        return f"{written}: there is no such key{_other_key(job, key)}"
    return None


def _other_key(job: Job, key: str) -> str:
    """Return the end of a message about a key that is not there.

    It is what another program's name stands for, a choice for the name of an option, the option that has the key, or
    near keys.
    """
    here = name_here(key, job.keys)
    if here:
        return here
    groups = [group for group in job.chosen if not group.startswith("hydra/")]
    close = {group: close_spellings(key, job.choices.options(group), n=1, cutoff=0.85) for group in groups}
    named = [f"{group}={options[0]}" for group, options in close.items() if options]
    if named:
        return f"; did you mean {' or '.join(named[:3])}?"
    known = [*job.keys, *job.chosen]
    near = nearest(key, [k for k in known if key.startswith("hydra") or not k.startswith("hydra.")])
    return _key_of_another_option(job, key) or near


def _key_of_another_option(job: Job, key: str) -> str:
    """Return the end of a message about a key that other options of its group have, and the chosen one has not."""
    group, name = _group_of(job, key)
    here = [known.removeprefix(f"{group.replace('/', '.')}.") for known in job.keys]
    if not group or close_spellings(name, here, n=1, cutoff=0.8):
        return ""
    owners: dict[str, list[str]] = {}
    for option in job.choices.options(group):
        for known in job.choices.keys(group, option):
            owners.setdefault(known, []).append(f"{group}={option}")
    for found in close_spellings(name, owners, n=1, cutoff=0.8):
        spelling = "it" if found == name else f"did you mean {key.removesuffix(name)}{found}? It"
        return f"; {spelling} is a key of {', '.join(owners[found][:3])}"
    return ""


def _group_of(job: Job, key: str) -> tuple[str, str]:
    """Return the innermost group that a key lies in, empty if it is in none, and the rest of the key."""
    parts = key.split(".")
    for length in range(len(parts) - 1, 0, -1):
        group = "/".join(parts[:length])
        if job.choices.is_group(group):
            return group, ".".join(parts[length:])
    return "", key
