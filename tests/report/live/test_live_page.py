"""The live page in a real browser: it grows while runs do, keeps what was chosen in it, and outlives its server."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from support.browser import Browser
from support.live_runs import GrowingRun

from ddpg.report.live import feed as module
from ddpg.report.live.feed import Feed
from ddpg.report.live.server import LiveServer, open_server
from ddpg.report.page.page import live_page
from ddpg.report.view import View

pytestmark = pytest.mark.xdist_group("browser")

POINTS = (
    "Object.fromEntries(state.payload.runs.map((run) => [run.seed, curveOf(run, state.view.metric, 'step')?.y.length]))"
)
ROWS = "#live tbody tr"


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., LiveServer]]:
    """Serve a folder on some port, looking at it ten times a second."""
    for share in ("LOOKING", "COMPARING"):
        monkeypatch.setattr(module, share, 1e9)
    monkeypatch.setattr(module, "LOOK_S", 0.1)
    servers = []

    def start(port: int = 0) -> LiveServer:
        server = open_server("127.0.0.1", port, live_page(), Feed([tmp_path], View(), "ddpg-report serve"))
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_page_follows_runs_and_keeps_the_view(
    browser: Browser, serve: Callable[..., LiveServer], tmp_path: Path
) -> None:
    server = serve()
    browser.visit(server.url)
    browser.wait("document.body.innerText.includes('No run has begun here yet')")
    run = GrowingRun(tmp_path / "a", seed=1, total_steps=2000)
    run.grow(1.0, 2.0)
    browser.wait(
        f"document.querySelectorAll('{ROWS}').length === 1 && document.querySelectorAll('#panels canvas').length > 0"
    )
    assert browser.value(POINTS) == {"1": 2}
    row = browser.texts(f"{ROWS} td")
    assert row[:2] == ["running", "5 %100 of 2k"]
    assert "2.00" in row

    browser.do("choose({ x: 'hours', hidden: ['-'], zoom: { pendulum: [0, 1, 0, 3] } }); scrollTo(0, 300)")
    view = browser.view
    run.grow(3.0, 4.0)
    other = GrowingRun(tmp_path / "b", seed=2, total_steps=2000)
    other.grow(1.0)
    browser.wait(
        f"document.querySelectorAll('{ROWS}').length === 2 && JSON.stringify({POINTS}) === '{{\"1\":4,\"2\":1}}'"
    )
    assert browser.view == view
    assert browser.value("scrollY") == 300

    other.end("failed", error="ValueError: <b>too large</b>\nTraceback")
    browser.wait(
        f"[...document.querySelectorAll('{ROWS}')].at(-1).textContent.includes('ValueError: <b>too large</b>')"
    )
    run.kill()
    browser.wait("document.querySelector('#live .state.vanished') !== null")
    (tmp_path / "b").rename(tmp_path / ".b")
    browser.wait(f"document.querySelectorAll('{ROWS}').length === 1")
    assert browser.errors() == []


def test_a_run_has_its_page_with_its_video(browser: Browser, serve: Callable[..., LiveServer], tmp_path: Path) -> None:
    run = GrowingRun(tmp_path / "a")
    run.grow(1.0, 2.0)
    (run.path / "videos").mkdir()
    (run.path / "videos" / "last.mp4").write_bytes(b"no video")
    browser.visit(serve().url)
    browser.wait(f"document.querySelectorAll('{ROWS} a').length === 1")
    browser.do(f"document.querySelector('{ROWS} a').click()")
    assert browser.value("document.querySelector('#run video').getAttribute('src')") == "/files/0/videos/last.mp4"


def test_the_page_waits_for_a_server_that_is_gone_and_asks_nothing_while_it_is_hidden(
    browser: Browser, serve: Callable[..., LiveServer], tmp_path: Path
) -> None:
    GrowingRun(tmp_path / "a", seed=1).grow(1.0)
    server = serve()
    browser.visit(server.url)
    browser.wait(f"document.querySelectorAll('{ROWS}').length === 1")
    browser.do("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    browser.wait("live.asking === false")
    GrowingRun(tmp_path / "b", seed=2).grow(1.0)
    time.sleep(0.2)  # an answer that was under way
    browser.do("performance.clearResourceTimings()")
    time.sleep(0.6)
    asked = browser.value("performance.getEntriesByType('resource').length")
    assert asked == 0
    browser.do("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    browser.wait(f"document.querySelectorAll('{ROWS}').length === 2")

    server.shutdown()
    server.server_close()
    browser.wait("byId('pulse').textContent.startsWith('No answer since')")
    GrowingRun(tmp_path / "c", seed=3).grow(1.0)
    serve(server.server_address[1])
    browser.wait(f"document.querySelectorAll('{ROWS}').length === 3")
    assert browser.texts("#pulse")[0].startswith("Live")
