"""scripts/local_slurm.sh: a Slurm that starts, runs jobs, survives its daemons' deaths and ends without a trace."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.slurm_cluster import SCRIPT, Cluster, wait_for


def test_missing_packages_are_named(tmp_path: Path) -> None:
    env = {**os.environ, "BASH_FUNC_command%%": "() { return 1; }"}  # whatever is asked for is not there
    done = subprocess.run([SCRIPT, "start", tmp_path / "none"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "apt-get install slurm-wlm munge" in done.stderr
    assert not (tmp_path / "none").exists()


def test_unknown_command_shows_the_usage() -> None:
    done = subprocess.run([SCRIPT, "begin"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: scripts/local_slurm.sh start|stop|status|env")


def daemons(folder: Path) -> dict[str, int]:
    """Return the pids in the pid files, by the name of the daemon."""
    return {path.stem: int(path.read_text()) for path in folder.glob("*.pid")}


@pytest.mark.slurm
class TestOwnCluster:
    @pytest.fixture
    def own(self, new_cluster: Callable[..., Cluster]) -> Iterator[Cluster]:
        """A cluster that a test may stop, unlike that of the session."""
        cluster = new_cluster(cpus=4, memory_mb=4000, kill_wait=3, max_array=5)
        yield cluster
        cluster.stop()

    def test_is_as_it_was_asked_for(self, own: Cluster) -> None:
        assert own.run("sinfo", "--noheader", "--partition=main", "--format=%c %m %T") == "4 4000 idle"
        settings = own.run("scontrol", "show", "config")
        assert "KillWait                = 3 sec" in settings
        assert "MaxArraySize            = 5\n" in settings
        assert own.run("sinfo", "--noheader", "--format=%R").split() == ["main", "low", "lowgrace", "high"]

    def test_env_is_what_a_shell_needs(self, own: Cluster) -> None:
        shell = f'unset SLURM_CONF; cd {own.folder}; eval "$({SCRIPT} env .)"; sbatch --wait -o %j --wrap "srun id"'
        own.run("bash", "-euc", shell)
        assert (own.folder / "1").read_text().startswith("uid=")

    def test_start_again_changes_nothing(self, own: Cluster) -> None:
        before = daemons(own.folder)
        assert len(before) == 3
        own.start()
        assert daemons(own.folder) == before

    @pytest.mark.parametrize("name", ["munged", "slurmctld", "slurmd"])
    def test_start_again_brings_back_what_died(self, own: Cluster, name: str) -> None:
        """It gets the ports that the daemons know which still live."""
        before, conf = daemons(own.folder), (own.folder / "slurm.conf").read_bytes()
        os.kill(before[name], signal.SIGKILL)
        wait_for(lambda: own.script("status").returncode == 1, "status tells it")
        own.start()
        after = daemons(own.folder)
        assert after[name] != before[name]
        assert {**after, name: 0} == {**before, name: 0}
        assert (own.folder / "slurm.conf").read_bytes() == conf

    def test_stop_lets_jobs_save_and_leaves_nothing(self, own: Cluster, tmp_path: Path) -> None:
        job = tmp_path / "job.sh"
        job.write_text("#!/bin/bash\ntrap 'echo saved; exit' TERM\necho begun\nwhile true; do sleep 0.1; done\n")
        printed = tmp_path / "printed"
        own.run("sbatch", "-o", printed, job)
        wait_for(lambda: printed.exists() and "begun" in printed.read_text(), "the job runs")
        pids = daemons(own.folder).values()
        own.stop()
        assert printed.read_text().endswith("\nsaved\n")
        assert not [pid for pid in pids if Path(f"/proc/{pid}/cmdline").exists() and cmdline(pid)]
        assert own.script("status").returncode == own.script("env").returncode == 1


def cmdline(pid: int) -> bytes:
    """Return the command line of a process; it is empty for a zombie."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()
