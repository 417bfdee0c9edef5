"""The command lines: every mistake ends in one line, before anything is written; what is right goes through."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from ddpg.commands import cli

SHORT = ["total_steps=200", "random_steps=50", "batch_size=8", "eval.every=200", "eval.episodes=1", "logger=silent"]
Refusal = Callable[..., str]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(monkeypatch: pytest.MonkeyPatch, command: Callable[[], None], *argv: str) -> None:
    monkeypatch.setattr(sys, "argv", ["ddpg-train", *argv])
    command()


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refusal:
    """The line with which ddpg-train refuses a command line, all that it says."""

    def _refusal(*argv: str, command: Callable[[], None] = cli.train) -> str:
        with pytest.raises(SystemExit) as exit:
            call(monkeypatch, command, *argv)
        line = exit.value.code
        assert isinstance(line, str)
        assert "\n" not in line
        assert capsys.readouterr() == ("", "")
        assert "HYDRA_FULL_ERROR" not in os.environ
        return line.partition(": ")[2]

    return _refusal


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
        ("--seed 3", "--seed: there is no such flag; values are written KEY=VALUE, as in seed=VALUE"),
        ("--cfg nope", "argument --cfg/-c: invalid choice: 'nope'"),
        # options
        ("env=halfchetah", "env=halfchetah: there is no such option; did you mean halfcheetah?"),
        ("preset=tpaper", "preset=tpaper: there is no such option; did you mean paper?"),
        ("experiment=pendulm", "experiment=pendulm: there is no such option; did you mean pendulum?"),
        ("hydra/launcher=slrum", "hydra/launcher=slrum: there is no such option; did you mean slurm?"),
        ("replay=3", "replay=3: there is no such option; allowed here: prioritized, uniform"),
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
        ("env=hopper env=walker2d", "env=hopper env=walker2d: a group is chosen once"),
        ("env=hopper seed=1,2 env=walker2d -m", "env=hopper env=walker2d: a group is chosen once"),
        ("-m --cfg job", "Only one of --run, --multirun, --cfg"),
        # folders
        ("resume=nope", "resume=nope is no run folder: it has no config.yaml"),
        ("hydra.run.dir=file/run", "folder file/run cannot be made: "),
        ("hydra.run.dir=file", "folder file cannot be made: "),
        ("hydra.sweep.dir=file seed=1,2 -m", "folder file cannot be made: "),
        ("--config-dir nope", "Additional config directory "),
        # multirun: every value of every key is checked before the first job
        ("gamma=0.9,7 -m", "gamma=7 is out of range"),
        ("seed=1,2 noise.sigma=0.1,x -m", "noise.sigma=x must be a finite number"),
        ("noise=ou,gausian -m", "noise=gausian: there is no such option; did you mean gaussian?"),
        ("noise=ou,gaussian noise.theta=1 -m", "noise.theta=1: there is no such key"),
        ("env=pendulum,gym -m", "env.id has no value"),
        ("env.imports=[],[nope] -m", "no Python module nope is installed"),
        ("seed=interval(1,3) -m", "BasicSweeper does not support sweep type"),
        ("experiment=pendulum gamma=7", "gamma=7 is out of range"),
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


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddpg.run.lifecycle.run", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call(monkeypatch, cli.train, "hydra.run.dir=run")


def test_traceback_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(Exception, match="gamma=7 is out of range"):
        call(monkeypatch, cli.train, "gamma=7")
    assert os.environ["HYDRA_FULL_ERROR"] == "1"


def test_interrupt_outside_training(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_train", interrupted)
    with pytest.raises(SystemExit) as exit:
        call(monkeypatch, cli.train)
    assert (exit.value.code, capsys.readouterr().err) == (130, "ddpg-train: interrupted\n")


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """A short run in a folder whose name Hydra's grammar would not read."""
    call(monkeypatch, cli.train, *SHORT, "hydra.run.dir='lr=1,x'")
    capsys.readouterr()
    return "lr=1,x"


