"""`ddpg.load_run`, `runs` and `load_policy`: what run folders hold, as objects."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.command_line import user_error
from support.fake_runs import FakeRun, write_sweep
from support.runs import TINY, WALK, record
from support.stored_runs import stored_run

import ddpg
from ddpg.export.write import export
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking.metrics import encode_row
from ddpg.run.playing import open_playable, play

RETURN = "eval/episodic_return"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> ddpg.Run:
    return ddpg.train([*WALK, *TINY], out=tmp_path_factory.mktemp("run") / "a")


def test_the_record(run: ddpg.Run) -> None:
    found = ddpg.load_run(run.path)
    assert found == run
    assert found.config.env.id == "Walk-v0"
    assert found.status["last_return"] == found.metrics[RETURN].values[-1]
    assert found.starts[0]["overrides"] == [*WALK, *TINY]
    assert set(found.metrics) == {name for row in record(run.path) for name in row} - {"env_step"} | {
        "charts/SPS", "time/elapsed_s"
    }  # fmt: skip
    rows = [row for row in record(run.path) if RETURN in row]
    assert found.metrics[RETURN].steps.tolist() == [row["env_step"] for row in rows]
    assert found.metrics[RETURN].steps.dtype == np.int64
    assert found.metrics[RETURN].values.tolist() == [row[RETURN] for row in rows]
    assert "nothing" not in found.metrics
    assert found.metrics.get("nothing") is None


def test_repr_says_how_far_it_is(run: ddpg.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.path.parent)
    assert repr(run) == f"<Run a: done, 400 of 400 steps, return {run.status['last_return']:.1f}>"
    waiting = stored_run(tmp_path / "b", "total_steps=50").path
    (waiting / "status.json").unlink()
    assert repr(ddpg.load_run(waiting)) == f"<Run {waiting}: not started, 0 of 50 steps>"


def test_config_is_a_copy(run: ddpg.Run) -> None:
    run.config.gamma = 0.1
    assert run.config.gamma == 0.99


def test_metrics_grow_with_the_record(tmp_path: Path) -> None:
    folder = stored_run(tmp_path / "run")
    metrics = ddpg.load_run(folder.path).metrics
    assert len(metrics) == 0
    with user_error("'eval/x' is no metric ... nothing has been recorded yet"):
        _ = metrics["eval/x"]
    for step in (10, 20):
        with folder.metrics.open("ab") as file:
            file.write(encode_row({"env_step": step, RETURN: -step, "losses/qf1_loss": np.nan}))
        assert metrics[RETURN].values[-1] == -step
    assert metrics["losses/qf1_loss"].values.size == 0  # finite values alone
    assert metrics[RETURN] is metrics[RETURN]


def test_policy_in_its_environment(run: ddpg.Run) -> None:
    before = torch.get_rng_state()
    env = run.env()
    policy = run.policy("best")
    obs, _ = env.reset(seed=0)
    assert policy(obs).shape == env.action_space.shape
    assert isinstance(policy, ddpg.Policy)
    returns = run.evaluate(episodes=3, seed=np.int64(5)).returns
    assert returns.tolist() == play(open_playable(run.path), 3, 5).returns.tolist()
    assert torch.equal(torch.get_rng_state(), before)


def test_a_run_stands_for_its_folder(run: ddpg.Run) -> None:
    assert ddpg.load_run(run) == run
    assert ddpg.runs(run) == [run]
    assert len({run, ddpg.load_run(str(run.path))}) == 1


def test_trained_further(tmp_path: Path) -> None:
    short = ddpg.train([*WALK, *TINY, "eval.every=null", "total_steps=60"], out=tmp_path / "run")
    longer = short.resume({"eval.episodes": 1}, total_steps=90)
    assert longer is short
    assert longer.status["env_step"] == 90
    assert longer.config.eval.episodes == 1
    with user_error("gamma=0.5 cannot be given with resume"):
        short.resume(gamma=0.5)


def test_forked(run: ddpg.Run, tmp_path: Path) -> None:
    before = record(run.path)
    fork = run.fork({"noise.sigma": 0.5}, out=tmp_path / "fork", tau=0.5, total_steps=410)
    assert record(run.path) == before
    assert record(fork.path)[: len(before)] == before
    assert (fork.config.tau, fork.config.noise.sigma, fork.config.env.id) == (0.5, 0.5, "Walk-v0")
    assert fork.starts[0]["fork"]["env_step"] == fork.config.forked.env_step == 400
    assert fork.status["env_step"] == 410
    again = fork.fork(out=tmp_path / "again", total_steps=420)
    assert again.config.forked.env_step == 410
    fork.resume(total_steps=430)
    assert fork.fork(out=again.path, total_steps=420).status["env_step"] == 420  # done already, wherever its source is
    with user_error("network.actor.hidden=[9,9] cannot be given with fork"):
        run.fork({"network.actor.hidden": [9, 9]}, total_steps=410)
    with user_error("total_steps=400 is not beyond env step 400"):
        run.fork(tau=0.5)
    fork.path.rename(tmp_path / "moved")
    assert again.resume(total_steps=421).starts[-1]["versions"]["torch"]


def test_runs_are_chosen_in_words_of_hydra(tmp_path: Path) -> None:
    words = {("noise=ou", "gamma=0.99"): 100.0, ("noise=gaussian", "gamma=0.9"): 50.0}
    write_sweep(tmp_path / "sweep", configurations=words, seeds=(1, 2), odd={3: FakeRun(None)})
    every = ddpg.runs([tmp_path, tmp_path / "sweep"])
    assert len(every) == 4
    assert every[-1].status == {}
    assert [one.config.seed for one in ddpg.runs(tmp_path, "gamma=9e-1", "noise=gaussian")] == [1, 2]
    assert len(ddpg.runs(tmp_path, "gamma=0.9,0.99", "seed=1")) == 2
    with user_error("gama=1: these runs have no such key ... gamma?"):
        ddpg.runs(tmp_path, "gama=1")


def test_policies_are_loaded_wherever_they_lie(run: ddpg.Run, tmp_path: Path) -> None:
    export(RunFolder(run.path), ["safetensors"], "last", tmp_path / "exported", episodes=1, license="mit")
    obs = np.array([0.5, 3.0, -0.2], np.float32)
    action = ddpg.load_policy(run)(obs)
    assert np.array_equal(ddpg.load_policy(str(run.path))(obs), action)
    assert np.array_equal(ddpg.load_policy(tmp_path / "exported", format="safetensors")(obs), action)
    with user_error("has the last actor of its run, not the best ... actor=best"):
        ddpg.load_policy(tmp_path / "exported", which="best")
    with user_error("which='bset' is not one of last, best"):
        ddpg.load_policy(tmp_path / "exported", which="bset")
    with user_error("is no exported policy"):
        ddpg.load_policy(run, format="onnx")
    with user_error("hub:x is no name on the Hub"):
        ddpg.load_policy("hub:x")


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda run: run.metrics["eval/episodic_retrun"], "is no metric of ... did you mean eval/episodic_return?"),
        (lambda run: run.policy("newest"), "which='newest' is not one of last, best"),
        (lambda run: run.evaluate(seed=np.int64(-1)), "seed=np.int64(-1) must be a whole number of at least 0"),
        (lambda run: run.evaluate(episodes=1.0), "episodes=1.0 must be a whole number of at least 1"),
        (lambda run: run.evaluate(seed=-1), "seed=-1 must be a whole number of at least 0"),
        (lambda run: run.evaluate(processes=True), "processes=True must be a whole number of at least 1"),
        (lambda run: run.evaluate(episodes=0), "episodes=0 must be a whole number of at least 1"),
        (lambda run: run.resume("total_steps=5 x"), "is one text"),
        (lambda run: ddpg.load_run(run.path.parent), "is no run folder ... below it, such as"),
        (lambda run: ddpg.load_run(run.path / "checkpoint"), "is a part of a run; did you mean"),
        (lambda run: ddpg.load_run(run.path.with_name("ab")), "there is no such folder; did you mean"),
        (lambda run: ddpg.load_run(None), "path=None must be the folder of a run"),
        (lambda run: ddpg.runs(3), "folders=3 must be a folder or a list of folders"),
        (lambda run: ddpg.runs(run, "td3"), "'td3' is no filter; write KEY=VALUE"),
        (lambda run: ddpg.load_policy(None), "source=None must be a folder, a Run, hub:"),
    ],
)
def test_mistake_is_one_line(call: Any, parts: str, run: ddpg.Run) -> None:
    with user_error(parts):
        call(run)


def test_a_run_without_an_actor(run: ddpg.Run, tmp_path: Path) -> None:
    folder = stored_run(tmp_path / "run")
    folder.actor.unlink()
    for call in (ddpg.load_run(folder.path).policy, ddpg.load_run(folder.path).evaluate):
        with user_error("actor.pt does not exist, the run's last actor: it is not saved yet"):
            call()
