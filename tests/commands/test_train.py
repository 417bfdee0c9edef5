"""`ddpg-train`: runs that are started again or continued, jobs of Hydra's own launcher, and what needs no torch."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import hydra
import pytest
from omegaconf import DictConfig, OmegaConf
from support.command_line import SHORT, assert_has, call

from ddpg.commands import train
from ddpg.config.settings import to_yaml, values

Refusal = Callable[..., str]


def test_run_again(
    finished: str, refusal: Refusal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run continues in its folder or with resume= if it is the same one; another is refused, and nothing changes."""
    assert "${" not in Path(finished, "config.yaml").read_text()
    before = Path(finished, ".hydra", "config.yaml").read_text()
    again = [*SHORT, f"hydra.run.dir='{finished}'"]
    resume = f"resume={finished}"
    assert_has(refusal(*again, "gamma=0.9"), f"{finished} ... gamma=0.99 ... 0.9 ... hydra.run.dir ... {resume}")
    assert_has(refusal(resume, "gamma=0.9"), f"gamma=0.9 ... {resume} ... gamma=0.99")
    for group in ("noise=none", "preset=paper", "~noise"):
        assert_has(refusal(resume, group), f"{group} ... resume ... groups ... keys")
    assert_has(refusal(resume, "gama=1"), "gama=1 ... gamma?")
    assert_has(refusal(resume, "seed=1,2", "-m"), f"{resume} ... -m")
    call(monkeypatch, train.main, resume, "total_steps=300", "extra.note=longer", "logger=silent")
    assert f"ddpg-eval {Path(finished).absolute()}" in capsys.readouterr().out
    config = OmegaConf.load(Path(finished, "config.yaml"))
    assert (config.total_steps, config.extra) == (300, {"note": "longer"})
    assert (config.logger.progress, config.choices.logger) == ("none", "silent")
    assert "extra.note=longer" in json.loads(Path(finished, "provenance.json").read_text())[-1]["overrides"]
    assert Path(finished, ".hydra", "config.yaml").read_text() == before


