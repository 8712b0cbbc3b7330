"""Requests made from the published contract, and near it: no answer but those it documents."""

import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from app.main import create_app
from examples.regenerate import path_of
from tests.api import fuzzing  # noqa: F401 - the bodies of tables
from tests.conftest import served
from tests.hostile import examples, json_values, odd_values, paths, replaced
from tests.requests import validator
from tests.svg import Picture

JSON = {"Content-Type": "application/json"}
EXAMPLES = Path(__file__).parents[2] / "examples"

schema = schemathesis.openapi.from_asgi("/openapi.json", create_app())


@schema.parametrize()
@settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_conform_to_the_contract(case: schemathesis.Case[Any]) -> None:
    """Rules between fields (ids, the order of times) are no part of a JSON schema: what fits it may be refused."""
    case.call_and_validate(excluded_checks=[positive_data_acceptance])


@pytest.mark.anyio
@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*_request.json")))
async def test_a_good_request_with_anything_in_one_place_is_answered_or_refused(name: str) -> None:
    """Never with a status that is not documented, and always as documented."""
    path = path_of(name)
    validators = {status: validator(path, status) for status in (200, 422)}
    good = json.loads((EXAMPLES / name).read_text("utf-8"))
    places = paths(good)
    requests: list[Any] = []

    @given(st.sampled_from(places), json_values | odd_values)
    @settings(max_examples=examples(80), deadline=None, database=None)
    def collect(path: tuple[str | int, ...], value: Any) -> None:
        requests.append(replaced(good, path, value))

    collect()
    seen = set()
    async with served(create_app()) as client:
        for request in requests:
            response = await client.post(path, content=json.dumps(request), headers=JSON)
            validators[response.status_code].validate(response.json())
            seen.add(response.status_code)
    assert seen == {200, 422}


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["survival_request.json", "competing_risks_request.json"])
async def test_a_figure_of_anything_is_drawn_or_refused(name: str) -> None:
    """Whatever `figure` and the groups are: SVG that can be read, or a problem as documented."""
    good = json.loads((EXAMPLES / name).read_text("utf-8"))
    good["figure"] = {
        "width": 800,
        "height": 600,
        "time_breaks": [0, 10, 20],
        "at_risk": "simple",
        "until": 30,
        "percent": True,
        "labels": {"title": "Title", "time": "t", "value": "S", "groups": {good["subjects"]["group"][0]: "A"}},
    }
    places = [place for place in paths(good) if place[:1] == ("figure",) or place[:2] == ("subjects", "group")]
    requests: list[Any] = []

    @given(st.sampled_from(places), json_values | odd_values | st.text(min_size=1, max_size=50))
    @settings(max_examples=examples(60), deadline=None, database=None)
    def collect(path: tuple[str | int, ...], value: Any) -> None:
        requests.append(replaced(good, path, value))

    collect()
    refused, seen = validator(path_of(name), 422), set()
    async with served(create_app()) as client:
        for request in requests:
            headers = JSON | {"Accept": "image/svg+xml"}
            response = await client.post(path_of(name), content=json.dumps(request), headers=headers)
            seen.add(response.status_code)
            if response.status_code == 200:
                assert Picture(response.content).child("title")
            else:
                refused.validate(response.json())
    assert seen == {200, 422}
