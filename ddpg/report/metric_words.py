"""Words for the metrics of a page: a title, a unit, and a sentence that says what the number means."""

from typing import NamedTuple


class Words(NamedTuple):
    """The words with which a page describes a metric."""

    title: str
    unit: str
    meaning: str


RETURN = "return"
STEPS = "steps"
SHARE = "share, 0 to 1"
HALF_RANGES = "half action ranges"
#: The metrics of docs/paper.md; NAME stands for any name.
WORDS = {
    "charts/episodic_return": Words(
        "training return", RETURN, "Sum of the rewards of a training episode, with exploration noise and undiscounted."
    ),
    "charts/episodic_length": Words("length of training episodes", STEPS, "Number of steps of a training episode."),
    "info/NAME": Words("NAME in training", "", "What the environment says under this name in a training episode."),
    "charts/SPS": Words(
        "speed", "env steps/s", "Environment steps a second since the last such row, evaluations included."
    ),
    "losses/qf1_loss": Words(
        "critic loss",
        "squared return",
        "Mean squared error of Q against its target, or a cross entropy.",
    ),
    "losses/qf1_values": Words("Q of the minibatch", RETURN, "Mean Q of the minibatch before the update."),
    "losses/qf2_loss": Words("loss of the second critic", "squared return", "The critic loss of the second critic."),
    "losses/qf2_values": Words("Q of the second critic", RETURN, "Mean Q of the minibatch by the second critic."),
    "losses/actor_loss": Words(
        "actor loss", RETURN, "Minus the mean Q of the actor's own actions: it falls while the critic expects more."
    ),
    "noise/sigma": Words("parameter noise", "", "Standard deviation of the noise on the parameters, as adapted."),
    "noise/distance": Words(
        "effect of the parameter noise", HALF_RANGES, "Distance between the policies with and without noise."
    ),
    "eval/episodic_return": Words(
        "evaluation return", RETURN, "Mean sum of rewards over the evaluation's episodes, without exploration noise."
    ),
    "eval/episodic_return_std": Words(
        "spread within an evaluation", RETURN, "Standard deviation over the evaluation's episodes (not over seeds)."
    ),
    "eval/episodic_length": Words(
        "length of evaluation episodes", STEPS, "Mean number of steps of the evaluation's episodes."
    ),
    "eval/info/NAME": Words("NAME in evaluations", "", "Mean of what the environment says under this name."),
    "diagnostics/noise_std": Words(
        "exploration noise", HALF_RANGES, "Standard deviation of the noise as executed: 0 means no exploration."
    ),
    "diagnostics/noise_autocorrelation": Words(
        "autocorrelation of the noise", "-1 to 1", "How much the noise of a step repeats in the next one."
    ),
    "diagnostics/saturated_actions": Words(
        "saturated actions", SHARE, "Share of the actor's action components at a bound; near 1 it hardly learns."
    ),
    "diagnostics/actor_dead_units": Words(
        "dead units of the actor", SHARE, "Share of the ReLU units that are 0 for the whole minibatch."
    ),
    "diagnostics/critic_dead_units": Words(
        "dead units of the critic", SHARE, "Share of the ReLU units that are 0 for the whole minibatch."
    ),
    "diagnostics/actor_grad_norm": Words(
        "gradient of the actor", "L2 norm", "Size of the actor's gradient, before clipping."
    ),
    "diagnostics/critic_grad_norm": Words(
        "gradient of the critic", "L2 norm", "Size of the critic's gradient, before clipping."
    ),
    "diagnostics/q_value": Words("Q in evaluations", RETURN, "Mean Q along the evaluation's episodes."),
    "diagnostics/q_bias": Words(
        "bias of Q", RETURN, "Mean of Q minus the discounted return that followed; above 0 the critic overestimates."
    ),
    "diagnostics/q_bias_std": Words(
        "spread of Q's bias", RETURN, "Standard deviation of Q's bias over the states of the evaluation."
    ),
    "diagnostics/q_seen": Words(
        "horizon seen", SHARE, "Share of Q's horizon that the evaluation's episodes were long enough to show."
    ),
    "time/elapsed_s": Words("time", "s", "Seconds since the process began to train."),
}
#: Beginnings of names that stand for any name.
OPEN = ("eval/info/", "info/")


def words_of(name: str) -> Words:
    """Return the words for a metric; an unknown one is called by its name."""
    if name in WORDS:
        return WORDS[name]
    for start in OPEN:
        if name.startswith(start):
            title, unit, meaning = WORDS[f"{start}NAME"]
            return Words(title.replace("NAME", name.removeprefix(start)), unit, meaning)
    return Words(name, "", "")
