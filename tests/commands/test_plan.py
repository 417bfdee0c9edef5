"""`ddpg-sweep plan`: the jobs of a command line are those that `ddpg-train -m` would start."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support.command_line import assert_has

from ddpg.commands import plan as plan_module
from ddpg.commands.sweep import sweep
from ddpg.sweep.freeze import FrozenRun
from ddpg.sweep.options import LocalOptions, Options

Planned = tuple[Sequence[FrozenRun], Options, float]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """command("env=pendulum seed=1,2"): calls `ddpg-sweep plan` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def _call(words: str) -> None:
        monkeypatch.setattr(sys, "argv", ["ddpg-sweep", "plan", *words.split()])
        monkeypatch.setattr(sys, "path", list(sys.path))
        sweep()

    return _call


@pytest.fixture
def planned(command: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Planned]:
    """planned("env=pendulum seed=1,2"): what the command hands to the forecast."""

    def _planned(words: str) -> Planned:
        calls: list[Planned] = []
        monkeypatch.setattr(plan_module, "plan", lambda *arguments: calls.append(arguments))
        command(words)
        (call,) = calls
        return call

    return _planned


def test_jobs_are_all_combinations(planned: Callable[[str], Planned], tmp_path: Path) -> None:
    runs, options, probe_s = planned("env=pendulum preset=paper,td3 seed=range(1,3) gamma=choice(0.9,0.8) probe=3")
    assert [run.overrides[1:] for run in runs[:3]] == [
        ["preset=paper", "seed=1", "gamma=0.9"],
        ["preset=paper", "seed=1", "gamma=0.8"],
        ["preset=paper", "seed=2", "gamma=0.9"],
    ]
    assert [run.number for run in runs] == list(range(8))
    assert {(run.config["choices"]["preset"], run.config["seed"], run.config["gamma"]) for run in runs} == {
        (preset, seed, gamma) for preset in ("paper", "td3") for seed in (1, 2) for gamma in (0.9, 0.8)
    }
    assert (options, probe_s) == (LocalOptions(kind="local", processes=None, wait=True), 3.0)
    assert list(tmp_path.iterdir()) == []


def test_values_of_an_experiment_and_of_the_command_line(planned: Callable[[str], Planned]) -> None:
    """As Hydra's sweeper takes them: a key on the command line replaces that of hydra.sweeper.params."""
    runs, _, probe_s = planned("-m experiment=noise_study seed=7")
    assert len(runs) == 4
    assert {run.config["seed"] for run in runs} == {7}
    assert len({run.config["choices"]["noise"] for run in runs}) == 4
    assert probe_s == 10.0


def test_launcher_of_a_folder(planned: Callable[[str], Planned], tmp_path: Path) -> None:
    (tmp_path / "mine/hydra/launcher").mkdir(parents=True)
    (tmp_path / "mine/hydra/launcher/pair.yaml").write_text("defaults: [local, _self_]\nprocesses: 2\n")
    _, options, _ = planned("--config-dir mine hydra/launcher=pair env=pendulum seed=1,2")
    assert options == LocalOptions(kind="local", processes=2, wait=True)


def test_options_of_this_machine_need_no_launcher(planned: Callable[[str], Planned]) -> None:
    """The forecast itself tells to type them."""
    _, options, _ = planned("env=pendulum seed=1,2 hydra.launcher.processes=2")
    assert options == LocalOptions(kind="local", processes=2, wait=True)


def test_launcher_of_an_experiment(planned: Callable[[str], Planned], tmp_path: Path) -> None:
    """The command line wins over it, as over all that a file chooses."""
    (tmp_path / "mine/experiment").mkdir(parents=True)
    (tmp_path / "mine/experiment/pair.yaml").write_text(
        "# @package _global_\ndefaults: [override /hydra/launcher: local]\n"
        "hydra: {launcher: {wait: false}, sweeper: {params: {seed: '1,2'}}}\n"
    )
    runs, options, _ = planned("--config-dir mine experiment=pair")
    assert len(runs) == 2
    assert options == LocalOptions(kind="local", processes=None, wait=False)
    _, options, _ = planned("--config-dir mine experiment=pair hydra/launcher=local hydra.launcher.wait=true")
    assert options == LocalOptions(kind="local", processes=None, wait=True)


@pytest.mark.parametrize(("words", "code"), [("", 0), (" total_steps=1e11 buffer_size=1e11", 1)])
def test_whole_command(
    words: str, code: int, command: Callable[[str], None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It fails where the sweep would, and leaves nothing behind."""
    if code:
        with pytest.raises(SystemExit, match=r"ddpg-sweep: hydra\.launcher\.processes="):
            command(f"env=pendulum seed=1,2 probe=0{words}")
    else:
        command("env=pendulum seed=1,2 probe=0")
    assert capsys.readouterr().out.startswith("swept: seed\nruns  configuration")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("seed=1,2 probe=-1", "probe=-1 ... at least 0"),
        ("seed=1,2 batchsize=3", "batchsize=3 ... batch_size?"),
        ("seed=1,2 gamma=0.9,2", "gamma=2 ... at most 1"),
        ("seed=1,2 hydra/launcher=basic", "hydra/launcher=basic ... local ... slurm"),
        ("seed=1,2 hydra.sweeper.max_batch_size=1", "max_batch_size=1 ... hydra.launcher.processes"),
        ("seed=1,2 hydra.launcher.procesess=1", "hydra.launcher.procesess=1"),
        ("seed=1,2 resume=x", "resume=x"),
        ("seed=1,2 --cfg job", "--cfg"),
        ("seed=1,2 --config-dir nope", "--config-dir nope"),
    ],
)
def test_mistake(words: str, parts: str, command: Callable[[str], None], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as exit:
        command(f"env=pendulum {words}")
    line = str(exit.value.code)
    assert "\n" not in line
    assert_has(line, parts)
    assert list(tmp_path.iterdir()) == []
