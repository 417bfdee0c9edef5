"""A W&B server for tests, which answers what wandb-core asks for runs, history, files and artifacts.

It keeps what the real one would show. `WANDB_BASE_URL` and any key of 40 characters lead wandb here.
"""

import json
import re
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support.wandb_artifacts import ServerArtifacts

KEY = "0123456789" * 4


@dataclass
class ServerRun:
    """One W&B run as the server has it."""

    settings: dict[str, Any]  # displayName, groupName, tags, jobType, ... as they were sent last
    config: dict[str, Any] = field(default_factory=dict)
    lines: dict[int, str] = field(default_factory=dict)  # the lines of the history, by number
    summary: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None  # None: it runs, or it has crashed
    starts: int = 0
    files: set[str] = field(default_factory=set)
    stopped: bool = False  # the server wants it to end, as by hyperband

    @property
    def history(self) -> list[dict[str, Any]]:
        """The rows in the order of their lines, with W&B's private fields."""
        return [json.loads(self.lines[number]) for number in sorted(self.lines)]

    @property
    def state(self) -> str:
        """The state that W&B's table shows."""
        return "running" if self.exit_code is None else "failed" if self.exit_code else "finished"


@dataclass
class ServerSweep:
    """A sweep of W&B's own.

    Args:
        config: of the sweep, as `wandb sweep` would send it.
        commands: called by each question of an agent with the ids of the runs that it has alive; returns what the
            agent is to do now.
    """

    config: dict[str, Any]
    commands: Callable[[set[str]], list[dict[str, Any]]]


