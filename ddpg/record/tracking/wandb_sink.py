"""Weights & Biases: one W&B run for each run folder, fed with the rows that the server does not have yet."""

import logging
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import SystemRandom  # apart from what is seeded, which draws the same numbers with and without W&B
from time import monotonic
from typing import TYPE_CHECKING, Any

from ddpg.errors import first_line
from ddpg.record.tracking.metrics import Row
from ddpg.record.tracking.settings import WandbSettings
from ddpg.record.tracking.tracker import Kind, WritePolicies
from ddpg.record.tracking.wandb_core import end_wandb_core, log_in, start_quietly, stop_training, within
from ddpg.record.tracking.wandb_identity import WandbIdentity
from ddpg.record.tracking.wandb_policies import send_policies

if TYPE_CHECKING:
    import wandb

log = logging.getLogger(__name__)

FROZEN = "sweep.json"  # what the launchers write that train many jobs at the same time
SWEEP_FILES = (FROZEN, "multirun.yaml")  # either is in the folder of a sweep
LONGEST_TAG = 64  # W&B's limits
LONGEST_NAME = 128
BY_A_SIGNAL = 128  # exit codes above say that a signal ended the run
HURRY_S = 8.0  # for the upload after a signal: Slurm kills 30 s after SIGTERM, and the checkpoint takes some of that


