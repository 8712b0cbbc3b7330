"""The request about parametric models: defaults, options, and what is refused, where and in which words."""

from typing import Any

import pytest

from app.schemas.parametric import ParametricRequest
from tests.requests import as_rows, asking

Json = dict[str, Any]
BEFORE = "is named before"


def subjects(*, by_row: bool = False, **columns: Any) -> Any:
    """Return three subjects as they are sent, in either form."""
    sent: Json = {"time": [3, 5, 9], "event": [1, 1, 0], **columns}
    return as_rows(sent) if by_row else sent


parsed, faults = asking(ParametricRequest, subjects=subjects())


def test_defaults() -> None:
    request = parsed()
    assert request.distributions == ["exponential", "weibull", "log-normal", "log-logistic"]
    assert (request.terms, request.landmarks, request.predict_for, request.robust) == (None, [], [], None)
    assert request.subjects.covariates == {}


@pytest.mark.parametrize("by_row", [False, True])
def test_covariates_may_be_there_or_not(by_row: bool) -> None:
    assert parsed(subjects=subjects(by_row=by_row)).subjects.covariates == {}
    assert parsed(subjects=subjects(by_row=by_row, covariates={})).subjects.covariates == {}
    sent = {"age": [61.0, 70.0, 58.0], "arm": ["a", "b", "a"]}
    assert parsed(subjects=subjects(by_row=by_row, covariates=sent)).subjects.covariates == sent


def test_everything_may_be_asked_for() -> None:
    asked: Json = {
        "distributions": ["generalized-gamma", "weibull"],
        "terms": ["arm"],
        "reference_levels": {"arm": "b"},
        "landmarks": [12, 1],
        "predict_for": [{"arm": "a"}],
        "robust": True,
        "missing": "drop",
        "confidence_level": 0.9,
        "weight_kind": "sampling",
    }
    sent = {"age": [61, None, 58], "arm": ["a", "b", "a"]}
    request = parsed(
        **asked, subjects=subjects(covariates=sent, weight=[0.5, 1, 2], entry=[0, 1, 2], cluster=[1, 1, 2])
    )
    assert request.model_dump(include={*asked}) == asked


def test_terms_may_be_none_of_the_covariates() -> None:
    assert parsed(terms=[], predict_for=[{}], subjects=subjects(covariates={"age": [1, 2, 4]})).terms == []


@pytest.mark.parametrize("by_row", [False, True])
def test_a_time_of_0_is_refused(by_row: bool) -> None:
    pointer = "/subjects/1/time" if by_row else "/subjects/time/1"
    assert faults(subjects=subjects(by_row=by_row, time=[3, 0, 9])) == [
        (pointer, "must be above 0, which has no logarithm")
    ]


@pytest.mark.parametrize("name", ["stratum", "group"])
@pytest.mark.parametrize("by_row", [False, True])
def test_strata_and_groups_are_covariates_here(name: str, by_row: bool) -> None:
    column: Json = {name: ["x", "y", "x"]}
    pointers = [f"/subjects/{place}/{name}" for place in range(3)] if by_row else [f"/subjects/{name}"]
    told = [(pointer, "is not used here: send it as a covariate") for pointer in pointers]
    assert faults(subjects=subjects(by_row=by_row, **column)) == told


@pytest.mark.parametrize("name", ["stratum", "group"])
def test_rows_may_say_that_they_have_neither(name: str) -> None:
    column: Json = {name: [None, None, None]}
    assert getattr(parsed(subjects=subjects(by_row=True, **column)).subjects, name) is None


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ({"distributions": []}, ("/distributions", "must have 1 or more items")),
        ({"distributions": ["weibull", "weibull"]}, ("/distributions/1", BEFORE)),
        ({"distributions": ["gompertz"]}, None),
        ({"terms": ["age"]}, ("/terms/0", "is no covariate of the subjects")),
        ({"curve": "full"}, None),
        ({"penalizer": 1}, ("/penalizer", "is not a known field")),
        ({"predict_for": [{"age": 3}]}, ("/predict_for/0", "must have every term of the model, and nothing else")),
    ],
)
def test_options_out_of_range_are_refused(option: Json, expected: tuple[str, str] | None) -> None:
    found = faults(**option)
    if expected is not None:
        assert found == [expected]


@pytest.mark.parametrize("covariates", [{"age": [1, 2]}, {"age": [1, "x", 2]}, {"age": [1, None, 2]}])
def test_covariates_are_checked_as_those_of_all_regressions(covariates: Json) -> None:
    assert len(faults(subjects=subjects(covariates=covariates))) == 1
