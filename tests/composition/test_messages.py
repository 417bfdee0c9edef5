"""Mistakes on the command line of `ddpg-train`: each ends in one line, before anything is written."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command_line import assert_has

from ddpg.composition.messages import explain

Refusal = Callable[..., str]


@pytest.mark.parametrize(
    ("argv", "parts"),
    [
        # keys
        ("gama=1", "gama=1 ... gamma?"),
        ("noise.sigm=1", "noise.sigm=1 ... noise.sigma?"),
        ("noise=ou noise.thta=1", "noise.thta=1 ... noise.theta?"),
        ("network.actr.norm=batch", "network.actor.norm?"),
        ("evn=hopper", "evn=hopper ... env?"),
        ("prest=paper", "preset?"),
        ("lr=1e-3", "optimizer.actor.lr ... optimizer.critic.lr?"),
        ("prioritized=true", "prioritized=true ... replay=prioritized?"),
        ("hydra.run.dirr=x", "hydra.run.dir?"),
        ("env.version=v5", "env.version=v5 ... no such key"),
        ("+typo=3", "typo=3 ... no such key"),
        ("+gama=1", "gama=1 ... gamma?"),
        ("+noise.typo=3", "noise.typo=3 ... noise.anneal_steps,"),
        ("+noise.rng=1", "noise.rng=1: rng ... set by the program"),
        ("+algorithm.tau=1", "algorithm.tau=1: tau ... set by the program"),
        ("+gamma=0.9", "+gamma=0.9 ... gamma=0.9"),
        ("+env=hopper", "+env=hopper ... env=hopper"),
        ("~noise", "noise is missing"),
        ("~gamma", "gamma is missing"),
        ("~nope", "~nope ... no such key"),
        ("noise@other=ou", "noise@other ... noise?"),
        ("nise@other=ou", "nise@other=ou"),
        ("hydra/callbacks=x", "hydra/callbacks=x ... no such key"),
        ("++env=hopper", "not supported ... ++env=hopper"),
        ("~noise gama=1", "gama=1 ... gamma?"),
        ("+extra.a=1 extra.a=2 gama=1", "gama=1 ... gamma?"),
        ("extr.a=1", "extr.a=1 ... extra?"),
        ("extra.a=1 gama=1", "gama=1 ... gamma?"),
        ("extra.a=1,2 gamma=0.9,7 -m", "gamma=7 ... out of range"),
        ("hydra.job.num=x", "hydra.job.num: Value 'x' of type 'str' could not be converted to Integer"),
        ("+plant=tree", "plant=tree ... no such key"),
        ("~noise=ou", "'noise=ou'. No match in the defaults list"),
        ("--seed 3", "--seed ... no such flag; values are written KEY=VALUE, as in seed=VALUE"),
        ("--cfg nope", "argument --cfg/-c: invalid choice: 'nope'"),
        # options
        ("env=halfchetah", "env=halfchetah ... halfcheetah?"),
        ("preset=tpaper", "preset=tpaper ... paper?"),
        ("experiment=pendulm", "experiment=pendulm ... pendulum?"),
        ("hydra/launcher=slrum", "hydra/launcher=slrum ... slurm?"),
        ("replay=3", "replay=3 ... prioritized, uniform"),
        ("replay={n_stp:3}", "replay.n_stp ... replay.n_step?"),
        ("noise='gausian'", "noise=gausian ... gaussian?"),
        ("noise=[ou,gausian]", "noise=gausian ... gaussian?"),
        ("noise=[ou,3]", "noise=3 ... no such option"),
        ("+noise=gausian", "noise=gausian ... gaussian?"),
        ("experiment=3", "experiment=3 ... no such option"),
        ("replay=null", "replay=null ... prioritized, uniform"),
        # values
        ("seed=abc", "seed=abc ... whole number"),
        ("seed=", "seed='' ... whole number"),
        ("seed=-1", "seed=-1 ... at least 0"),
        ("total_steps=1.5", "total_steps=1.5 ... whole number"),
        ("gamma=x", "gamma=x ... finite number"),
        ("gamma=1.5", "gamma=1.5 ... at least 0 and at most 1"),
        ("tau=-1", "tau=-1 ... out of range"),
        ("batch_size=0", "batch_size=0 ... at least 1"),
        ("buffer_size=10 batch_size=64", "batch_size=64 ... buffer_size=10"),
        ("eval=3", "eval=3 ... eval.every, eval.episodes, eval.video"),
        ("noise.sigma=-1", "noise.sigma=-1 ... at least 0"),
        ("optimizer.actor.lr=-1", "optimizer.actor.lr=-1 ... above 0"),
        ("optimizer.actor.betas=[0.9]", "optimizer.actor.betas=[0.9] ... list of 2"),
        ("network.actor.hidden=3", "network.actor.hidden=3 ... list, as in [3]"),
        ("network.actor.norm=bach", "network.actor.norm=bach ... none, batch, layer ... batch?"),
        ("logger.wandb.group=12", "logger.wandb.group=12 must be a text, as in \"logger.wandb.group='12'\", or null"),
        ("seed=[1,2]", "seed=[1,2] must be a whole number ... seed=1,2"),
        ("logger.wandb.mode=onlin", "online, offline, disabled ... online?"),
        ("logger.wandb.project=a/b", "logger.wandb.project=a/b ... 128 characters ... / ... as in a-b"),
        ("logger.wandb.entity=team/project", "logger.wandb.entity=team/project ... / ... as in team-project, or null"),
        (f"logger.wandb.job_type={'x' * 65}", f"{'x' * 65} must have ... 64 characters"),
        ("env=gym", "env.id ... env.id=VALUE"),
        ("env=dmc env.domain=fish", "env.task ... env.task=VALUE"),
        ("total_steps=${nope}", "total_steps: Interpolation key 'nope' not found"),
        ("noise._target_=ddpg.learner.noise.Gausian", "ddpg.learner.noise.Gaussian?"),
        ("env.imports=[nope]", "no Python module nope ... PYTHONPATH"),
        ("replay.n_step=0", "replay.n_step=0 ... at least 1"),
        ("replay=prioritized replay.alpha=-1", "replay.alpha=-1 ... at least 0 and at most 1"),
        ("replay=prioritized replay.beta=2", "replay.beta=2 ... at least 0 and at most 1"),
        ("replay.alpha=0.6", "replay.alpha=0.6 ... no such key"),
        ("noise=adaptive_parameter noise.alpha=1", "noise.alpha=1 ... above 1"),
        ("noise=adaptive_parameter noise.delta=2", "noise.delta=2 ... above 0 and at most 1"),
        ("noise.anneal_steps=0", "noise.anneal_steps=0 ... at least 1"),
        ("update_every=0", "update_every=0 ... at least 1, or episode"),
        ("update_every=epsiode", "update_every=epsiode ... whole number, or episode ... episode?"),
        ("algorithm.n_critics=0", "algorithm.n_critics=0 ... at least 1"),
        ("algorithm.target_reduce=median", "algorithm.target_reduce=median ... min, mean"),
        ("algorithm.actor_reduce=last", "algorithm.actor_reduce=last ... first, min, mean"),
        ("algorithm.target_noise=-0.1", "algorithm.target_noise=-0.1 ... at least 0"),
        ("algorithm=td4", "algorithm=td4 ... td3?"),
        ("preset=null", "preset=null ... allowed here: ... td3_full"),
        ("policy_delay=2", "policy_delay=2 ... algorithm.policy_delay?"),
        ("dtype=float16", "dtype=float16 ... float32, float64; did you mean"),
        ("device=gpu", "device=gpu must be one of auto, cpu, cuda, cuda:1, mps"),
        ("device=cuda:x", "device=cuda:x must be one of auto, cpu, cuda, cuda:1, mps"),
        ("device=cpu,gpu -m", "device=gpu must be one of auto, cpu, cuda, cuda:1, mps"),
        ("env.id=Pendlum-v1", "env.id=Pendlum-v1 ... Pendulum-v1"),
        ("env.id=Pendulum-v1,Pendlum-v1 -m", "env.id=Pendlum-v1 ... Pendulum-v1"),
        (
            "env=hopper env.version=v9",
            "env.version=v9 (Hopper-v9): no such version; use env.version=v4 or",
        ),
        ("env=hopper env.version=5", "env.version=5 must be v and a number, as in v5, or null"),
        ("network.normalize_obs=0", "network.normalize_obs=0 ... above 0, or null"),
        ("network.actor.activation=elu", "network.actor.activation=elu ... relu, tanh ... relu?"),
        # grammar
        ("foo", "foo ... KEY=VALUE ... seed=3"),
        ("noise.sigma=[1", "noise.sigma=[1 ... the [ is never closed"),
        ("network.actor.hidden=8,8", "network.actor.hidden=8,8 ... -m ... network.actor.hidden=[8,8]"),
        ("seed=1,2", "seed=1,2 ... -m to run each of them"),
        ("seed=range(1,3)", "seed=range(1,3) ... -m"),
        ("seed=1,2 gama=1", "seed=1,2 ... several values"),
        ("seed=1 --cfg job gama=1", "gama=1 ... gamma?"),
        ("env=hopper env=walker2d", "env=hopper env=walker2d ... twice"),
        ("seed=1,2 seed=3,4 -m", "seed=1,2 seed=3,4 ... twice"),
        ("env=hopper seed=1,2 env=walker2d -m", "env=hopper env=walker2d ... twice"),
        ("-m --cfg job", "Only one of --run, --multirun, --cfg"),
        # folders
        ("resume=nope", "resume=nope ... no such folder"),
        ("hydra.run.dir=file/run", "folder file/run ... cannot be made"),
        ("hydra.run.dir=file", "folder file ... cannot be made"),
        ("hydra.sweep.dir=file seed=1,2 -m", "folder file ... cannot be made"),
        ("--config-dir nope", "--config-dir nope ... no such folder"),
        # multirun: every value of every key is checked before the first job
        ("gamma=0.9,7 -m", "gamma=7 ... out of range"),
        ("seed=1,2 noise.sigma=0.1,x -m", "noise.sigma=x ... finite number"),
        ("noise=ou,gausian -m", "noise=gausian ... gaussian?"),
        ("noise=ou,gaussian noise.theta=1 -m", "noise.theta=1 ... no such key"),
        ("noise=glob(o*) seed=1,2 -m gama=1", "gama=1 ... no such key"),
        ("noise=ou,3 -m", "noise=3 ... no such option"),
        ("seed=range(1,3) gama=1,2 -m", "gama=1 ... no such key"),
        ("hydra.job.num=1,2 -m", "Sweeping over Hydra's configuration is not supported"),
        ("env=pendulum,gym -m", "env.id ... no value"),
        ("env.imports=[],[nope] -m", "no Python module nope is installed"),
        ("seed=interval(1,3) -m", "seed=interval(1,3) ... hydra/sweeper=frozen"),
        ("seed=range(3,1) -m", "seed=range(3,1) has no values"),
        ("noise=gaussian,gaussian_0.2 noise.sigma=1 -m", "noise=gaussian and noise=gaussian_0.2 are the same run"),
        ("seed=1,2 hydra.run.dir=x -m", "hydra.run.dir=x ... hydra.sweep.dir"),
        ("hydra/launcher=slurm", "hydra/launcher=slurm ... -m"),
        ("experiment=pendulum gamma=7", "gamma=7 ... out of range"),
        ("experiment=pendulum seed=1,2 gama=1", "gama=1 ... gamma?"),
        ("experiment=noise_study noise.theta=1", "noise.theta=1 ... no such key"),
        ("resume=file -m", "resume=file ... -m"),
        # experiments that are sweeps
        (
            "experiment=mujoco_td3,pendulum_keras -m",
            "mujoco_td3 is a sweep of its own (env, seed) ... by itself",
        ),
        ("experiment=smoke,mujoco_td3 env=ant -m", "experiment=mujoco_td3 env=ant is a sweep of its own (seed)"),
        ("experiment=mujoco_td3 hydra.mode=RUN", "sweeps env=halfcheetah,hopper seed=1,2,3, and this is one run"),
        ("experiment=mujoco_td3 seed=1 hydra.mode=RUN", "sweeps env=halfcheetah,hopper, and this is one run"),
    ],
)
def test_mistake(argv: str, parts: str, refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert_has(refusal(*argv.split()), parts)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_several_options_of_a_group(refusal: Refusal) -> None:
    """A group cannot be a list."""
    line = refusal("env=hopper,walker2d")
    assert_has(line, "env=hopper,walker2d ... -m")
    assert "[" not in line


def test_group_that_nothing_chooses(refusal: Refusal, tmp_path: Path) -> None:
    """Hydra's own words are good enough."""
    (tmp_path / "plant").mkdir()
    (tmp_path / "plant" / "tree.yaml").write_text("height: 3\n")
    assert_has(refusal("--config-dir", ".", "plant=tree"), "plant ... +plant=tree")
    assert_has(refusal("--config-dir", ".", "~plant"), "plant")
    assert_has(refusal("--config-dir", ".", "+plant=tree", "gama=1"), "gama=1 ... gamma?")