def test_run_again(
    finished: str, refusal: Refusal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In its folder or with resume=: it goes on if it is the same run, and is refused and left alone if not."""
    before = Path(finished, ".hydra", "config.yaml").read_text()
    again = [*SHORT, f"hydra.run.dir='{finished}'"]
    assert refusal(*again, "gamma=0.9") == (
        f"{finished} holds a run with gamma=0.99, not 0.9: "
        f"choose another hydra.run.dir (-m: hydra.sweep.dir), or continue that run with resume={finished}"
    )
    resume = f"resume={finished}"
    assert refusal(resume, "gamma=0.9").startswith(f"gamma=0.9 cannot be given with {resume}: that run has gamma=0.99")
    for group in ("noise=none", "preset=paper", "~noise"):
        said = refusal(resume, group)
        assert said.startswith(f"{group} cannot be given with resume: groups stay as the run was started; keys such as")
    assert refusal(resume, "gama=1").endswith("did you mean gamma?")
    assert refusal(resume, "seed=1,2", "-m") == f"{resume} cannot be combined with -m: it continues one run"
    call(monkeypatch, cli.train, resume, "total_steps=300")
    assert f"ddpg-eval {Path(finished).absolute()}" in capsys.readouterr().out
    assert OmegaConf.load(Path(finished, "config.yaml")).total_steps == 300
    assert Path(finished, ".hydra", "config.yaml").read_text() == before


def test_stored_config_is_plain(finished: str) -> None:
    assert "${" not in Path(finished, "config.yaml").read_text()


def test_eval(
    finished: str, refusal: Refusal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*argv: str) -> str:
        return refusal(*argv, command=cli.evaluate)

    call(monkeypatch, cli.evaluate, finished, "episodes=2e0", "actor=best")
    assert "2 noise-free episodes of the best actor" in capsys.readouterr().out
    usage = "the run folder comes first: ddpg-eval RUN [episodes=...] [video=...] [actor=...] [seed=...]"
    assert refused() == refused("episodes=3") == usage
    assert refused("nope") == "nope is no run folder: it has no config.yaml"
    assert refused(finished, "episods=3") == "episods=3: there is no such key; did you mean episodes?"
    assert refused(finished, "episodes=0") == "episodes=0 is out of range: it must be at least 1"
    assert refused(finished, "actor=bst") == "actor=bst is not one of last, best; did you mean best?"
    assert refused(finished, "video") == "video: values are written KEY=VALUE, as in episodes=20"
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    assert "pip install 'ddpg[video]'" in refused(finished, "video=true", "episodes=1")
    Path(finished, "actor.pt").write_text("x")
    assert "does not hold the actor" in refused(finished)
    Path(finished, "actor.pt").unlink()
    assert refused(finished).endswith("the run has not saved its last actor yet")
    Path(finished, "config.yaml").write_text("seed: 1\n")
    assert "is missing" in refused(finished)


def test_eval_help(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        call(monkeypatch, cli.evaluate, "--help")
    assert exit.value.code is None
    assert "  episodes=10  how many" in capsys.readouterr().out


def test_job_that_fails_in_a_multirun(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """It says so at once, the others run, and the end is an error."""
    sweep = ["network.critic.action_layer=3,1", "hydra.sweep.dir=sweep", "hydra.sweep.subdir=${hydra.job.num}", "-m"]
    with pytest.raises(SystemExit) as exit:
        call(monkeypatch, cli.train, *SHORT, *sweep)
    line = "network.critic.action_layer=3 must be at most 2, the number of hidden layers"
    assert exit.value.code == f"ddpg-train: {line}"
    assert f"job 0 failed: {line}" in capfd.readouterr().out
    assert Path("sweep/1/actor.pt").exists()


def command_line(*argv: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from ddpg.commands.cli import train; sys.argv[0] = 'ddpg-train'; train()"
    return subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True)


def test_a_mistake_as_the_shell_sees_it() -> None:
    done = command_line("gamma=7")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ddpg-train: gamma=7 is out of range: it must be at least 0 and at most 1\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--help"], "ddpg-train env=halfcheetah preset=td3"),
        (["--cfg", "job", "preset=paper"], "batch_size: 64"),
        (["--info", "defaults"], "preset/td3"),
        (["--info", "searchpath"], "ddpg.conf"),
        (["-sc", "install=bash"], "complete "),
    ],
)
def test_what_hydra_users_expect_needs_no_torch(argv: list[str], said: str) -> None:
    code = (
        "import sys\nfrom ddpg.commands.cli import train\nsys.argv[0] = 'ddpg-train'\n"
        "try:\n    train()\nfinally:\n    assert not {'torch', 'gymnasium', 'wandb'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert said in done.stdout


@pytest.mark.parametrize(
    ("command", "argv"),
    [("train", ["gamma=7"]), ("train", ["gama=1"]), ("train", ["env=hoper"]), ("evaluate", ["nope"])],
)
def test_simple_mistakes_need_no_torch(command: str, argv: list[str]) -> None:
    code = (
        f"import sys\nfrom ddpg.commands import cli\ntry:\n    cli.{command}()\n"
        "finally:\n    assert not {'torch', 'gymnasium', 'wandb'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
