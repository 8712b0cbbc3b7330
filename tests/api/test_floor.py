"""A floor of `min_cell_count`: no request has less, and what has none is refused."""

from typing import Any

import httpx
import pytest

from app.api.examples import example
from app.main import create_app
from app.settings import Settings
from tests.conftest import served
from tests.requests import validator

pytestmark = pytest.mark.anyio

FLOOR = 5
REFUSED = {
    "/v1/outcomes": "outcomes_request",
    "/v1/endpoints": "endpoints_request",
    "/v1/competing-risks": "competing_risks_request",
    "/v1/recurrences": "recurrences_request",
    "/v1/success-rates": "success_rates_request",
    "/v1/regression/cox": "regression_cox_request",
    "/v1/regression/fine-gray": "regression_fine_gray_request",
    "/v1/regression/parametric": "regression_parametric_request",
}


async def survival(client: httpx.AsyncClient, accept: str = "application/json", **options: Any) -> bytes:
    body = example("survival_request") | options
    answer = await client.post("/v1/survival", json=body, headers={"accept": accept})
    assert answer.status_code == 200
    return answer.content


@pytest.mark.parametrize("accept", ["application/json", "text/csv", "image/svg+xml"])
async def test_a_request_with_less_is_answered_as_one_with_the_floor(accept: str, client: httpx.AsyncClient) -> None:
    """To the byte: `meta` says what was done, as it does where the request asks for it."""
    async with served(create_app(Settings(min_cell_count=FLOOR))) as floored:
        found = [
            await survival(floored, accept, **asked) for asked in ({}, {"min_cell_count": 2}, {"min_cell_count": None})
        ]
        more = await survival(floored, accept, min_cell_count=7)
    assert {*found} == {await survival(client, accept, min_cell_count=FLOOR)}
    assert more == await survival(client, accept, min_cell_count=7)
    assert {*found}.isdisjoint({await survival(client, accept), more})


async def test_a_table_is_held_to_it_too(client: httpx.AsyncClient) -> None:
    table = "time,event\n" + "".join(f"{time},{time % 2}\n" for time in range(1, 30))
    sent: dict[str, Any] = {"content": table, "headers": {"content-type": "text/csv"}}
    asked = await client.post("/v1/survival", params={"options": '{"min_cell_count": 5}'}, **sent)
    async with served(create_app(Settings(min_cell_count=FLOOR))) as floored:
        found = await floored.post("/v1/survival", **sent)
    assert found.content == asked.content
    assert "coarsened_times" in {warning["code"] for warning in found.json()["meta"]["warnings"]}


@pytest.mark.parametrize("path", REFUSED)
async def test_what_cannot_hold_small_counts_back_is_refused(path: str, client: httpx.AsyncClient) -> None:
    body = example(REFUSED[path])
    async with served(create_app(Settings(min_cell_count=FLOOR))) as floored:
        answer = await floored.post(path, json=body)
        assert (await floored.get(path)).status_code == 405
    assert (answer.status_code, answer.json()["code"]) == (403, "disclosure_control")
    assert "min_cell_count" in answer.json()["detail"]
    validator(path, 403).validate(answer.json())
    assert (await client.post(path, json=body)).status_code == 200


async def test_every_path_that_takes_a_body_is_held_to_it_or_refused() -> None:
    posts = {path for path, methods in create_app().openapi()["paths"].items() if "post" in methods}
    assert posts == {*REFUSED, "/v1/survival"}


async def test_the_version_tells_the_floor(anyio_backend: str) -> None:
    async with served(create_app(Settings(min_cell_count=FLOOR))) as client:
        assert (await client.get("/version")).json()["min_cell_count"] == FLOOR
        assert (await client.get("/v1/conventions")).status_code == 200