@pytest.mark.parametrize("words", [["--config-dir", "my conf"], ["--config-dir=my conf"], ["-cd=my conf"], []])
def test_the_folder_of_own_config_groups_is_on_record(
    words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of a run and of a sweep, in whatever way it is written."""
    monkeypatch.chdir(tmp_path)
    Path("my conf").mkdir()
    expected = {"config_dir": str(Path("my conf").absolute())} if words else {}
    of_run, of_sweep = Mock(return_value=0.0), Mock(return_value=[])
    monkeypatch.setattr("ddpg.run.lifecycle.run", of_run)
    call(monkeypatch, train.main, *words, *SHORT, "hydra.run.dir=run")
    assert of_run.call_args.kwargs["config_dir"] == expected.get("config_dir")
    monkeypatch.setattr("ddpg.sweep.launch.train_frozen", of_sweep)
    sweep = ["seed=1,2", "-m", "hydra/launcher=local", "hydra.launcher.wait=false", "hydra.sweep.dir=sweep"]
    call(monkeypatch, train.main, *words, *SHORT, *sweep)
    assert of_sweep.call_args.args[-1] == expected


def test_cfg_shows_the_config_of_the_run(
    refusal: Refusal, compose: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Not that of the default groups, which Hydra composes, and nothing is written."""
    Path("run").mkdir()
    started = values(compose("env=hopper", "noise=ou", "seed=3"))
    Path("run", "config.yaml").write_text(to_yaml(started))

    def shown(*words: str) -> dict[str, Any]:
        call(monkeypatch, train.main, *words)
        printed: Any = OmegaConf.to_container(OmegaConf.create(capsys.readouterr().out))
        return printed

    resumed = shown("resume=run", "total_steps=2_000_000", "--cfg", "job")
    assert resumed == started | {"resume": "run", "total_steps": 2_000_000}
    assert shown("--cfg", "job", "--package", "noise", "resume=run") == started["noise"]
    call(monkeypatch, train.main, "resume=run", "--cfg", "job", "--package", "noise.sigma")
    assert capsys.readouterr().out == "0.2\n"
    assert_has(refusal("resume=run", "--cfg", "all"), "--cfg all ... --cfg job")
    assert_has(refusal("resume=run", "--cfg", "job", "--package", "nois"), "--package nois ... no such key")
    assert_has(refusal("resume=run", "--cfg", "job", "gamma=0.9"), "gamma=0.9 ... gamma=0.99")
    assert [path.name for path in Path("run").iterdir()] == ["config.yaml"]


def test_forks(
    finished: str, refusal: Refusal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sweep of forks, whose folders are named by the run and by what was typed."""
    fork = f"fork={finished}"
    assert_has(refusal(fork, "noise=none"), "noise=none cannot be given with fork: groups stay ... (noise=gaussian)")
    assert_has(refusal(fork, "+forked.env_step=1"), "forked: the program writes it down")
    assert_has(refusal(fork, "tau=0.1,0.2", "+forked.env_step=1", "-m"), "forked: the program writes it down")
    assert_has(refusal(fork, "gama=1"), "gama=1: the run has no such key ... gamma?")
    assert_has(refusal(fork, "dtype=float64"), f"dtype=float64 cannot be given with {fork} ... dtype=float32")
    assert_has(refusal(fork, "tau=0.1,0.2", "-m"), f"total_steps=200 is not beyond env step 200 ... {finished}")
    assert_has(refusal(fork, "-m", "hydra/sweeper=search"), "cannot be given with hydra/sweeper=search")
    other = ["env.id=MountainCarContinuous-v0", "env.name=car", "total_steps=210"]
    for sweep in ([], ["tau=0.1,0.2", "-m", "hydra/launcher=local"]):
        assert_has(refusal(fork, *other, *sweep), f"{fork} learned from observations Box(")
    assert_has(
        refusal(fork, "total_steps=210", f"hydra.run.dir='{finished}'"),
        f"{fork} is a new run in another folder ... resume={finished}",
    )
    call(monkeypatch, train.main, fork, "tau=0.1", "total_steps=210", "--cfg", "job")
    printed = OmegaConf.create(capsys.readouterr().out)
    assert (printed.fork, printed.tau, printed.batch_size) == (finished, 0.1, 8)
    assert [path.name for path in Path().iterdir()] == [finished]
    sweep = [fork, "tau=0.1,0.2", "total_steps=210", "seed=2", "logger=silent", "-m", "hydra.sweep.dir=sweep"]
    call(monkeypatch, train.main, *sweep)
    folders = sorted(path for path in Path("sweep").iterdir() if path.is_dir())
    assert [path.name for path in folders] == [f"{k}_pendulum_ddpg_td3_fork_tau=0.{k + 1}_seed2" for k in range(2)]
    for folder, tau in zip(folders, (0.1, 0.2), strict=True):
        config = OmegaConf.load(folder / "config.yaml")
        assert (config.tau, config.seed, config.fork, config.forked.env_step) == (tau, 2, finished, 200)
        first, second = json.loads((folder / "provenance.json").read_text())
        assert first["fork"]["run"] == finished
        assert f"tau={tau}" in second["overrides"]


def test_a_resume_knows_the_keys_of_the_run(refusal: Refusal, compose: Callable[..., DictConfig]) -> None:
    """The run has noise=ou, which the default has not."""
    Path("run").mkdir()
    Path("run", "config.yaml").write_text(to_yaml(values(compose("noise=ou"))))
    assert_has(refusal("resume=run", "noise.theta=3"), "noise.theta=3 ... resume=run ... noise.theta=0.15")
    assert_has(refusal("resume=run", "noise.sgma=3"), "noise.sgma=3 ... the run has no such key ... noise.sigma?")
    assert_has(refusal("resume=run", "hydra.run.dir=x"), "hydra.run.dir=x ... resume")


def test_job_that_fails_in_a_multirun(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Its failure is logged at once, the other jobs run, and the command ends with the error."""
    sweep = ["network.critic.action_layer=3,1", "hydra.sweep.dir=sweep", "hydra.sweep.subdir=${hydra.job.num}", "-m"]
    with pytest.raises(SystemExit) as exit:
        call(monkeypatch, train.main, *SHORT, *sweep)
    assert_has(str(exit.value.code), "ddpg-train: network.critic.action_layer=3 ... at most 2")
    assert_has(capfd.readouterr().out, "job 0 failed: network.critic.action_layer=3 ... at most 2")
    assert Path("sweep/1/actor.pt").exists()


@pytest.mark.parametrize(
    ("argv", "output"),
    [
        (["--help"], "ddpg-train env=halfcheetah preset=td3"),
        (["--cfg", "job", "preset=paper"], "batch_size: 64"),
        (["--info", "defaults"], "preset/td3"),
        (["--info", "searchpath"], "ddpg.conf"),
        (["-sc", "install=bash"], "complete "),
    ],
)
def test_what_hydra_users_expect_needs_no_torch(argv: list[str], output: str) -> None:
    code = (
        "import sys\nfrom ddpg.commands.train import main\nsys.argv[0] = 'ddpg-train'\n"
        "try:\n    main()\nfinally:\n    assert not {'torch', 'gymnasium', 'wandb'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert output in done.stdout


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        ("train", ["gamma=7"]),
        ("train", ["gama=1"]),
        ("train", ["env=hoper"]),
        ("evaluate", ["nope"]),
        ("export", ["nope"]),
    ],
)
def test_simple_mistakes_need_no_torch(command: str, argv: list[str]) -> None:
    refused_without_torch(command, argv)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["resume=run", "total_steps=5"], "run has been trained for 10 steps, and no run goes back"),
        (["fork=run", "dtype=float64"], "dtype=float64 cannot be given with fork=run"),
    ],
)
def test_what_cannot_go_on_is_told_without_torch(
    words: list[str], message: str, compose: Callable[..., DictConfig]
) -> None:
    Path("run").mkdir()
    Path("run", "config.yaml").write_text(to_yaml(values(compose())))
    Path("run", "status.json").write_text('{"env_step": 10}')
    assert message in refused_without_torch("train", words)


