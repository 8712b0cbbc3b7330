"""Subjects with covariates on the wire: two forms with one meaning; what is refused, where and in which words."""

from typing import Annotated, Any, Self

import pytest
from pydantic import Field, model_validator

from app.schemas.faults import refuse
from app.schemas.regression import (
    CauseRegressionColumns,
    CauseRegressionRow,
    EventRegressionColumns,
    EventRegressionRow,
    RegressionRequest,
    complete_rows,
    regression_faults,
    term_names,
)
from app.schemas.subjects import OrRows
from tests.requests import as_rows, asking

Json = dict[str, Any]
CELL = "must be a number from -1e15 to 1e15, true, false or a string of 1 to 200 characters, or null"
KIND = "must be of the same kind as the first"
OVERLAP = "must not be before the end of another row of its id"


class EventRequest(RegressionRequest):
    subjects: Annotated[EventRegressionColumns, OrRows(EventRegressionRow)] = Field(description="Subjects.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(regression_faults(self))
        return self


class CauseRequest(RegressionRequest):
    subjects: Annotated[CauseRegressionColumns, OrRows(CauseRegressionRow)] = Field(description="Subjects.")


taken, faults = asking(EventRequest)
taken_with_causes, faults_with_causes = asking(CauseRequest)

SUBJECTS: Json = {
    "time": [1, 2, 3],
    "event": [True, False, 1],
    "covariates": {"age": [50, 61.5, -0.0], "arm": ["b", "a", "b"], "male": [True, False, True]},
}
PROFILE: Json = {"age": 60, "arm": "a", "male": True}


def missing(*places: int) -> Json:
    """Return the subjects without the arm of some."""
    arms = [None if place in places else arm for place, arm in enumerate(SUBJECTS["covariates"]["arm"])]
    return SUBJECTS | {"covariates": SUBJECTS["covariates"] | {"arm": arms}}


class TestForms:
    def test_rows_are_columns(self) -> None:
        columns, rows = taken(subjects=SUBJECTS).subjects, taken(subjects=as_rows(SUBJECTS)).subjects
        assert columns.model_dump() == rows.model_dump()
        kinds = [{type(value) for value in column} for column in columns.covariates.values()]
        assert kinds == [{float}, {str}, {bool}]

    def test_causes_instead_of_events(self) -> None:
        subjects = {"time": [1, 2], "cause": ["a", None], "covariates": {"age": [1, 2]}}
        found = [taken_with_causes(subjects=form).subjects.model_dump() for form in (subjects, as_rows(subjects))]
        assert found[0] == found[1]
        mixed = subjects | {"cause": ["a", 1]}
        assert faults_with_causes(subjects=mixed) == [("/subjects/cause/1", KIND)]

    def test_rows_have_the_same_covariates(self) -> None:
        rows = as_rows(SUBJECTS)
        rows[2]["covariates"] = {"age": 1}
        assert faults(subjects=rows) == [("/subjects/2/covariates", "must have the same names as in the first row")]
        assert faults(subjects=[]) == [("/subjects", "must have 1 or more items")]

    @pytest.mark.parametrize("in_rows", [False, True])
    @pytest.mark.parametrize("value", [[], {}, 1e16, ""])
    def test_a_value_is_a_number_a_boolean_a_string_or_missing(self, value: Any, in_rows: bool) -> None:
        subjects = {"time": [1], "event": [1], "covariates": {"a/b": [value]}}
        pointer = "/subjects/0/covariates/a~1b" if in_rows else "/subjects/covariates/a~1b/0"
        assert faults(subjects=as_rows(subjects) if in_rows else subjects) == [(pointer, CELL)]

    @pytest.mark.parametrize("in_rows", [False, True])
    @pytest.mark.parametrize("column", [[1, "a", 2], ["a", None, True], [True, False, 1]])
    def test_a_column_is_of_one_kind(self, column: list[Any], in_rows: bool) -> None:
        subjects = SUBJECTS | {"covariates": {"x": column}}
        place = next(
            place for place in (1, 2) if column[place] is not None and type(column[place]) is not type(column[0])
        )
        pointer = f"/subjects/{place}/covariates/x" if in_rows else f"/subjects/covariates/x/{place}"
        assert faults(subjects=as_rows(subjects) if in_rows else subjects) == [(pointer, KIND)]

    def test_covariates_are_as_long_as_time_and_at_most_100(self) -> None:
        short = SUBJECTS | {"covariates": {"x": [1]}}
        assert faults(subjects=short) == [("/subjects/covariates/x", "must have as many items as time")]
        many = SUBJECTS | {"covariates": {str(place): [1, 2, 3] for place in range(101)}}
        assert faults(subjects=many) == [("/subjects/covariates", "must have 100 or fewer items")]
        assert faults(subjects=SUBJECTS | {"covariates": {}}) == [("/subjects/covariates", "must have 1 or more items")]

    def test_groups_are_sent_as_a_covariate(self) -> None:
        detail = "is not used here: send it as a covariate"
        grouped = SUBJECTS | {"group": ["a", "b", "a"]}
        assert faults(subjects=grouped) == [("/subjects/group", detail)]
        assert faults(subjects=as_rows(grouped)) == [(f"/subjects/{place}/group", detail) for place in range(3)]
        assert taken(subjects=as_rows(SUBJECTS | {"group": [None] * 3})).subjects.group is None


class TestIds:
    @pytest.mark.parametrize(
        ("columns", "expected"),
        [
            ({"id": [1, 1, 2]}, [("id", 1)]),
            ({"id": [1, 1, 2], "entry": [0, 0.5, 0]}, [("entry", 1)]),
            ({"id": [1, "1", 2]}, [("id", 1)]),
            ({"id": [1, 1, 1], "entry": [0, 1, 2]}, []),
            ({"id": [1, 2, 3]}, []),
        ],
    )
    def test_rows_of_one_do_not_overlap(self, columns: Json, expected: list[tuple[str, int]]) -> None:
        for in_rows in (False, True):
            subjects = as_rows(SUBJECTS | columns) if in_rows else SUBJECTS | columns
            if not expected:
                taken(subjects=subjects)
                continue
            detail = KIND if columns["id"][1] == "1" else OVERLAP
            pointers = [f"/{place}/{name}" if in_rows else f"/{name}/{place}" for name, place in expected]
            assert faults(subjects=subjects) == [(f"/subjects{pointer}", detail) for pointer in pointers]

    def test_they_are_not_looked_at_where_columns_are_uneven(self) -> None:
        found = faults(subjects=SUBJECTS | {"id": [1, 1]})
        assert found == [("/subjects/id", "must have as many items as time")]


class TestTerms:
    def test_all_by_default(self) -> None:
        assert term_names(taken(subjects=SUBJECTS)) == ["age", "arm", "male"]
        assert term_names(taken(subjects=SUBJECTS, terms=["male", "age"])) == ["male", "age"]

    def test_each_is_a_covariate_and_named_once(self) -> None:
        assert faults(subjects=SUBJECTS, terms=["age", "sex", "age"], predict_for=[{"x": 1}]) == [
            ("/terms/1", "is no covariate of the subjects"),
            ("/terms/2", "is named before"),
        ]

    def test_they_make_at_most_200_coefficients(self) -> None:
        size = 202
        subjects = {"time": [1] * size, "event": [1] * size, "covariates": {"f": [str(row) for row in range(size)]}}
        assert faults(subjects=subjects) == [("/subjects/covariates", "make more than 200 coefficients")]
        assert faults(subjects=as_rows(subjects)) == [("/subjects", "make more than 200 coefficients")]

    @pytest.mark.parametrize(
        ("levels", "detail"),
        [
            ({"arm": "c"}, "is no level of the covariate"),
            ({"arm": True}, "is no level of the covariate"),
            ({"age": "b"}, "is no factor of the model"),
            ({"sex": "b"}, "is no factor of the model"),
        ],
    )
    def test_a_reference_is_a_level_of_a_factor(self, levels: Json, detail: str) -> None:
        assert faults(subjects=SUBJECTS, reference_levels=levels) == [
            (f"/reference_levels/{next(iter(levels))}", detail)
        ]

    def test_references_can_be_chosen(self) -> None:
        taken(subjects=SUBJECTS, reference_levels={"arm": "b", "male": True})


class TestMissing:
    @pytest.mark.parametrize("in_rows", [False, True])
    def test_each_is_refused(self, in_rows: bool) -> None:
        subjects = as_rows(missing(0, 2)) if in_rows else missing(0, 2)
        pointers = [
            f"/subjects/{place}/covariates/arm" if in_rows else f"/subjects/covariates/arm/{place}" for place in (0, 2)
        ]
        assert faults(subjects=subjects) == [(pointer, 'is missing; see missing: "drop"') for pointer in pointers]

    def test_or_dropped_with_the_levels_that_only_its_row_has(self) -> None:
        assert complete_rows(taken(subjects=missing(0), missing="drop")) == [1, 2]
        dropped: Json = {"subjects": missing(0, 2), "missing": "drop"}
        assert faults(**dropped, reference_levels={"arm": "b"}) == [
            ("/reference_levels/arm", "is no level of the covariate")
        ]

    def test_of_other_covariates_than_the_terms_they_do_not_matter(self) -> None:
        assert complete_rows(taken(subjects=missing(0), terms=["age"])) == [0, 1, 2]

    def test_of_all_rows_there_is_no_model(self) -> None:
        assert faults(subjects=missing(0, 1, 2), missing="drop") == [("/missing", "leaves no row")]


class TestProfiles:
    def test_each_gives_all_terms(self) -> None:
        assert taken(subjects=SUBJECTS, predict_for=[PROFILE]).predict_for == [PROFILE]

    @pytest.mark.parametrize(
        ("profile", "pointer", "detail"),
        [
            ({"age": 1}, "", "must have every term of the model, and nothing else"),
            (PROFILE | {"x": 1}, "", "must have every term of the model, and nothing else"),
            (PROFILE | {"age": "old"}, "/age", "must be a number, as the covariate is"),
            (PROFILE | {"age": True}, "/age", "must be a number, as the covariate is"),
            (PROFILE | {"arm": "c"}, "/arm", "is no level of the covariate"),
            (PROFILE | {"male": 1}, "/male", "is no level of the covariate"),
            (PROFILE | {"age": None}, "/age", CELL.removesuffix(", or null")),
        ],
    )
    def test_what_is_no_value_of_a_term_is_refused(self, profile: Json, pointer: str, detail: str) -> None:
        assert faults(subjects=SUBJECTS, predict_for=[PROFILE, profile]) == [(f"/predict_for/1{pointer}", detail)]


@pytest.mark.parametrize(
    ("profiles", "landmarks", "strata", "pointer"),
    [
        (100, 200, 1, None),
        (100, 101, 2, "/landmarks"),
        (100, 100, 3, "/landmarks"),
        (100, 67, 3, "/predict_for"),
        (100, 200, 0, None),
    ],
)
def test_all_profiles_at_all_landmarks_in_all_strata_are_at_most_20000(
    profiles: int, landmarks: int, strata: int, pointer: str | None
) -> None:
    """The longer of the two is to blame."""
    of_rows = [f"{place % strata}" for place in range(3)] if strata else None
    asked: Json = {
        "subjects": SUBJECTS | ({"stratum": of_rows} if of_rows else {}),
        "predict_for": [PROFILE] * profiles,
        "landmarks": [*range(landmarks)],
    }
    if pointer is None:
        assert len(taken(**asked).landmarks) == landmarks
    else:
        detail = "make more than 20000 rates: profiles times landmarks times strata"
        assert faults(**asked) == [(pointer, detail)]


def test_sampling_weights_have_robust_errors() -> None:
    subjects = SUBJECTS | {"weight": [0.5, 1, 2]}
    assert faults(subjects=subjects, weight_kind="sampling", robust=False) == [
        ("/robust", "must not be false with sampling weights")
    ]
    assert faults(subjects=subjects) == [
        ("/subjects/weight/0", "must be a whole number, or weight_kind sampling"),
    ]
