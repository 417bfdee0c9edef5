"""Measures whole programs, this one and its peers, as processes on the same cores: speed, memory, start."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ddpg.record.tracking import read_metrics

TRAIN = (sys.executable, str(Path(__file__).parents[1] / "train.py"))  # the program ddpg-train

STARTS = 1000  # env steps at random, without updates
WARM_UP = 1000  # env steps with updates that are not counted: JIT compilers, allocators, caches
LINE = 100  # env steps between two lines of a peer, which begin with MARK and come while it learns
MARK = "SPS"


@dataclass(frozen=True)
class Peer:
    """A program to compare with: its command, which the number of env steps completes, and its PYTHONPATH."""

    command: Sequence[str]
    imports: str = ""


def cleanrl(python: Path, checkout: Path, program: str, *words: str) -> Peer:
    """Return CleanRL's program with its own settings: 256-256, batch 256, policy_frequency 2."""
    command = [str(python), str(checkout / "cleanrl" / program), "--env-id", "HalfCheetah-v4", *words]
    return Peer([*command, "--learning-starts", str(STARTS), "--total-timesteps"], str(checkout))


SB3 = f"""
import sys, gymnasium, numpy, torch
from stable_baselines3 import DDPG
from stable_baselines3.common.noise import NormalActionNoise
torch.set_num_threads(1)
def print_mark(local, _):
    step = local["self"].num_timesteps
    if step > {STARTS} and step % {LINE} == 0:
        print("{MARK}")
    return True
model = DDPG(
    "MlpPolicy", gymnasium.make("HalfCheetah-v4"), learning_starts={STARTS}, batch_size=256,
    train_freq=int(sys.argv[1]), gradient_steps=1, action_noise=NormalActionNoise(numpy.zeros(6), numpy.full(6, 0.1)),
    policy_kwargs={{"net_arch": [256, 256]}}, device="cpu",
)
model.learn(int(sys.argv[2]), callback=print_mark)
"""


def sb3(python: Path, train_freq: int = 1) -> Peer:
    """Return Stable-Baselines3's DDPG with the networks and the batch of td3, and an update of the actor each time."""
    return Peer([str(python), "-c", SB3, str(train_freq)])


def versions(python: Path, *packages: str) -> dict[str, str]:
    """Return the versions of another Python and of packages that are installed for it."""
    code = (
        "import json, platform; from importlib.metadata import version; "
        f"print(json.dumps({{'python': platform.python_version()}} | {{name: version(name) for name in {packages}}}))"
    )
    found: dict[str, str] = json.loads(subprocess.check_output([python, "-c", code], encoding="utf-8"))
    return found


def commit(checkout: Path) -> dict[str, str]:
    """Return the commit of a git checkout."""
    return {"commit": subprocess.check_output(["git", "-C", checkout, "rev-parse", "HEAD"], encoding="utf-8").strip()}


@contextmanager
def started(
    command: Sequence[str], cores: set[int], folder: str, imports: str | None = None, wandb: str = "disabled"
) -> Iterator["subprocess.Popen[str]"]:
    """Start a process on these cores in this folder; raise RuntimeError with its last lines if it fails."""
    variables = {"OMP_NUM_THREADS": str(len(cores)), "PYTHONUNBUFFERED": "1", "WANDB_MODE": wandb}
    if imports is not None:  # a peer, which shall import nothing of this project
        variables["PYTHONPATH"] = imports
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command, cwd=folder, env=os.environ | variables, encoding="utf-8",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        ) as process,
    ):  # fmt: skip
        yield process
        if process.wait():
            errors.seek(0)
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {errors.read()[-2000:]}")


def peer_speed(peer: Peer, steps: int, cores: set[int]) -> float:
    """Return the env steps per second of a learning peer, from the times at which its lines arrive."""
    times = []
    command = [*peer.command, str(STARTS + WARM_UP + steps + 1)]  # one more: CleanRL counts from 0
    with tempfile.TemporaryDirectory() as folder, started(command, cores, folder, peer.imports) as process:
        assert process.stdout
        for line in process.stdout:
            if line.startswith(MARK):
                times.append(time.perf_counter())
    return speed_of_lines(times, steps)