def refused_without_torch(command: str, argv: list[str]) -> str:
    """Assert that a command refuses its words without loading torch; return its line."""
    code = (
        f"import sys\nfrom ddpg.commands import {command}\ntry:\n    {command}.main()\n"
        "finally:\n    assert not {'torch', 'gymnasium', 'wandb'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    return done.stderr


def test_words_for_hydra(tmp_path: Path) -> None:
    assert train.hydra_words(["-m", "seed=1", "--cfg", "job", "tau=1"]) == ["seed=1", "tau=1", "-m", "--cfg", "job"]
    assert train.hydra_words(["resume=null", "seed=1", "experiment=null", "-m"]) == ["seed=1", "-m"]
    (tmp_path / "it's, a run").mkdir()
    (tmp_path / "it's, a run" / "config.yaml").touch()
    resume = r"'it\'s, a run'"
    words = [f"resume={resume}", "++total_steps=5", f"hydra.run.dir={resume}"]
    assert train.hydra_words(["resume=it's, a run", "total_steps=5"]) == words


@pytest.mark.parametrize("option", ["ddpg", "default", "disabled", "none", "stdout"])
def test_each_logging_of_hydra_can_be_chosen(option: str) -> None:
    """Nothing that this package adds needs a part that some of them do not have."""
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        cfg = hydra.compose("config", overrides=[f"hydra/job_logging={option}"], return_hydra_config=True)
    logging = cfg.hydra.job_logging
    handlers = logging.get("handlers", {})
    assert all("class" in handler for handler in handlers.values())
    assert {handler.formatter for handler in handlers.values()} <= set(logging.get("formatters", {}))
    assert {"absl", "OpenGL"} <= set(logging.loggers)
