"""What happens to every request: an id, a log line, metrics, safe headers, and an answer if all else fails."""

import json
import logging
import re
import sys
import time
import traceback
import uuid
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import MEDIA_TYPE, ProblemError, RemoteError, problem_response
from app.api.tracing import trace_ids

logger = logging.getLogger("atrisk")

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
NAMES = ("request_id", "trace_id", "span_id", "client")
"""What log lines have of a request's state: whose it is."""

KNOWN = ("atrisk", "uvicorn", "fastapi")
CLIENT_LEFT = 499
INNERMOST_FRAMES = 8


class Metrics:
    """Counts and durations of requests, in a registry of their own, so that a process may have several apps.

    With a folder they are those of all processes that have it: `app.api.shared_metrics`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.registry = CollectorRegistry()
        self.folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._requests = Counter(
            "http_requests", "Requests answered", ("method", "route", "status"), registry=self.registry
        )
        self._duration = Histogram(
            "http_request_duration_seconds",
            "Time from the request's head to the end of the answer",
            ("method", "route"),
            registry=self.registry,
        )

        self._problems = Counter(
            "http_problems",
            "Requests refused or failed, by the code of the problem",
            ("route", "code"),
            registry=self.registry,
        )
        self._rows = Counter(
            "http_request_rows",
            "Rows of subjects, or patients of cohorts, in requests that were valid",
            ("route",),
            registry=self.registry,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method, route, status).inc()
        self._duration.labels(method, route).observe(seconds)

    def count_problem(self, route: str, code: str) -> None:
        """Count a request that was refused, or failed."""
        self._problems.labels(route, code).inc()

    def count_rows(self, route: str, rows: int) -> None:
        """Count the rows of a request."""
        self._rows.labels(route).inc(rows)

    def exposition(self) -> bytes:
        """Return the metrics in the text format of Prometheus."""
        if self.folder is None:
            return generate_latest(self.registry)
        from app.api import shared_metrics  # noqa: PLC0415 - not every system has what it needs

        return shared_metrics.exposition(self.folder)


class RequestMiddleware:
    """Give a request its id, its log line and its metrics; HEAD is a GET whose body the server drops."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, and see to what becomes of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method, start = scope["method"], time.perf_counter()
        scope = {**scope, "method": "GET"} if method == "HEAD" else scope
        headers = Headers(scope=scope)
        scope.setdefault("state", {}).update(request_id=_request_id(headers), **trace_ids(headers))
        answer = _Answer(scope, send)
        try:
            await self._respond(scope, receive, answer)
        finally:
            self._report(method if method in METHODS else "other", answer, time.perf_counter() - start)

    async def _respond(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            await self.app(scope, receive, answer.send)
        except ClientDisconnect:
            answer.status = CLIENT_LEFT
        except Exception as error:
            _log("failed", logging.ERROR, **describe(error), **_whose(scope))
            # An answer that has begun is cut off: the server closes the connection, and the client sees that.
            if not answer.begun:
                await problem_response(scope, ProblemError("internal_error", ""))(scope, receive, answer.send)

    def _report(self, method: str, answer: "_Answer", seconds: float) -> None:
        route = _route(answer.scope)
        self.metrics.observe(method, route, answer.status, seconds)
        if answer.code:
            self.metrics.count_problem(route, answer.code)
        if rows := answer.scope["state"].get("rows"):
            self.metrics.count_rows(route, rows)
        _log(
            "request",
            logging.INFO,
            method=method,
            route=route,
            status=answer.status,
            **({"code": answer.code} if answer.code else {}),
            milliseconds=round(seconds * 1000, 3),
            **_whose(answer.scope),
        )


class _Answer:
    """The sending side of a request, which adds the headers that every answer has."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.status = CLIENT_LEFT
        self.begun = False
        self.code = ""
        self._send = send
        self._is_problem = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.scope["state"]["request_id"]
            headers["X-Content-Type-Options"] = "nosniff"
            if _route(self.scope).startswith("/v1/"):
                headers["Cache-Control"] = "no-store"
            self._is_problem = headers.get("content-type") == MEDIA_TYPE
        elif self._is_problem:
            self.code = json.loads(message["body"])["code"]  # whichever process it comes from
        await self._send(message)


def _route(scope: Scope) -> str:
    # The template, since the path itself may hold anything that a client puts there.
    return str(getattr(scope.get("route"), "path_format", "unknown"))


def _request_id(headers: Headers) -> str:
    sent = headers.get("x-request-id", "")
    return sent if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", sent) else str(uuid.uuid4())


def _whose(scope: Scope) -> dict[str, str]:
    return {name: scope["state"][name] for name in NAMES if name in scope["state"]}


def describe(error: BaseException) -> dict[str, object]:
    """Return the class of an exception and where it was raised; never its text, which may hold data."""
    if isinstance(error, RemoteError):
        return error.description
    frames = [
        f"{frame.f_globals.get('__name__')}:{line} {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    kind = type(error)
    return {"exception": f"{kind.__module__}.{kind.__qualname__}", "frames": frames[-INNERMOST_FRAMES:]}


def _log(event: str, level: int, **fields: object) -> None:
    logger.log(level, event, extra={"fields": fields})


class JSONFormatter(logging.Formatter):
    """A log line is one JSON object; of an exception it has the class and the place only.

    Messages are of loggers that are known to say nothing of requests; for that of another stands where it was written.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage()
            if record.name.partition(".")[0] in KNOWN
            else f"{record.module}:{record.lineno} {record.funcName}",
            **getattr(record, "fields", {}),
            **(describe(record.exc_info[1]) if record.exc_info and record.exc_info[1] else {}),
        }
        return json.dumps(line)


def configure_logging(level: str) -> None:
    """Write all log lines to standard output as JSON.

    Of the server, what clients put into paths, queries and headers is left out: its access log, the lines about
    WebSockets, and those for its own developers.
    """
    handler = logging.StreamHandler(sys.__stdout__)
    handler.setFormatter(JSONFormatter())
    root, own, server = logging.getLogger(), logging.getLogger("atrisk"), logging.getLogger("uvicorn")
    root.handlers = [*(one for one in root.handlers if not isinstance(one.formatter, JSONFormatter)), handler]
    own.setLevel(level.upper())
    server.handlers, server.propagate = [], True
    server.setLevel(max(own.level, logging.INFO))
    for name in ("uvicorn.error", "uvicorn.asgi"):
        logging.getLogger(name).setLevel(logging.NOTSET)  # that of `uvicorn`, whatever the command line says
        logging.getLogger(name).filters = [_is_no_websocket]
    access = logging.getLogger("uvicorn.access")
    access.handlers, access.propagate = [], False


def _is_no_websocket(record: logging.LogRecord) -> bool:
    return "WebSocket" not in str(record.msg)
