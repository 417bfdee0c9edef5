"""The folder of a run or a sweep is claimed before anything is written into it."""

from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf
from support.command_line import SHORT, assert_has, call, user_error

from ddpg.commands import train
from ddpg.commands.folders import claim_run, claim_sweep, name_jobs
from ddpg.config import resolvers
from ddpg.record.claims import release
from ddpg.record.run_folder import RunFolder
from ddpg.sweep.state.folder import SweepFolder


def composed(mode: RunMode, *words: str) -> Any:
    resolvers.register()
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        return GlobalHydra.instance().config_loader().load_configuration("config", list(words), mode)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_starts_in_one_second_have_folders_of_their_own() -> None:
    found = []
    for _ in range(3):
        config = composed(RunMode.RUN, "hydra.run.dir='${now:%Y}_${run_name:}'", "noise=ou")
        claim_run(config, {})
        found.append(config.hydra.run.dir[4:])
    assert found == [f"_pendulum_ddpg_td3_noise=ou_seed1{end}" for end in ("", "-2", "-3")]


def test_sweeps_in_one_second_have_folders_of_their_own() -> None:
    """Their jobs are told which, and name only what differs between them."""
    found = []
    for _ in range(2):
        config = composed(RunMode.MULTIRUN, "hydra.sweep.dir='${now:%Y}_${run_name:}'", "noise=ou,none", "tau=0.1")
        name_jobs(config)
        claim_sweep(config, new=True, lock=True)
        with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
            job = GlobalHydra.instance().config_loader().load_sweep_config(config, ["noise=none", "tau=0.1"])
        OmegaConf.update(job, "hydra.job.num", 1)
        assert job.hydra.sweep.dir == config.hydra.sweep.dir
        assert job.hydra.sweep.subdir == "1_pendulum_ddpg_td3_noise=none_seed1"
        found.append(config.hydra.sweep.dir[4:])
    assert found == [f"_pendulum_ddpg_td3_noise=ou+none_tau=0.1_seed1{end}" for end in ("", "-2")]


def test_a_sweep_at_work_keeps_another_out(tmp_path: Path) -> None:
    config = composed(RunMode.MULTIRUN, "hydra.sweep.dir=sweep")
    claim_sweep(config, new=False, lock=True)
    with user_error("at work on sweep"):
        claim_sweep(config, new=False, lock=True)
    release(tmp_path / "sweep")
    with SweepFolder(Path("sweep")).lock():
        pass


def test_the_second_process_in_a_folder_changes_nothing(
    finished: str, refusal: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(Path(finished))
    with RunFolder(Path(finished)).lock():
        assert "in use" in refusal(*SHORT, f"hydra.run.dir='{finished}'", "gamma=0.9")
        assert "in use" in refusal(f"resume={finished}", "total_steps=900")
        with pytest.raises(SystemExit, match="in use"):
            call(monkeypatch, train.main, *SHORT, "hydra.sweep.dir=.", f"hydra.sweep.subdir='{finished}'", "-m")
    assert contents(Path(finished)) == before
    call(monkeypatch, train.main, *SHORT, f"hydra.run.dir='{finished}'", "seed=1")  # it is done, which is all to say
    assert "is done: return" in capsys.readouterr().out
    after = contents(Path(finished))
    assert [name for name in after if after[name] != before.get(name)] == ["train.log"]


def test_a_run_does_not_begin_where_it_would_hide_others(finished: str, refusal: Any) -> None:
    """What Hydra, a shell or a run that ended early leaves there is no obstacle."""
    line = refusal(*SHORT, "hydra.run.dir=.")
    assert (
        line
        == f"hydra.run.dir=. is no run, but has {finished}: a run needs a folder for itself, as hydra.run.dir=./first"
    )
    assert [path.name for path in Path().iterdir()] == [finished]
    for other in (".hydra", "conf", "lost+found"):
        (Path("own") / other).mkdir(parents=True)
    (Path("own") / "stdout.txt").touch()
    claim_run(composed(RunMode.RUN, "hydra.run.dir=own"), {})


def test_a_sweep_that_is_done_returns_its_results(
    finished: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the same command does again; in a folder of several sweeps, whose runs no table can show together."""
    before = contents(Path(finished))
    Path("another").mkdir()
    Path("another/sweep.json").write_text("{}")
    call(monkeypatch, train.main, *SHORT, "hydra.sweep.dir=.", f"hydra.sweep.subdir='{finished}'", "-m")
    assert "is done: return" in capsys.readouterr().out
    after = contents(Path(finished))
    assert [name for name in after if after[name] != before.get(name)] == ["train.log"]


def test_a_launcher_that_refuses_leaves_no_folder(refusal: Any) -> None:
    message = refusal("hydra/launcher=local", "hydra.launcher.proceses=2", "seed=1,2", "-m")
    assert_has(message, "hydra.launcher.proceses ... did you mean hydra.launcher.processes?")
    assert not Path("outputs").exists()
