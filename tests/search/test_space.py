"""The space of a study: Hydra's grammar as dimensions, and what cannot be searched."""

from collections.abc import Callable

import pytest
from hydra.core.config_loader import ConfigLoader
from support.command_line import user_error
from support.studies import ROOT, Planned

from ddpg.search.grammar import parse
from ddpg.search.space import Choice, Number, Space


def number(key: str, low: float, high: float, **more: object) -> tuple[object, ...]:
    return (key, low, high, more.get("step"), more.get("log", False), more.get("whole", False))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("tau=interval(0.1,0.5)", number("tau", 0.1, 0.5)),
        ("tau=tag(log,interval(1e-3,5e-2))", number("tau", 1e-3, 5e-2, log=True)),
        ("batch_size=tag(int,log,interval(16,512))", number("batch_size", 16, 512, log=True, whole=True)),
        ("random_steps=range(0,100,10)", number("random_steps", 0, 90, step=10, whole=True)),
        ("random_steps=range(90,-1,-10)", number("random_steps", 0, 90, step=10, whole=True)),
        ("gamma=range(0.5,1,0.25)", number("gamma", 0.5, 0.75, step=0.25)),
    ],
)
def test_numbers(word: str, expected: tuple[object, ...], loader: ConfigLoader) -> None:
    (dimension,) = parse([word], {}, loader).dimensions
    assert isinstance(dimension, Number)
    found = (dimension.key, dimension.low, dimension.high, dimension.step, dimension.log, dimension.whole)
    assert found == expected


@pytest.mark.parametrize(
    ("word", "options"),
    [
        ("batch_size=choice(64,128)", ("64", "128")),
        ("batch_size=64,128", ("64", "128")),
        ("network.actor.hidden=choice([256,256],[400,300])", ("[256,256]", "[400,300]")),
        ("noise=glob(ou*)", ("ou", "ou_slow", "ou_slow_0.5")),
        ("env.id='a b','c'", ("'a b'", "'c'")),
    ],
)
def test_choices(word: str, options: tuple[str, ...], loader: ConfigLoader) -> None:
    (dimension,) = parse([word], {}, loader).dimensions
    assert isinstance(dimension, Choice)
    assert dimension.options == options


def test_the_command_line_wins_and_conditions_come_after_what_decides_them(loader: ConfigLoader) -> None:
    words = ["noise.theta=interval(0.1,0.2)", "tau=interval(0,1)", "noise=choice(ou,gaussian)", "tau=0.01"]
    space = parse(words, {"noise.theta": "noise=ou"}, loader)
    assert [dimension.key for dimension in space.dimensions] == ["noise", "noise.theta"]
    assert space.fixed == ("tau=0.01",)
    assert space.is_active("noise.theta", {"noise": "ou"})
    assert not space.is_active("noise.theta", {"noise": "gaussian"})
    assert space.words({"noise": "gaussian"}) == ["tau=0.01", "noise=gaussian"]
    assert Space.from_json(space.to_json()) == space


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["tau=interval(0.5,0.1)"], "tau=interval(0.5,0.1) ... interval(0.1,0.5)"),
        (["tau=tag(log,interval(0,1))"], "tau=tag(log,interval(0,1)) ... above 0"),
        (["tau=tag(lg,interval(0,1))"], "lg ... log"),
        (["batch_size=tag(int,interval(1.5,3))"], "batch_size ... whole"),
        (["random_steps=range(3,1)"], "random_steps=range(3,1) ... 1 ... 3"),
        (["batch_size=tag(log,range(1,9))"], "batch_size ... tag(log,interval"),
        (["batch_size=tag(log,choice(64,128))"], "batch_size=tag(log,choice(64,128)) ... tag(log,interval"),
        (["seed=1,2", "tau=interval(0,1)"], "seed=1,2 ... hydra.sweeper.seeds"),
        (["hydra.sweeper.seeds=1,2"], "hydra.sweeper.seeds ... not of Hydra"),
        (["tau=0.1"], "nothing to search ... KEY=interval(LOW,HIGH)"),
    ],
)
def test_what_cannot_be_searched(words: list[str], parts: str, loader: ConfigLoader) -> None:
    with user_error(parts):
        parse(words, {}, loader)


