"""Weights & Biases: one W&B run for each run folder, for ever, fed with what its side does not have yet."""

import json
import logging
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ddpg.tracking.metrics import Row
from ddpg.tracking.tracker import Kind, first_line
from ddpg.tracking.wandb_files import rows_on_disk
from ddpg.types import Positive

if TYPE_CHECKING:
    import wandb

log = logging.getLogger(__name__)

LONGEST_TAG = 64  # W&B's own limits
LONGEST_NAME = 128


@dataclass(frozen=True)
class WandbSettings:
    """The node `logger.wandb`; conf/logger/default.yaml says what each key means."""

    mode: Literal["online", "offline", "disabled"]
    project: str
    entity: str | None
    group: str | None
    name: str | None
    job_type: str
    tags: Sequence[str]
    init_timeout: Positive
    finish_timeout: Positive
    save_model: bool


class WandbSink:
    """Sends row i of the record as W&B step i, with `env_step` as a field and x-axis.

    So W&B's own step is a row number over all attempts of a run, which says what is there already: the
    server's word when online, the files' content when offline. `wandb.json` in the run folder keeps the
    run's id and how many rows the last clean end left at the other side.
    """

    name = "W&B"

    def __init__(
        self, settings: WandbSettings, run_dir: Path, run_config: Mapping[str, Any], group: str, name: str
    ) -> None:
        self._settings = settings
        self._run_dir = run_dir
        self._run_config = dict(run_config)
        self._group = settings.group or group
        self._name = settings.name or name
        self._state_file = run_dir / "wandb.json"
        self._id = uuid.uuid4().hex[:12]
        self._sent = 0
        self._heard = 0

    def start(self, rows: Sequence[Row]) -> None:
        """Open the run, in offline mode if W&B cannot be reached, and send the rows it does not have."""
        if self._state_file.exists():
            state = json.loads(self._state_file.read_text())
            self._id, self._sent = state["id"], state["rows"]
        self._keep_state()  # the id first: a W&B run must never exist without its folder knowing it
        self._run = self._open()
        self._run.define_metric("env_step")
        self._run.define_metric("*", step_metric="env_step")
        for index, row in enumerate(rows):
            self.log(index, row)

    def log(self, index: int, row: Row) -> None:
        """Send a row, unless an earlier attempt has sent it. W&B takes it in when the next step comes."""
        self._heard = index + 1
        if index >= self._sent:
            self._run.log(dict(row), step=index)
            self._sent = index + 1

    def step(self, env_step: int) -> None:
        """Steps without a row are not sent: a call costs 0.3 ms."""

    def save(self, path: Path, kind: Kind) -> None:
        """A model becomes an artifact; a video or an image joins the last row."""
        import wandb

        if kind == "model":
            if self._settings.save_model:
                self._save_model(path)
        elif self._heard >= self._sent:  # else an earlier attempt was here and has sent it
            media = wandb.Video(str(path)) if kind == "video" else wandb.Image(str(path))
            key = "media/video" if kind == "video" else f"media/{path.stem}"
            self._run.log({key: media}, step=max(self._sent - 1, 0))

    def finish(self, exit_code: int, summary: Mapping[str, Any]) -> None:
        """Wait until everything is written or uploaded, at most `finish_timeout` seconds."""
        self._run.summary.update(dict(summary))
        self._run.finish(exit_code=exit_code)
        self._keep_state()

    def abandon(self) -> None:
        """Forget wandb-core, else its exit hook ends the process with a traceback of its own."""
        with suppress(Exception):  # wandb-core is gone already (SIGTERM goes to every process of a job)
            import wandb

            wandb.teardown(exit_code=1)

    def _open(self) -> "wandb.Run":
        """The W&B run, and in `_sent` how many rows its side has."""
        if self._settings.mode == "online":
            try:
                return self._open_online()
            except Exception as error:  # no key, a dead server, a refused key: none may stop training
                log.warning("W&B goes offline (%s); `wandb sync` uploads the run later", first_line(error))
                self.abandon()  # else wandb-core holds the id of the attempt that failed
        self._sent = max(self._sent, rows_on_disk(self._run_dir, self._id))
        run = self._init("offline")
        log.info("W&B run, offline; upload it with: wandb sync %s", run.settings.sync_dir)
        return run

    def _open_online(self) -> "wandb.Run":
        import wandb

        _quiet()
        # init would ask for a key at a terminal. It is also what talks to the server, within init_timeout.
        if not wandb.login(prompt=False, verify=False):
            raise wandb.errors.UsageError("no API key; run `wandb login` or set WANDB_API_KEY")
        run = self._init("online")
        self._sent = run.starting_step
        log.info("W&B run: %s", run.url)
        return run

    def _init(self, mode: Literal["online", "offline"]) -> "wandb.Run":
        import wandb

        _quiet()
        options = self._settings
        return wandb.init(
            mode=mode,
            id=self._id,
            resume="allow",
            reinit="finish_previous",
            dir=str(self._run_dir),
            project=options.project,
            entity=options.entity,
            group=self._group[:LONGEST_NAME],
            name=self._name[:LONGEST_NAME],
            job_type=options.job_type,
            tags=[str(tag)[:LONGEST_TAG] for tag in options.tags],
            config=self._run_config,
            settings=wandb.Settings(
                silent=True,
                console="off",
                init_timeout=options.init_timeout,
                finish_timeout=options.finish_timeout,
                finish_timeout_raises=True,
            ),
        )

    def _save_model(self, path: Path) -> None:
        import wandb

        artifact = wandb.Artifact(f"{path.stem}-{self._id}", type="model")
        with _staging_in(self._run_dir / "wandb"):
            artifact.add_file(str(path), skip_cache=True)
            self._run.log_artifact(artifact)

    def _keep_state(self) -> None:
        temporary = self._state_file.with_suffix(".tmp")
        with temporary.open("w") as file:
            json.dump({"id": self._id, "rows": self._sent}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._state_file)


def _quiet() -> None:
    """Silence what W&B prints outside of runs. With WANDB_MODE=offline it would not look for a key."""
    import wandb

    wandb.setup(settings=wandb.Settings(silent=True, mode="online"))


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
