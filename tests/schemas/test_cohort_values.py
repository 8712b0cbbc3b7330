"""A treatment cohort on the wire: which values are taken, within which limits, and what is the default."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from app.schemas.cohort import Cohort, Lesion, first_session, ordinal
from tests.cohort.builders import (
    Json,
    cohort_json,
    cohorts_json,
    dated,
    lesion_json,
    parsed,
    patient_json,
    refused,
    session_json,
)

SESSIONS = [session_json(4, id="second"), session_json(0, id="first")]
PROGRESSION = {"site": "lung"}


def changed(path: str, value: Any) -> Json:
    """Return a sound cohort with a value at the path changed."""
    complication = {"system": "SIR", "grade": "A"}
    body = cohort_json(
        patient_json(
            sessions=[session_json(complications=[complication]), session_json(id="T")],
            lesions=[lesion_json(3)],
            progressions=[{"time": 1, **PROGRESSION}],
        )
    )
    *steps, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    at: Any = body
    for step in steps:
        at = at[step]
    at[last] = value
    return body


NAN, INFINITE = float("nan"), float("inf")
LESION, SESSION = "patients/0/lesions/0", "patients/0/sessions/0"


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        *((f"{LESION}/primary_success", value, "bool_type") for value in ("yes", "true", 1, 0, 1.0, None)),
        *((f"{LESION}/secondary_success", value, "bool_type") for value in ("no", 0)),
        *((f"{LESION}/recurrences/0/retreated", value, "bool_type") for value in (1, None)),
        *((f"{LESION}/diameter_mm", value, "float_type") for value in ("30", True, [30])),
        *((f"{LESION}/diameter_mm", value, "greater_than") for value in (0, -3)),
        *((f"{LESION}/volume_cm3", value, "finite_number") for value in (NAN, INFINITE, -INFINITE)),
        (f"{LESION}/volume_cm3", 0, "greater_than"),
        *((f"{LESION}/id", value, "string_type") for value in (7, None)),
        (f"{LESION}/session_id", "", "string_too_short"),
        (f"{LESION}/recurrences", None, "list_type"),
        (f"{LESION}/size", 3, "extra_forbidden"),
        (f"{LESION}/recurrences/0/site", "margin", "extra_forbidden"),
        ("patients/0/died", 1, "bool_type"),
        *(("patients/0/follow_up", value, "float_type") for value in (True, None, [12])),
        *(("patients/0/follow_up", value, "finite_number") for value in (NAN, INFINITE)),
        ("patients/0/follow_up", -1, "greater_than_equal"),
        ("patients/0/follow_up", 1e9, "less_than_equal"),
        ("patients/0/cause_of_death", "age", "literal_error"),
        ("patients/0/id", "x" * 201, "string_too_long"),
        ("patients/0/lesions", [], "too_short"),
        ("patients/0/sessions", [], "too_short"),
        ("patients/0/name", "N. N.", "extra_forbidden"),
        ("patients/0/progressions/0/lesion", "L", "extra_forbidden"),
        ("patients/0/covariates", [], "dict_type"),
        (f"{SESSION}/complications/0/grade", 3, "string_type"),
        (f"{SESSION}/complications/0/system", "ctcae", "literal_error"),
        (f"{SESSION}/complications/0/severity", 3, "extra_forbidden"),
        (f"{SESSION}/date", "2019-03-31", "extra_forbidden"),
        ("patients", [], "too_short"),
        ("patients", {}, "list_type"),
        ("time_unit", "hours", "literal_error"),
        ("unit", "days", "extra_forbidden"),
    ],
)
def test_nothing_is_coerced_and_nothing_unknown_taken(path: str, value: Any, problem: str) -> None:
    (error,) = refused(Cohort, changed(path, value))
    steps = [str(step) for step in error["loc"] if step != "number"]
    assert ("/".join(steps), error["type"]) == (path, problem)


def many(number: int, **fields: Any) -> list[Json]:
    return [{"id": str(place), **fields} for place in range(number)]


@pytest.mark.parametrize(
    ("path", "most", "more"),
    [
        ("name", "x" * 2000, "x" * 2001),
        *((f"{owner}/id", "x" * 200, "x" * 201) for owner in ("patients/0", "patients/0/sessions/1", LESION)),
        (f"{SESSION}/modality", "x" * 200, "x" * 201),
        (f"{SESSION}/complications/0/grade", "x" * 50, "x" * 51),
        (f"{SESSION}/complications/0/description", "x" * 2000, "x" * 2001),
        ("patients/0/progressions/0/site", "x" * 200, "x" * 201),
        (f"{LESION}/diameter_mm", 10_000, 10_001),
        (f"{LESION}/volume_cm3", 1_000_000, 1_000_001),
        ("patients/0/follow_up", 1_000_000, 1_000_001),
        *(
            (f"{owner}/covariates", *({str(x): x for x in range(n)} for n in (200, 201)))
            for owner in ("patients/0", LESION)
        ),
        (f"{SESSION}/complications", *([{"system": "SIR", "grade": "A"}] * n for n in (100, 101))),
        (f"{LESION}/recurrences", *([{"time": 3}] * n for n in (100, 101))),
        ("patients/0/progressions", *([{"time": 3, **PROGRESSION}] * n for n in (1000, 1001))),
        ("patients/0/lesions", *(many(n, session_id="S", primary_success=True) for n in (1000, 1001))),
        ("patients/0/sessions", *([session_json(), *many(n, time=1)] for n in (999, 1000))),
    ],
)
def test_sizes_have_limits(path: str, most: Any, more: Any) -> None:
    parsed(Cohort, changed(path, most))
    (error,) = refused(Cohort, changed(path, more))
    assert "/".join(str(step) for step in error["loc"] if step != "number") == path


@pytest.mark.parametrize("value", [[1], {"a": 1}, NAN, INFINITE])
@pytest.mark.parametrize("owner", ["patients/0", LESION])
def test_a_covariate_is_a_plain_value(owner: str, value: Any) -> None:
    for error in refused(Cohort, changed(f"{owner}/covariates", {"x": value})):
        assert "/".join(str(step) for step in error["loc"]).startswith(f"{owner}/covariates/x/")


@pytest.mark.parametrize("name", ["follow_up", "died", "id", "sessions", "lesions"])
def test_what_a_patient_must_have(name: str) -> None:
    patient = {"id": "P", **patient_json()}
    del patient[name]
    assert [(error["loc"], error["type"]) for error in refused(Cohort, {"patients": [patient]})] == [
        (("patients", 0, name), "missing")
    ]


class TestDefaults:
    def test_of_a_cohort(self) -> None:
        body = cohort_json(
            patient_json(
                sessions=[session_json(complications=[{"system": "other", "grade": "mild"}])],
                lesions=[lesion_json(3)],
                progressions=[{"time": 1, **PROGRESSION}],
            )
        )
        cohort = parsed(Cohort, body)
        assert (cohort.name, cohort.time_unit) == (None, "months")
        (patient,) = cohort.patients
        assert (patient.cause_of_death, patient.last_imaging, patient.covariates) == (None, None, {})
        (session,), (lesion,), (progression,) = patient.sessions, patient.lesions, patient.progressions
        assert (session.modality, session.complications[0].time, session.complications[0].description) == (None,) * 3
        assert (lesion.diameter_mm, lesion.volume_cm3, lesion.secondary_success, lesion.covariates) == (
            *(None,) * 3,
            {},
        )
        (recurrence,) = lesion.recurrences
        assert (recurrence.retreated, recurrence.treatable, progression.treatable) == (False, True, True)

    def test_of_lists_is_to_be_empty(self) -> None:
        lesion = {"id": "L", "session_id": "S", "primary_success": True}
        (patient,) = parsed(Cohort, cohort_json(patient_json(lesions=[lesion]))).patients
        lists: list[Any] = [patient.progressions, patient.sessions[0].complications, patient.lesions[0].recurrences]
        assert lists == [[], [], []]

    @pytest.mark.parametrize(
        ("primary", "secondary", "ablated"),
        [(True, None, True), (True, True, True), (False, None, False), (False, False, False), (False, True, True)],
    )
    def test_of_secondary_success_is_primary_success(
        self, primary: bool, secondary: bool | None, ablated: bool
    ) -> None:
        found = parsed(Lesion, lesion_json(primary_success=primary, secondary_success=secondary))
        assert found.finally_ablated is ablated


def test_whole_numbers_and_values_of_every_kind_are_taken() -> None:
    covariates = {"text": "a", "flag": True, "whole": 3, "number": 0.5, "missing": None, "": ""}
    body = cohort_json(patient_json(covariates=covariates, lesions=[lesion_json(diameter_mm=30, volume_cm3=0.5)]))
    (patient,) = parsed(Cohort, body).patients
    assert patient.covariates == covariates
    assert patient.covariates["flag"] is True
    assert (patient.follow_up, patient.lesions[0].diameter_mm) == (12, 30)


def test_a_cohort_cannot_be_changed() -> None:
    cohort = parsed(Cohort, cohort_json(patient_json()))
    with pytest.raises(ValidationError, match="frozen"):
        cohort.name = "another"  # type: ignore[misc]


def test_the_first_session_is_the_earliest() -> None:
    numbers, dates = (
        parsed(Cohort, cohort_json(kind(patient_json(sessions=SESSIONS, lesions=[lesion_json(session_id="first")]))))
        for kind in (dict, dated)
    )
    assert [first_session(cohort.patients[0]).id for cohort in (numbers, dates)] == ["first", "first"]
    assert ordinal(4.5) == 4.5
    assert ordinal(date(1, 1, 2)) == 2


@settings(deadline=None, max_examples=30)
@given(cohorts_json())
def test_every_sound_cohort_is_taken(body: Json) -> None:
    for sent in (body, dated(body)):
        assert [patient.id for patient in parsed(Cohort, sent).patients] == [one["id"] for one in sent["patients"]]
