"""The request of an outcome summary, and what an answer cannot hold."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from app.schemas.common import CountedReason
from app.schemas.endpoints import EndpointName
from app.schemas.outcomes import LesionsPerPatient, OutcomesRequest
from tests.cohort.builders import Json, cohort_json, faults, lesion_json, parsed, patient_json, refused

NAN, INFINITE = float("nan"), float("inf")


def asking(**fields: Any) -> Json:
    """Return a request as it is sent."""
    return {"cohort": cohort_json(patient_json()), **fields}


def test_defaults() -> None:
    found = parsed(OutcomesRequest, asking())
    assert found.model_dump(exclude={"cohort"}) == {
        "groupings": [],
        "endpoints": ["overall_survival", "local_progression"],
        "convention": "r",
        "confidence_level": 0.95,
        "confidence_type": None,
        "landmarks": [],
        "interval": "wilson",
        "tests": ["fisher", "log-rank"],
        "curve": "full",
        "periprocedural_days": 30,
    }


def test_everything_may_be_asked_for() -> None:
    asked: Json = {
        "endpoints": [*get_args(EndpointName)][::-1],
        "convention": "stata",
        "confidence_level": 0.5,
        "confidence_type": "arcsin",
        "landmarks": [12, 6.5, 12, 0],
        "interval": "agresti-coull",
        "tests": ["trend", "log-rank", "chi-squared", "fisher"],
        "curve": "none",
        "periprocedural_days": 0,
    }
    assert parsed(OutcomesRequest, asking(**asked)).model_dump(include=set(asked)) == asked


def test_nothing_need_be_asked_for() -> None:
    found = parsed(OutcomesRequest, asking(endpoints=[], tests=[]))
    assert (found.endpoints, found.tests) == ([], [])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"endpoints": ["local_progression"] * 2}, [(("endpoints", 1), "is named before")]),
        (
            {"tests": ["fisher", "trend", "fisher", "trend", "fisher"]},
            [(("tests", place), "is named before") for place in (2, 3, 4)],
        ),
        (
            {"groupings": [{"name": "a", "unit": "lesion", "variable": "covariates.x"}]},
            [(("groupings", 0, "variable"), "is a covariate of no lesion")],
        ),
        (
            {"groupings": [{"name": "a", "unit": "lesion", "variable": "diameter_mm"}] * 2},
            [(("groupings", 1, "name"), "is used before")],
        ),
        (
            {
                "endpoints": ["overall_survival"] * 2,
                "tests": ["log-rank"] * 2,
                "groupings": [
                    {"name": "a", "unit": "patient", "variable": "covariates.x"},
                    {"name": "a", "unit": "lesion", "variable": "volume_cm3"},
                ],
            },
            [
                (("endpoints", 1), "is named before"),
                (("tests", 1), "is named before"),
                (("groupings", 0, "variable"), "is a covariate of no patient"),
                (("groupings", 1, "name"), "is used before"),
            ],
        ),
    ],
)
def test_faults(fields: Json, expected: list[tuple[tuple[str | int, ...], str]]) -> None:
    assert faults(OutcomesRequest, asking(**fields)) == expected


def test_faults_of_the_cohort_and_of_each_grouping_are_told_at_once() -> None:
    """Each at its place; the groupings together are looked at once these are sound."""
    body = {
        "cohort": cohort_json(patient_json(12, last_imaging=13, lesions=[lesion_json(secondary_success=False)])),
        "groupings": [
            {"name": "a", "unit": "patient", "variable": "covariates.x"},
            {"name": "a", "unit": "lesion", "variable": "diameter_mm", "bins": [{"label": "x"}]},
            {"name": "a", "unit": "lesion", "variable": "size"},
        ],
    }
    assert faults(OutcomesRequest, body) == [
        (("cohort", "patients", 0, "lesions", 0, "secondary_success"), "cannot be false where primary_success is true"),
        (("cohort", "patients", 0, "last_imaging"), "is after follow_up"),
        (("groupings", 1, "bins", 0), "needs one of lt, le, gt, ge"),
        (
            ("groupings", 2, "variable"),
            "must be one of diameter_mm, volume_cm3 or covariates.NAME for a grouping of this unit",
        ),
    ]


def test_faults_hold_nothing_of_what_was_sent() -> None:
    groupings = [{"name": "secret", "unit": "lesion", "variable": "covariates.hidden"}] * 2
    for error in refused(OutcomesRequest, asking(groupings=groupings)):
        assert error["input"] is None
        assert "secret" not in error["msg"]
        assert "hidden" not in error["msg"]


@pytest.mark.parametrize(
    ("fields", "location", "problem"),
    [
        ({"cohort": None}, ("cohort",), "model_type"),
        ({"endpoints": ["survival"]}, ("endpoints", 0), "literal_error"),
        ({"endpoints": "overall_survival"}, ("endpoints",), "list_type"),
        ({"convention": "SPSS"}, ("convention",), "literal_error"),
        ({"confidence_level": 0}, ("confidence_level",), "greater_than"),
        ({"confidence_level": 1}, ("confidence_level",), "less_than"),
        ({"confidence_level": 95}, ("confidence_level",), "less_than"),
        ({"confidence_level": "0.95"}, ("confidence_level",), "float_type"),
        ({"confidence_level": NAN}, ("confidence_level",), "finite_number"),
        ({"confidence_type": "loglog"}, ("confidence_type",), "literal_error"),
        ({"landmarks": [-1]}, ("landmarks", 0), "greater_than_equal"),
        ({"landmarks": [1, INFINITE]}, ("landmarks", 1), "finite_number"),
        ({"landmarks": 12}, ("landmarks",), "list_type"),
        ({"landmarks": [True]}, ("landmarks", 0), "float_type"),
        ({"landmarks": [1] * 201}, ("landmarks",), "too_long"),
        ({"interval": "exact"}, ("interval",), "literal_error"),
        ({"tests": ["gray"]}, ("tests", 0), "literal_error"),
        ({"periprocedural_days": -1}, ("periprocedural_days",), "greater_than_equal"),
        ({"periprocedural_days": 366}, ("periprocedural_days",), "less_than_equal"),
        ({"periprocedural_days": 30.5}, ("periprocedural_days",), "int_type"),
        ({"periprocedural_days": True}, ("periprocedural_days",), "int_type"),
        ({"periprocedural_days": "30"}, ("periprocedural_days",), "int_type"),
        ({"landmark": [12]}, ("landmark",), "extra_forbidden"),
        (
            {"groupings": [{"name": "a", "unit": "lesion", "variable": "diameter_mm", "labels": []}]},
            ("groupings", 0, "labels"),
            "extra_forbidden",
        ),
    ],
)
def test_nothing_is_coerced_and_nothing_unknown_taken(
    fields: Json, location: tuple[str | int, ...], problem: str
) -> None:
    found = refused(OutcomesRequest, asking(**fields))
    assert [(error["loc"], error["type"]) for error in found] == [(location, problem)]


def test_a_cohort_is_needed() -> None:
    assert [(error["loc"], error["type"]) for error in refused(OutcomesRequest, {})] == [(("cohort",), "missing")]


def test_an_answer_holds_no_nan_and_nothing_that_is_not_in_the_contract() -> None:
    with pytest.raises(ValidationError, match="finite"):
        LesionsPerPatient(mean=NAN, median=1, minimum=1, maximum=1)
    with pytest.raises(ValidationError, match="not permitted"):
        CountedReason.model_validate({"reason": "none", "count": 1, "share": 0.5})
