"""All that the documents name exists: functions, tests, files, keys, and every command that a reader would copy."""

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import product
from pathlib import Path

import hydra
import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from ddpg.commands import sweep as sweep_cli
from ddpg.commands import train
from ddpg.commands.evaluate_arguments import eval_arguments
from ddpg.commands.report import report_arguments
from ddpg.config import resolvers
from ddpg.config.settings import check
from ddpg.config.signature import fit
from ddpg.record.tracking import read_metrics
from ddpg.search.plan import planned
from ddpg.sweep.options import LocalOptions, SlurmOptions

ROOT = Path(__file__).parent.parent
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAPER = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
#: Options of Hydra's own that take a value, and those that do not.
WITH_VALUE, ALONE = ("--cfg", "--info", "-p", "-sc"), ("-m", "--help", "--resolve")


def title(path: Path) -> str:
    return str(path.relative_to(ROOT))


def definitions(tree: ast.AST, prefix: str = "") -> Iterator[str]:
    """Names of classes, functions and methods, dotted."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield prefix + node.name
            yield from definitions(node, f"{prefix}{node.name}.")


def commands(path: Path, program: str) -> Iterator[list[str]]:
    """The words after `program` wherever a document shows it: in a code block or in backticks."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^ {4,}(.*)$", text, re.MULTILINE) + re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    shown = [line for block in blocks for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", text)
    for line in shown:
        if re.match(rf"(\w+=\S* )*{program} ", line):
            yield shlex.split(line.partition(program)[2], comments=True)


#: Dictionaries that take any key.
FREE = ("env.kwargs.", "env.info_metrics.", "extra.")


def overrides(words: list[str]) -> list[str]:
    """Return the words without Hydra's own options."""
    rest = iter(words)
    left = []
    for word in rest:
        if word in WITH_VALUE:
            next(rest)
        elif word not in ALONE:
            left.append(word)
    return left


def jobs(words: list[str]) -> Iterator[list[str]]:
    """The overrides of each job of a sweep, with its last seed alone; of the one job if it is none."""
    parsed = OverridesParser.create().parse_overrides(words)
    yield from map(list, product(*(list(choices(override)) for override in parsed)))


def choices(override) -> Iterator[str]:  # type: ignore[no-untyped-def]
    if not override.is_sweep_override():
        yield override.input_line
        return
    if override.is_interval_sweep():  # of a study: both ends
        interval = override.value()
        yield from (f"{override.get_key_element()}={end}" for end in (interval.start, interval.end))
        return
    values = list(override.sweep_string_iterator())
    if override.get_key_element() == "seed":  # jobs that differ in it alone compose alike
        values = values[-1:]
    yield from (f"{override.get_key_element()}={value}" for value in values)


def shown(program: str) -> list[object]:
    return [
        pytest.param(words, id=f"{title(path)}: {program} {' '.join(words)}")
        for path in DOCS
        for words in commands(path, program)
        if "--config-dir" not in words and "..." not in words  # test_packaging.py runs those of extending.md
    ]


@pytest.mark.parametrize("reference", sorted(set(re.findall(r"`([\w/]+\.py:[\w.]+)`", PAPER))))
def test_paper_names_what_exists(reference: str) -> None:
    """A file is named by as much of its path as makes it the only one."""
    file, _, name = reference.partition(":")
    folder = ROOT / ("tests" if file.startswith("test_") else "ddpg")
    (path,) = (path for path in folder.rglob(Path(file).name) if path.as_posix().endswith(f"/{file}"))
    assert name in set(definitions(ast.parse(path.read_text(encoding="utf-8"))))


def test_paper_names_much() -> None:
    assert len(set(re.findall(r"`test_\w+\.py:[\w.]+`", PAPER))) > 50


@pytest.mark.parametrize("path", DOCS, ids=title)
def test_relative_links_resolve(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = path.parent / file if file else path
        assert linked.exists(), target
        if anchor:
            assert anchor in headings(linked), target


def headings(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    lines = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("words", shown("ddpg-train"))
def test_train_commands_compose(words: list[str], compose: Callable[..., DictConfig]) -> None:
    for job in jobs(overrides(words)):
        # the program puts the ++ there, which Hydra wants for keys that are free
        check(compose(*(f"++{word}" if word.startswith(FREE) else word for word in job)))


def studies() -> list[list[str]]:
    """The words of commands that begin a study, in documents and in the comments of conf/hydra/sweeper."""
    words = [words for path in DOCS for words in commands(path, "ddpg-train") if "--config-dir" not in words]
    for path in (ROOT / "conf" / "hydra" / "sweeper").glob("*.yaml"):
        comments = " ".join(re.findall(r"^# ?(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE))
        words += [shlex.split(command) for command in re.findall(r"`ddpg-train ([^`]*)`", comments)]
    return [one for one in words if {"hydra/sweeper=search", "hydra/sweeper=pbt"} & {*one}]


@pytest.mark.parametrize("words", studies(), ids=" ".join)
def test_shown_studies_can_begin(words: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("optuna")
    resolvers.register()
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        all_words = [*overrides(words), f"hydra.sweep.dir={tmp_path}"]
        config = loader.load_configuration("config", all_words, RunMode.MULTIRUN)
        planned(config, loader, list(config.hydra.overrides.task))
    assert not caplog.messages


def test_studies_are_shown() -> None:
    assert len(studies()) > 5


@pytest.mark.parametrize("words", shown("ddpg-eval"))
def test_eval_commands_fit(words: list[str]) -> None:
    eval_arguments(words)


@pytest.mark.parametrize("words", shown("ddpg-report"))
def test_report_commands_fit(words: list[str]) -> None:
    report_arguments(words)


@pytest.mark.parametrize("words", shown("ddpg-sweep"))
def test_sweep_commands_fit(words: list[str], compose: Callable[..., DictConfig]) -> None:
    command, *rest = words
    if command == "plan":
        for job in jobs([word for word in overrides(rest) if not word.startswith(("probe=", "hydra"))]):
            check(compose(*job))
    elif command == "status":
        sweep_cli.status_arguments(rest)
    elif command == "retry":
        _, _, launcher = sweep_cli.retry_arguments(rest)
        assert launcher.keys() <= {f.name for kind in (LocalOptions, SlurmOptions) for f in fields(kind)}
    elif command in ("best", "confirm"):
        options = {"best": sweep_cli.BestOptions, "confirm": sweep_cli.ConfirmOptions}[command]
        fit(dict(OmegaConf.to_container(OmegaConf.from_cli(rest[1:]))), options)
    else:
        assert command in sweep_cli.COMMANDS
        assert len(rest) == 1


def test_help_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["ddpg-train", "--help"])
    with pytest.raises(SystemExit):
        train.main()
    assert "ddpg-train env=halfcheetah" in capsys.readouterr().out


def test_there_are_commands() -> None:
    assert len(shown("ddpg-train")) > 15
    assert len(shown("ddpg-eval")) > 2
    assert len(shown("ddpg-report")) > 3


@pytest.mark.parametrize("args", [a for p in DOCS for a in re.findall(r'ARGS="([^"]*)"', p.read_text())])
def test_make_arguments_compose(args: str, compose: Callable[..., DictConfig]) -> None:
    check(compose(*shlex.split(args)))


PRESETS = re.findall(
    r"^\| `([\w.]+)`[^|]*\| ([^|]+?) \| ([^|]+?) \|$", PAPER.split("## The presets")[1].split("\n## ")[0], re.M
)


@pytest.mark.parametrize(("key", "paper", "td3"), PRESETS)
def test_presets_have_the_values_of_the_table(
    key: str, paper: str, td3: str, compose: Callable[..., DictConfig]
) -> None:
    for preset, value in (("paper", paper), ("td3", td3)):
        cfg = compose("env=halfcheetah", f"preset={preset}")
        assert OmegaConf.select(cfg, key) == OmegaConf.create(f"value: {value}").value


def test_preset_table_is_found() -> None:
    assert len(PRESETS) > 20


@pytest.mark.parametrize("module", sorted(path.stem for path in (ROOT / "ddpg").glob("[!_]*.py")))
def test_architecture_names_every_module(module: str) -> None:
    assert f"`{module}`" in ARCHITECTURE


def test_metrics_of_a_run_are_those_of_the_table(tmp_path: Path, train: Callable[..., object]) -> None:
    train(tmp_path / "ddpg", "+env.info_metrics.loss=sum")
    family = ["algorithm=td3", "noise=adaptive_parameter", "noise.adapt_every=7", "network.actor.norm=layer"]
    train(tmp_path / "family", *family)
    table = PAPER.split("## Metrics")[1].split("\n## ")[0]
    rows = [row for run in ("ddpg", "family") for row in read_metrics(tmp_path / run / "metrics.jsonl")]
    logged = {name.replace("info/loss", "info/NAME") for row in rows for name in row} - {"env_step"}
    assert logged == set(re.findall(r"^\| `(\S+)` \|", table, re.MULTILINE))