class WandbSink:
    """Sends row i of the record as W&B step i, with `env_step` as a field and as the x-axis.

    W&B's own step is then a row number over all attempts of a run, and the server says how many rows it has. Offline
    nothing is sent or stored: metrics.jsonl holds all that `ddpg-sweep sync` sends later.
    """

    name = "W&B"

    def __init__(
        self, settings: WandbSettings, run_dir: Path, run_config: Mapping[str, Any], group: str, name: str
    ) -> None:
        self._settings = settings
        self._run_dir = run_dir
        self._run_config = dict(run_config)
        known = WandbIdentity.of(run_dir, group, name)
        chosen_group = shortened(settings.group or known.group)
        chosen_name = shortened(settings.name or known.name)
        self._identity = replace(known, group=chosen_group, name=chosen_name)
        self._sweep = sweep_of(run_dir)
        self._offline = settings.mode == "offline"
        self._open_at = 0.0
        self._run: wandb.Run | None = None
        self._waiting: list[tuple[int, Row]] = []  # rows that were not handed to W&B yet
        self._recorded = 0  # rows of the record
        self._sent = 0  # rows of the record that W&B has, from this attempt and from earlier ones
        self._last_sent: int | None = None  # the row that W&B still holds open for media

    def start(self, rows: Sequence[Row]) -> None:
        """Remember the rows that W&B may lack; `step` sends them. The jobs of a sweep connect at random moments."""
        self._identity.save(self._run_dir)  # first, so that no W&B run exists whose id its folder does not know
        self._recorded = len(rows)
        if self._offline:
            log.info("W&B run, offline; send it with: %s", self._sync_command)
            return
        self._waiting = list(enumerate(rows))
        if self._sweep and (self._sweep / FROZEN).exists():  # else its jobs follow each other
            self._open_at = monotonic() + SystemRandom().uniform(0, self._settings.start_jitter)

    def log(self, index: int, row: Row) -> None:
        """Send a row, unless an earlier attempt has sent it. W&B takes it in when the next step comes."""
        self._recorded = index + 1
        if self._offline:
            return
        self._waiting.append((index, row))
        if index:  # row 0, the evaluation before training, waits for the first step
            self._send_if_it_is_time()

    def step(self, env_step: int) -> None:
        """Send the rows that wait, once training has begun: opening W&B takes a second.

        Steps without a row are not sent, because a call costs 0.3 ms.
        """
        if self._waiting:
            self._send_if_it_is_time()

    def save(self, path: Path, kind: Kind) -> None:
        """Send a video or an image with the last row, unless an earlier attempt sent the row: W&B would drop it."""
        run = self._send()
        if run is not None and self._last_sent == self._recorded - 1:
            _save_media(run, path, kind, self._last_sent)

    def save_policies(self, write: WritePolicies) -> None:
        """Send what was learned, if the settings want it; a failure costs one warning, and the rows go on."""
        try:
            self.send_policies(write)
        except Exception as error:  # whatever the server refuses, or cannot be written
            log.warning("W&B does not keep the policy (%s); %s sends it later", first_line(error), self._sync_command)

    def send_policies(self, write: WritePolicies) -> bool:
        """Send what was learned, if the settings want it, and note in wandb.json that the server has it.

        Returns whether something was sent. Raises as `wandb_policies.send_policies` does.
        """
        run = self._send()
        if run is None or not self._settings.save_model:
            return False
        name = f"policy-{self._identity.id}"
        policies_at = send_policies(run, name, write, self._run_dir, self._settings.finish_timeout)
        self._identity = replace(self._identity, policies_at=policies_at)
        self._identity.save(self._run_dir)
        return policies_at is not None

    def finish(self, exit_code: int, summary: Mapping[str, Any]) -> None:
        """Wait until everything is uploaded, at most `finish_timeout` seconds, or `HURRY_S` after a signal."""
        if self._offline or (self._run is None and exit_code > BY_A_SIGNAL):
            return  # after a signal there is no time to begin; the next attempt sends it all
        self.hand_over(exit_code, summary)
        end_wandb_core()

    def hand_over(self, exit_code: int, summary: Mapping[str, Any]) -> None:
        """Send what is missing and end the W&B run; wandb-core stays for the next one."""
        run = self._send()
        if run is None:
            return
        run.summary.update({"error": None, **summary})  # W&B brings back that of an earlier attempt
        if exit_code > BY_A_SIGNAL:
            within(HURRY_S, lambda: run.finish(exit_code=exit_code))
        else:
            run.finish(exit_code=exit_code)

    def abandon(self) -> None:
        """Forget wandb-core, and what it has not sent."""
        end_wandb_core()

    def open_online(self) -> "wandb.Run":
        """Open the run at the server, or raise whatever W&B does; `starting_step` is the number of rows there."""
        log_in()  # init would ask for a key at a terminal
        self._run = self._init()  # talks to the server, within init_timeout
        self._sent = self._run.starting_step
        log.info("W&B run: %s", self._run.url)
        return self._run

    @property
    def _sync_command(self) -> str:
        return f"ddpg-sweep sync {shlex.quote(str(self._run_dir))}"

    def _send_if_it_is_time(self) -> None:
        if self._run or monotonic() >= self._open_at:
            self._send()

    def _send(self) -> "wandb.Run | None":
        """Hand over the rows that wait, and open the run before if need be; None if W&B is offline."""
        if self._run is None and not self._offline:
            self._open()
        if self._run is None:
            return None
        for index, row in self._waiting:
            if index >= self._sent:
                self._run.log(dict(row), step=index)
                self._sent = index + 1
                self._last_sent = index
        self._waiting.clear()
        return self._run

    def _open(self) -> None:
        """Open the run at the server; go offline if that fails."""
        try:
            self.open_online()
        except Exception as error:  # no key, a dead server, a refused key: none may stop training
            log.warning("W&B goes offline (%s); %s sends it later", first_line(error), self._sync_command)
            self._offline = True
            self._waiting.clear()
            self.abandon()  # else wandb-core holds the id of the attempt that failed

    def _init(self) -> "wandb.Run":
        import wandb

        start_quietly()
        options = self._settings
        sweep = self._sweep.name if self._sweep else None
        tags = [str(tag)[:LONGEST_TAG] for tag in (*options.tags, sweep) if tag]
        run = wandb.init(
            mode="online",
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
                stop_fn=stop_training,
            ),
        )
        run.define_metric("env_step")
        run.define_metric("*", step_metric="env_step")
        return run


def _save_media(run: "wandb.Run", path: Path, kind: Kind, step: int) -> None:
    import wandb

    if kind == "video":
        run.log({"media/video": wandb.Video(str(path))}, step=step)
    else:
        run.log({f"media/{path.stem}": wandb.Image(str(path))}, step=step)


def shortened(name: str) -> str:
    """Cut a name to W&B's limit, at its beginning: the end tells runs apart (the seed, the hash of the config)."""
    return name if len(name) <= LONGEST_NAME else "…" + name[1 - LONGEST_NAME :]


def sweep_of(run_dir: Path) -> Path | None:
    """Find the folder of the sweep that a run folder belongs to; hydra.sweep.subdir may put folders between them."""
    return next(
        (folder for folder in run_dir.resolve().parents if any((folder / name).exists() for name in SWEEP_FILES)), None
    )