class WandbServer:
    """Keeps runs by id, and sweeps by name.

    `refuse` returns the HTTP status that refuses an operation, or None to answer it.
    """

    def __init__(self) -> None:
        self.runs: dict[str, ServerRun] = {}
        self.sweeps: dict[str, ServerSweep] = {}
        self.requests: Counter[str] = Counter()  # by operation, refused ones included
        self.refused: Counter[int] = Counter()
        self.refuse: Callable[[str], int | None] = lambda operation: None
        self.port = 0
        self._lock = threading.Lock()
        self.artifacts = ServerArtifacts(lambda: self.url)
        self._operations: dict[str, Callable[[Any], Any]] = {
            "Viewer": self._viewer,
            "ServerFeaturesQuery": self._features,
            "RunResumeStatus": self._resume_status,
            "UpsertBucket": self._upsert,
            "Run": self._run_of,
            "GetDefaultEntity": self._default_entity,
            "CreateRunFiles": self._create_files,
            "SweepWithRuns": self._sweep,
            "CreateAgent": self._create_agent,
            "Heartbeat": self._heartbeat,
            **self.artifacts.operations,
        }
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, after a `stop` at the same port again."""

        class Handler(_Handler):
            wandb = self

        self._server = _Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on, and keep what was stored."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def only_run(self) -> ServerRun:
        (run,) = self.runs.values()
        return run

    def answer(self, operation: str, path: str, content: Any) -> tuple[int, Any]:
        """Return status and JSON for a request."""
        with self._lock:
            self.requests[operation] += 1
            status = self.refuse(operation)
            if status:
                self.refused[status] += 1
                return status, {"error": "refused"}
            if operation == "file_stream":
                run = self.runs[path.split("/")[-2]]
                self._take(run, content)
                return 200, {"stopped": run.stopped}
            answer = self._operations.get(operation)
            return 200, {"data": answer(content.get("variables")) if answer else {}}

    def _take(self, run: ServerRun, content: dict[str, Any]) -> None:
        for name, chunk in content.get("files", {}).items():
            if name == "wandb-history.jsonl":
                assert chunk["offset"] <= len(run.lines), f"a gap before line {chunk['offset']}"
                run.lines.update(enumerate(chunk["content"], start=chunk["offset"]))
            elif name == "wandb-summary.json":
                run.summary = json.loads(chunk["content"][-1])
        if content.get("complete"):
            run.exit_code = content["exitcode"]

    def _viewer(self, variables: dict[str, Any]) -> Any:
        return {"viewer": {"id": "1", "entity": "me", "username": "me", "email": "", "flags": "{}", "teams": _edges()}}

    def _features(self, variables: dict[str, Any]) -> Any:
        return {"serverInfo": {"features": []}}

    def _resume_status(self, variables: dict[str, Any]) -> Any:
        run = self.runs.get(variables["name"])
        return {"model": _project(variables["project"]) | {"bucket": run and _bucket(variables["name"], run)}}

    def _upsert(self, variables: dict[str, Any]) -> Any:
        if "summaryMetrics" in variables and "name" not in variables:  # wandb.Api changes a summary
            self.runs[variables["id"]].summary = json.loads(variables["summaryMetrics"])
            return {"upsertBucket": {"bucket": {"id": variables["id"]}}}
        name = variables["name"]
        inserted = name not in self.runs
        run = self.runs.setdefault(name, ServerRun({}))
        if variables["displayName"] is not None:  # a start; later calls bring the config alone
            run.starts, run.exit_code = run.starts + 1, None
        run.settings |= {key: value for key, value in variables.items() if value is not None}
        run.config = json.loads(variables["config"]) if variables["config"] else run.config
        project = _project(run.settings["project"])
        return {"upsertBucket": {"bucket": _bucket(name, run) | {"project": project}, "inserted": inserted}}

    def _run_of(self, variables: dict[str, Any]) -> Any:
        run = self.runs.get(variables["name"])
        return {"project": {"run": run and _bucket(variables["name"], run) | {"state": run.state, "projectId": "1"}}}

    def _default_entity(self, variables: dict[str, Any]) -> Any:
        return {"viewer": {"id": "1", "entity": "me"}}

    def _create_files(self, variables: dict[str, Any]) -> Any:
        self.runs[variables["run"]].files.update(variables["files"])
        files = [{"name": name, "uploadUrl": f"{self.url}/upload/{uuid.uuid4().hex}"} for name in variables["files"]]
        return {"createRunFiles": {"runID": variables["run"], "uploadHeaders": [], "files": files}}

    def _sweep(self, variables: dict[str, Any]) -> Any:
        config = json.dumps(self.sweeps[variables["sweep"]].config)  # which is YAML as well
        return {"project": {"sweep": {"id": "1", "name": variables["sweep"], "config": config, "runs": _edges()}}}

    def _create_agent(self, variables: dict[str, Any]) -> Any:
        return {"createAgent": {"agent": {"id": variables["sweep"]}}}

    def _heartbeat(self, variables: dict[str, Any]) -> Any:
        commands = self.sweeps[variables["id"]].commands(set(json.loads(variables["runState"])))
        return {"agentHeartbeat": {"agent": {"id": variables["id"]}, "commands": json.dumps(commands)}}


def _edges() -> dict[str, Any]:
    return {"edges": []}


def _project(name: str) -> dict[str, Any]:
    return {"id": "1", "name": name, "entity": {"id": "1", "name": "me"}}


def _bucket(name: str, run: ServerRun) -> dict[str, Any]:
    tail = [run.lines[number] for number in sorted(run.lines)[-1:]]
    return {
        "id": name, "name": name, "displayName": run.settings.get("displayName"), "description": None,
        "notes": None, "tags": run.settings.get("tags"), "sweepName": None, "config": json.dumps(run.config),
        "summaryMetrics": json.dumps(run.summary), "logLineCount": 0, "eventsLineCount": 0,
        "historyLineCount": len(run.lines), "historyTail": json.dumps(tail), "eventsTail": "[]",
        "wandbConfig": json.dumps({"t": 1}),
    }  # fmt: skip


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: in these tests clients are killed while they wait for an answer."""


class _Handler(BaseHTTPRequestHandler):
    wandb: WandbServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        content = None
        if self.path == "/graphql":
            content = json.loads(body)
            operation = content.get("operationName") or re.search(r"\w+ (\w+)", content["query"]).group(1)
        elif self.path.endswith("/file_stream"):
            operation, content = "file_stream", json.loads(body)
        else:
            operation = self.path.split("/")[1]
        status, answer = self.wandb.answer(operation, self.path, content)
        text = json.dumps(answer).encode()
        if operation == "artifacts" and status == 200:
            text = self._exchange(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Connection", "close")  # so that a stopped server is dead at once
        self.end_headers()
        self.wfile.write(text)

    do_PUT = do_GET = do_POST  # noqa: N815

    def _exchange(self, body: bytes) -> bytes:
        """Take or return a file of an artifact."""
        if self.command == "GET":
            return self.wandb.artifacts.get(self.path)
        self.wandb.artifacts.put(self.path, body)
        return b""

    def log_message(self, *arguments: Any) -> None:
        """Print nothing."""
