"""Freezing: the configs that Hydra composes, only faster, in the run folders before anything starts."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from ddpg.config import resolvers
from ddpg.config.settings import to_yaml
from ddpg.errors import UserError
from ddpg.record.run_folder import RunFolder
from ddpg.sweep.freeze import Composer, FrozenRun, compose, freeze
from ddpg.sweep.state.folder import SweepFolder

#: What a job may say: of each line one word or none.
WORDS = [
    ["env=hopper", "env=pendulum", "env=ant"],
    ["env.id=Swimmer-v5", "env.id='1e-3'"],
    ["preset=paper", "preset=td3"],
    ["noise=ou", "noise=none"],
    ["gamma=0.9", "gamma=1"],
    ["seed=3", "seed=1e1"],
    ["network.actor.hidden=[8]", "network.actor.hidden=[16,16]"],
    ["+extra.note=first", "+extra={x:1}", "+extra.deep={y:[1,2]}", "~extra"],
    ["total_steps=500", "total_steps='${eval.every}'"],
]
JOBS = st.tuples(*(st.sampled_from([None, *words]) for words in WORDS)).map(lambda job: [w for w in job if w])


@pytest.fixture(scope="module")
def loader() -> Iterator[Any]:
    resolvers.register()
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


@pytest.fixture(scope="module")
def master(loader: Any) -> DictConfig:
    subdir = "${hydra.job.num}_${hydra:job.override_dirname}_${env.name}_${seed}"
    words = [f"hydra.sweep.subdir='{subdir}'", "hydra.sweep.dir=sweep"]
    return loader.load_configuration("config", words, RunMode.MULTIRUN)


def by_hydra(loader: Any, master: DictConfig, number: int, words: list[str]) -> DictConfig:
    """The job as Hydra's own launchers compose it."""
    job = loader.load_sweep_config(master, words)
    with read_write(job.hydra), open_dict(job.hydra):
        job.hydra.job.num = job.hydra.job.id = number
    HydraConfig.instance().set_config(job)
    return job


def plain(job: DictConfig) -> dict[str, Any]:
    """Everything but the hydra node, resolved."""
    parts = {str(key): job[key] for key in job if key != "hydra" and not OmegaConf.is_missing(job, key)}
    return {k: OmegaConf.to_container(v, resolve=True) if OmegaConf.is_config(v) else v for k, v in parts.items()}


class TestComposer:
    @settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(jobs=st.lists(JOBS, min_size=2, max_size=4))
    def test_composes_as_hydra_does(self, loader: Any, master: DictConfig, jobs: list[list[str]]) -> None:
        """Whatever the jobs before have set: values, folder and record of the overrides."""
        composer = Composer(master, loader)
        for number, words in enumerate(jobs):
            ours = composer.compose(number, words)
            found = plain(ours), str(ours.hydra.sweep.subdir), list(ours.hydra.overrides.task)
            theirs = by_hydra(loader, master, number, words)
            assert found == (plain(theirs), str(theirs.hydra.sweep.subdir), list(theirs.hydra.overrides.task))

    def test_values_alone_compose_once(self, loader: Any, master: DictConfig, monkeypatch: pytest.MonkeyPatch) -> None:
        counted: list[list[str]] = []
        composing = type(loader).load_sweep_config
        monkeypatch.setattr(
            type(loader), "load_sweep_config", lambda s, c, words: counted.append(words) or composing(s, c, words)
        )
        jobs = [[f"env={env}", f"seed={seed}"] for env in ("hopper", "ant") for seed in range(5)]
        runs = compose(master, loader, jobs, 0)
        assert counted == [["env=hopper"], ["env=ant"]]
        assert [run.config["seed"] for run in runs] == [0, 1, 2, 3, 4] * 2


