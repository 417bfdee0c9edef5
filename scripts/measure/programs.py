"""Whole programs as processes of their own, ours and the peers', on the same cores: speed, memory, start."""

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
    """Another program: its command, to which the number of env steps is added, and the folder that it imports from."""

    command: Sequence[str]
    imports: str = ""


def cleanrl(python: Path, checkout: Path, program: str, *words: str) -> Peer:
    """CleanRL's program as it is, with its settings: 256-256, batch 256, policy_frequency 2."""
    command = [str(python), str(checkout / "cleanrl" / program), "--env-id", "HalfCheetah-v4", *words]
    return Peer([*command, "--learning-starts", str(STARTS), "--total-timesteps"], str(checkout))


SB3 = f"""
import sys, gymnasium, numpy, torch
from stable_baselines3 import DDPG
from stable_baselines3.common.noise import NormalActionNoise
torch.set_num_threads(1)
def tell(local, _):
    step = local["self"].num_timesteps
    if step > {STARTS} and step % {LINE} == 0:
        print("{MARK}")
    return True
model = DDPG(
    "MlpPolicy", gymnasium.make("HalfCheetah-v4"), learning_starts={STARTS}, batch_size=256,
    train_freq=int(sys.argv[1]), gradient_steps=1, action_noise=NormalActionNoise(numpy.zeros(6), numpy.full(6, 0.1)),
    policy_kwargs={{"net_arch": [256, 256]}}, device="cpu",
)
model.learn(int(sys.argv[2]), callback=tell)
"""


def sb3(python: Path, train_freq: int = 1) -> Peer:
    """Stable-Baselines3's DDPG with the nets and the batch of td3, its actor at every update."""
    return Peer([str(python), "-c", SB3, str(train_freq)])


def versions(python: Path, *packages: str) -> dict[str, str]:
    """Of another installation: its Python and these packages."""
    code = (
        "import json, platform; from importlib.metadata import version; "
        f"print(json.dumps({{'python': platform.python_version()}} | {{name: version(name) for name in {packages}}}))"
    )
    found: dict[str, str] = json.loads(subprocess.check_output([python, "-c", code], text=True))
    return found


def commit(checkout: Path) -> str:
    """Of a git checkout."""
    return subprocess.check_output(["git", "-C", checkout, "rev-parse", "HEAD"], text=True).strip()


@contextmanager
def started(
    command: Sequence[str], cores: set[int], folder: str, imports: str | None = None, wandb: str = "disabled"
) -> Iterator["subprocess.Popen[str]"]:
    """A process on these cores, in this folder; RuntimeError with its last lines if it fails."""
    surroundings = {"OMP_NUM_THREADS": str(len(cores)), "PYTHONUNBUFFERED": "1", "WANDB_MODE": wandb}
    if imports is not None:  # another's program: nothing of ours
        surroundings["PYTHONPATH"] = imports
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            command, cwd=folder, env=os.environ | surroundings, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        ) as process,
    ):  # fmt: skip
        yield process
        if process.wait():
            complaints.seek(0)
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {complaints.read()[-2000:]}")


def peer_speed(peer: Peer, steps: int, cores: set[int]) -> float:
    """Env steps per second while it learns, from the times at which its lines arrive."""
    times = []
    command = [*peer.command, str(STARTS + WARM_UP + steps + 1)]  # one more: CleanRL counts from 0
    with tempfile.TemporaryDirectory() as folder, started(command, cores, folder, peer.imports) as process:
        assert process.stdout
        for line in process.stdout:
            if line.startswith(MARK):
                times.append(time.perf_counter())
    return speed_of_lines(times, steps)


def speed_of_lines(times: Sequence[float], steps: int) -> float:
    """Env steps per second of the last `steps`, from the times of all lines; those of the warm-up come before."""
    if len(times) != (WARM_UP + steps) // LINE:
        raise RuntimeError(f"{len(times)} lines with {MARK} came, not {(WARM_UP + steps) // LINE}")
    return steps / (times[-1] - times[WARM_UP // LINE - 1])


def our_command(total: int, *words: str) -> list[str]:
    """HalfCheetah-v4 for so many env steps; evaluated with one episode, at the start and at the end."""
    return [
        *TRAIN, "env=halfcheetah", "logger=silent", f"random_steps={STARTS}", f"learning_starts={STARTS}",
        f"total_steps={total}", f"eval.every={total}", "eval.episodes=1", "hydra.run.dir=run", *words,
    ]  # fmt: skip


def our_speed(words: Sequence[str], steps: int, cores: set[int]) -> float:
    """Env steps per second while it learns, from its record."""
    total = STARTS + WARM_UP + steps
    with tempfile.TemporaryDirectory() as folder:
        with started(our_command(total, *words), cores, folder) as process:
            process.communicate()
        rows = read_metrics(Path(folder) / "run" / "metrics.jsonl")
    at = {row["env_step"]: row["time/elapsed_s"] for row in rows if "time/elapsed_s" in row}
    return steps / (at[total] - at[STARTS + WARM_UP])


def side_by_side(counts: Sequence[int], turns: int, steps: int, cores: set[int]) -> list[dict[str, float]]:
    """What scripts/benchmark_sweep.py finds for each number of runs at a time, on these cores."""
    script = str(Path(__file__).parents[1] / "benchmark_sweep.py")
    words = ["--json", "--runs", "--turns", str(turns), "--steps", str(steps), "--parallel", *map(str, counts)]
    output = subprocess.check_output(
        [sys.executable, script, *words], text=True, preexec_fn=lambda: os.sched_setaffinity(0, cores)
    )
    found: list[dict[str, float]] = json.loads(output)["parallel"]
    return found


def seconds_of(command: Sequence[str], cores: set[int], wandb: str = "disabled", **files: str) -> float:
    """From the start of a process to its end, in a folder with these Python files."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name, text in files.items():
            (Path(folder) / f"{name}.py").write_text(text)
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
    """Seconds of ddpg-train with W&B offline, as it is by default, on a HalfCheetah that ends it at its first step."""
    command = [*TRAIN, "env=gym", "env.imports=[first_step]", "env.id=FirstStep-v0"]
    return seconds_of(command, cores, wandb="offline", first_step=FIRST_STEP)


#: Runs a command and prints the most KiB that it had resident. It is a process of its own, for on Linux a program
#: inherits the peak of the one that started it, and this one has torch loaded.
WATCH = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_bytes(command: Sequence[str], cores: set[int], imports: str | None = None) -> int:
    """The most memory that the process has had resident."""
    watched = [sys.executable, "-S", "-c", WATCH, *command]
    with tempfile.TemporaryDirectory() as folder, started(watched, cores, folder, imports) as process:
        return int(process.communicate()[0]) * 1024


def our_peak(steps: int, cores: set[int]) -> int:
    """Of a run of so many env steps with an update at every 100th, which fills the memory as every run does."""
    return peak_bytes(our_command(steps, "preset=td3", "updates_per_step=0.01"), cores)


def peer_peak(python: Path, steps: int, cores: set[int]) -> int:
    """Of SB3, in the same way."""
    peer = sb3(python, train_freq=100)
    return peak_bytes([*peer.command, str(steps)], cores, peer.imports)
