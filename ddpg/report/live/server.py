"""The server of the live page: GET and HEAD alone, a few paths, nothing from outside of the served folders."""

import logging
import socket
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from ddpg.errors import UserError
from ddpg.report.live.feed import Feed
from ddpg.report.live.files import Served
from ddpg.report.live.problems import problem

log = logging.getLogger(__name__)

#: Names of this machine in a request; any other may be that of a foreign page whose address was made to point here.
LOOPBACK = ("localhost", "127.0.0.1", "::1")
#: Seconds after which a connection without a whole request is closed.
IDLE_S = 60
#: Ports that are tried for the advice where the one that was asked for is in use.
NEIGHBOURS = 20
HEADERS = {
    "Cache-Control": "no-store",
    "Connection": "close",  # a page asks every few seconds: no thread waits for it in between
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self' data: blob:; "
        "media-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
}


TEXT = "text/plain; charset=utf-8"


class Body(NamedTuple):
    """The answer to a request that is fulfilled."""

    content: bytes
    content_type: str


class LiveServer(ThreadingHTTPServer):
    """Serves a page and the feed that it follows; a thread for each connection, ended with the process."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, host: str, port: int, page: str, feed: Feed) -> None:
        self.page = page
        self.feed = feed
        self.is_local = host in LOOPBACK
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), Handler)

    @property
    def url(self) -> str:
        """The address for a browser on this machine."""
        host, port = self.server_address[:2]
        shown = {"127.0.0.1": "localhost", "0.0.0.0": socket.gethostname(), "::": socket.gethostname()}
        name = shown.get(str(host), str(host))
        return f"http://{f'[{name}]' if ':' in name else name}:{port}/"

    def handle_error(self, request: object, client_address: object) -> None:
        """Log what went wrong in a request; that a browser went away is nothing wrong."""
        is_gone = isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError))
        log.log(logging.DEBUG if is_gone else logging.ERROR, "a request of %s failed", client_address, exc_info=True)


def open_server(host: str, port: int, page: str, feed: Feed) -> LiveServer:
    """Bind a server; port 0 takes a free one.

    Raises:
        UserError: the port is in use or not allowed, or there is no such host.
    """
    try:
        return LiveServer(host, port, page, feed)
    except socket.gaierror as error:
        raise UserError(f"host={host}: {error.strerror}") from error
    except OSError as error:
        free = _free_port(host, port)
        advice = f"; port={free} is free" if free else ""
        raise UserError(f"port={port} on host={host}: {error.strerror}{advice}") from error


def _free_port(host: str, port: int) -> int | None:
    """Return the next port that can be bound, or None."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(max(port, 1023) + 1, min(max(port, 1023) + NEIGHBOURS, 65535)):
        with socket.socket(family) as attempt:
            try:
                attempt.bind((host, candidate))
            except OSError:
                continue
        return candidate
    return None


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    server: LiveServer
    protocol_version = "HTTP/1.1"
    server_version = "ddpg-report"
    sys_version = ""
    timeout = IDLE_S

    def do_GET(self) -> None:
        """Answer with the page, the feed, or a file of a run."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer as to GET, without the content."""
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Log requests for those who look for a fault; the terminal stays quiet."""
        log.debug(format, *args)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse in one line; the base class calls it with 501 for other methods."""
        is_method = code == HTTPStatus.NOT_IMPLEMENTED
        refused = HTTPStatus.METHOD_NOT_ALLOWED if is_method else HTTPStatus(code)
        line = f"{refused.phrase if is_method or not message else message}\n".encode()
        self._send_head(refused, TEXT, len(line), {"Allow": "GET, HEAD"} if is_method else {})
        if self.command != "HEAD":
            self.wfile.write(line)

    def _answer(self, with_body: bool) -> None:
        if self.server.is_local and not _is_loopback(self.headers.get("Host", "")):
            self.send_error(HTTPStatus.FORBIDDEN, "this name is not one of this machine: open http://localhost")
            return
        quoted, _, query = self.path.partition("?")
        path = unquote(quoted)
        if path.startswith("/files/"):
            self._send_file(self.server.feed.file(path.removeprefix("/files/")), with_body)
            return
        try:
            body = self._body(path, parse_qs(query).get("since", [""])[0])
        except Exception as error:  # the page shows it, and asks again
            log.warning("the runs cannot be read: %s", problem(error), exc_info=not isinstance(error, UserError))
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR, problem(error))
            return
        if body is None:
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            self._send(HTTPStatus.OK, body, with_body)

    def _body(self, path: str, since: str) -> Body | None:
        if path in ("/", "/index.html"):
            return Body(self.server.page.encode(), "text/html; charset=utf-8")
        if path == "/payload.json":
            return Body(self.server.feed.payload(since), "application/json")
        return None

    def _send(self, code: int, body: Body, with_body: bool) -> None:
        self._send_head(code, body.content_type, len(body.content), {})
        if with_body:
            self.wfile.write(body.content)

    def _send_file(self, served: Served | None, with_body: bool) -> None:
        """Send a file, or the part of it that a video player asks for."""
        if served is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        with served.path.open("rb") as file:
            size = served.path.stat().st_size
            start = _range_start(self.headers.get("Range", ""), size)
            code = HTTPStatus.OK if start is None else HTTPStatus.PARTIAL_CONTENT
            shown = {} if start is None else {"Content-Range": f"bytes {start}-{size - 1}/{size}"}
            self._send_head(code, served.content_type, size - (start or 0), {"Accept-Ranges": "bytes", **shown})
            if with_body:
                file.seek(start or 0)
                self.wfile.write(file.read(size - (start or 0)))

    def _send_head(self, code: int, content_type: str, length: int, more: dict[str, str]) -> None:
        self.send_response(code)
        headers = {"Content-Type": content_type, "Content-Length": str(length), **HEADERS, **more}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _is_loopback(host: str) -> bool:
    """Whether the Host of a request is a name of this machine, with any port: a tunnel can have another one."""
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK
    except ValueError:  # brackets that are never closed
        return False


def _range_start(asked: str, size: int) -> int | None:
    """Return where a range of the form bytes=START- begins; None for any other, which is answered with all."""
    first, _, last = asked.removeprefix("bytes=").partition("-")
    is_open = asked.startswith("bytes=") and first.isdecimal() and last in ("", str(size - 1))
    return int(first) if is_open and int(first) < size else None
