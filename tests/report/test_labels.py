"""The labels of ddpg-report: what a researcher changed, and no more than tells configurations apart."""

from collections.abc import Mapping, Sequence
from typing import Any

from support.report_runs import CONFIG, changed

from ddpg.report.labels import Described, labels


def described(choices: Mapping[str, str] | None = None, typed: Sequence[str] | None = None, **keys: Any) -> Described:
    return Described(changed(CONFIG, **keys), choices or {}, typed)


def texts(configurations: Sequence[Described]) -> list[str]:
    return labels(configurations).texts


def test_label_tells_what_was_typed_and_not_what_follows() -> None:
    ou, gaussian = {"noise": "ou", "preset": "paper"}, {"noise": "gaussian", "preset": "paper"}
    typed = ["noise", "noise.sigma", "seed"]
    assert texts(
        [
            described(ou, typed, noise__sigma=0.2),
            described(ou, typed, noise__sigma=0.5, noise__final_sigma=0.5),
            described(gaussian, ["noise"], noise={"_target_": "ddpg.learner.noise.Gaussian", "sigma": 0.2}),
        ]
    ) == ["noise=ou sigma=0.2", "noise=ou sigma=0.5", "noise=gaussian"]


def test_label_of_presets_hides_what_they_set_but_no_override() -> None:
    paper, td3 = {"preset": "paper", "noise": "ou"}, {"preset": "td3", "noise": "gaussian"}
    configurations = [
        described(paper, ["preset"], batch_size=64),
        described(td3, ["preset"], batch_size=256, noise={"_target_": "ddpg.learner.noise.Gaussian", "sigma": 0.1}),
    ]
    assert texts(configurations) == ["preset=paper", "preset=td3"]
    with_override = described(paper, ["preset", "gamma"], gamma=0.9)
    assert texts([with_override, configurations[1]]) == ["preset=paper gamma=0.9", "preset=td3"]
    assert texts([*configurations, with_override]) == ["preset=paper", "preset=td3", "preset=paper gamma=0.9"]


def test_what_was_typed_comes_first_and_in_that_order() -> None:
    """Where nothing was typed stands the method, `ddpg_td3`, which does not read as TD3."""
    td3 = {"preset": "td3", "algorithm": "ddpg", "noise": "gaussian", "network": "td3"}
    ours = td3 | {"noise": "adaptive_parameter", "network": "layer_norm"}
    parameter = {"_target_": "ddpg.learner.noise.AdaptiveParameter", "delta": 0.1}
    full = td3 | {"preset": "td3_full", "algorithm": "td3"}
    assert texts(
        [
            described(td3, []),
            described(ours, ["noise", "network"], noise=parameter, optimizer__actor__lr=1e-5),
            described(full, ["preset"], gamma=0.9, optimizer__actor__lr=1e-5),
            described(td3, ["optimizer.actor.lr"], optimizer__actor__lr=1e-3),
        ]
    ) == ["ddpg_td3", "noise=adaptive_parameter network=layer_norm", "preset=td3_full", "actor.lr=0.001"]


def test_label_without_hydras_record() -> None:
    other = described(noise={"_target_": "ddpg.learner.noise.Gaussian", "sigma": 0.1})
    assert texts([described(), other]) == ["noise=OrnsteinUhlenbeck", "noise=Gaussian"]
    assert texts([described(gamma=0.9, batch_size=32), described()]) == [
        "gamma=0.9 batch_size=32",
        "gamma=0.99 batch_size=64",
    ]


def test_label_has_as_little_of_a_key_as_is_clear() -> None:
    assert texts([described(optimizer__actor__lr=1e-3), described()]) == ["actor.lr=0.001", "actor.lr=0.0001"]


def test_label_of_the_only_configuration() -> None:
    assert texts([described({"preset": "td3", "algorithm": "ddpg"}, ["preset"])]) == ["ddpg_td3"]
    assert texts([described()]) == ["-"]
    assert texts([described(algorithm={"_target_": "ddpg.learner.agent.DDPG"})]) == ["DDPG"]


def test_what_was_not_typed_still_tells_configurations_apart() -> None:
    """The YAML was edited between two runs."""
    assert texts([described({}, [], gamma=0.9), described({}, [])]) == ["gamma=0.9", "gamma=0.99"]


def test_label_of_an_experiment_hides_what_it_sets() -> None:
    """noise_study sets preset and network; in the run beside it they were typed, so its label alone names them."""
    study = {"experiment": "noise_study", "preset": "td3", "network": "baselines"}
    plain = {"preset": "paper", "network": "layer_norm", "noise": "gaussian"}
    assert texts(
        [
            described(study | {"noise": "ou"}, ["experiment", "noise"], gamma=0.9),
            described(study | {"noise": "gaussian"}, ["experiment", "noise"], gamma=0.9, noise__sigma=0.1),
            described(plain, ["network", "gamma"], gamma=0.95),
        ]
    ) == ["experiment=noise_study noise=ou", "experiment=noise_study noise=gaussian", "network=layer_norm gamma=0.95"]


def test_what_all_but_one_share_is_named_once() -> None:
    typed = ["gamma", "batch_size"]
    found = labels([described({}, typed, gamma=i / 10, batch_size=16 if i == 3 else 64) for i in range(4)])
    assert found == (["gamma=0.0", "gamma=0.1", "gamma=0.2", "gamma=0.3 batch_size=16"], ["batch_size=64"])


def test_one_that_lacks_what_the_others_share_is_still_distinct() -> None:
    configurations = [Described(CONFIG | {"a": i}, {}, ()) for i in range(3)]
    configurations += [Described(CONFIG | {"a": 2} | extra, {}, ()) for extra in ({"b": 1}, {"b": 1, "c": 1})]
    assert len(set(texts(configurations))) == 5
    shared = [Described(CONFIG | extra, {}, ["a", "b"]) for extra in ({}, *({"b": 1, "a": i} for i in "xyz"))]
    assert texts(shared) == ["-", "a=x b=1", "a=y b=1", "a=z b=1"]


def test_long_label_is_cut_as_far_as_it_stays_clear() -> None:
    keys = ["a", "b", "c", "d", "e", "f"]
    one, other = [Described(CONFIG | dict.fromkeys(keys, i), {}, keys) for i in (1, 2)]
    assert texts([one, other]) == ["a=1 b=1 c=1 d=1 …", "a=2 b=2 c=2 d=2 …"]
    single = [Described(CONFIG | dict.fromkeys(keys, 0) | {key: 1}, {}, keys) for key in keys]
    assert texts(single) == [f"{key}=1" for key in keys]


def test_classes_of_one_name_are_told_apart_by_their_modules() -> None:
    """Two implementations of an algorithm are two configurations, whose seeds must not be joined."""
    old, new = (described(algorithm={"_target_": f"{module}.agent.DDPG"}) for module in ("old", "new"))
    other = described(algorithm={"_target_": "mine.SAC"})
    assert texts([old, new, other]) == ["algorithm=old.agent.DDPG", "algorithm=new.agent.DDPG", "algorithm=SAC"]
