"""The commands `ddpg-train`, `ddpg-eval` and `ddpg-report`: Hydra in front, one line for every mistake behind."""

import logging
import sys
from dataclasses import dataclass, field, fields
from itertools import takewhile
from pathlib import Path
from typing import Literal

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from omegaconf import DictConfig

from ddpg.commands.command_line import is_value, key_values, one_line_errors, print_help
from ddpg.commands.messages import explain, known_flags
from ddpg.commands.options_help import Choices
from ddpg.commands.precheck import job_config
from ddpg.config.signature import fit
from ddpg.errors import Refused, UserError
from ddpg.ranges import Count, PositiveInt
from ddpg.record.run_folder import RunFolder

log = logging.getLogger(__name__)


def _find_own_packages() -> None:
    """A package in the working directory can be named in the YAML, as it could be imported by `python -c`."""
    sys.path.append(str(Path.cwd()))


def train() -> None:
    """`ddpg-train OVERRIDE...`: everything that Hydra's command line offers."""
    with one_line_errors("ddpg-train"):
        train_with_hydra()


def train_with_hydra() -> None:
    """What sys.argv asks for. Raises what goes wrong."""
    _find_own_packages()
    _multirun_first(sys.argv)
    flags = known_flags(sys.argv[1:])
    if flags.help:
        print(Choices(flags.config_dir).help())
        sys.exit()
    _continue_in_its_folder(sys.argv)
    _register_launchers()
    _train()


def _register_launchers() -> None:
    """Hydra searches folders for plugins, and an editable install has none for it."""
    plugins = Plugins.instance()  # first: the search itself loads Hydra's own plugins anew
    from hydra_plugins.ddpg_launcher import LocalLauncher, SlurmLauncher, Sweeper

    for plugin in (LocalLauncher, SlurmLauncher, Sweeper):
        plugins.register(plugin)


@hydra.main(version_base="1.3", config_path="../conf", config_name="config")
def _train(cfg: DictConfig) -> float:
    from ddpg.run.lifecycle import run  # torch is loaded when there is something to train, not for --help

    job = HydraConfig.get()
    overrides = list(job.overrides.task)
    folder = Path(job.runtime.output_dir)
    if job.mode == RunMode.MULTIRUN:
        try:
            return run(cfg, folder, overrides)
        except Exception as error:  # Hydra goes on with the other jobs and reports the first failure at the end
            log.error("job %s failed: %s", job.job.num, explain(error, overrides) or error)
            raise
    try:
        return run(job_config(cfg, overrides), folder, overrides)
    except Exception as error:
        raise Refused(error) from error  # with no lines of Hydra's around it


def _multirun_first(argv: list[str]) -> None:
    """Lets -m stand anywhere: argparse refuses a flag between the overrides."""
    flags = [word for word in argv if word in ("-m", "--multirun")]
    argv[1:] = flags[:1] + [word for word in argv[1:] if word not in flags]


def _continue_in_its_folder(argv: list[str]) -> None:
    """`resume=RUN` makes RUN Hydra's output folder, and leaves the record of its first start alone."""
    for place, argument in enumerate(argv):
        if not argument.startswith("resume="):
            continue
        if {"-m", "--multirun"} & set(argv):
            raise UserError(f"{argument} cannot be combined with -m: it continues one run")
        folder = Path(argument.partition("=")[2].strip("'\""))
        RunFolder(folder).require(argument)
        quoted = str(folder).replace("'", "\\'")
        argv[place] = f"resume='{quoted}'"
        argv += [f"hydra.run.dir='{quoted}'", "hydra.output_subdir=null"]
        return


@dataclass
class EvalArguments:
    """What `ddpg-eval` takes: the run folder, then KEY=VALUE."""

    folder: str
    episodes: PositiveInt = field(default=10, metadata={"help": "how many, at least 1"})
    video: bool = field(default=False, metadata={"help": "true records the first one as RUN/videos/ACTOR.mp4"})
    actor: Literal["last", "best"] = field(
        default="last", metadata={"help": "last, or best: the one with the best evaluation in training"}
    )
    seed: Count = field(default=0, metadata={"help": "whole number; another one begins from other starts"})


def evaluate() -> None:
    """`ddpg-eval RUN [KEY=VALUE ...]`: prints the returns of noise-free episodes."""
    _find_own_packages()
    with one_line_errors("ddpg-eval"):
        arguments = eval_arguments(sys.argv[1:])
        folder = RunFolder(Path(arguments.folder))
        folder.require(str(folder.path))
        from ddpg.run.policies import play  # torch, when there is something to play

        episodes = play(folder, arguments.actor, arguments.episodes, arguments.seed, arguments.video)
        returns, lengths = episodes.returns, episodes.lengths
        print(f"{len(returns)} noise-free episodes of the {arguments.actor} actor in {folder.path}")
        print(f"return {returns.mean():.2f} +- {returns.std():.2f} (min {returns.min():.2f}, max {returns.max():.2f})")
        print(f"length {lengths.mean():.1f} env steps")
        if arguments.video:
            print(f"video: {folder.videos / f'{arguments.actor}.mp4'}")


def eval_arguments(argv: list[str]) -> EvalArguments:
    """Of the words after `ddpg-eval`. UserError, or --help is printed and ends the program."""
    usage = "ddpg-eval RUN [KEY=VALUE ...]: noise-free episodes of what the run in the folder RUN has learned"
    options = fields(EvalArguments)[1:]
    print_help(argv, usage, options)
    if not argv or is_value(argv[0]):
        raise UserError(f"the run folder comes first: ddpg-eval RUN {' '.join(f'[{f.name}=...]' for f in options)}")
    return EvalArguments(**fit({"folder": argv[0], **key_values(argv[1:], "episodes=20")}, EvalArguments))


@dataclass
class ReportArguments:
    """What `ddpg-report` takes: folders, then KEY=VALUE."""

    folders: list[str]
    out: str | None = field(
        default=None, metadata={"help": "folder for what is written; null: report/ in the first FOLDER"}
    )
    metric: str = field(default="eval/episodic_return", metadata={"help": "any name in metrics.jsonl"})
    reps: PositiveInt = field(default=2000, metadata={"help": "bootstrap samples for the 95 % intervals"})
    solved: float | None = field(
        default=None, metadata={"help": "a column tells how many seeds end with at least this; null: no such column"}
    )


def report() -> None:
    """`ddpg-report FOLDER... [KEY=VALUE ...]`: learning curves and a table of final scores."""
    with one_line_errors("ddpg-report"):
        arguments = report_arguments(sys.argv[1:])
        from ddpg.report.write import write_report

        folders = [Path(folder) for folder in arguments.folders]
        out = folders[0] / "report" if arguments.out is None else Path(arguments.out)
        print(write_report(folders, out, arguments.metric, arguments.reps, arguments.solved))


def report_arguments(argv: list[str]) -> ReportArguments:
    """Of the words after `ddpg-report`. UserError, or --help is printed and ends the program."""
    usage = (
        "ddpg-report FOLDER... [KEY=VALUE ...]: learning curves and a table of final scores of all runs in the folders "
        "and below"
    )
    options = fields(ReportArguments)[1:]
    print_help(argv, usage, options)
    folders = list(takewhile(lambda word: not is_value(word), argv))
    if not folders:
        raise UserError(f"folders come first: ddpg-report FOLDER... {' '.join(f'[{f.name}=...]' for f in options)}")
    values = key_values(argv[len(folders) :], "reps=500")
    return ReportArguments(**fit({"folders": folders, **values}, ReportArguments))
