"""Progress on the screen: a bar at a terminal, plain lines elsewhere."""

import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from tqdm import tqdm

from ddpg.record.tracking.metrics import Row
from ddpg.record.tracking.tracker import Kind, WritePolicies

SPEED_WINDOW = 30.0  # seconds over which steps/s is measured
SHOWN = {
    "charts/episodic_return": "return",
    "losses/qf1_loss": "critic loss",
    "losses/actor_loss": "actor loss",
}


class Speed:
    """Steps per second over the last `SPEED_WINDOW` seconds."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def update(self, now: float, env_step: int) -> float:
        """Add a sample (seconds, steps); return steps per second, 0 while there is only one sample."""
        samples = self._samples
        samples.append((now, env_step))
        while len(samples) > 2 and samples[1][0] <= now - SPEED_WINDOW:
            samples.popleft()
        seconds = now - samples[0][0]
        return (env_step - samples[0][1]) / seconds if seconds > 0 else 0.0


class ProgressSink:
    """Shows how far training is, how fast it is, how long it will take, and how well it goes."""

    name = "the progress display"

    def __init__(self, mode: Literal["auto", "bar", "lines"], line_seconds: float, total_steps: int) -> None:
        self._with_bar = mode == "bar" or (mode == "auto" and sys.stderr.isatty())
        self._line_seconds = line_seconds
        self._total_steps = total_steps
        self._bar: tqdm[Any] | None = None
        self._speed = Speed()
        self._next_line = monotonic() + line_seconds
        self._latest: dict[str, float] = {}

    def start(self, rows: Sequence[Row]) -> None:
        """Remember the last return and losses from before a resume, without printing anything again."""
        for row in rows:
            self._remember(row)

    def log(self, index: int, row: Row) -> None:
        """Remember the values that the next refresh shows; an evaluation gets its line at once."""
        self._remember(row)
        if "eval/episodic_return" in row:
            self._print(describe_evaluation(row))

    def step(self, env_step: int) -> None:
        """Refresh the bar, or print a line if the last one is old enough."""
        now = monotonic()
        status = self._status(self._speed.update(now, env_step), self._total_steps - env_step)
        if self._with_bar:
            self._refresh(env_step, status)
        elif now >= self._next_line:
            self._next_line = now + self._line_seconds
            percent = 100 * env_step // self._total_steps
            self._print(f"step {env_step:,} of {self._total_steps:,} ({percent}%), {status}")

    def save(self, path: Path, kind: Kind) -> None:
        """Do nothing: a display keeps no files."""

    def save_policies(self, write: WritePolicies) -> None:
        """Do nothing, as `save`."""

    def finish(self, exit_code: int, summary: Mapping[str, Any]) -> None:
        """Close the bar, full if training came to its end."""
        if self._bar is not None and exit_code == 0:
            self._refresh(self._total_steps, self._status(0.0, 0))
        self.abandon()

    def abandon(self) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()

    def _remember(self, row: Row) -> None:
        self._latest.update((key, row[key]) for key in SHOWN if key in row)

    def _status(self, speed: float, steps_left: int) -> str:
        parts = [f"{speed:,.0f} steps/s", f"{duration(steps_left / speed)} left"] if speed > 0 else []
        parts += [f"{word} {self._latest[key]:.4g}" for key, word in SHOWN.items() if key in self._latest]
        return ", ".join(parts)

    def _refresh(self, env_step: int, status: str) -> None:
        if self._bar is None:  # at the first step, because only then it is known where a resumed run goes on
            self._bar = tqdm(
                total=self._total_steps,
                initial=env_step,
                dynamic_ncols=True,
                bar_format="{percentage:3.0f}%|{bar}| {n:,}/{total:,}{postfix}",
            )
        self._bar.n = env_step
        self._bar.set_postfix_str(status)  # draws the bar

    def _print(self, line: str) -> None:
        if self._bar is None:
            print(line, flush=True)
        else:
            self._bar.write(line)  # above the bar


def describe_evaluation(row: Row) -> str:
    """Describe an evaluation in one line."""
    spread = f" ± {row['eval/episodic_return_std']:.1f}" if "eval/episodic_return_std" in row else ""
    return f"step {row['env_step']:,}: evaluation return {row['eval/episodic_return']:.1f}{spread}"


def duration(seconds: float) -> str:
    """Write seconds as a time: 75 -> 1:15, 3675 -> 1:01:15."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
