"""Output of simulators from C: PyBullet's empty lines are dropped, and MuJoCo's warnings are logged."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium

_log = logging.getLogger(__name__)


class QuietConnection(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Drops the line `argv[0]=` that PyBullet writes when the environment connects, in its first reset.

    A run makes PyBullet's environments anew at each snapshot, so that these lines would hide its progress.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self._connected = False

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        if self._connected:
            return self.env.reset(seed=seed, options=options)
        with _stdout_without(b"argv[0]=\n"):
            result = self.env.reset(seed=seed, options=options)
        self._connected = True
        return result


@contextmanager
def _stdout_without(unwanted: bytes) -> Iterator[None]:
    """Hold back what is written to stdout, also from C, then write all of it but the unwanted lines."""
    with tempfile.TemporaryFile() as captured:
        sys.stdout.flush()
        stdout = os.dup(1)
        os.dup2(captured.fileno(), 1)
        try:
            yield
        finally:
            sys.stdout.flush()
            os.dup2(stdout, 1)
            captured.seek(0)
            for line in captured:
                if line != unwanted:
                    os.write(stdout, line)
            os.close(stdout)


def route_mujoco_warnings() -> None:
    """Pass MuJoCo's warnings to Python's logging; by itself it writes MUJOCO_LOG.TXT in the working folder."""
    mujoco = sys.modules.get("mujoco")
    if mujoco is not None:
        mujoco.set_mju_user_warning(_log_mujoco_warning)


def _log_mujoco_warning(message: str | bytes) -> None:
    text = message.decode(errors="replace") if isinstance(message, bytes) else message
    # A deprecation concerns the author of a model's XML file, not the one who trains with it.
    level = logging.DEBUG if "deprecated" in text else logging.WARNING
    _log.log(level, "MuJoCo: %s", text.strip())
