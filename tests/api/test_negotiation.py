"""Accept, by RFC 9110."""

import httpx
import pytest

from app.api.negotiation import quality


@pytest.mark.parametrize(
    ("accept", "weight"),
    [
        ("", 1),
        (" ", 1),
        ("application/json", 1),
        ("Application/JSON; charset=utf-8", 1),
        ("application/*", 1),
        ("*/*", 1),
        ("text/html, application/xml;q=0.9, */*;q=0.8", 0.8),
        ("application/json;q=0.3, application/*;q=0.5, */*;q=0.7", 0.3),
        ("*/*;q=0.7, application/* ; Q=0.5", 0.5),
        ("application/json;q=0, */*", 0),
        ("application/*;q=0, */*", 0),
        ("text/csv", 0),
        ("text/*", 0),
        ("application/problem+json", 0),
        ("application/json;q=high", 0),
        ("application/json;q=high, */*;q=0.1", 0.1),
        ("json", 0),
        (",,;", 0),
    ],
)
def test_the_most_specific_range_decides(accept: str, weight: float) -> None:
    assert quality(accept, "application/json") == weight


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("accept", "*/*")], 200),
        ([("accept", "application/json;q=0.001")], 200),
        ([("accept", "text/csv"), ("accept", "application/json")], 200),
        ([("accept", "text/csv"), ("accept", "text/html")], 406),
        ([("accept", "application/json;q=nan")], 406),
    ],
)
async def test_a_route_that_has_only_json_needs_a_client_that_takes_it(
    headers: list[tuple[str, str]], status: int, toys: httpx.AsyncClient
) -> None:
    answer = await toys.post("/v1/toys", content=b"{}", headers=[("content-type", "application/json"), *headers])
    assert answer.status_code == status


@pytest.mark.anyio
async def test_without_an_accept_anything_will_do(toys: httpx.AsyncClient) -> None:
    del toys.headers["accept"]
    assert (await toys.post("/v1/toys", json={})).status_code == 200
