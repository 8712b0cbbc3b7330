"""Every request: its id, log line, metrics and headers, and what happens when all else fails."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from app.api.examples import example
from app.api.middleware import JSONFormatter, Metrics, RequestMiddleware, configure_logging, describe
from tests.api.toy import toy_app

pytestmark = pytest.mark.anyio

SCOPE: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    names = (None, "atrisk", "uvicorn", "uvicorn.access", "uvicorn.error", "uvicorn.asgi")
    before = {name: dict(vars(logging.getLogger(name))) for name in names}
    yield
    for name, state in before.items():
        for attribute in ("handlers", "filters", "propagate", "level"):
            setattr(logging.getLogger(name), attribute, state[attribute])


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(JSONFormatter().format(record)) for record in caplog.records if record.name == "atrisk"]


class TestRequestId:
    async def test_one_is_made_where_none_is_sent(self, toys: httpx.AsyncClient) -> None:
        ids = {(await toys.get("/livez")).headers["x-request-id"] for _ in range(2)}
        assert {len(request_id) for request_id in ids} == {36}
        assert len(ids) == 2

    @pytest.mark.parametrize("sent", ["a", "0f8fad5b-d9cb-469f-a165-70867728950e", "A.b_c-1", "x" * 64])
    async def test_a_sane_one_is_kept(self, sent: str, toys: httpx.AsyncClient) -> None:
        assert (await toys.get("/livez", headers={"x-request-id": sent})).headers["x-request-id"] == sent

    @pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "a\tb", '"', "{}", "a/b", "\u00e9"])
    async def test_another_is_replaced(self, sent: str, toys: httpx.AsyncClient) -> None:
        answer = await toys.get("/livez", headers=[(b"x-request-id", sent.encode())])
        assert answer.headers["x-request-id"] != sent
        assert len(answer.headers["x-request-id"]) == 36


class TestHeaders:
    @pytest.mark.parametrize(("path", "cached"), [("/v1/toys/1", "no-store"), ("/livez", None), ("/unknown", None)])
    async def test_answers_about_patients_are_not_cached(
        self, path: str, cached: str | None, toys: httpx.AsyncClient
    ) -> None:
        answer = await toys.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers.get("cache-control") == cached

    async def test_head_is_a_get_without_its_body(self, toys: httpx.AsyncClient) -> None:
        head, get = await toys.head("/version"), await toys.get("/version")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.content))
        assert (await toys.head("/v1/toys")).status_code == 405

    @pytest.mark.parametrize(("path", "allow"), [("/version", "GET, HEAD, OPTIONS"), ("/v1/toys", "OPTIONS, POST")])
    async def test_options_tells_the_methods(self, path: str, allow: str, toys: httpx.AsyncClient) -> None:
        answer = await toys.options(path)
        assert (answer.status_code, answer.headers["allow"], answer.content) == (204, allow, b"")


class TestLog:
    async def test_a_request_is_one_line_with_the_template_of_its_route(
        self, toys: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.clear()
        await toys.get("/v1/toys/7391?size=3", headers={"x-request-id": "mine"})
        (line,) = lines(caplog)
        assert set(line) == {
            *("time", "level", "logger", "message"),
            *("method", "route", "status", "milliseconds", "request_id"),
        }
        assert line["time"].endswith("+00:00")
        assert 0 < line["milliseconds"] < 5000
        kept = {name: line[name] for name in ("level", "message", "method", "route", "status", "request_id")}
        assert kept == {
            "level": "info",
            "message": "request",
            "method": "GET",
            "route": "/v1/toys/{number}",
            "status": 200,
            "request_id": "mine",
        }

    async def test_a_refusal_has_its_code(self, toys: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
        caplog.clear()
        await toys.post("/v1/toys", json={"age": -1})
        await toys.head("/unknown")
        assert [(line["status"], line["code"]) for line in lines(caplog)] == [(422, "invalid_body"), (404, "not_found")]

    async def test_the_trace_of_the_caller_is_in_every_line(
        self, toys: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.clear()
        sent = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        await toys.post("/v1/toys", json={"fail": "bug"}, headers=sent)
        found = [(line["message"], line["trace_id"], line["span_id"]) for line in lines(caplog)]
        ids = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
        assert found == [("failed", *ids), ("request", *ids)]

    @pytest.mark.parametrize("sent", ["\n", "a\r\n{}", "\u2028", "\x00", '"}\n{"message": "forged"}'], ids=ascii)
    async def test_no_header_makes_a_line_of_its_own(
        self, sent: str, toys: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.clear()
        names = ("x-request-id", "traceparent", "tracestate", "user-agent", "x-api-key", "host")
        await toys.get("/livez", headers=[(name.encode(), sent.encode()) for name in names])
        (record,) = (record for record in caplog.records if record.name == "atrisk")
        assert JSONFormatter().format(record).isprintable()
        assert "forged" not in caplog.text + str(lines(caplog))

    async def test_paths_and_methods_that_we_do_not_know_are_not_logged(
        self, toys: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.clear()
        await toys.request("MADE-UP", "/made/up")
        assert [(line["method"], line["route"]) for line in lines(caplog)] == [("other", "unknown")]

    async def test_a_bug_is_logged_by_its_class_and_place(
        self, toys: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.clear()
        answer = await toys.post("/v1/toys", json={"fail": "bug", "name": "hidden"})
        failed, request = lines(caplog)
        assert (failed["level"], failed["message"]) == ("error", "failed")
        assert failed["exception"] == "builtins.ZeroDivisionError"
        assert failed["frames"][-1].startswith("tests.api.toy:")
        assert failed["frames"][-1].endswith(" compute")
        assert len(failed["frames"]) == 8
        assert failed["request_id"] == request["request_id"] == answer.headers["x-request-id"]
        assert (answer.status_code, request["status"]) == (500, 500)

    def test_the_text_of_an_exception_is_not_in_the_line_of_another_logger(self) -> None:
        try:
            int("hidden")
        except ValueError:
            record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 1, "in %s", ("app",), sys.exc_info())
        line = json.loads(JSONFormatter().format(record))
        assert (line["message"], line["exception"]) == ("in app", "builtins.ValueError")
        assert "hidden" not in str(line)

    def test_an_exception_that_was_not_raised_has_no_frames(self) -> None:
        assert describe(KeyError("hidden")) == {"exception": "builtins.KeyError", "frames": []}

    @pytest.mark.parametrize(("level", "seen"), [("info", ["one", "two"]), ("warning", ["two"])])
    def test_lines_of_service_and_server_go_to_standard_output(
        self, level: str, seen: list[str], capfd: pytest.CaptureFixture[str]
    ) -> None:
        configure_logging(level)
        configure_logging(level)
        logging.getLogger("atrisk").info("one")
        logging.getLogger("uvicorn.error").warning("two")
        written = capfd.readouterr()
        assert [json.loads(line)["message"] for line in written.out.splitlines()] == seen
        assert written.err == ""

    def test_what_other_libraries_say_is_not_written_but_where(self, capfd: pytest.CaptureFixture[str]) -> None:
        """A future that nobody asked is described by asyncio with the text of its exception."""
        configure_logging("debug")
        logging.getLogger("asyncio").error("Task exception was never retrieved: ValueError('hidden')")
        logging.getLogger("opentelemetry.baggage").warning("Invalid baggage entry: `%s`", "hidden")
        logging.getLogger("matplotlib").info("hidden")
        messages = [json.loads(line)["message"] for line in capfd.readouterr().out.splitlines()]
        place = " test_what_other_libraries_say_is_not_written_but_where"
        assert [message[message.index(" ") :] for message in messages] == [place, place]
        assert all(message.startswith("test_middleware:") for message in messages)

    def test_the_server_does_not_tell_what_it_is_asked(self, capfd: pytest.CaptureFixture[str]) -> None:
        """It writes the paths of WebSockets, and at the level debug their headers."""
        logging.getLogger("uvicorn.error").setLevel("DEBUG")
        configure_logging("debug")
        logging.getLogger("uvicorn.error").info('%s - "WebSocket %s" 403', "client", "/v1/survival?options=hidden")
        logging.getLogger("uvicorn.error").debug("< GET /v1/survival?options=hidden")
        assert capfd.readouterr().out == ""

    def test_the_access_log_of_the_server_is_silent(self) -> None:
        """The logger of uvicorn is asked whether it has handlers; without, no line is made."""
        logging.getLogger("uvicorn.access").handlers = [logging.NullHandler()]
        configure_logging("info")
        assert not logging.getLogger("uvicorn.access").hasHandlers()


class TestMetrics:
    async def test_requests_are_counted_by_method_route_and_status(self, toys: httpx.AsyncClient) -> None:
        for path in ("/v1/toys/1", "/v1/toys/2", "/v1/toys/x", "/unknown/a", "/unknown/b"):
            await toys.get(path)
        metrics = (await toys.get("/metrics")).text
        for labels, count in (
            ('method="GET",route="/v1/toys/{number}",status="200"', 2),
            ('method="GET",route="/v1/toys/{number}",status="422"', 1),
            ('method="GET",route="unknown",status="404"', 2),
        ):
            assert f"http_requests_total{{{labels}}} {count}.0\n" in metrics
        assert 'http_request_duration_seconds_count{method="GET",route="/v1/toys/{number}"} 3.0\n' in metrics

    async def test_problems_are_counted_by_route_and_code(self, toys: httpx.AsyncClient) -> None:
        for body in ({"fail": "bug"}, {"age": -1}, {"age": -2}, {}):
            await toys.post("/v1/toys", json=body)
        await toys.get("/unknown")
        metrics = (await toys.get("/metrics")).text
        counted = {line for line in metrics.splitlines() if line.startswith("http_problems_total{")}
        assert counted == {
            'http_problems_total{code="internal_error",route="/v1/toys"} 1.0',
            'http_problems_total{code="invalid_body",route="/v1/toys"} 2.0',
            'http_problems_total{code="not_found",route="unknown"} 1.0',
        }

    async def test_rows_are_counted_by_route(self, toys: httpx.AsyncClient) -> None:
        subjects = {"time": [1, 2, 3], "event": [1, 0, 1]}
        for path, body in (
            ("/v1/survival", {"subjects": subjects}),
            ("/v1/survival", {"subjects": {"time": [1], "event": [1]}}),
            ("/v1/survival", {"subjects": {"time": [-1], "event": [1]}}),
            ("/v1/success-rates", {"subjects": {"success": [True, False]}}),
            ("/v1/success-rates", {"groups": [{"label": "a", "successes": 1, "total": 99}]}),
            ("/v1/outcomes", example("outcomes_request")),
            ("/v1/endpoints", example("endpoints_request")),
        ):
            await toys.post(path, json=body)
        metrics = (await toys.get("/metrics")).text
        counted = {line for line in metrics.splitlines() if line.startswith("http_request_rows_total{")}
        assert counted == {
            'http_request_rows_total{route="/v1/survival"} 4.0',
            'http_request_rows_total{route="/v1/success-rates"} 2.0',
            'http_request_rows_total{route="/v1/outcomes"} 4.0',
            'http_request_rows_total{route="/v1/endpoints"} 4.0',
        }


class Failing:
    """An ASGI app that begins an answer and fails."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("hidden")


