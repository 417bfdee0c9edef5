"""The server of the live page, asked over HTTP: what it gives, and what it refuses."""

import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

import pytest
from support.live_runs import GrowingRun

from ddpg.errors import UserError
from ddpg.report.live.feed import Feed
from ddpg.report.live.server import LiveServer, open_server
from ddpg.report.view import View

PAGE = "<!doctype html><title>Grüße</title>"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Serve a run with a video, beside a file outside; a link leads to that."""
    top = tmp_path_factory.mktemp("served")
    (top / "secret.mp4").write_text("secret")
    run = GrowingRun(top / "outputs" / "a")
    run.grow(1.0)
    videos = run.path / "videos"
    videos.mkdir()
    (videos / "last.mp4").write_bytes(b"0123456789")
    (videos / "out.mp4").symlink_to(top / "secret.mp4")
    with open_server("127.0.0.1", 0, PAGE, Feed([top / "outputs"], View(), "")) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        ask(server, "/payload.json")
        yield server
        server.shutdown()


def ask(
    server: LiveServer, path: str, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    connection.request(method, path, headers=headers or {})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def test_the_page_and_the_runs_are_given(served: LiveServer) -> None:
    response, content = ask(served, "/")
    assert (response.status, content) == (200, PAGE.encode())
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    response, content = ask(served, "/payload.json")
    assert response.headers["Content-Type"] == "application/json"
    [run] = json.loads(content)["runs"]
    assert run["video"] in ("/files/0/videos/last.mp4", "/files/0/videos/out.mp4")
    response, content = ask(served, "/", "HEAD")
    assert (response.status, response.headers["Content-Length"], content) == (200, str(len(PAGE.encode())), b"")


@pytest.mark.parametrize(
    ("asked", "status", "sent"),
    [("", 200, b"0123456789"), ("bytes=4-", 206, b"456789"), ("bytes=99-", 200, b"0123456789")],
)
def test_a_video_is_given_also_in_part(served: LiveServer, asked: str, status: int, sent: bytes) -> None:
    response, content = ask(served, "/files/0/videos/last.mp4", headers={"Range": asked} if asked else {})
    assert (response.status, response.headers["Content-Type"], content) == (status, "video/mp4", sent)


@pytest.mark.parametrize(
    "path",
    [
        "/files/0/videos/out.mp4",
        "/files/0/config.yaml",
        "/files/0/videos/../config.yaml",
        "/files/0/videos/..%2f..%2f..%2fsecret.mp4",
        "/files/0/../../secret.mp4",
        "/files/../secret.mp4",
        "/files/7/videos/last.mp4",
        "/files/0/videos/",
        "/files/0",
        "/a/config.yaml",
        "//etc/passwd",
        "/../../etc/passwd",
        "/payload.json/..",
    ],
)
def test_other_paths_are_refused(served: LiveServer, path: str) -> None:
    response, content = ask(served, path)
    assert (response.status, content) == (404, b"Not Found\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_refused(served: LiveServer, method: str) -> None:
    response, _ = ask(served, "/payload.json", method)
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:9000", 200), ("127.0.0.1", 200), ("[::1]:8765", 200), ("evil.example", 403), ("", 403),
        ("localhost.evil.example:8765", 403), ("[", 403),
    ],
)  # fmt: skip
def test_names_of_other_machines_are_refused(served: LiveServer, host: str, status: int) -> None:
    assert ask(served, "/", headers={"Host": host})[0].status == status


def test_an_error_while_reading_is_told_to_the_page(served: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(since: str) -> bytes:
        raise UserError("the disk is gone")

    monkeypatch.setattr(served.feed, "payload", fail)
    response, content = ask(served, "/payload.json")
    assert (response.status, content) == (500, b"the disk is gone\n")


def test_a_port_in_use_is_refused_with_a_free_one(served: LiveServer) -> None:
    port = served.server_address[1]
    with pytest.raises(UserError, match=rf"^port={port} on host=127.0.0.1: Address already in use; port=\d+ is free$"):
        open_server("127.0.0.1", port, PAGE, served.feed)
    with pytest.raises(UserError, match=r"^host=nowhere\.invalid: "):
        open_server("nowhere.invalid", 0, PAGE, served.feed)


def test_the_address_is_one_that_a_browser_opens(served: LiveServer) -> None:
    port = served.server_address[1]
    assert served.url == f"http://localhost:{port}/"
    with open_server("0.0.0.0", 0, PAGE, served.feed) as everywhere:
        assert everywhere.url == f"http://{socket.gethostname()}:{everywhere.server_address[1]}/"
        assert not everywhere.is_local
