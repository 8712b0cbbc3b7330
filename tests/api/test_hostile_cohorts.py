"""Cohorts in which anything stands anywhere: answered or refused, in words that hold nothing of them."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from app.analysis.errors import AnalysisError
from app.api.body import validated
from app.api.convert_outcomes import answer
from app.api.errors import ProblemError
from app.schemas.outcomes import OutcomesRequest, OutcomesResponse
from tests.cohort.builders import BINNED, CATEGORIES, Json, cohorts_json, dated, questions
from tests.hostile import NAME, examples, spoilt

MODEL: TypeAdapter[OutcomesRequest] = TypeAdapter(OutcomesRequest)
HOSTILE = settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def requests(draw: st.DrawFn) -> Json:
    """Draw a good request for the outcomes of a cohort, with numbers or with dates."""
    cohorts = cohorts_json(max_size=3)
    cohort = draw(cohorts | cohorts.map(dated))
    groupings = draw(st.lists(st.sampled_from([*BINNED, *CATEGORIES]), max_size=2, unique_by=lambda one: one["name"]))
    return draw(questions()) | {"cohort": cohort, "groupings": groupings}


def outcome(body: bytes) -> OutcomesResponse | ProblemError | AnalysisError:
    """Return the answer to a body, or how it is refused; nothing else may be raised."""
    try:
        request, digest = validated(body, MODEL)
        return answer(request, digest)
    except (ProblemError, AnalysisError) as error:
        return error


def written(request: object) -> bytes:
    """Return a request as it is sent, NaN, half surrogate pairs and all."""
    return json.dumps(request).encode()


@HOSTILE
@given(spoilt(requests()))
def test_is_answered_or_refused(request: object) -> None:
    """An answer is JSON, and a refusal says where, and nothing of what stands there."""
    told = outcome(written(request))
    if isinstance(told, OutcomesResponse):
        json.loads(told.model_dump_json(), parse_constant=pytest.fail)
        return
    assert NAME not in str(told)
    if isinstance(told, ProblemError):
        assert told.code in {"invalid_json", "invalid_body"}
        assert told.faults_total >= len(told.faults) > 0
        for fault in told.faults:
            assert NAME not in f"{told.detail} {fault.detail}"
            assert fault.detail != "is not valid"
            assert_is_inside(request, fault.pointer, missing=fault.detail == "is required")


def assert_is_inside(request: object, pointer: str, *, missing: bool) -> None:
    """Assert that a JSON pointer leads to a value of a request, or to the place of one that is missing."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    *inside, last = steps or [""]
    if missing:
        assert last not in at(request, inside)
    else:
        at(request, steps)


def at(value: Any, steps: list[str]) -> Any:
    """Return what a request has where the steps of a JSON pointer lead."""
    for step in steps:
        value = value[int(step) if isinstance(value, list) else step]
    return value


@HOSTILE
@given(requests(), st.data())
def test_damaged_text_is_answered_or_refused(request: Json, data: st.DataObject) -> None:
    """Bytes put in, taken out or doubled: no other exception, and no byte of it is told."""
    body = written(request)
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 20)))
    put = data.draw(st.binary(max_size=4) | st.sampled_from([b"{", b"[" * 100_000, b"1e999", b'"' + NAME.encode()]))
    told = outcome(body[:start] + put + body[end:])
    if isinstance(told, ProblemError):
        details = " ".join((told.detail, *(fault.detail for fault in told.faults)))
        assert NAME not in details


@HOSTILE
@given(requests())
def test_unharmed_is_answered(request: Json) -> None:
    """So the requests that are spoilt above are good ones."""
    assert isinstance(outcome(written(request)), OutcomesResponse)
