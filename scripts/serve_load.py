"""Prints what `ddpg-report serve` costs while many runs grow and one page is open.

A writer appends to fake run folders what runs of 1M steps do at 400 steps/s: a row of losses and one of an episode
every 1,000 steps, an evaluation every 5,000. A page asks as js/live.js does, when the server says that it is worth to.

    scripts/serve_load.py --runs 1000 --history 200 --seconds 120
"""

import argparse
import fcntl
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import IO

from ddpg.record.tracking.metrics import encode_row
from ddpg.sweep.process import cpu_seconds

SPEED = 400
ROWS_EVERY = 1000
EVALUATED_EVERY = 5000
TOTAL_STEPS = 1_000_000
LOSSES = ("qf1_loss", "qf1_values", "qf2_loss", "qf2_values", "actor_loss", "critic_grad", "actor_grad", "td_error")
CONFIG = """\
env: {{_target_: ddpg.envs.EnvSpec, name: halfcheetah-v4}}
noise: {{_target_: ddpg.learner.noise.Gaussian, sigma: {sigma}}}
seed: {seed}
total_steps: {total_steps}
gamma: 0.99
eval: {{every: 5000, episodes: 10}}
"""


class FakeRun:
    """A run folder whose record grows, and whose lock is held as by a process that trains."""

    def __init__(self, path: Path, number: int, lag: int) -> None:
        path.mkdir(parents=True)
        self.path = path
        self.step = 0
        self._lag = lag
        seed = number % 10
        (path / "config.yaml").write_text(
            CONFIG.format(seed=seed, sigma=0.1 + number // 10 / 1000, total_steps=TOTAL_STEPS), encoding="utf-8"
        )
        start = {"started": "2026-11-29T00:00:00+00:00", "machine": {"host": "node"}, "overrides": [f"seed={seed}"]}
        (path / "provenance.json").write_text(json.dumps([start]), encoding="utf-8")
        (path / "status.json").write_text(json.dumps({"state": "running", "env_step": 0}), encoding="utf-8")
        self._lock: IO[bytes] = (path / ".lock").open("ab")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def grow_to(self, seconds: float) -> None:
        """Append the rows of a run that has trained for so long."""
        until = int(seconds * SPEED) - self._lag
        rows = []
        while self.step + ROWS_EVERY <= until:
            self.step += ROWS_EVERY
            rows += self._rows()
        if rows:
            with (self.path / "metrics.jsonl").open("ab", buffering=0) as file:
                file.write(b"".join(rows))

    def _rows(self) -> list[bytes]:
        value = self.step / 100.123456789
        clock = {"charts/SPS": SPEED + value % 7, "time/elapsed_s": self.step / SPEED}
        rows = [
            {"env_step": self.step, **{f"losses/{name}": value % 11 + 0.123456789 for name in LOSSES}, **clock},
            {"env_step": self.step, "charts/episodic_return": value, "charts/episodic_length": 1000},
        ]
        if self.step % EVALUATED_EVERY == 0:
            spread = {"eval/episodic_return_std": 1.0, "eval/episodic_length": 1000.0, "diagnostics/q_bias": value}
            rows.append({"env_step": self.step, "eval/episodic_return": value, **spread})
        return [encode_row(row) for row in rows]


def follow(url: str, until: float, answers: list[tuple[float, int]]) -> None:
    """Ask for changes as a page does, and note the seconds and bytes of each answer."""
    version = ""
    while time.monotonic() < until:
        began = time.monotonic()
        with urllib.request.urlopen(f"{url}payload.json?since={version}") as response:
            body = response.read()
        answers.append((time.monotonic() - began, len(body)))
        answer = json.loads(body)
        version = answer["version"]
        time.sleep(answer["wait"])


def main() -> None:
    """Grow fake runs, serve them, and print the processor time of the server."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--history", type=int, default=200, help="rows of losses that each run has at the start")
    parser.add_argument("--seconds", type=float, default=120.0)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with tempfile.TemporaryDirectory() as top:
        serve(Path(top), arguments.runs, arguments.history * ROWS_EVERY / SPEED, arguments.seconds)


def serve(top: Path, runs: int, trained_s: float, seconds: float) -> None:
    """Start the server on fake runs that have trained for `trained_s`, follow it, and print what it took."""
    fakes = [FakeRun(top / "sweep" / f"{number}_run", number, lag=number % ROWS_EVERY) for number in range(runs)]
    for fake in fakes:
        fake.grow_to(trained_s)
    words = [str(Path(sys.executable).with_name("ddpg-report")), "serve", str(top), "port=0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, encoding="utf-8") as server:
        assert server.stdout is not None
        url = next(word for word in server.stdout.readline().split() if word.startswith("http"))
        try:
            measure(fakes, server.pid, url, trained_s, seconds)
        finally:
            server.terminate()


def measure(fakes: list[FakeRun], pid: int, url: str, trained_s: float, seconds: float) -> None:
    """Print the processor time of opening the page, then of the following seconds."""
    loaded = cpu_seconds(pid)
    opening: list[tuple[float, int]] = []
    follow(url, time.monotonic() + 10, opening)
    before = cpu_seconds(pid)
    print(f"{len(fakes)} runs: page opened for {before - loaded:.1f} s of processor time, {opening[0][0]:.2f} s to the "
          f"first answer, {sum(size for _, size in opening) / 1e6:.1f} MB")  # fmt: skip
    began = time.monotonic()
    answers: list[tuple[float, int]] = []
    page = threading.Thread(target=follow, args=(url, began + seconds, answers))
    page.start()
    while page.is_alive():
        for fake in fakes:
            fake.grow_to(trained_s + time.monotonic() - began)
        time.sleep(1)
    took = time.monotonic() - began
    used = cpu_seconds(pid) - before
    print(f"then {60 * used / took:.2f} s a minute ({100 * used / took:.1f} % of a core), {len(answers)} answers, "
          f"{sum(size for _, size in answers) / len(answers) / 1e6:.2f} MB each")  # fmt: skip
    time.sleep(5)
    idle = cpu_seconds(pid)
    time.sleep(10)
    print(f"with no page open: {6 * (cpu_seconds(pid) - idle):.2f} s a minute")


if __name__ == "__main__":
    main()
