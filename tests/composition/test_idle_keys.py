"""Keys that were typed and have no effect beside the others: a sweep is refused, a single run says so."""

from collections.abc import Callable
from typing import Any

import pytest
from omegaconf import DictConfig
from support.command_line import SHORT, assert_has, user_error

from ddpg.composition.idle_keys import require_effect, warn_of_idle
from ddpg.config.settings import values

Compose = Callable[..., DictConfig]
Refusal = Callable[..., str]


def checked(compose: Compose, *jobs: str) -> list[dict[str, Any]]:
    return [values(compose(*words.split())) for words in jobs]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("noise.anneal_steps=1000", "noise.final_sigma is noise.sigma; give noise.final_sigma too"),
        ("replay=prioritized replay.beta=1 replay.beta_steps=5", "replay.beta is 1; give replay.beta too"),
        ("algorithm.target_noise_clip=0.1", "algorithm.target_noise is 0; give algorithm.target_noise too"),
        ("algorithm.target_reduce=mean", "algorithm.n_critics is 1; give algorithm.n_critics too"),
        ("preset=d4pg algorithm.actor_reduce=mean", "algorithm.n_critics is 1; give algorithm.n_critics too"),
        ("optimizer.critic.decay=all", "optimizer.critic.weight_decay is 0; give optimizer.critic.weight_decay too"),
        ("preset=paper optimizer.actor.decay=all", "optimizer.actor.weight_decay is 0; give"),
        ("env.max_return=100", "algorithm.head._target_ is ddpg.learner.heads.Scalar; give algorithm/head=categorical"),
        ("preset=paper env.budget.random_steps=5", "random_steps is 0; write random_steps=5"),
        ("total_steps=30 env.budget.total_steps=5", "total_steps is 30; write total_steps=5"),
        ("eval.every=null ++env.budget.eval_every=5", "eval.every is null; write eval.every=5"),
    ],
)
def test_a_key_without_effect_is_refused(compose: Compose, words: str, line: str) -> None:
    typed = words.split()
    with user_error(f"{typed[-1].lstrip('+')} has no effect: {line}"):
        require_effect(typed, checked(compose, words))


@pytest.mark.parametrize(
    "words",
    [
        "noise.final_sigma=0 noise.anneal_steps=1000",
        "replay=prioritized replay.beta_steps=5",
        "algorithm=td3 algorithm.target_noise_clip=0.1 algorithm.target_reduce=mean algorithm.actor_reduce=min",
        "preset=paper optimizer.critic.decay=all",
        "algorithm/head=categorical env.max_return=100 env.min_return=-100",
        "preset=cleanrl env.budget.random_steps=5 env.budget.eval_every=9",
        "total_steps=30 env.budget.total_steps=5 noise.final_sigma=0",
        "preset=td3 noise=gaussian seed=3 extra.n_critics=1",
    ],
)
def test_what_has_an_effect_is_taken(compose: Compose, words: str) -> None:
    require_effect(words.split(), checked(compose, words.replace("extra.n", "+extra.n")))


def test_a_key_may_have_its_effect_through_a_class_of_yours(compose: Compose) -> None:
    words = "total_steps=30 env.budget.total_steps=5"
    (config,) = checked(compose, words)
    config["noise"] = {"_target_": "my_package.Fading", "decay_steps": 5}
    require_effect(words.split(), [config])


def test_a_single_run_says_it_in_a_line(compose: Compose, caplog: pytest.LogCaptureFixture) -> None:
    """It may be one of a loop over both keys, or of a sweep that W&B makes."""
    words = "algorithm.target_reduce=mean noise.sigma=0.2"
    warn_of_idle(words.split(), *checked(compose, words))
    (line,) = caplog.messages
    assert line == (
        "algorithm.target_reduce=mean has no effect: algorithm.n_critics is 1; give algorithm.n_critics too"
    )


def test_what_an_algorithm_of_yours_does_with_a_key_is_not_known(compose: Compose) -> None:
    (config,) = checked(compose, "algorithm.target_reduce=mean")
    config["algorithm"]["_target_"] = "my_package.Own"
    require_effect(["algorithm.target_reduce=mean"], [config])


def test_a_key_may_have_its_effect_in_some_runs_of_a_sweep(compose: Compose) -> None:
    runs = checked(compose, "algorithm=ddpg", "algorithm=td3")
    word = "algorithm.target_reduce=min,mean"
    require_effect([word], runs)
    with user_error(f"{word} has no effect: algorithm.n_critics is 1"):
        require_effect([word], runs[:1])


def test_commands_refuse_them(refusal: Refusal) -> None:
    """Swept, or typed beside what is swept; what a preset or the default says is never refused."""
    word = "noise.anneal_steps=1000"
    assert_has(refusal(*SHORT, f"{word},10000", "seed=1,2,3", "-m"), f"{word},10000 has no effect: ... give")
