"""Keys that have no effect beside the values of others: typed or swept, they would only seem to make a difference."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ddpg.config.keys import flat
from ddpg.config.spelling import as_written
from ddpg.errors import UserError

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
#: By key those that have its value where nothing else is said, through which alone it has an effect.
_DEFAULT_OF: dict[str, tuple[str, ...]] = {
    "env.budget.random_steps": ("random_steps", "learning_starts"),
    "env.budget.eval_every": ("eval.every",),
    "env.budget.total_steps": ("total_steps", "noise.anneal_steps", "replay.beta_steps"),
}


def require_effect(words: Iterable[str], configs: Sequence[Mapping[str, Any]]) -> None:
    """Raise UserError for a word that has no effect in any run.

    Args:
        words: the overrides that were typed. A preset, or a file, may say what has none.
        configs: of the one run, or of runs of a sweep in which every value of every key comes up: a key may have an
            effect in some of them alone.
    """
    tables = [flat(config) for config in configs]
    for word in words:
        key, _, value = word.lstrip("+").partition("=")
        reasons = [_reason(key, value, table) for table in tables]
        if all(reasons):
            raise UserError(f"{key}={value} has no effect: {reasons[0]}")


def _reason(key: str, value: str, table: Mapping[str, Any]) -> str | None:
    """Return why a key has no effect in a run, and what would have; None if it may have one."""
    if key not in table:  # an option of a group, or a key of other runs of the sweep
        return None
    if key in _DEFAULT_OF:
        names = [name for name in _DEFAULT_OF[key] if name in table and _reason(name, value, table) is None]
        has_effect = table[key] in [table[name] for name in names]
        return None if has_effect else f"{names[0]} is {as_written(table[names[0]])}; write {names[0]}={value}"
    if key not in _NEEDS:
        return None
    decides, idle, give = _NEEDS[key]
    node = decides.rpartition(".")[0]
    is_ours = str(table.get(f"{node}._target_")).startswith("ddpg.learner.")  # what yours does is not known
    if not is_ours or table.get(decides) != table.get(idle, idle):
        return None
    return f"{decides} is {idle}; give {give} too"