class TestCompose:
    def test_a_mistake_in_any_job_is_reported(self, loader: Any, master: DictConfig) -> None:
        with pytest.raises(UserError, match=r"gamma=1\.5 "):
            compose(master, loader, [["gamma=0.5"], ["gamma=1.5"]], 0)

    def test_a_choice_that_sweeps_keys_itself(self, loader: Any, master: DictConfig) -> None:
        """Hydra's sweeper has asked for keys to sweep before it makes this choice."""
        words = ["experiment=mujoco_td3", "env=ant"]
        with pytest.raises(UserError, match=r"experiment=mujoco_td3 env=ant is a sweep of its own \(seed\)"):
            compose(master, loader, [words], 0)
        (run,) = compose(master, loader, [[*words, "seed=2"]], 0)
        assert (run.config["choices"]["env"], run.config["seed"]) == ("ant", 2)

    def test_two_jobs_cannot_share_a_folder(self, loader: Any) -> None:
        words = ["hydra.sweep.subdir='seed_${seed}'", "hydra.sweep.dir=sweep"]
        master = loader.load_configuration("config", words, RunMode.MULTIRUN)
        with pytest.raises(
            UserError, match=r"hydra\.sweep\.subdir .*seed_1 .*gamma=0\.5 .*gamma=0\.6.*hydra\.job\.num"
        ):
            compose(master, loader, [["gamma=0.5"], ["gamma=0.6"]], 0)

    @pytest.mark.parametrize("words", [["dir='s/${seed}'"], ["dir=s", "subdir=/abs"], ["dir=s", "subdir=../x"]])
    def test_all_below_one_folder(self, loader: Any, words: list[str]) -> None:
        overrides = [f"hydra.sweep.{word}" for word in words]
        master = loader.load_configuration("config", overrides, RunMode.MULTIRUN)
        with pytest.raises(UserError, match=r"hydra\.sweep\.subdir=.* and hydra\.sweep\.dir="):
            compose(master, loader, [["seed=2"], ["seed=3"]], 0)


def runs_of(loader: Any, master: DictConfig, path: Path, *jobs: list[str], first: int = 0) -> list[FrozenRun]:
    found = compose(master, loader, [list(words) for words in jobs], first)
    return [replace(run, path=path / str(run.number)) for run in found]


