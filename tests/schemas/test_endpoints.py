"""The request of end points, and what an answer cannot hold."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from app.schemas.endpoints import CauseRows, EndpointName, EndpointsRequest, EventRows
from tests.cohort.builders import Json, cohort_json, faults, lesion_json, parsed, patient_json, refused

COLUMNS: Json = {"patient_id": ["P"], "id": ["L"], "time": [1.5], "reason": ["death"]}


def asking(**fields: Any) -> Json:
    """Return a request as it is sent."""
    return {"cohort": cohort_json(patient_json()), **fields}


def test_all_are_derived_unless_some_are_asked_for() -> None:
    assert parsed(EndpointsRequest, asking()).endpoints == [*get_args(EndpointName)]


@pytest.mark.parametrize("names", [[], ["local_progression"], [*get_args(EndpointName)][::-1]])
def test_those_asked_for_are_kept_in_their_order(names: list[str]) -> None:
    assert parsed(EndpointsRequest, asking(endpoints=names)).endpoints == names


def test_one_asked_for_twice_is_refused_at_its_place() -> None:
    names = ["overall_survival", "time_to_progression", "overall_survival", "overall_survival"]
    assert faults(EndpointsRequest, asking(endpoints=names)) == [
        (("endpoints", 2), "is named before"),
        (("endpoints", 3), "is named before"),
    ]


def test_faults_of_the_cohort_are_told() -> None:
    body = {"cohort": cohort_json(patient_json(12, last_imaging=13, lesions=[lesion_json(secondary_success=False)]))}
    assert faults(EndpointsRequest, body) == [
        (("cohort", "patients", 0, "lesions", 0, "secondary_success"), "cannot be false where primary_success is true"),
        (("cohort", "patients", 0, "last_imaging"), "is after follow_up"),
    ]


@pytest.mark.parametrize(
    ("fields", "location", "problem"),
    [
        ({"cohort": None}, ("cohort",), "model_type"),
        ({"endpoints": ["survival"]}, ("endpoints", 0), "literal_error"),
        ({"endpoints": "overall_survival"}, ("endpoints",), "list_type"),
        ({"endpoints": None}, ("endpoints",), "list_type"),
        ({"endpoints": ["overall_survival"] * 21}, ("endpoints",), "too_long"),
        ({"endpoint": ["overall_survival"]}, ("endpoint",), "extra_forbidden"),
        ({"landmarks": [12]}, ("landmarks",), "extra_forbidden"),
    ],
)
def test_nothing_is_coerced_and_nothing_unknown_taken(
    fields: Json, location: tuple[str | int, ...], problem: str
) -> None:
    found = refused(EndpointsRequest, asking(**fields))
    assert [(error["loc"], error["type"]) for error in found] == [(location, problem)]


def test_rows_have_events_or_causes_in_the_words_of_the_contract() -> None:
    assert EventRows(event=[True], **COLUMNS).event == [True]
    assert CauseRows(cause=[None], **COLUMNS).cause == [None]
    for model in (EventRows, CauseRows):
        with pytest.raises(ValidationError, match="not permitted"):
            model.model_validate({"event": [True], "cause": [None], **COLUMNS})
    with pytest.raises(ValidationError, match="Input should be 'disease'"):
        CauseRows(cause=["age"], **COLUMNS)
    with pytest.raises(ValidationError, match="Input should be 'death'"):
        EventRows(event=[True], **{**COLUMNS, "reason": ["tired"]})
    with pytest.raises(ValidationError, match="finite"):
        EventRows(event=[True], **{**COLUMNS, "time": [float("nan")]})
