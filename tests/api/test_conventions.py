"""`GET /v1/conventions`: the table of the contract, as data."""

import httpx
import pytest

pytestmark = pytest.mark.anyio

TABLE = {
    "r": ("log", "middle", "band", "largest-time-of-all", False, True, "efron", None),
    "sas": ("log-log", "middle-or-missing", "band", "largest-event-time", True, False, "breslow", None),
    "spss": ("plain", "first", "normal", "largest-time", False, False, "breslow", 1.96),
    "stata": ("log-log", "first", "band", "largest-time", False, False, "breslow", None),
}


async def test_the_conventions_are_those_of_the_contract(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/v1/conventions")).json()
    assert answer["default"] == "r"
    found = {one.pop("name"): one for one in answer["conventions"]}
    assert [one.pop("package").split()[0].lower() for one in found.values()] == list(TABLE)
    assert {name: tuple(one.values()) for name, one in found.items()} == TABLE
    assert "0.05" in answer["quantile_standard_error"]


async def test_only_json_is_to_be_had(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/conventions", headers={"Accept": "text/html"})
    assert (response.status_code, response.json()["code"]) == (406, "not_acceptable")
