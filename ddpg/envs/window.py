"""A window that shows the frames of an environment of any suite, by pygame."""

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium
import numpy as np

from ddpg.distribution import install_hint
from ddpg.envs.rendering import Frame
from ddpg.envs.video import draw_cheaply, frames_per_second
from ddpg.errors import UserError, one_line

#: SDL, with which pygame draws, takes a display from these; the last one names how, as `dummy` for none at all.
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")


class Window:
    """A window at the speed of the simulated time.

    Raises UserError without a display, and without pygame. Where the user closes it, KeyboardInterrupt is raised.
    """

    def __init__(self) -> None:
        if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in DISPLAYS):
            raise UserError("there is no display here (no DISPLAY, no WAYLAND_DISPLAY); video=true records a video")
        try:
            import pygame
        except ModuleNotFoundError as error:
            raise UserError(f"a window needs pygame: {install_hint('video')}") from error
        self._pygame: Any = pygame
        self._driver = os.environ.get("SDL_VIDEODRIVER")
        self._clock = pygame.time.Clock()
        self._open((480, 480))

    def frames_of(self, env: gymnasium.Env[Any, Any], title: str) -> Callable[[Frame], None]:
        """Return the function that shows a frame of an environment, (height, width, 3), under a title."""
        draw_cheaply(env)
        return partial(self._show, title, frames_per_second(env))

    def close(self) -> None:
        """Close the window."""
        self._pygame.display.quit()

    def _show(self, title: str, fps: float, frame: Frame) -> None:
        size = (frame.shape[1], frame.shape[0])
        screen = self._pygame.display.get_surface()
        if screen is None or screen.get_size() != size:
            screen = self._open(size)  # environments that draw with pygame too may have closed it
        self._pygame.display.set_caption(title)
        screen.blit(self._pygame.surfarray.make_surface(np.swapaxes(frame, 0, 1)), (0, 0))
        self._pygame.display.flip()
        if any(event.type == self._pygame.QUIT for event in self._pygame.event.get()):
            raise KeyboardInterrupt
        self._clock.tick(fps)

    def _require_screen(self) -> None:
        """Raise UserError if SDL has found no display, and draws into memory, which it does not say itself."""
        if self._driver is None and self._pygame.display.get_driver() in ("offscreen", "dummy"):
            self._pygame.display.quit()
            raise UserError("no window can be opened: no display answers; video=true records a video")

    def _open(self, size: tuple[int, int]) -> Any:
        """Open the window where the user has a display, whatever driver the environments have chosen since."""
        self._pygame.display.quit()
        chosen = os.environ.pop("SDL_VIDEODRIVER", None)
        if self._driver is not None:
            os.environ["SDL_VIDEODRIVER"] = self._driver
        try:
            self._pygame.display.init()
            screen = self._pygame.display.set_mode(size)
            self._require_screen()
            return screen
        except self._pygame.error as error:
            raise UserError(f"no window can be opened: {one_line(error)}; video=true records a video") from error
        finally:
            if chosen is not None:
                os.environ["SDL_VIDEODRIVER"] = chosen
