"""Silence for what simulators print and a user can do nothing about; everything else still comes through."""

import logging
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_log = logging.getLogger(__name__)

# pybullet prints these in C at import and at every connection.
_PYBULLET = re.compile(rb"pybullet build time: .*|argv\[0\]=")
# The XML files of gymnasium's MuJoCo tasks still have this attribute.
_MUJOCO = re.compile(r"compiler attribute 'settotalmass' is deprecated")


@contextmanager
def quiet() -> Iterator[None]:
    """Hide that v4 is not the latest version (it is chosen) and that there is no display (none is needed)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is out of date. You should consider upgrading")
        warnings.filterwarnings("ignore", message=r".*X11: The DISPLAY environment variable is missing")
        warnings.filterwarnings("ignore", message=r".*X11: Failed to open display")
        yield


@contextmanager
def quiet_pybullet(active: bool) -> Iterator[None]:
    """Hold back what is written to stdout and stderr, in C too, then pass on all but pybullet's banners."""
    if not active:
        yield
        return
    with _filtered(1), _filtered(2):
        yield


@contextmanager
def _filtered(descriptor: int) -> Iterator[None]:
    with tempfile.TemporaryFile() as held:
        _flush()
        original = os.dup(descriptor)
        os.dup2(held.fileno(), descriptor)
        try:
            yield
        finally:
            _flush()
            os.dup2(original, descriptor)
            os.close(original)
            held.seek(0)
            for line in held:
                if not _PYBULLET.fullmatch(line.rstrip()):
                    os.write(descriptor, line)


def hide_half_built_contexts() -> None:
    """After a frame failed: what gymnasium and dm_control cannot tidy up, for it was never there, is not told again."""
    before = sys.unraisablehook

    def hook(event: "sys.UnraisableHookArgs", /) -> None:
        if getattr(event.object, "__qualname__", "") not in ("MjrContext.__del__", "OffScreenViewer.__del__"):
            before(event)

    sys.unraisablehook = hook


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def route_mujoco_warnings() -> None:
    """MuJoCo's warnings into Python's logging: by itself it writes MUJOCO_LOG.TXT where the user stands."""
    mujoco = sys.modules.get("mujoco")
    if mujoco is not None:
        mujoco.set_mju_user_warning(_mujoco_warning)


def _mujoco_warning(message: str | bytes) -> None:
    text = message.decode(errors="replace") if isinstance(message, bytes) else message
    if not _MUJOCO.match(text):
        _log.warning("MuJoCo: %s", text.strip())
