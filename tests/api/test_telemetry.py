"""Spans and metrics of OpenTelemetry: what they have of a request, and nothing else."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from app.api import telemetry as module
from app.api.telemetry import telemetry
from app.settings import Settings
from tests.api.test_middleware import lines
from tests.api.toy import toy_app
from tests.conftest import served

pytestmark = pytest.mark.anyio

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HIDDEN = {
    "traceparent": f"00-{TRACE}-{SPAN}-01",
    "tracestate": "hidden=hidden",
    "baggage": "hidden=hidden, hidden",
    "host": "hidden.example:9182",
    "user-agent": "hidden",
    "x-request-id": "mine",
}


@dataclass
class Observed:
    """A service, and what it sends."""

    client: httpx.AsyncClient
    spans: InMemorySpanExporter
    metrics: InMemoryMetricReader

    def span(self) -> ReadableSpan:
        (span,) = self.spans.get_finished_spans()
        return span


@pytest.fixture
async def observed(anyio_backend: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Observed]:
    spans, metrics = InMemorySpanExporter(), InMemoryMetricReader()
    config = telemetry()
    config["tracer_provider"].add_span_processor(SimpleSpanProcessor(spans))  # type: ignore[union-attr]
    config["meter_provider"].add_metric_reader(metrics)  # type: ignore[union-attr]
    monkeypatch.setattr(module, "telemetry", lambda: config)
    app: FastAPI = toy_app(Settings(telemetry=True))
    async with served(app) as client:
        yield Observed(client, spans, metrics)


async def test_a_request_is_a_span_below_that_of_its_caller(
    observed: Observed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    await observed.client.get("/v1/toys/7391?size=3", headers=HIDDEN)
    span = observed.span()
    assert span.name == "GET /v1/toys/{number}"
    assert dict(span.attributes or {}) == {
        "url.scheme": "http",
        "http.request.method": "GET",
        "network.protocol.version": "1.1",
        "http.route": "/v1/toys/{number}",
        "http.response.status_code": 200,
    }
    assert span.parent is not None
    assert (f"{span.parent.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, SPAN)
    assert span.resource.attributes["service.name"] == "atrisk"
    (line,) = (line for line in lines(caplog) if line["message"] == "request")
    assert (line["trace_id"], line["span_id"]) == (TRACE, f"{span.context.span_id:016x}")


@pytest.mark.parametrize(
    "request_",
    [
        ("GET", "/hidden?hidden=hidden", {}),
        ("HIDDEN", "/v1/toys", {}),
        ("POST", "/v1/toys", {"name": "hidden", "fail": "bug"}),
        ("POST", "/v1/toys", {"hidden": "hidden"}),
        ("POST", "/v1/survival?options=hidden", {}),
    ],
    ids=str,
)
async def test_nothing_that_was_sent_is_in_spans_and_metrics(
    request_: tuple[str, str, Any], observed: Observed
) -> None:
    method, path, body = request_
    await observed.client.request(method, path, json=body, headers=HIDDEN)
    sent = observed.span().to_json() + str(observed.span().context) + str(observed.span().parent)
    sent += observed.metrics.get_metrics_data().to_json()  # type: ignore[union-attr]
    assert "http.server.request.duration" in sent
    for secret in ("hidden", "9182", "cannot divide"):
        assert secret not in sent.lower()


async def test_a_bug_is_a_failed_span_with_its_status(observed: Observed) -> None:
    await observed.client.post("/v1/toys", json={"name": "hidden", "fail": "bug"})
    span = observed.span()
    assert (span.status.status_code, span.status.description, span.events) == (StatusCode.ERROR, None, ())
    assert (span.attributes or {})["error.type"] == "500"
    assert span.parent is None


async def test_there_are_no_spans_within_a_request(observed: Observed) -> None:
    config = observed.client._transport.app._telemetry  # type: ignore[attr-defined]  # noqa: SLF001
    assert (config["logs"], config["operation_spans"]) == (False, False)
    with pytest.raises(NotImplementedError):
        config["tracer_provider"].get_tracer("any").start_as_current_span("part")


def test_the_environment_names_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    attributes = telemetry()["tracer_provider"].resource.attributes  # type: ignore[union-attr]
    assert (attributes["service.name"], attributes["deployment.environment"]) == ("mine", "test")


async def test_off_there_is_none(toys: httpx.AsyncClient) -> None:
    assert not toys._transport.app._native_telemetry.enabled()  # type: ignore[attr-defined]  # noqa: SLF001
