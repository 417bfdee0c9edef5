"""How other programs call what is a key here: Stable-Baselines3, CleanRL, Spinning Up and the code of TD3."""

from collections.abc import Container

_LR = ("optimizer.actor.lr", "optimizer.critic.lr")
_HIDDEN = ("network.actor.hidden", "network.critic.hidden")

#: Names of other programs whose nearest spelling here would be something else, with the keys that they stand for.
OTHER_NAMES = {
    "learning_rate": _LR,
    "actor_lr": _LR[:1],
    "critic_lr": _LR[1:],
    "pi_lr": _LR[:1],
    "q_lr": _LR[1:],
    "policy_kwargs": _HIDDEN,
    "net_arch": _HIDDEN,
    "hidden_sizes": _HIDDEN,
    "replay_size": ("buffer_size",),
    "memory_size": ("buffer_size",),
    "total_timesteps": ("total_steps",),
    "max_timesteps": ("total_steps",),
    "start_steps": ("random_steps",),
    "start_timesteps": ("random_steps",),
    "train_freq": ("update_every",),
    "gradient_steps": ("updates_per_step",),
    "discount": ("gamma",),
    "env_id": ("env.id",),
    "eval_freq": ("eval.every",),
    "n_eval_episodes": ("eval.episodes",),
    "action_noise": ("noise.sigma",),
    "act_noise": ("noise.sigma",),
    "expl_noise": ("noise.sigma",),
    "exploration_noise": ("noise.sigma",),
    "policy_noise": ("algorithm.target_noise",),
    "target_policy_noise": ("algorithm.target_noise",),
    "noise_clip": ("algorithm.target_noise_clip",),
    "policy_freq": ("algorithm.policy_delay",),
    "policy_frequency": ("algorithm.policy_delay",),
    "n_steps": ("replay.n_step",),
}


def name_here(key: str, known: Container[str]) -> str:
    """Return the end of a message about a key that is not there: how it is called here; empty if that is not known.

    A name within a group, as in `optimizer.learning_rate`, stands for the keys of that group alone.
    """
    first = key.partition(".")[0]
    parent, _, name = key.rpartition(".")
    meant = OTHER_NAMES.get(first) or [other for other in OTHER_NAMES.get(name, ()) if other.startswith(f"{parent}.")]
    there = [other for other in meant if other in known]
    return f"; here it is {' and '.join(there)}" if there else ""
