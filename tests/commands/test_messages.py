"""Mistakes on the command line of `ddpg-train`: each ends in one line, before anything is written."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

Refusal = Callable[..., str]


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        # keys
        ("gama=1", "gama=1: there is no such key; did you mean gamma?"),
        ("noise.sigm=1", "noise.sigm=1: there is no such key; did you mean noise.sigma?"),
        ("noise=ou noise.thta=1", "noise.thta=1: there is no such key; did you mean noise.theta?"),
        ("network.actr.norm=batch", "did you mean network.actor.norm?"),
        ("evn=hopper", "evn=hopper: there is no such key; did you mean env?"),
        ("prest=paper", "did you mean preset?"),
        ("lr=1e-3", "did you mean optimizer.actor.lr or optimizer.critic.lr?"),
        ("prioritized=true", "prioritized=true: there is no such key; did you mean replay=prioritized?"),
        ("hydra.run.dirr=x", "did you mean hydra.run.dir?"),
        ("env.version=v5", "env.version=v5: there is no such key"),
        ("+typo=3", "typo=3: there is no such key"),
        ("+gama=1", "gama=1: there is no such key; did you mean gamma?"),
        ("+noise.typo=3", "noise.typo=3: there is no such key; allowed here: noise.anneal_steps, "),
        ("+noise.rng=1", "noise.rng=1: rng is set by the program, not by the config"),
        ("+algorithm.tau=1", "algorithm.tau=1: tau is set by the program, not by the config"),
        ("+gamma=0.9", "+gamma=0.9 would add a key that is there already: without the +, gamma=0.9, it is set"),
        ("+env=hopper", "+env=hopper would add a key that is there already: without the +, env=hopper, it is set"),
        ("~noise", "noise is missing"),
        ("~gamma", "gamma is missing"),
        ("~nope", "~nope: there is no such key"),
        ("noise@other=ou", "noise@other=ou: there is no such choice; did you mean noise?"),
        ("nise@other=ou", "nise@other=ou: there is no such group; did you mean noise?"),
        ("hydra/callbacks=x", "hydra/callbacks=x: there is no such key"),
        ("++env=hopper", "++env=hopper would add a key that is there already: without the +, env=hopper"),
        ("~noise gama=1", "gama=1: there is no such key; did you mean gamma?"),
        ("+extra.a=1 extra.a=2 gama=1", "gama=1: there is no such key; did you mean gamma?"),
        ("+extra={a:1} extra.b=2", "extra.b=2: there is no such key"),
        ("extra.a=1", "extra.a=1: there is no such key; to add it, write +extra.a=VALUE"),
        ("hydra.job.num=x", "hydra.job.num: Value 'x' of type 'str' could not be converted to Integer"),
        ("+plant=tree", "plant=tree: there is no such key"),
        ("~noise=ou", "'noise=ou'. No match in the defaults list"),
        ("--seed 3", "--seed: there is no such flag; values are written KEY=VALUE, as in seed=VALUE"),
        ("--cfg nope", "argument --cfg/-c: invalid choice: 'nope'"),
        # options
        ("env=halfchetah", "env=halfchetah: there is no such option; did you mean halfcheetah?"),
        ("preset=tpaper", "preset=tpaper: there is no such option; did you mean paper?"),
        ("experiment=pendulm", "experiment=pendulm: there is no such option; did you mean pendulum?"),
        ("hydra/launcher=slrum", "hydra/launcher=slrum: there is no such option; did you mean slurm?"),
        ("replay=3", "replay=3: there is no such option; allowed here: prioritized, uniform"),
        ("replay={n_stp:3}", "replay.n_stp: there is no such key; did you mean replay.n_step?"),
        ("noise='gausian'", "noise=gausian: there is no such option; did you mean gaussian?"),
        ("noise=[ou,gausian]", "noise=gausian: there is no such option; did you mean gaussian?"),
        ("noise=[ou,3]", "noise=3: there is no such option"),
        ("+noise=gausian", "noise=gausian: there is no such option; did you mean gaussian?"),
        ("experiment=3", "experiment=3: there is no such option"),
        ("replay=null", "replay=null: there is no such option; allowed here: prioritized, uniform"),
        # values
        ("seed=abc", "seed=abc must be a whole number"),
        ("seed=", "seed='' must be a whole number"),
        ("seed=-1", "seed=-1 is out of range: it must be at least 0"),
        ("total_steps=1.5", "total_steps=1.5 must be a whole number"),
        ("gamma=x", "gamma=x must be a finite number"),
        ("gamma=1.5", "gamma=1.5 is out of range: it must be at least 0 and at most 1"),
        ("tau=-1", "tau=-1 is out of range"),
        ("batch_size=0", "batch_size=0 is out of range: it must be at least 1"),
        ("eval=3", "eval=3 must be a group of keys: eval.every, eval.episodes, eval.video"),
        ("noise.sigma=-1", "noise.sigma=-1 is out of range: it must be at least 0"),
        ("optimizer.actor.lr=-1", "optimizer.actor.lr=-1 is out of range: it must be above 0"),
        ("optimizer.actor.betas=[0.9]", "optimizer.actor.betas=[0.9] must be a list of 2"),
        ("network.actor.hidden=3", "network.actor.hidden=3 must be a list, as in [3]"),
        ("network.actor.norm=bach", "network.actor.norm=bach is not one of none, batch, layer; did you mean batch?"),
        ("logger.wandb.mode=onlin", "is not one of online, offline, disabled; did you mean online?"),
        ("env=gym", "env.id has no value: set it, env.id=VALUE"),
        ("env=dmc env.domain=fish", "env.task has no value: set it, env.task=VALUE"),
        ("total_steps=${nope}", "total_steps: Interpolation key 'nope' not found"),
        ("noise._target_=ddpg.learner.noise.Gausian", "did you mean ddpg.learner.noise.Gaussian?"),
        ("env.imports=[nope]", "no Python module nope is installed: pip install nope"),
        ("replay.n_step=0", "replay.n_step=0 is out of range: it must be at least 1"),
        ("replay=prioritized replay.alpha=-1", "replay.alpha=-1 is out of range: it must be at least 0 and at most 1"),
        ("replay=prioritized replay.beta=2", "replay.beta=2 is out of range: it must be at least 0 and at most 1"),
        ("replay.alpha=0.6", "replay.alpha=0.6: there is no such key"),
        ("noise=adaptive_parameter noise.alpha=1", "noise.alpha=1 is out of range: it must be above 1"),
        ("noise=adaptive_parameter noise.delta=2", "noise.delta=2 is out of range: it must be above 0 and at most 1"),
        ("noise.anneal_steps=0", "noise.anneal_steps=0 is out of range: it must be at least 1"),
        ("update_every=0", "update_every=0 is out of range: it must be at least 1, or episode"),
        ("update_every=epsiode", "update_every=epsiode must be a whole number, or episode; did you mean episode?"),
        ("algorithm.n_critics=0", "algorithm.n_critics=0 is out of range: it must be at least 1"),
        ("algorithm.target_reduce=median", "algorithm.target_reduce=median is not one of min, mean"),
        ("algorithm.actor_reduce=last", "algorithm.actor_reduce=last is not one of first, min, mean"),
        ("algorithm.target_noise=-0.1", "algorithm.target_noise=-0.1 is out of range: it must be at least 0"),
        ("algorithm=td4", "algorithm=td4: there is no such option; did you mean td3?"),
        ("policy_delay=2", "policy_delay=2: there is no such key; did you mean algorithm.policy_delay?"),
        ("dtype=float16", "dtype=float16 is not one of float32, float64; did you mean"),
        ("network.normalize_obs=0", "network.normalize_obs=0 is out of range: it must be above 0, or null"),
        ("network.actor.activation=elu", "network.actor.activation=elu is not one of relu, tanh; did you mean relu?"),
        # grammar
        ("foo", "foo: values are written KEY=VALUE, as in seed=3"),
        ("noise.sigma=[1", "noise.sigma=[1 cannot be read: write KEY=VALUE"),
        ("seed=1,2", "seed=1,2 is several values: add -m to run each of them, or write a list as seed=[1,2]"),
        ("seed=range(1,3)", "seed=range(1,3) is several values: add -m to run each of them"),
        ("seed=1,2 gama=1", "seed=1,2 is several values"),
        ("seed=1 --cfg job gama=1", "gama=1: there is no such key; did you mean gamma?"),
        ("env=hopper env=walker2d", "env=hopper env=walker2d: a group is chosen once"),
        ("env=hopper seed=1,2 env=walker2d -m", "env=hopper env=walker2d: a group is chosen once"),
        ("-m --cfg job", "Only one of --run, --multirun, --cfg"),
        # folders
        ("resume=nope", "resume=nope is no run folder: it has no config.yaml"),
        ("hydra.run.dir=file/run", "folder file/run cannot be made: "),
        ("hydra.run.dir=file", "folder file cannot be made: "),
        ("hydra.sweep.dir=file seed=1,2 -m", "folder file cannot be made: "),
        ("--config-dir nope", "--config-dir nope: there is no such folder"),
        # multirun: every value of every key is checked before the first job
        ("gamma=0.9,7 -m", "gamma=7 is out of range"),
        ("seed=1,2 noise.sigma=0.1,x -m", "noise.sigma=x must be a finite number"),
        ("noise=ou,gausian -m", "noise=gausian: there is no such option; did you mean gaussian?"),
        ("noise=ou,gaussian noise.theta=1 -m", "noise.theta=1: there is no such key"),
        ("noise=glob(o*) seed=1,2 -m gama=1", "gama=1: there is no such key"),
        ("noise=ou,3 -m", "noise=3: there is no such option"),
        ("seed=range(1,3) gama=1,2 -m", "gama=1: there is no such key"),
        ("hydra.job.num=1,2 -m", "Sweeping over Hydra's configuration is not supported"),
        ("env=pendulum,gym -m", "env.id has no value"),
        ("env.imports=[],[nope] -m", "no Python module nope is installed"),
        ("seed=interval(1,3) -m", "BasicSweeper does not support sweep type"),
        ("experiment=pendulum gamma=7", "gamma=7 is out of range"),
        ("experiment=pendulum seed=1,2 gama=1", "gama=1: there is no such key; did you mean gamma?"),
        ("experiment=noise_study noise.theta=1", "noise.theta=1: there is no such key"),
        ("resume=file -m", "resume=file cannot be combined with -m"),
    ],
)
def test_mistake(argv: str, line: str, refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert line in refusal(*argv.split())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_several_options_of_a_group(refusal: Refusal) -> None:
    """A group cannot be a list."""
    assert refusal("env=hopper,walker2d") == "env=hopper,walker2d is several values: add -m to run each of them"


def test_a_space_in_a_key(refusal: Refusal) -> None:
    assert refusal("a b=3").startswith("a b=3 cannot be read: write KEY=VALUE")


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        ("env=gym env.id=Pendlum-v1", "env.id=Pendlum-v1: no such environment; nearest: Pendulum-v1"),
        ("env=gym env.id=CartPole-v1", "DDPG needs continuous actions"),
        (
            "network.critic.action_layer=5",
            "network.critic.action_layer=5 must be at most 2, the number of hidden layers",
        ),
        ("network.actor.hidden=[]", "network.actor.hidden=[] must have at least one layer"),
        ("device=gpu", "device=gpu is not one of auto, cpu, cuda, cuda:1, mps"),
        ("device=cuda:77", "device=cuda:77 cannot be used: "),
        ("buffer_size=99999999999 total_steps=99999999999", "buffer_size=99999999999 needs 26"),
    ],
)
def test_mistake_that_shows_when_the_run_is_built(argv: str, line: str, refusal: Refusal) -> None:
    assert line in refusal(*argv.split(), "hydra.run.dir=run", "logger=silent")


def test_no_slurm_on_this_machine(refusal: Refusal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said = refusal("seed=1,2", "hydra/launcher=slurm", "-m")
    assert said.startswith("hydra/launcher=slurm needs sbatch, which is not on this machine")
    assert not Path("outputs").exists()


def test_launcher_option_out_of_range(refusal: Refusal) -> None:
    said = refusal("seed=1,2", "hydra/launcher=local", "hydra.launcher.processes=0", "-m")
    assert said.startswith("hydra.launcher.processes=0 is out of range")
    said = refusal("seed=1,2", "hydra/launcher=local", "hydra.launcher.proceses=2", "-m")
    assert said.endswith("did you mean hydra.launcher.processes?")
    said = refusal("seed=1,2", "hydra/launcher=local", "hydra.sweeper.max_batch_size=2", "-m")
    assert said.endswith("with this launcher hydra.launcher.processes says how many run at the same time")
    assert not Path("outputs").exists()


def test_own_options(refusal: Refusal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_noise.py").write_text(
        "class Bad:\n"
        "    def __init__(self, sigma: float, actor, action_scale, rng):\n"
        "        raise RuntimeError('no\\nluck')\n"
    )
    (tmp_path / "own" / "noise").mkdir(parents=True)
    (tmp_path / "own" / "noise" / "bad.yaml").write_text("_target_: own_noise.Bad\nsigma: 1\n")
    (tmp_path / "own" / "noise" / "broken.yaml").write_text("a: [\n")
    own = ["--config-dir", "own", "logger=silent", "hydra.run.dir=run"]
    assert refusal(*own, "noise=bad") == "noise: RuntimeError: no luck"
    assert refusal(*own, "noise=bad", "noise.sgma=2").endswith("did you mean noise.sigma?")
    assert refusal(*own, "noise=bad", "noise.sigma=x") == "noise.sigma=x must be a finite number"
    assert refusal(*own, "noise=bat").endswith("did you mean bad?")
    (tmp_path / "own" / "replay").mkdir()
    (tmp_path / "own" / "replay" / "mine.yaml").write_text("_target_: ddpg.learner.replay.ReplayBuffer\nn_step: 1\n")
    assert refusal(*own, "replay=3").endswith("allowed here: mine, prioritized, uniform")
    assert "broken.yaml" in refusal(*own, "noise=broken")


def test_folder_without_permission(refusal: Refusal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    line = refusal("hydra.run.dir=run")
    assert line == f"folder run cannot be written to: no permission to write in {tmp_path}"
