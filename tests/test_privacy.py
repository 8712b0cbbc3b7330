"""Nothing that was sent is in what the service emits: logs, standard output and error, metrics, spans, warnings."""

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.api import telemetry as telemetry_module
from app.api.access import digest
from app.api.telemetry import telemetry
from app.main import create_app
from app.settings import ApiKey, Settings
from tests import privacy
from tests.conftest import served
from tests.privacy import CSV, EXAMPLES, FAILING, HEADERS, JSON, TABLE, TEXT, answered, leaks, refused

pytestmark = pytest.mark.anyio

KEY = {"x-api-key": privacy.TEXT + privacy.DIGITS}
KEYS = (ApiKey(name="analyst", sha256=digest(KEY["x-api-key"]).hex(), scopes=("analysis", "docs", "metrics")),)
MODES: dict[str, dict[str, Any]] = {"plain": {}, "guarded": {"api_keys": KEYS}, "observed": {"telemetry": True}}
RESOURCES = {
    "/v1/outcomes": "outcomes",
    "/v1/endpoints": "endpoints",
    "/v1/survival": "survival",
    "/v1/competing-risks": "competing_risks",
    "/v1/recurrences": "recurrences",
    "/v1/success-rates": "success_rates",
    "/v1/regression/cox": "cox",
    "/v1/regression/fine-gray": "fine_gray",
    "/v1/regression/parametric": "parametric",
}


@dataclass
class Watched:
    """The service with everything on that could tell, and all that it emits."""

    client: httpx.AsyncClient
    caplog: pytest.LogCaptureFixture
    capfd: pytest.CaptureFixture[str]
    spans: InMemorySpanExporter
    measured: InMemoryMetricReader

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        content = body if isinstance(body, str) else json.dumps(body)
        return await self.send("POST", path, JSON | headers, content)

    async def send(self, method: str, path: str, headers: dict[str, str], content: str = "") -> httpx.Response:
        return await self.client.request(method, path, content=content, headers=HEADERS | KEY | headers)

    async def emitted(self) -> str:
        """Return it, each part with something to see in it."""
        metrics = (await self.client.get("/metrics", headers=KEY)).text
        out, err = self.capfd.readouterr()
        assert "http_requests_total{" in metrics
        assert '"message": "request"' in out
        ours = [record for record in self.caplog.records if not record.name.startswith("http")]  # not the client's
        logged = [f"{record.getMessage()} {vars(record).get('fields')}" for record in ours]
        spans = [
            f"{span.to_json(indent=None)} {span.context} {span.parent}" for span in self.spans.get_finished_spans()
        ]
        measured = self.measured.get_metrics_data()
        return "\n".join((*logged, out, err, metrics, *spans, measured.to_json() if measured else ""))


@pytest.fixture(params=MODES)
async def watched(
    request: pytest.FixtureRequest,
    anyio_backend: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Watched]:
    """Watch the service with access and OpenTelemetry off, and with either on."""
    spans, measured, config = InMemorySpanExporter(), InMemoryMetricReader(), telemetry()
    config["tracer_provider"].add_span_processor(SimpleSpanProcessor(spans))  # type: ignore[union-attr]
    config["meter_provider"].add_metric_reader(measured)  # type: ignore[union-attr]
    monkeypatch.setattr(telemetry_module, "telemetry", lambda: config)
    caplog.set_level(logging.DEBUG)
    app = create_app(Settings(log_level="debug", max_body_bytes=500_000, **MODES[request.param]))
    async with served(app) as client:
        yield Watched(client, caplog, capfd, spans, measured)


async def test_answers_leave_nothing_behind(watched: Watched) -> None:
    """In any representation."""
    for path, body in answered():
        assert TEXT in json.dumps(body)
        for accept in ("application/json", "text/csv", "image/svg+xml", "text/markdown"):
            answer = await watched.post(path, body, accept=accept)
            assert answer.status_code in ((200,) if "json" in accept else (200, 406)), answer.text
    assert leaks(await watched.emitted()) == []