def test_a_space_in_a_key(refusal: Refusal) -> None:
    assert_has(refusal("a b=3"), "a b=3 cannot be read")


@pytest.mark.parametrize(
    ("argv", "parts"),
    [
        ("env=gym env.id=CartPole-v1", "env.id=CartPole-v1 ... continuous actions"),
        ("network.critic.action_layer=5", "network.critic.action_layer=5 ... at most 2"),
        ("network.actor.hidden=[]", "network.actor.hidden=[] ... at least one layer"),
        ("device=cuda:77", "device=cuda:77 ... "),
        ("buffer_size=99999999999 total_steps=99999999999", "buffer_size=99999999999 ... 26"),
    ],
)
def test_mistake_that_shows_when_the_run_is_built(argv: str, parts: str, refusal: Refusal) -> None:
    assert_has(refusal(*argv.split(), "hydra.run.dir=run", "logger=silent"), parts)


def test_no_slurm_on_this_machine(refusal: Refusal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert_has(refusal("seed=1,2", "hydra/launcher=slurm", "-m"), "hydra/launcher=slurm ... sbatch")
    assert not Path("outputs").exists()


def test_error_of_a_launcher_that_uses_submitit() -> None:
    """Hydra's own launcher for Slurm, where it is installed."""
    module: dict[str, Any] = {"__name__": "submitit.slurm"}
    exec("def submit():\n    raise RuntimeError('sbatch: error: Invalid account')", module)
    with pytest.raises(RuntimeError) as raised:
        module["submit"]()
    assert explain(raised.value) == "hydra/launcher: Invalid account"


def test_launcher_option_out_of_range(refusal: Refusal) -> None:
    sweep = ["seed=1,2", "hydra/launcher=local", "-m"]
    assert_has(refusal(*sweep, "hydra.launcher.processes=0"), "hydra.launcher.processes=0 ... out of range")
    assert_has(refusal(*sweep, "hydra.launcher.proceses=2"), "hydra.launcher.proceses=2 ... hydra.launcher.processes?")
    line = refusal(*sweep, "hydra.sweeper.max_batch_size=2")
    assert_has(line, "hydra.sweeper.max_batch_size=2 ... hydra.launcher.processes")
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
    assert_has(refusal(*own, "noise=bad", "noise.sgma=2"), "noise.sgma=2 ... noise.sigma?")
    assert_has(refusal(*own, "noise=bad", "noise.sigma=x"), "noise.sigma=x ... finite number")
    assert_has(refusal(*own, "noise=bat"), "noise=bat ... bad?")
    (tmp_path / "own" / "replay").mkdir()
    (tmp_path / "own" / "replay" / "mine.yaml").write_text("_target_: ddpg.learner.replay.ReplayBuffer\nn_step: 1\n")
    assert_has(refusal(*own, "replay=3"), "replay=3 ... mine, n_step, prioritized, uniform")
    assert "broken.yaml" in refusal(*own, "noise=broken")


def test_an_id_beside_an_option_of_ones_own(refusal: Refusal, tmp_path: Path) -> None:
    """The option's name and budget are for its own id."""
    (tmp_path / "own" / "env").mkdir(parents=True)
    text = "defaults: [gym, _self_]\nid: Pendulum-v1\nname: mine\nbudget: {total_steps: 50, random_steps: 10}\n"
    (tmp_path / "own" / "env" / "mine.yaml").write_text(text)
    own = ["--config-dir", "own", "env=mine", "env.id=Hopper-v5"]
    for words in (own, [*own, "-m"]):
        assert_has(refusal(*words), "env.id=Hopper-v5 ... env=mine ... name and budget ... Pendulum-v1 ... env=gym")
    for words in (["env=gym", "env.id=Hoper-v5"], ["env.id=Hoper-v5"]):  # gym has none of its own
        assert_has(refusal(*words, "hydra.run.dir=run"), "env.id=Hoper-v5: no such environment")
    assert not Path("outputs").exists()


def test_folder_without_permission(refusal: Refusal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    assert_has(refusal("hydra.run.dir=run"), f"folder run ... permission ... {tmp_path}")