async def nothing() -> Message:
    return {"type": "http.disconnect"}


async def test_an_answer_that_has_begun_is_cut_off(anyio_backend: str, caplog: pytest.LogCaptureFixture) -> None:
    """The server closes the connection of an answer without its end: no second head is sent."""
    configure_logging("info")
    caplog.clear()
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await RequestMiddleware(Failing(), Metrics())(dict(SCOPE), nothing, send)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert [line["message"] for line in lines(caplog)] == ["failed", "request"]


async def test_a_client_that_leaves_is_no_failure(anyio_backend: str, caplog: pytest.LogCaptureFixture) -> None:
    app: FastAPI = toy_app()
    configure_logging("info")
    caplog.clear()
    headers = [(b"content-type", b"application/json")]
    scope = {**SCOPE, "method": "POST", "path": "/v1/toys", "query_string": b"", "headers": headers}

    async def send(message: Message) -> None:
        pytest.fail("nobody is there to be answered")

    await app(scope, nothing, send)
    assert [(line["message"], line["status"]) for line in lines(caplog)] == [("request", 499)]


async def test_what_is_no_request_is_passed_on(anyio_backend: str) -> None:
    seen: list[str] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def send(message: Message) -> None:
        pytest.fail("nothing is sent")

    await RequestMiddleware(inner, Metrics())({"type": "websocket"}, nothing, send)
    assert seen == ["websocket"]
