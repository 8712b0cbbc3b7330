"""Faults: where, and a sentence; whatever pydantic's own report looks like."""

import json
from typing import Any, Literal, Self
from uuid import UUID

import httpx
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError, model_validator

from app.api.body import validated
from app.api.errors import ProblemError, problem_responses
from app.schemas.faults import refuse
from tests.api.toy import Toy

pytestmark = pytest.mark.anyio


def faults(body: Any, model: Any = Toy) -> dict[str, str]:
    with pytest.raises(ProblemError) as refused:
        validated(json.dumps(body).encode(), TypeAdapter(model))
    assert refused.value.code == "invalid_body"
    assert len(refused.value.faults) == refused.value.faults_total
    return {fault.pointer: fault.detail for fault in refused.value.faults}


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ([], "", "must be an object"),
        (None, "", "must be an object"),
        ({"unknown": 1}, "/unknown", "is not a known field"),
        ({"name": 1}, "/name", "must be a string"),
        ({"name": ""}, "/name", "must have 1 or more characters"),
        ({"name": 31 * "a"}, "/name", "must have 30 or fewer characters"),
        ({"name": "{age}"}, "/name", "must match ^[A-Za-z0-9-]+$"),
        (
            {"fail": "x"},
            "/fail",
            "must be 'none', 'bug', 'analysis', 'observations', 'parameter', 'estimate', 'future' or 'subjects'",
        ),
        ({"age": "1"}, "/age", "must be an integer"),
        ({"age": 1.5}, "/age", "must be an integer"),
        ({"age": -1}, "/age", "must be at least 0"),
        ({"age": 150}, "/age", "must be less than 150"),
        ({"width": "1"}, "/width", "must be a number"),
        ({"width": True}, "/width", "must be a number"),
        ({"width": 0}, "/width", "must be greater than 0.0"),
        ({"width": 11}, "/width", "must be at most 10.0"),
        ({"alive": 1}, "/alive", "must be true or false"),
        ({"event": 2}, "/event", "must be true or false or 0 or 1"),
        ({"start": "2020-13-01"}, "/start", "must be an ISO 8601 date"),
        ({"start": 1}, "/start", "must be an ISO 8601 date"),
        ({"nothing": 1}, "/nothing", "must be null"),
        ({"pair": 1}, "/pair", "must be an array"),
        ({"pair": [1]}, "/pair/1", "is required"),
        ({"pair": [1, 2, 3]}, "/pair", "must have 2 or fewer items"),
        ({"shape": {}}, "/shape", "must have a 'kind'"),
        ({"shape": {"kind": "x"}}, "/shape", "must have one of 'circle', 'square' as 'kind'"),
        ({"shape": {"kind": "circle"}}, "/shape/diameter", "is required"),
        ({"shape": {"kind": "square", "side": "x"}}, "/shape/side", "must be a number"),
        ({"subjects": [{}]}, "/subjects/0/id", "is required"),
        ({"subjects": [{"id": "a", "time": "soon"}]}, "/subjects/0/time", "must be a number or an ISO 8601 date"),
        ({"subjects": []}, "/subjects", "must have 1 or more items; must be an object"),
        ({"subjects": {"time": [0, "x"]}}, "/subjects/time/1", "must be a number"),
        ({"subjects": 1}, "/subjects", "must be an array or an object"),
        ({"tags": {"a/b": 1}}, "/tags/a~1b", "must be a string"),
        ({"tags": {"~": 1}}, "/tags/~0", "must be a string"),
        ({"tags": {"": 1}}, "/tags/", "must be a string"),
        ({"subjects": [{"id": "unnamed"}]}, "/subjects/0", "is not for the unnamed"),
        ({"subjects": [{"id": "unnamed", "time": 1}]}, "/subjects/0/time", "is not for the unnamed"),
    ],
)
def test_a_fault_has_a_pointer_into_the_body_and_a_sentence(body: Any, pointer: str, detail: str) -> None:
    assert faults(body) == {pointer: detail}


def test_an_error_type_without_a_sentence_is_just_not_valid() -> None:
    assert faults({"a": "x"}, dict[str, UUID]) == {"/a": "is not valid"}


def test_a_branch_of_a_union_that_does_not_take_the_kind_of_value_is_silent() -> None:
    """Whoever sends an object hears what is wrong inside, not that a word or null would have done."""

    class Thinned(BaseModel):
        max_points: int

    class Options(BaseModel):
        curve: Literal["full", "none"] | Thinned | list[int] | None

    assert faults({"curve": {"max_points": "x"}}, Options) == {"/curve/max_points": "must be an integer"}
    assert faults({"curve": [1, "x"]}, Options) == {"/curve/1": "must be an integer"}
    assert faults({"curve": "half"}, Options) == {
        "/curve": "must be 'full' or 'none' or an object or an array",
    }


def test_the_faults_of_a_validator_come_all_at_once_below_their_parents() -> None:
    """A validator of a model raises several faults; their places are those of the whole body."""
    body = {"age": -1, "subjects": [{"id": "a"}, {"id": "b", "parts": ["bad", "good", "bad"]}]}
    assert faults(body) == {
        "/age": "must be at least 0",
        "/subjects/1/parts/0": "is {nothing} here",
        "/subjects/1/parts/2": "is {nothing} here",
    }


def test_faults_of_validators_of_several_levels() -> None:
    """A validator that sees the whole names places of any depth."""

    class Part(BaseModel):
        size: int

    class Whole(BaseModel):
        parts: list[Part]
        name: str = ""

        @model_validator(mode="after")
        def _check(self) -> Self:
            refuse([(("parts", 1, "size"), "is too large"), (("name",), "is needed"), ((), "is odd")])
            return self

    class Wrapper(BaseModel):
        whole: Whole

    body = {"whole": {"parts": [{"size": 1}, {"size": 2}]}}
    assert faults(body, Wrapper) == {"/whole/parts/1/size": "is too large", "/whole": "is needed; is odd"}


def test_no_faults_are_no_refusal() -> None:
    refuse([])


def test_a_fault_holds_no_input() -> None:
    with pytest.raises(ValidationError) as refused:
        refuse([(("a",), "is wrong")])
    assert [error["input"] for error in refused.value.errors()] == [None]


@pytest.mark.parametrize(("wrong", "total"), [(19, 19), (21, 21), (10_000, 10_000), (10_001, 10_001)])
async def test_twenty_faults_are_listed_and_all_are_counted(wrong: int, total: int, toys: httpx.AsyncClient) -> None:
    answer = await toys.post("/v1/toys", json={"many": ["x"] * wrong})
    problem = answer.json()
    assert problem["errors_total"] == total
    listed = [fault["pointer"] for fault in problem["errors"]]
    assert listed == ([f"/many/{place}" for place in range(min(wrong, 20))] if wrong <= 10_000 else [""])


async def test_a_parameter_outside_the_body_is_named_in_the_sentence(toys: httpx.AsyncClient) -> None:
    answer = await toys.get("/v1/toys/x?size=y")
    assert [fault["detail"] for fault in answer.json()["errors"]] == [
        "path parameter number must be an integer",
        "query parameter size must be a number",
    ]


def test_a_route_documents_its_codes_by_status() -> None:
    documented = problem_responses("body_too_large", "too_many_subjects")
    assert list(documented) == [413, 500]
    assert documented[413]["description"] == (
        "`body_too_large`: The body is larger than the limit; "
        "`too_many_subjects`: There are more subjects than the limit"
    )
    assert documented[413]["content"] == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }
