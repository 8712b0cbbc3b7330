"""The routes for operators."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app import __version__
from app.main import create_app
from app.settings import Settings
from tests.conftest import served

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_the_service_is_alive_and_ready(path: str, client: httpx.AsyncClient) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/readyz", "/v1/survival", "/v1/outcomes", "/v1/regression/cox"])
def test_the_contract_says_what_may_be_sent_again_and_when(path: str) -> None:
    (operation,) = create_app().openapi()["paths"][path].values()
    unavailable = operation["responses"]["503"]
    assert [*unavailable["content"]] == ["application/problem+json"]
    assert [*unavailable["headers"]] == ["Retry-After"]
    assert ("`not_ready`" in unavailable["description"]) == (path == "/readyz")
    assert ("`overloaded`" in unavailable["description"]) == (path != "/readyz")


async def test_the_version_tells_the_limits_of_this_installation(anyio_backend: str) -> None:
    async with served(create_app(Settings(max_body_bytes=1000, max_patients=7))) as client:
        version = (await client.get("/version")).json()
    assert version == {
        "name": "atrisk",
        "version": __version__,
        "limits": {
            "max_body_bytes": 1000,
            "max_patients": 7,
            "max_subjects": 2_000_000,
            "max_levels": 32,
            "max_members": 1000,
            "max_groups": 50,
            "max_causes": 20,
            "max_covariates": 100,
            "max_coefficients": 200,
            "max_profiles": 100,
            "inline_body_bytes": 32_000,
            "computing_processes": 0,
            "max_queued_requests": 8,
            "max_answer_seconds": 50,
        },
        "min_cell_count": None,
    }


async def test_metrics_are_in_the_format_of_prometheus(client: httpx.AsyncClient) -> None:
    await client.get("/livez")
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"http_requests", "http_request_duration_seconds"} <= families


async def test_each_app_counts_its_own_requests(anyio_backend: str) -> None:
    async with served(create_app()) as first, served(create_app()) as second:
        await first.get("/livez")
        assert "/livez" in (await first.get("/metrics")).text
        assert "/livez" not in (await second.get("/metrics")).text
