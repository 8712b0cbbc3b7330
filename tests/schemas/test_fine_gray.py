"""The request for a Fine-Gray model: defaults, and what it refuses beyond what all regressions do, where and how."""

from typing import Any

import pytest

from app.schemas.fine_gray import FineGrayRequest
from app.schemas.regression import MAX_STRATA
from tests.requests import asking

Json = dict[str, Any]
SUBJECTS: Json = {
    "time": [1, 2, 3, 4],
    "cause": ["b", "a", "a", None],
    "covariates": {"age": [61, 72, 55, 60]},
}


parsed, faults = asking(FineGrayRequest, subjects=SUBJECTS, cause="a")


def test_defaults() -> None:
    request = parsed()
    assert (request.cause, request.ties, request.robust) == ("a", "breslow", None)


def test_rows_are_columns() -> None:
    rows = [
        {"time": time, "cause": cause, "covariates": {"age": age}}
        for time, cause, age in zip(SUBJECTS["time"], SUBJECTS["cause"], SUBJECTS["covariates"]["age"], strict=True)
    ]
    assert parsed(subjects=rows).subjects.model_dump() == parsed().subjects.model_dump()


@pytest.mark.parametrize("cause", [1, 1.0])
def test_causes_may_be_integers(cause: float) -> None:
    assert parsed(subjects=SUBJECTS | {"cause": [1, 2, 1, None]}, cause=cause).cause == 1


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"cause": "c"}, ("/cause", "is no cause of the subjects")),
        ({"cause": 1}, ("/cause", "is no cause of the subjects")),
        ({"robust": False}, ("/robust", "must not be false: standard errors of this model are robust")),
        ({"terms": ["sex"]}, ("/terms/0", "is no covariate of the subjects")),
        ({"weight_kind": "sampling"}, ("/weight_kind", "needs the column weight")),
        (
            {"subjects": SUBJECTS | {"id": [1, 1, 2, 3], "entry": [0, 1, 0, 0]}},
            ("/subjects/cause/0", "must be null: its id has a later row"),
        ),
        (
            {"subjects": SUBJECTS | {"cause": ["a", 1, None, None]}},
            ("/subjects/cause/1", "must be of the same kind as the first"),
        ),
    ],
)
def test_a_fault_is_pointed_at(fields: Json, expected: tuple[str, str]) -> None:
    assert expected in faults(**fields)


@pytest.mark.parametrize(("field", "value"), [("cause", None), ("cause", True), ("ties", "exact"), ("penalizer", 1)])
def test_other_values_and_fields_are_refused(field: str, value: Any) -> None:
    assert [pointer for pointer, _ in faults(**{field: value})] == [f"/{field}"]


def test_a_cause_is_required() -> None:
    _, told = asking(FineGrayRequest, subjects=SUBJECTS)
    assert told() == [("/cause", "is required")]


def test_the_last_row_of_an_id_may_end_with_an_event() -> None:
    subjects = SUBJECTS | {"id": [1, 1, 2, 3], "entry": [0, 1, 0, 0], "cause": [None, "a", "a", None]}
    assert parsed(subjects=subjects).subjects.id == [1, 1, 2, 3]


def test_many_strata_have_no_predictions() -> None:
    size = MAX_STRATA + 1
    subjects = {
        "time": [1] * size,
        "cause": ["a"] * size,
        "stratum": [*range(size)],
        "covariates": {"age": [*range(size)]},
    }
    assert parsed(subjects=subjects).predict_for == []
    expected = ("/predict_for", f"must be empty with more than {MAX_STRATA} strata")
    assert faults(subjects=subjects, predict_for=[{"age": 3}]) == [expected]
