"""Keys that have no effect beside the values of others: typed or swept, they would only seem to make a difference."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ddpg.config.keys import flat
from ddpg.config.spelling import as_written
from ddpg.constructors import is_ours
from ddpg.errors import UserError

log = logging.getLogger(__name__)

#: By key the one that decides whether it has an effect, the value of that one (or the key that has the same value) with
#: which it has none, and what is to be given with it.
_NEEDS: dict[str, tuple[str, Any, str]] = {
    "noise.anneal_steps": ("noise.final_sigma", "noise.sigma", "noise.final_sigma"),
    "replay.beta_steps": ("replay.beta", 1, "replay.beta"),
    "algorithm.target_noise_clip": ("algorithm.target_noise", 0, "algorithm.target_noise"),
    "algorithm.target_reduce": ("algorithm.n_critics", 1, "algorithm.n_critics"),
    "algorithm.actor_reduce": ("algorithm.n_critics", 1, "algorithm.n_critics"),
    "optimizer.actor.decay": ("optimizer.actor.weight_decay", 0, "optimizer.actor.weight_decay"),
    "optimizer.critic.decay": ("optimizer.critic.weight_decay", 0, "optimizer.critic.weight_decay"),
    "env.min_return": ("algorithm.head._target_", "ddpg.learner.heads.Scalar", "algorithm/head=categorical"),
    "env.max_return": ("algorithm.head._target_", "ddpg.learner.heads.Scalar", "algorithm/head=categorical"),
}
#: By key those keys of this package that have its value where nothing else is said. It has an effect through them, or
#: through keys of a user's own classes.
_DEFAULT_OF: dict[str, tuple[str, ...]] = {
    "env.budget.random_steps": ("random_steps", "learning_starts"),
    "env.budget.eval_every": ("eval.every",),
    "env.budget.total_steps": ("total_steps", "noise.anneal_steps", "replay.beta_steps"),
}


def require_effect(words: Iterable[str], configs: Sequence[Mapping[str, Any]]) -> None:
    """Raise UserError for a word that has no effect in any run of a sweep.

    Args:
        words: the overrides that were typed. A preset, or a file, may say what has none.
        configs: of runs in which every value of every key comes up: a key may have an effect in some of them alone.
    """
    tables = [flat(config) for config in configs]
    for word in words:
        key, _, value = word.lstrip("+").partition("=")
        reasons = [_reason(key, value, table) for table in tables]
        if all(reasons):
            raise UserError(f"{key}={value} has no effect: {reasons[0]}")


def warn_of_idle(words: Iterable[str], config: Mapping[str, Any]) -> None:
    """Say which words have no effect in a run. It may be one of a loop, or of a sweep that others make."""
    table = flat(config)
    for word in words:
        key, _, value = word.lstrip("+").partition("=")
        reason = _reason(key, value, table)
        if reason is not None:
            log.warning("%s=%s has no effect: %s", key, value, reason)


def _reason(key: str, value: str, table: Mapping[str, Any]) -> str | None:
    """Return why a key has no effect in a run, and what would have; None if it may have one."""
    if key not in table:  # an option of a group, or a key of other runs of the sweep
        return None
    if key not in _DEFAULT_OF:
        return _idle(key, table)
    followers = [name for name in table if name in _DEFAULT_OF[key] or not _is_ours(name, table)]
    if any(table[name] == table[key] and _idle(name, table) is None for name in followers):
        return None
    first = _DEFAULT_OF[key][0]
    return f"{first} is {as_written(table[first])}; write {first}={value}"


def _is_ours(key: str, table: Mapping[str, Any]) -> bool:
    """Whether a key is of this package: what a user's own class does with one is not known."""
    target = table.get(f"{key.rpartition('.')[0]}._target_")
    return target is None or is_ours(str(target))


def _idle(key: str, table: Mapping[str, Any]) -> str | None:
    if key not in _NEEDS:
        return None
    decides, idle, give = _NEEDS[key]
    if not _is_ours(decides, table) or table.get(decides) != table.get(idle, idle):
        return None
    return f"{decides} is {idle}; give {give} too"
