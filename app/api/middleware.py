"""What happens to every request: an id, a log line, metrics, safe headers, and an answer if all else fails."""

import json
import logging
import re
import sys
import time
import traceback
import uuid
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import ProblemError, RemoteError, problem_response

logger = logging.getLogger("atrisk")

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
CLIENT_LEFT = 499
INNERMOST_FRAMES = 8


class Metrics:
    """Counts and durations of requests, in a registry of their own, so that a process may have several apps."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "http_requests", "Requests answered", ("method", "route", "status"), registry=self.registry
        )
        self._duration = Histogram(
            "http_request_duration_seconds",
            "Time from the request's head to the end of the answer",
            ("method", "route"),
            registry=self.registry,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method, route, status).inc()
        self._duration.labels(method, route).observe(seconds)


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
        scope.setdefault("state", {})["request_id"] = _request_id(scope)
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
            _log("failed", logging.ERROR, **describe(error), request_id=scope["state"]["request_id"])
            # An answer that has begun is cut off: the server closes the connection, and the client sees that.
            if not answer.begun:
                await problem_response(scope, ProblemError("internal_error", ""))(scope, receive, answer.send)

    def _report(self, method: str, answer: "_Answer", seconds: float) -> None:
        route = _route(answer.scope)
        self.metrics.observe(method, route, answer.status, seconds)
        _log(
            "request",
            logging.INFO,
            method=method,
            route=route,
            status=answer.status,
            milliseconds=round(seconds * 1000, 3),
            request_id=answer.scope["state"]["request_id"],
        )


class _Answer:
    """The sending side of a request, which adds the headers that every answer has."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.status = CLIENT_LEFT
        self.begun = False
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.scope["state"]["request_id"]
            headers["X-Content-Type-Options"] = "nosniff"
            if _route(self.scope).startswith("/v1/"):
                headers["Cache-Control"] = "no-store"
        await self._send(message)


def _route(scope: Scope) -> str:
    # The template, since the path itself may hold anything that a client puts there.
    return str(getattr(scope.get("route"), "path_format", "unknown"))


def _request_id(scope: Scope) -> str:
    sent = Headers(scope=scope).get("x-request-id", "")
    return sent if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", sent) else str(uuid.uuid4())


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
    """A log line is one JSON object; of an exception it has the class and the place only."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
            **(describe(record.exc_info[1]) if record.exc_info and record.exc_info[1] else {}),
        }
        return json.dumps(line)


def configure_logging(level: str) -> None:
    """Write the log lines of the service and of its server to standard output as JSON.

    The server's own access log is silenced: it would write what clients put into paths and queries.
    """
    handler = logging.StreamHandler(sys.__stdout__)
    handler.setFormatter(JSONFormatter())
    for name in ("atrisk", "uvicorn"):
        logging.getLogger(name).handlers = [handler]
        logging.getLogger(name).setLevel(level.upper())
    access = logging.getLogger("uvicorn.access")
    access.handlers, access.propagate = [], False