@pytest.mark.parametrize(
    ("conditions", "parts"),
    [
        ({"noise.tau": "noise=ou"}, "noise.tau ... noise.theta"),
        ({"noise.theta": "nose=ou"}, "nose ... noise"),
        ({"noise.theta": "noise=uo"}, "noise=uo ... ou"),
        ({"noise.theta": "noise=ou", "noise": "noise=ou"}, "noise ... waits"),
        (["noise.theta"], "conditions=[noise.theta] must be a mapping ... 'noise=ou'"),
        ({"noise.theta": ["noise=ou", {"noise": "ou"}]}, "conditions.noise.theta=[noise=ou,{'noise': 'ou'}] ... text"),
        ({"noise.theta": []}, "conditions.noise.theta=[] ... text"),
    ],
)
def test_conditions_that_cannot_hold(conditions: object, parts: str, loader: ConfigLoader) -> None:
    with user_error(parts):
        parse(["noise=choice(ou,gaussian)", "noise.theta=interval(0,1)"], conditions, loader)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["tau=interval(0.5,1.5)"], "tau=interval(0.5,1.5) ... tau=1.5 ... at most 1"),
        (["batch_size=interval(16,64)"], "batch_size ... whole number ... tag(int,interval(16,64))"),
        (["batch_size=choice(16,many)"], "batch_size=many ... whole number"),
        (["noise=choice(ou,gaussian)", "noise.theta=interval(0.1,0.2)"], "noise.theta ... no such key"),
        (["noise=interval(0,1)"], "noise=interval(0,1) ... choice(A,B)"),
        (["tau=interval(0,1)", "hydra.sweeper.seeds=[1,1]"], "hydra.sweeper.seeds=[1, 1] ... once"),
        (["tau=interval(0,1)", "hydra.sweeper.over_seeds=men"], "hydra.sweeper.over_seeds=men ... mean"),
        (["tau=interval(0,1)", "hydra/sweeper/method=grid"], "tau=interval(0,1) ... range(START,STOP,STEP)"),
        (["tau=interval(0,1)", "hydra.sweeper.conditions=[tau]"], "hydra.sweeper.conditions=[tau] must be a mapping"),
        (["hydra.sweeper.params='interval(0,1)'"], "hydra.sweeper.params=interval(0,1) must be a mapping"),
        (["hydra.sweeper.params=[{tau:'interval(0,1)'}]"], "hydra.sweeper.params=[{'tau': 'interval(0,1)'}] must be"),
        (["+hydra.sweeper.n_trails=5"], "hydra.sweeper.n_trails=5: there is no such key; did you mean n_trials?"),
        (["+hydra.sweeper.param=5"], "hydra.sweeper.param=5: there is no such key; did you mean params?"),
        (["hydra/sweeper=pbt", "+hydra.sweeper.generation=5"], "hydra.sweeper.generation=5 ... generations?"),
    ],
)
def test_everything_is_checked_before_the_first_trial(
    words: list[str], parts: str, planned: Callable[..., Planned]
) -> None:
    with user_error(parts):
        planned(*words)


def test_a_space_of_the_stock_plugin_and_its_runs(planned: Callable[..., Planned]) -> None:
    """Groups, lists, a condition, a value that follows another, and numbers in any notation come into the configs."""
    definition, recipe = planned(
        "hydra.sweeper.params={tau:'tag(log, interval(1e-5, 1e-2))',network.actor.hidden:'choice([8,8],[16])'}",
        "noise=choice(gaussian,ou)", "noise.theta=interval(0.1,0.2)",
        "hydra.sweeper.conditions={noise.theta:'noise=ou'}", "random_steps=${batch_size}", "batch_size=32",
        "seed=5", "hydra.sweeper.seeds=2",
    )  # fmt: skip
    assert definition.seeds == (5, 6)
    params = {"tau": 1.25e-05, "network.actor.hidden": "[16]", "noise": "ou", "noise.theta": 0.15}
    config = recipe.config(params, seed=6)
    assert (config["tau"], config["network"]["actor"]["hidden"], config["seed"]) == (1.25e-05, [16], 6)
    assert (config["noise"]["theta"], config["random_steps"]) == (0.15, 32)
    assert config["choices"]["noise"] == "ou"
    gaussian = {"tau": 0.01, "network.actor.hidden": "[8,8]", "noise": "gaussian"}
    assert "theta" not in recipe.config(gaussian, seed=5)["noise"]


def test_no_group_has_the_name_of_one_of_the_stock_plugin() -> None:
    """hydra-optuna-sweeper has the group hydra/sweeper/sampler, and would find files here instead."""
    assert {path.name for path in (ROOT / "conf" / "hydra" / "sweeper").iterdir()} & {"sampler", "optuna.yaml"} == set()