def speed_of_lines(times: Sequence[float], steps: int) -> float:
    """Return the env steps per second of the last `steps`, from the times of all lines, warm-up included."""
    if len(times) != (WARM_UP + steps) // LINE:
        raise RuntimeError(f"{len(times)} lines with {MARK} came, not {(WARM_UP + steps) // LINE}")
    return steps / (times[-1] - times[WARM_UP // LINE - 1])


def our_command(total: int, *words: str) -> list[str]:
    """Return the command that trains on HalfCheetah-v4 for `total` env steps, evaluated at the start and the end."""
    return [
        *TRAIN, "env=halfcheetah", "logger=silent", f"random_steps={STARTS}", f"learning_starts={STARTS}",
        f"total_steps={total}", f"eval.every={total}", "eval.episodes=1", "hydra.run.dir=run", *words,
    ]  # fmt: skip


def our_speed(words: Sequence[str], steps: int, cores: set[int]) -> float:
    """Return the env steps per second of this program while it learns, from its record."""
    total = STARTS + WARM_UP + steps
    with tempfile.TemporaryDirectory() as folder:
        with started(our_command(total, *words), cores, folder) as process:
            process.communicate()
        rows = read_metrics(Path(folder) / "run" / "metrics.jsonl")
    at = {row["env_step"]: row["time/elapsed_s"] for row in rows if "time/elapsed_s" in row}
    return steps / (at[total] - at[STARTS + WARM_UP])


def side_by_side(counts: Sequence[int], turns: int, steps: int, cores: set[int]) -> list[dict[str, float]]:
    """Return what scripts/benchmark_sweep.py measures for each number of runs at a time, on these cores."""
    script = str(Path(__file__).parents[1] / "benchmark_sweep.py")
    words = ["--json", "--runs", "--turns", str(turns), "--steps", str(steps), "--parallel", *map(str, counts)]
    output = subprocess.check_output(
        [sys.executable, script, *words], encoding="utf-8", preexec_fn=lambda: os.sched_setaffinity(0, cores)
    )
    found: list[dict[str, float]] = json.loads(output)["parallel"]
    return found


def seconds_of(command: Sequence[str], cores: set[int], wandb: str = "disabled", **files: str) -> float:
    """Return the seconds from the start of a process to its end, in a folder with these Python files."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name, text in files.items():
            (Path(folder) / f"{name}.py").write_text(text, encoding="utf-8")
        start = time.perf_counter()
        with started(command, cores, folder, wandb=wandb) as process:
            process.communicate()
        return time.perf_counter() - start


FIRST_STEP = """
import os
import gymnasium
from gymnasium.envs.mujoco.half_cheetah_v4 import HalfCheetahEnv

class FirstStep(HalfCheetahEnv):
    def step(self, action):
        os._exit(0)

gymnasium.register("FirstStep-v0", FirstStep, max_episode_steps=1000)
"""


def to_first_step(cores: set[int]) -> float:
    """Return the seconds of ddpg-train, W&B offline as by default, to the first env step, which ends it here."""
    command = [*TRAIN, "env=gym", "env.imports=[first_step]", "env.id=FirstStep-v0"]
    return seconds_of(command, cores, wandb="offline", first_step=FIRST_STEP)


#: Runs a command and prints the most KiB that it had resident. It is a process of its own, because on Linux a program
#: inherits the peak of the one that started it, and this one has torch loaded.
WATCH = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_bytes(command: Sequence[str], cores: set[int], imports: str | None = None) -> int:
    """Return the most memory that a process has had resident, in bytes."""
    watched = [sys.executable, "-S", "-c", WATCH, *command]
    with tempfile.TemporaryDirectory() as folder, started(watched, cores, folder, imports) as process:
        return int(process.communicate()[0]) * 1024


def our_peak(steps: int, cores: set[int]) -> int:
    """Return the peak of a run with an update at each 100th env step, which fills its buffer as any run does."""
    return peak_bytes(our_command(steps, "preset=td3", "updates_per_step=0.01"), cores)


def peer_peak(python: Path, steps: int, cores: set[int]) -> int:
    """Return the peak of SB3 with an update at each 100th env step."""
    peer = sb3(python, train_freq=100)
    return peak_bytes([*peer.command, str(steps)], cores, peer.imports)
