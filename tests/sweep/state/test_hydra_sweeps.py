"""Sweeps without a sweep.json: the words of their runs, as Hydra has recorded them."""

from pathlib import Path

from support.sweep_folders import write_run

from ddpg.sweep.state.folder import swept_keys
from ddpg.sweep.state.hydra_sweeps import find_runs


def test_keys_of_forks_are_shown_as_others(tmp_path: Path) -> None:
    """Hydra reads them with a ++, because it does not know the config of the run that is forked."""
    for number in range(2):
        run = write_run(tmp_path / f"{number}", {"state": "done"})
        (run / ".hydra").mkdir()
        (run / ".hydra" / "overrides.yaml").write_text(f"- fork='source'\n- ++tau=0.{number + 1}\n")
    runs = find_runs(tmp_path)
    assert [run.overrides for run in runs] == [("fork='source'", f"tau=0.{k + 1}") for k in range(2)]
    assert swept_keys(runs) == ["tau"]
