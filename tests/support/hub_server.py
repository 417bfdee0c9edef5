"""A Hugging Face Hub for tests: repositories of one branch, uploads as LFS or inline, downloads, and what it refuses.

It answers what huggingface_hub asks for `create_repo`, `repo_info`, `upload_folder` without hf_xet and
`snapshot_download`. Anything else is a request that nobody expected, and is answered with 404.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

TOKEN = "hf_test"


@dataclass
class HubRepo:
    """A repository: the files of each commit, by name, and which commit is the newest."""

    private: bool
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.commit({".gitattributes": b""}, "initial commit")

    @property
    def head(self) -> str:
        return list(self.commits)[-1]

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[self.head]

    def commit(self, files: dict[str, bytes], message: str) -> str:
        """Add a commit whose files are exactly these; return its id."""
        oid = hashlib.sha1(f"{len(self.commits)} {message}".encode()).hexdigest()
        self.commits[oid] = files
        self.messages.append(message)
        return oid

    def at(self, revision: str) -> str | None:
        """Return the commit that a revision names."""
        return self.head if revision == "main" else revision if revision in self.commits else None


class HubServer:
    """Keeps repositories by name.

    `refuse` returns the HTTP status that refuses a request to a path, or None to answer it.
    """

    def __init__(self) -> None:
        self.repos: dict[str, HubRepo] = {}
        self.requests: list[str] = []  # as in "POST /api/repos/create"
        self.agents: set[str] = set()  # the User-Agent headers that came
        self.refuse: Callable[[str], int | None] = lambda path: None
        self.large: tuple[str, ...] = (".safetensors", ".onnx", ".pt2", ".png", ".mp4")  # not stored by git
        self._large: dict[str, bytes] = {}  # what was uploaded as LFS, by its sha256
        self._routes: list[tuple[str, Callable[..., Any]]] = [
            (r"POST /api/repos/create", self._create),
            (r"POST /api/validate-yaml", self._validate),
            (r"POST /api/models/(\S+?)/preupload/main", self._preupload),
            (r"POST /(\S+?)\.git/info/lfs/objects/batch", self._batch),
            (r"PUT /large/(\w+)", self._store),
            (r"POST /api/models/(\S+?)/commit/main", self._commit),
            (r"GET /api/models/(\S+?)/tree/(\w+)", self._tree),
            (r"GET /api/models/(\S+?)(?:/revision/(\w+))?", self._info),
        ]
        server = self

        class Handler(_Handler):
            hub = server

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """Return status and JSON of an answer."""
        for pattern, act in self._routes:
            found = re.fullmatch(pattern, f"{method} {path}")
            if found:
                return act(body, *found.groups())
        return 404, {"error": "NoSuchRoute"}

    def file(self, path: str) -> tuple[str, bytes] | None:
        """Return the commit and the bytes behind /USER/NAME/resolve/REVISION/FILE."""
        found = re.fullmatch(r"/(\S+?)/resolve/(\w+)/(\S+)", path)
        repo = self.repos.get(found[1]) if found else None
        commit = repo.at(found[2]) if repo and found else None
        if repo is None or commit is None or found is None or found[3] not in repo.commits[commit]:
            return None
        return commit, repo.commits[commit][found[3]]

    def _create(self, body: bytes) -> tuple[int, Any]:
        wanted = json.loads(body)
        name = f"{wanted['organization']}/{wanted['name']}"
        url = {"url": f"{self.url}/{name}"}
        if name in self.repos:
            return 409, url | {"error": "You already created this model repo"}
        self.repos[name] = HubRepo(private=wanted.get("private", wanted.get("visibility") == "private"))
        return 200, url

    def _validate(self, body: bytes) -> tuple[int, Any]:
        """Check the head of a model card, as the Hub does before an upload."""
        _, head, _ = json.loads(body)["content"].split("---\n", 2)
        known = yaml.safe_load(head).get("license", "mit") in ("mit", "apache-2.0", "other")
        errors = [] if known else [{"message": '"license" must be one of [apache-2.0, mit, other]'}]
        return 200 if known else 400, {"warnings": [], "errors": errors}

    def _info(self, body: bytes, name: str, revision: str | None) -> tuple[int, Any]:
        if name not in self.repos:
            return 404, {"error": "RepoNotFound"}
        repo = self.repos[name]
        commit = repo.at(revision or "main")
        if commit is None:
            return 404, {"error": "RevisionNotFound"}
        siblings = [{"rfilename": file} for file in repo.commits[commit]]
        return 200, {"id": name, "modelId": name, "sha": commit, "private": repo.private, "siblings": siblings}

    def _tree(self, body: bytes, name: str, revision: str) -> tuple[int, Any]:
        repo = self.repos[name]
        files = repo.commits[repo.at(revision) or ""]
        return 200, [
            {"type": "file", "path": file, "size": len(content), "oid": _digest(content)[:40]}
            for file, content in files.items()
        ]

    def _preupload(self, body: bytes, name: str) -> tuple[int, Any]:
        files = [
            {
                "path": file["path"], "shouldIgnore": False,
                "uploadMode": "lfs" if file["path"].endswith(self.large) else "regular",
            }
            for file in json.loads(body)["files"]
        ]  # fmt: skip
        return 200, {"files": files}

    def _batch(self, body: bytes, name: str) -> tuple[int, Any]:
        objects = [
            one | {"actions": {"upload": {"href": f"{self.url}/large/{one['oid']}"}}}
            for one in json.loads(body)["objects"]
        ]
        return 200, {"transfer": "basic", "objects": objects}

    def _store(self, body: bytes, oid: str) -> tuple[int, Any]:
        assert _digest(body) == oid
        self._large[oid] = body
        return 200, {}

    def _commit(self, body: bytes, name: str) -> tuple[int, Any]:
        repo = self.repos[name]
        files = dict(repo.files)
        message = ""
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                message = value["summary"]
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self._large[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        oid = repo.commit(files, message)
        return 200, {"commitUrl": f"{self.url}/{name}/commit/{oid}", "commitOid": oid}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer

    def _begin(self) -> tuple[str, bool]:
        """Note the request; return its path, and whether it goes on."""
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        self.hub.agents.add(self.headers.get("User-Agent", ""))
        status = self.hub.refuse(path)
        if self.headers.get("Authorization") not in (None, f"Bearer {TOKEN}"):
            self._send(401, b"{}", X_Error_Message="Invalid credentials in Authorization header")
            return path, False
        if status is not None:
            self._send(status, b'{"error": "refused"}')
        return path, status is None

    def _send(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _answer(self) -> None:
        path, goes_on = self._begin()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not goes_on:
            return
        file = self.hub.file(path) if self.command in ("GET", "HEAD") else None
        if file is not None:
            self._send(200, file[1], X_Repo_Commit=file[0], ETag=f'"{_digest(file[1])}"')
            return
        status, answer = self.hub.answer(self.command, path, body)
        code = {"X_Error_Code": answer["error"]} if status == 404 else {}
        self._send(status, json.dumps(answer).encode(), **code)

    do_GET = do_HEAD = do_POST = do_PUT = _answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""
