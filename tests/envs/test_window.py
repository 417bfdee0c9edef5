"""The window of `watch=true`, on SDL's display that is none."""

import os
import sys
from collections.abc import Iterator

import gymnasium
import numpy as np
import pytest
from support.command_line import user_error

from ddpg.distribution import install_hint
from ddpg.envs import Window

pygame = pytest.importorskip("pygame", reason="the extra video is not installed")

FRAME = np.zeros((60, 80, 3), np.uint8)


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    opened = Window()
    yield opened
    opened.close()


def test_a_frame_is_shown_under_its_title_although_an_environment_has_closed_the_window(window: Window) -> None:
    env = gymnasium.make("Pendulum-v1", render_mode="rgb_array")
    show = window.frames_of(env, "outputs/run")
    frame = FRAME.copy()
    frame[10, 20] = (255, 128, 1)
    for _ in range(2):
        show(frame)
        screen = pygame.display.get_surface()
        assert (screen.get_size(), pygame.display.get_caption()[0]) == ((80, 60), "outputs/run")
        assert screen.get_at((20, 10))[:3] == (255, 128, 1)
        pygame.display.quit()
        pygame.display.init()


def test_closing_the_window_is_an_interrupt(window: Window) -> None:
    show = window.frames_of(gymnasium.make("Pendulum-v1", render_mode="rgb_array"), "run")
    show(FRAME)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    with pytest.raises(KeyboardInterrupt):
        show(FRAME)


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_no_display(nowhere: pytest.MonkeyPatch) -> None:
    with user_error("no display here ... video=true"):
        Window()


def test_a_display_that_does_not_answer(nowhere: pytest.MonkeyPatch) -> None:
    """What environments chose for their drawing stays."""
    nowhere.setenv("DISPLAY", ":77")
    with user_error("no window can be opened ... video=true"):
        Window()
    assert "SDL_VIDEODRIVER" not in os.environ


def test_no_pygame(nowhere: pytest.MonkeyPatch) -> None:
    nowhere.setenv("SDL_VIDEODRIVER", "dummy")
    nowhere.setitem(sys.modules, "pygame", None)
    with user_error(install_hint("video")):
        Window()
