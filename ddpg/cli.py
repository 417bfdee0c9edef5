"""The commands `ddpg-train` and `ddpg-eval`: Hydra in front, one line for every mistake behind."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ddpg.config import check_values, flat_keys, nearest
from ddpg.errors import UserError
from ddpg.interrupt import Interrupted
from ddpg.types import Count, PositiveInt


@contextmanager
def one_line_errors(command: str) -> Iterator[None]:
    """What a user can act on is printed as one line; a bug keeps its traceback, HYDRA_FULL_ERROR=1 shows all."""
    wants_traceback = os.environ.get("HYDRA_FULL_ERROR") == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises then, instead of printing its own lines
    try:
        yield
    except Interrupted as error:  # the run has said what it saved
        sys.exit(error.exit_code)
    except Exception as error:
        message = explain(error)
        if wants_traceback or message is None:
            raise
        sys.exit(f"{command}: {message}")


def explain(error: Exception) -> str | None:
    """The line for an error that a user can act on; None for a bug."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'writing failed'}: {error.strerror}"
    if isinstance(error, MissingConfigException):
        return _unknown_option(error)
    if isinstance(error, HydraException | OmegaConfBaseException):
        return _bad_override(str(error), sys.argv[1:])
    return None


def _unknown_option(error: MissingConfigException) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    group, _, option = (error.missing_cfg_file or "").rpartition("/")
    if error.options is None:
        return lines[0]
    return f"{group}={option}: there is no such option{nearest(option, error.options, most=40)}"


def _bad_override(message: str, argv: list[str]) -> str:
    """Hydra's paragraphs as one line, with the nearest key where a key is unknown."""
    unknown = re.search(r"Could not override '([^']+)'", message)
    if unknown:
        key = unknown[1]
        said = next((a for a in argv if a.lstrip("+~").startswith(f"{key}=")), key)
        return f"{said}: there is no such key{nearest(key, known_keys())}"
    swept = re.search(r"Ambiguous value for argument '([^']+)'", message)
    if swept:
        return f"{swept[1]} is several values: add -m to run each of them, or write a list as KEY=[1,2]"
    return " ".join(line.strip() for line in message.splitlines() if line.strip())


def known_keys() -> list[str]:
    """Every key and group that a command line can name."""
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        return flat_keys(OmegaConf.to_container(hydra.compose("config")))


def train() -> None:
    """`ddpg-train OVERRIDE...`: everything that Hydra's command line offers."""
    with one_line_errors("ddpg-train"):
        _continue_in_its_folder(sys.argv)
        _train()


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def _train(cfg: DictConfig) -> float:
    from ddpg.run import run  # torch is loaded when there is something to train, not for --help

    job = HydraConfig.get()
    overrides = list(job.overrides.task)
    if cfg.resume is not None:
        cfg = resumed_config(Path(cfg.resume), overrides)
    return run(cfg, Path(job.runtime.output_dir), overrides)


def _continue_in_its_folder(argv: list[str]) -> None:
    """`resume=RUN` makes RUN Hydra's output folder, and leaves the record of its first start alone."""
    for argument in [a for a in argv if a.startswith("resume=")]:
        folder = Path(argument.partition("=")[2])
        if not (folder / "config.yaml").exists():
            raise UserError(f"{argument} is no run folder: it has no config.yaml")
        argv += [f"hydra.run.dir={folder}", "hydra.output_subdir=null"]


def resumed_config(folder: Path, overrides: list[str]) -> DictConfig:
    """The config that the run was started with, with what this command line gives besides."""
    cfg = OmegaConf.load(folder / "config.yaml")
    for override in OverridesParser.create().parse_overrides(overrides):
        key, value = override.key_or_group, override.value()
        if key == "resume":
            continue
        if isinstance(OmegaConf.select(cfg, key), DictConfig):
            raise UserError(f"{key}={value} cannot be changed when a run goes on")
        OmegaConf.update(cfg, key, value)
    return cfg


@dataclass
class EvalArguments:
    """What `ddpg-eval` takes: the run folder, then KEY=VALUE."""

    #: the run folder
    folder: str
    #: noise-free episodes
    episodes: PositiveInt = 10
    #: record the first episode as videos/ACTOR.mp4
    video: bool = False
    #: the last actor or the one with the best evaluation
    actor: Literal["last", "best"] = "last"
    #: whole number >= 0; other seeds begin from other starts
    seed: Count = 0


def evaluate() -> None:
    """`ddpg-eval RUN [episodes=10] [video=true] [actor=last|best] [seed=0]`: prints the returns."""
    with one_line_errors("ddpg-eval"):
        arguments = _eval_arguments(sys.argv[1:])
        from ddpg.play import play
        from ddpg.run_folder import RunFolder

        folder = RunFolder(Path(arguments.folder))
        episodes = play(folder, arguments.actor, arguments.episodes, arguments.seed, arguments.video)
        returns, lengths = episodes.returns, episodes.lengths
        print(f"{len(returns)} noise-free episodes of the {arguments.actor} actor in {folder.path}")
        print(f"return {returns.mean():.2f} +- {returns.std():.2f} (min {returns.min():.2f}, max {returns.max():.2f})")
        print(f"length {lengths.mean():.1f} env steps")
        if arguments.video:
            print(f"video: {folder.videos / f'{arguments.actor}.mp4'}")


def _eval_arguments(argv: list[str]) -> EvalArguments:
    if not argv or argv[0] in ("-h", "--help") or "=" in argv[0]:
        print(evaluate.__doc__)
        sys.exit(0 if argv and argv[0].startswith("-") else 2)
    values = {"folder": argv[0], **OmegaConf.to_container(OmegaConf.from_cli(argv[1:]))}  # type: ignore[dict-item]
    check_values(values, EvalArguments)
    return EvalArguments(**values)
