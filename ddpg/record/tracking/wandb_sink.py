"""Weights & Biases: one W&B run for each run folder, for ever, fed with what its side does not have yet."""

import logging
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import SystemRandom  # one of its own: what is seeded draws the same with and without W&B
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from ddpg.errors import first_line
from ddpg.record.tracking.metrics import Row
from ddpg.record.tracking.settings import WandbSettings
from ddpg.record.tracking.tracker import Kind
from ddpg.record.tracking.wandb_core import let_go, log_in, start_quietly, within
from ddpg.record.tracking.wandb_files import rows_on_disk
from ddpg.record.tracking.wandb_identity import WandbIdentity

if TYPE_CHECKING:
    import wandb

log = logging.getLogger(__name__)

LONGEST_TAG = 64  # W&B's own limits
LONGEST_NAME = 128
BY_A_SIGNAL = 128  # exit codes above say that a signal ended the run
HURRY_S = 8.0  # which the upload has then: Slurm kills 30 s after SIGTERM, and the checkpoint takes some of that


class WandbSink:
    """Sends row i of the record as W&B step i, with `env_step` as a field and x-axis.

    So W&B's own step is a row number over all attempts of a run, which says what is there already: the
    server's word when online, the files' content when offline.
    """

    name = "W&B"

    def __init__(
        self, settings: WandbSettings, run_dir: Path, run_config: Mapping[str, Any], group: str, name: str
    ) -> None:
        self._settings = settings
        self._run_dir = run_dir
        self._run_config = dict(run_config)
        self._identity = WandbIdentity.of(run_dir, fitting(settings.group or group), fitting(settings.name or name))
        self._sweep = sweep_of(run_dir)
        self._open_at = 0.0
        self._run: wandb.Run | None = None
        self._waiting: list[tuple[int, Row]] = []  # rows that were not handed to W&B yet
        self._heard = self._sent = 0  # rows of the record; `_sent` counts what earlier attempts have sent, too
        self._last: int | None = None  # the row that W&B still holds open for media

    def start(self, rows: Sequence[Row]) -> None:
        """The rows that W&B may not have; `step` sends them. Jobs of a sweep that start at once come one by one."""
        self._identity.keep(self._run_dir)  # the id first: a W&B run must never exist without its folder knowing it
        if self._sweep and self._settings.mode == "online":
            self._open_at = monotonic() + SystemRandom().uniform(0, self._settings.start_jitter)
        self._waiting = list(enumerate(rows))
        self._heard = len(rows)

    def log(self, index: int, row: Row) -> None:
        """Send a row, unless an earlier attempt has sent it. W&B takes it in when the next step comes."""
        self._heard = index + 1
        self._waiting.append((index, row))
        if index:  # row 0, the evaluation before training, waits for the first step
            self._send_if_it_is_time()

    def step(self, env_step: int) -> None:
        """Send the rows that wait: training has begun, and did not wait a second for W&B to open.

        Steps without a row are not sent: a call costs 0.3 ms.
        """
        if self._waiting:
            self._send_if_it_is_time()

    def save(self, path: Path, kind: Kind) -> None:
        """A model becomes an artifact; a video or an image joins the last row."""
        import wandb

        run = self._send()
        if kind == "model":
            if self._settings.save_model:
                try:
                    self._save_model(run, path)
                except Exception as error:  # it asks the server at once, where rows can wait; they go on
                    log.warning("W&B does not keep %s (%s)", path.name, first_line(error))
        elif self._last == self._heard - 1:  # else an earlier attempt has sent the row, and W&B would drop it
            media = wandb.Video(str(path)) if kind == "video" else wandb.Image(str(path))
            key = "media/video" if kind == "video" else f"media/{path.stem}"
            run.log({key: media}, step=self._last)

    def finish(self, exit_code: int, summary: Mapping[str, Any]) -> None:
        """Wait until everything is written or uploaded, at most `finish_timeout` seconds; `HURRY_S` after a signal."""
        if self._run is None and exit_code > BY_A_SIGNAL:
            return  # no time to begin now; the next attempt sends it all
        self.hand_over(exit_code, summary)
        let_go()

    def hand_over(self, exit_code: int, summary: Mapping[str, Any]) -> None:
        """What `finish` does first: the run is whole then, and wandb-core still there for the next one."""
        run = self._send()
        run.summary.update(dict(summary))
        if exit_code > BY_A_SIGNAL:
            within(HURRY_S, lambda: run.finish(exit_code=exit_code))
        else:
            run.finish(exit_code=exit_code)
        replace(self._identity, rows=self._sent).keep(self._run_dir)

    def abandon(self) -> None:
        """Forget wandb-core, and what it has not sent."""
        let_go()

    def open_online(self) -> int:
        """Opens the run at the server, or raises whatever W&B does; how many rows the server has."""
        log_in()  # init would ask for a key at a terminal. It is also what talks to the server, within init_timeout.
        self._run = self._init("online")
        self._sent = self._run.starting_step
        log.info("W&B run: %s", self._run.url)
        return self._sent

    def _send_if_it_is_time(self) -> None:
        if self._run or monotonic() >= self._open_at:
            self._send()

    def _send(self) -> "wandb.Run":
        """Hands over the rows that wait; opens the run if it is not open."""
        run = self._run or self._open()
        for index, row in self._waiting:
            if index >= self._sent:
                run.log(dict(row), step=index)
                self._sent, self._last = index + 1, index
        self._waiting.clear()
        return run

    def _open(self) -> "wandb.Run":
        """The W&B run, and in `_sent` how many rows its side has."""
        if self._settings.mode == "online":
            try:
                self.open_online()
            except Exception as error:  # no key, a dead server, a refused key: none may stop training
                reason, folder = first_line(error), shlex.quote(str(self._run_dir))
                log.warning("W&B goes offline (%s); ddpg-sweep sync %s sends it later", reason, folder)
                self.abandon()  # else wandb-core holds the id of the attempt that failed
        if self._run is None:
            self._run = self._init("offline")
            self._sent = max(self._identity.rows, rows_on_disk(self._run_dir, self._identity.id))
            log.info("W&B run, offline; send it with: ddpg-sweep sync %s", shlex.quote(str(self._run_dir)))
        return self._run

    def _init(self, mode: Literal["online", "offline"]) -> "wandb.Run":
        import wandb

        start_quietly()
        options = self._settings
        sweep = self._sweep.name if self._sweep else None
        tags = [str(tag)[:LONGEST_TAG] for tag in (*options.tags, sweep) if tag]
        run = wandb.init(
            mode=mode,
            id=self._identity.id,
            resume="allow",
            reinit="finish_previous",
            dir=str(self._run_dir),
            project=options.project,
            entity=options.entity,
            group=self._identity.group,
            name=self._identity.name,
            job_type=options.job_type,
            tags=list(dict.fromkeys(tags)),
            config=self._run_config,
            settings=wandb.Settings(
                silent=True,
                console="off",
                init_timeout=options.init_timeout,
                finish_timeout=options.finish_timeout,
                finish_timeout_raises=True,
            ),
        )
        run.define_metric("env_step")
        run.define_metric("*", step_metric="env_step")
        return run

    def _save_model(self, run: "wandb.Run", path: Path) -> None:
        import wandb

        artifact = wandb.Artifact(f"{path.stem}-{self._identity.id}", type="model")
        with _staging_in(self._run_dir / "wandb"):
            artifact.add_file(str(path), skip_cache=True)
            run.log_artifact(artifact)


def fitting(name: str) -> str:
    """As long as W&B allows; the end is what tells runs apart: the seed, the hash of the configuration."""
    return name if len(name) <= LONGEST_NAME else "…" + name[1 - LONGEST_NAME :]


def sweep_of(run_dir: Path) -> Path | None:
    """The folder of the sweep that a run folder belongs to; hydra.sweep.subdir may put folders between them."""
    return next((folder for folder in run_dir.resolve().parents if (folder / "sweep.json").exists()), None)


@contextmanager
def _staging_in(folder: Path) -> Iterator[None]:
    """Keep W&B's copy of a model that waits for its upload in the run folder, not in the home directory."""
    before = os.environ.get("WANDB_DATA_DIR")
    os.environ["WANDB_DATA_DIR"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["WANDB_DATA_DIR"]
        else:
            os.environ["WANDB_DATA_DIR"] = before
