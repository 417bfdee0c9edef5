"""A folder of sweeps: a line for each."""

from pathlib import Path

from support.sweep_folders import write_run, write_sweep

from ddpg.sweep.state.overview import overview, sweeps_below


def test_every_sweep_has_a_line(tmp_path: Path) -> None:
    """Those of Hydra's own launchers, too, wherever they are below; runs that no sweep has are left out."""
    write_sweep(tmp_path / "sweeps" / "10_a", [{"state": "done"}, {"state": "failed"}])
    write_sweep(tmp_path / "sweeps" / "9_b", [{"state": "done"}])
    for plain in ("sweeps/c", "d"):
        (tmp_path / plain).mkdir()
        (tmp_path / plain / "multirun.yaml").touch()
    write_run(tmp_path / "sweeps" / "c" / "0", {"state": "done"})
    write_run(tmp_path / "run", {"state": "done"})
    sweeps = sweeps_below(tmp_path)
    assert overview(tmp_path, sweeps, None, None).splitlines() == [
        "sweep",
        "d            no run has started",
        "sweeps/9_b   1 run: 1 done",
        "sweeps/10_a  2 runs: 1 done, 1 failed",
        "sweeps/c     1 run: 1 done",
        f"the runs of one of them: ddpg-sweep status {tmp_path / 'sweeps' / 'c'}",
    ]
    failed = overview(tmp_path, sweeps, ["failed"], 20).splitlines()
    assert failed[1:2] == ["sweeps/10_a  2 runs…"]
    assert len(failed) == 3
    assert sweeps_below(tmp_path / "sweeps" / "c") == []
    assert sweeps_below(tmp_path / "run") == []