@pytest.mark.parametrize("path", EXAMPLES)
async def test_whatever_stands_in_a_field_leaves_nothing_behind(path: str, watched: Watched) -> None:
    """A marker in each field at a time, and in all fields of the model at once."""
    statuses = [(await watched.post(path, body)).status_code for body in refused(path)]
    assert statuses.count(422) > len(statuses) // 2
    assert {*statuses} <= {200, 422}
    assert leaks(await watched.emitted()) == []


@pytest.mark.parametrize("request_", FAILING, ids=lambda request_: f"{request_[-1]}-{request_[1][:20]}")
async def test_each_kind_of_refusal_leaves_nothing_behind(
    request_: tuple[str, str, dict[str, str], str, int], watched: Watched
) -> None:
    method, path, headers, content, status = request_
    answer = await watched.send(method, path, headers, content)
    assert answer.status_code == status
    assert leaks(await watched.emitted()) == []
    assert privacy.DIGITS not in answer.text + str(answer.headers)


@pytest.mark.parametrize("path", ["/v1/survival", "/v1/competing-risks", "/v1/success-rates", "/v1/regression/cox"])
async def test_tables_leave_nothing_behind(path: str, watched: Watched) -> None:
    for options in ("{}", f'{{"group_order": ["{TEXT}"]}}', f'{{"{TEXT}": {privacy.NUMBER}}}'):
        await watched.send("POST", str(httpx.URL(path, params={"options": options, TEXT: TEXT})), CSV, TABLE)
    assert leaks(await watched.emitted()) == []


@pytest.mark.parametrize(
    "credentials", [{"x-api-key": f"{TEXT}-other"}, {"x-api-key": "", "authorization": f"Bearer {TEXT}"}]
)
async def test_credentials_leave_nothing_behind(credentials: dict[str, str], watched: Watched) -> None:
    await watched.send("POST", f"/v1/survival?options={TEXT}", JSON | credentials, json.dumps(TEXT))
    assert leaks(await watched.emitted()) == []


class ReportError(Exception):
    """An exception with data in all its parts."""

    __notes__ = [TEXT]  # noqa: RUF012

    def __repr__(self) -> str:
        return TEXT


@pytest.mark.parametrize("path", RESOURCES)
async def test_a_crash_leaves_nothing_behind(path: str, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an analysis whose exception has the data in its text, in its cause and in its notes."""

    def crash(request: Any, *_: Any) -> Any:
        secret = request.model_dump_json() + TEXT  # as a local variable, too
        raise ReportError(secret) from ValueError(secret)

    module = import_module(f"app.api.routes.{RESOURCES[path]}")
    monkeypatch.setattr(module, "answer", crash)
    bodies = [body for one, body in answered() if one == path]
    for body in bodies:
        answer = await watched.post(path, body)
        assert (answer.status_code, answer.json()["detail"]) == (500, "")
        assert leaks(answer.text) == []
    emitted = await watched.emitted()
    assert leaks(emitted) == []
    assert emitted.count('"exception": "tests.test_privacy.ReportError"') == len(bodies)


async def test_what_is_told_of_a_request_would_be_found(watched: Watched) -> None:
    """Were a marker emitted in any of the ways that are watched."""
    for tell in (
        lambda: logging.getLogger("atrisk").debug(TEXT),
        lambda: logging.getLogger("any").debug("any", extra={"fields": {"any": privacy.NUMBER}}),
        lambda: print(TEXT),  # noqa: T201
        lambda: watched.client._transport.app.state.metrics.count_rows(TEXT, 1),  # type: ignore[attr-defined]  # noqa: SLF001
    ):
        await watched.client.get("/livez")
        tell()
        assert leaks(await watched.emitted())
        watched.caplog.clear()


def test_every_resource_is_tried() -> None:
    posts = {path for path, methods in privacy.DOCUMENT["paths"].items() if "post" in methods}
    assert posts == {*EXAMPLES} == {*RESOURCES}