class TestFreeze:
    def test_folders_hold_the_resolved_config(self, loader: Any, master: DictConfig, tmp_path: Path) -> None:
        runs = runs_of(loader, master, tmp_path, ["seed=1"], ["seed=2", "env=hopper"])
        handling = {"launcher": {"kind": "local"}, "threads": 1, "config_dir": "my_conf"}
        freeze(SweepFolder(tmp_path), runs, (), handling)
        for run in runs:
            assert OmegaConf.to_container(OmegaConf.load(run.path / "config.yaml")) == run.config
            assert "${" not in (run.path / "config.yaml").read_text()
            origin = json.loads((run.path / "provenance.json").read_text())[0]
            assert origin["overrides"] == run.overrides
            assert origin["config_dir"] == "my_conf"
            assert {"commit", "commit_of_directory", "dirty", "submitted"} <= origin.keys()
        assert [run.overrides for run in SweepFolder(tmp_path).runs] == [("seed=1",), ("seed=2", "env=hopper")]

    def test_runs_of_a_study_are_of_the_code_with_which_it_began(
        self, loader: Any, master: DictConfig, tmp_path: Path
    ) -> None:
        (run,) = runs_of(loader, master, tmp_path, ["seed=1"])
        begun = {"commit": "a", "commit_of_directory": "b"}
        freeze(SweepFolder(tmp_path), [run], (), {"launcher": {"kind": "local"}, "threads": 1, **begun})
        assert begun.items() <= RunFolder(run.path).starts()[0].items()
        assert begun.items() <= SweepFolder(tmp_path).manifest().items()

    def test_a_later_batch_is_added(self, loader: Any, master: DictConfig, tmp_path: Path) -> None:
        """As hydra.sweeper.max_batch_size hands jobs over."""
        sweep, handling = SweepFolder(tmp_path), {"launcher": {"kind": "local"}, "threads": 1}
        freeze(sweep, runs_of(loader, master, tmp_path, ["seed=1"], ["seed=2"]), (), handling)
        freeze(sweep, runs_of(loader, master, tmp_path, ["seed=3"], first=2), (), handling)
        assert [run.overrides[0] for run in sweep.runs] == ["seed=1", "seed=2", "seed=3"]

    def test_another_config_is_refused_before_anything_is_written(
        self, loader: Any, master: DictConfig, tmp_path: Path
    ) -> None:
        sweep, handling = SweepFolder(tmp_path), {"launcher": {"kind": "local"}, "threads": 1}
        freeze(sweep, runs_of(loader, master, tmp_path, ["seed=1"], ["seed=2"]), (), handling)
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        with pytest.raises(UserError, match=r"seed=2, not 5"):
            freeze(sweep, runs_of(loader, master, tmp_path, ["seed=1", "total_steps=7"], ["seed=5"]), (), handling)
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before

    def test_another_sweep_is_refused(self, loader: Any, master: DictConfig, tmp_path: Path) -> None:
        """Two commands in one second, or another sweep with the same hydra.sweep.dir."""
        sweep, handling = SweepFolder(tmp_path), {"launcher": {"kind": "local"}, "threads": 1}
        runs = runs_of(loader, master, tmp_path, ["seed=1"], ["seed=2"])
        freeze(sweep, runs, (), handling)
        other = [replace(run, path=tmp_path / f"other_{run.number}") for run in runs]
        with pytest.raises(UserError, match=r"run 0 is 0, not other_0: .*hydra\.sweep\.dir"):
            freeze(sweep, other, (), handling)
        assert not (tmp_path / "other_0").exists()

    def test_fewer_or_more_seeds_are_the_same_sweep(self, loader: Any, master: DictConfig, tmp_path: Path) -> None:
        sweep, handling = SweepFolder(tmp_path), {"launcher": {"kind": "local"}, "threads": 1}
        for count in (2, 1, 3):
            freeze(sweep, runs_of(loader, master, tmp_path, *([f"seed={s}"] for s in range(count))), (), handling)
        assert [run.overrides[0] for run in sweep.runs] == ["seed=0", "seed=1", "seed=2"]

    def test_a_folder_in_use_is_left_alone(self, loader: Any, master: DictConfig, tmp_path: Path) -> None:
        sweep, handling = SweepFolder(tmp_path), {"launcher": {"kind": "local"}, "threads": 1}
        freeze(sweep, runs_of(loader, master, tmp_path, ["seed=1"], ["seed=2"]), (), handling)
        more = runs_of(loader, master, tmp_path, ["seed=1", "total_steps=7"], ["seed=2", "total_steps=7"])
        freeze(sweep, more, {0}, handling)
        steps = [OmegaConf.load(tmp_path / name / "config.yaml").total_steps for name in "01"]
        assert steps == [more[0].config["env"]["budget"]["total_steps"], 7]

    def test_the_same_again_keeps_the_record(self, loader: Any, master: DictConfig, tmp_path: Path) -> None:
        """More steps are no other run; where it comes from stays what it was."""
        sweep, handling = SweepFolder(tmp_path), {"launcher": {"kind": "local"}, "threads": 1}
        freeze(sweep, runs_of(loader, master, tmp_path, ["seed=1"]), (), handling)
        (tmp_path / "0" / "provenance.json").write_text("[1]")
        freeze(sweep, runs_of(loader, master, tmp_path, ["seed=1", "total_steps=7"]), (), handling)
        assert OmegaConf.load(tmp_path / "0" / "config.yaml").total_steps == 7
        assert (tmp_path / "0" / "provenance.json").read_text() == "[1]"


TEXTS = st.one_of(
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="$\r\x85\u2028\u2029")),
    st.sampled_from(["1e-3", "1_000", "0x1f", "on", "null", "~", "-", "1:30", ".5", "inf", "nan", "?", "2026-11-21"]),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(values=st.dictionaries(st.sampled_from(["gamma", "env", "extra"]), VALUES))
def test_yaml_comes_back(values: dict[str, Any]) -> None:
    """Bit for bit and type for type, as OmegaConf reads it: 1e-05 stays a number and '1e-3' a text."""
    back = OmegaConf.to_container(OmegaConf.create(to_yaml(values)))
    assert repr(back) == repr(values)
