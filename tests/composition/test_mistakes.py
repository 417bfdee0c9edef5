"""The first mistake of a command line that Hydra has refused, and the keys that are free."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.command_line import assert_has

from ddpg.composition.free_keys import free_keys
from ddpg.composition.jobs import CommandLine, composing
from ddpg.composition.mistakes import find_mistake
from ddpg.composition.options_help import Choices
from ddpg.composition.other_names import OTHER_NAMES, name_here
from ddpg.composition.overrides import known_flags


@contextmanager
def line(*words: str) -> Iterator[CommandLine]:
    flags = known_flags(words)
    with composing(flags, Choices(flags.config_dir)) as composed:
        yield composed


def mistake(*words: str) -> str | None:
    with line(*words) as composed:
        return find_mistake(composed)


@pytest.mark.parametrize(
    "words",
    [
        "env=hopper preset=paper noise.sigma=0.1 network.actor.norm=layer",
        "~noise +extra.a=1 ++extra.b=1 +extra={c:1} extra.c=2 env.budget={total_steps:9}",
        "hydra.run.dir=x hydra/launcher=local +hydra.job.env_set.A=1 experiment=pendulum",
        "seed=1,2 noise=ou,gaussian -m",
        "+noise@second=ou second.sigma=0.1",
        "experiment=noise_study seed=1,2",
    ],
)
def test_what_hydra_accepts_is_no_mistake(words: str) -> None:
    assert mistake(*words.split()) is None


def test_groups_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "plant").mkdir()
    (tmp_path / "plant" / "tree.yaml").write_text("height: 3\n")
    own = ["--config-dir", str(tmp_path)]
    assert mistake(*own, "+plant=tree", "plant.height=4") is None
    assert_has(str(mistake(*own, "+plant=tree", "plant.hight=4")), "plant.hight=4 ... plant.height?")
    assert_has(str(mistake(*own, "+plant=tre")), "plant=tre ... tree?")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("noise.theta=1", "noise.theta=1 ... a key of noise=ou"),
        ("hydra.launcher.proceses=2", "hydra.launcher.processes? ... hydra/launcher=local"),
        ("noise=ou noise.sgma=1", "noise.sgma=1 ... noise.sigma?"),
        ("env=Swimmer-v5", "no such option; an environment of gymnasium is env=gym env.id=Swimmer-v5, or did you mean"),
        ("hydra/sweeper=Optuna", "hydra/sweeper=Optuna: there is no such option ... use hydra/sweeper=search"),
        ("hydra/launcher=joblib", "pip install hydra-joblib-launcher"),
        ("hydra.sweeper.params.seed=1", "hydra.sweeper.params.seed=1 ... seed=1,2"),
        ("=3", "=3: there is no such key"),
        ("learning_rate=1e-3", "learning_rate=1e-3 ... no such key; here it is optimizer.actor.lr and optimizer.cri"),
    ],
)
def test_where_it_belongs(words: str, parts: str) -> None:
    assert_has(str(mistake(*words.split())), parts)


def test_names_of_other_programs_stand_for_keys() -> None:
    with line() as composed:
        known = composed.common.keys
    assert not OTHER_NAMES.keys() & known.keys()
    for name, keys in OTHER_NAMES.items():
        assert name_here(name, known) == f"; here it is {' and '.join(keys)}"
    assert name_here("optimizer.actor.learning_rate", known) == "; here it is optimizer.actor.lr"
    assert name_here("policy_kwargs.net_arch", known) == name_here("net_arch", known)
    assert not name_here("noise.learning_rate", known)


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (["extra.note=hi", "extra.a={b: 1}", "seed=2", "env={kwargs:{g:1}}"], {"extra.note", "extra.a", "env"}),
        (["extra={note:hi,more:{a:1}}", "env.kwargs={g: 1}"], {"extra", "env.kwargs"}),
        (["extra.note=a,b", "noise=ou,gaussian", "env.kwarg.g=1", "-m"], {"extra.note"}),
        (["env={kwargs:{g:1},typo:1}", "+extra.a=1", "extra.a=2", "gama=1"], set()),
        (
            ["hydra/launcher=slurm", "hydra.launcher.additional_parameters.exclude=n7", "-m"],
            {"hydra.launcher.additional_parameters.exclude"},
        ),
        (["noise._target_=builtins.dict", "noise.own=1"], {"noise.own"}),
        (["network.critic._target_=builtins.dict", "network.critic.own=1"], {"network.critic.own"}),
        (
            ["optimizer.critic._target_=torch.optim.AdamW", "optimizer.critic.amsgrad=true"],
            {"optimizer.critic.amsgrad"},
        ),
    ],
)
def test_free_keys(words: list[str], keys: set[str]) -> None:
    with line(*words) as composed:
        assert free_keys(composed) == keys
