"""A treatment cohort on the wire: what is refused, where and in which words."""

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
    faults,
    lesion_json,
    parsed,
    patient_json,
    refused,
    session_json,
)

Location = tuple[int | str, ...]
NOT_FIRST = "must be 0: time begins with the first session"
LIKE_A_NUMBER = "must be a number like the time of the patient's first session"
LIKE_A_DATE = "must be a date like the time of the patient's first session"

SESSIONS = [session_json(4, id="second"), session_json(0, id="first")]
PROGRESSION = {"site": "lung"}

#: Wrong whatever the kind of time points is.
FAULTY: dict[str, tuple[Json, list[tuple[Location, str]]]] = {
    "session used before": (
        patient_json(sessions=[session_json(), session_json(2), session_json(3)]),
        [(("sessions", 1, "id"), "is used before"), (("sessions", 2, "id"), "is used before")],
    ),
    "lesion used before": (
        patient_json(lesions=[lesion_json(), lesion_json(id="M"), lesion_json()]),
        [(("lesions", 2, "id"), "is used before")],
    ),
    "unknown session": (
        patient_json(lesions=[lesion_json(), lesion_json(id="M", session_id="M")]),
        [(("lesions", 1, "session_id"), "is no session of the patient")],
    ),
    "secondary failure after primary success": (
        patient_json(lesions=[lesion_json(secondary_success=False)]),
        [(("lesions", 0, "secondary_success"), "cannot be false where primary_success is true")],
    ),
    "cause of death of the living": (
        patient_json(cause_of_death="unknown"),
        [(("cause_of_death",), "is given for a patient who did not die")],
    ),
    "imaging after follow-up": (
        patient_json(12, last_imaging=13),
        [(("last_imaging",), "is after follow_up")],
    ),
    "session after follow-up": (
        patient_json(12, sessions=[session_json(), session_json(13, id="T")]),
        [(("sessions", 1, "time"), "is after follow_up")],
    ),
    "recurrence after follow-up": (
        patient_json(12, lesions=[lesion_json(12, 13)]),
        [(("lesions", 0, "recurrences", 1, "time"), "is after follow_up")],
    ),
    "recurrence after the last imaging": (
        patient_json(12, last_imaging=10, lesions=[lesion_json(), lesion_json(11, id="M")]),
        [(("lesions", 1, "recurrences", 0, "time"), "is after last_imaging")],
    ),
    "recurrence before its treatment": (
        patient_json(sessions=SESSIONS, lesions=[lesion_json(3, session_id="second")]),
        [(("lesions", 0, "recurrences", 0, "time"), "is before the treatment")],
    ),
    "progression after follow-up": (
        patient_json(12, progressions=[{"time": 12, **PROGRESSION}, {"time": 13, **PROGRESSION}]),
        [(("progressions", 1, "time"), "is after follow_up")],
    ),
    "progression after the last imaging": (
        patient_json(12, last_imaging=10, progressions=[{"time": 11, **PROGRESSION}]),
        [(("progressions", 0, "time"), "is after last_imaging")],
    ),
    "complication after follow-up": (
        patient_json(12, sessions=[session_json(complications=[{"system": "SIR", "grade": "A", "time": 13}])]),
        [(("sessions", 0, "complications", 0, "time"), "is after follow_up")],
    ),
    "complication before its treatment": (
        patient_json(
            sessions=[
                session_json(),
                session_json(5, id="T", complications=[{"system": "SIR", "grade": "A", "time": 4}]),
            ]
        ),
        [(("sessions", 1, "complications", 0, "time"), "is before the treatment")],
    ),
}

#: Wrong with dates only: as a number a time is at least 0.
FAULTY_DATES: dict[str, tuple[Json, list[tuple[Location, str]]]] = {
    "follow-up before the treatment": (
        patient_json(-1),
        [(("follow_up",), "is before the treatment"), (("sessions", 0, "time"), "is after follow_up")],
    ),
    "progression before the treatment": (
        patient_json(progressions=[{"time": -1, **PROGRESSION}]),
        [(("progressions", 0, "time"), "is before the treatment")],
    ),
    "recurrence before the treatment": (
        patient_json(lesions=[lesion_json(-1)]),
        [(("lesions", 0, "recurrences", 0, "time"), "is before the treatment")],
    ),
}


def of_patient(place: int, found: list[tuple[Location, str]]) -> list[tuple[Location, str]]:
    return [(("patients", place, *location), detail) for location, detail in found]


class TestFaults:
    @pytest.mark.parametrize("name", FAULTY)
    def test_of_a_patient(self, name: str) -> None:
        """Found at its place, in numbers and in dates."""
        patient, expected = FAULTY[name]
        assert faults(Cohort, cohort_json(patient)) == of_patient(0, expected)
        assert faults(Cohort, cohort_json(patient_json(), dated(patient))) == of_patient(1, expected)

    @pytest.mark.parametrize("name", FAULTY_DATES)
    def test_of_a_patient_with_dates(self, name: str) -> None:
        patient, expected = FAULTY_DATES[name]
        assert faults(Cohort, cohort_json(dated(patient))) == of_patient(0, expected)

    def test_patient_used_before(self) -> None:
        body = cohort_json(patient_json(id="A"), patient_json(id="B"), patient_json(id="A"), patient_json(id="A"))
        assert faults(Cohort, body) == [
            (("patients", 2, "id"), "is used before"),
            (("patients", 3, "id"), "is used before"),
        ]

    def test_the_session_of_another_patient_is_unknown(self) -> None:
        other = patient_json(sessions=[session_json(id="T")], lesions=[lesion_json(session_id="T")])
        body = cohort_json(other, patient_json(lesions=[lesion_json(session_id="T")]))
        expected = [(("patients", 1, "lesions", 0, "session_id"), "is no session of the patient")]
        assert faults(Cohort, body) == expected

    @pytest.mark.parametrize(("times", "place"), [((3, 5), 0), ((5, 3), 1), ((0.001,), 0)])
    def test_time_begins_with_the_first_session_wherever_it_is_listed(
        self, times: tuple[float, ...], place: int
    ) -> None:
        sessions = [session_json(time, id=str(time)) for time in times]
        body = cohort_json(patient_json(sessions=sessions, lesions=[lesion_json(session_id=str(times[0]))]))
        assert faults(Cohort, body) == [(("patients", 0, "sessions", place, "time"), NOT_FIRST)]

    def test_all_of_all_patients_are_told_at_once(self) -> None:
        """In the order of patients, and of each kind in that of the body."""
        every = [*FAULTY.items(), *((name, (dated(patient), told)) for name, (patient, told) in FAULTY_DATES.items())]
        body = cohort_json(*[patient for _, (patient, _) in every])
        body["patients"][-1]["id"] = body["patients"][0]["id"]
        expected = [fault for place, (_, (_, told)) in enumerate(every) for fault in of_patient(place, told)]
        assert faults(Cohort, body) == [(("patients", len(every) - 1, "id"), "is used before"), *expected]

    def test_all_of_a_patient_are_told_at_once(self) -> None:
        patient = patient_json(
            12,
            cause_of_death="procedure",
            last_imaging=13,
            sessions=[session_json(), session_json(14)],
            lesions=[lesion_json(15, secondary_success=False), lesion_json(session_id="?")],
            progressions=[{"time": 16, **PROGRESSION}],
        )
        assert faults(Cohort, cohort_json(patient)) == of_patient(
            0,
            [
                (("sessions", 1, "id"), "is used before"),
                (("lesions", 1, "id"), "is used before"),
                (("cause_of_death",), "is given for a patient who did not die"),
                (("lesions", 0, "secondary_success"), "cannot be false where primary_success is true"),
                (("lesions", 1, "session_id"), "is no session of the patient"),
                (("last_imaging",), "is after follow_up"),
                (("sessions", 1, "time"), "is after follow_up"),
                (("lesions", 0, "recurrences", 0, "time"), "is after last_imaging"),
                (("progressions", 0, "time"), "is after last_imaging"),
            ],
        )

    def test_hold_nothing_of_what_was_sent(self) -> None:
        patient = patient_json(
            7654,
            id="secret",
            cause_of_death="disease",
            last_imaging=8765,
            sessions=[session_json(id="secret"), session_json(9876, id="secret")],
            lesions=[lesion_json(5432, id="secret", session_id="hidden")],
        )
        for error in refused(Cohort, cohort_json(patient, patient, dated({**patient, "follow_up": -7654}))):
            assert error["input"] is None
            told = f"{error['loc']} {error['msg']}"
            assert not any(value in told for value in ("secret", "hidden", "7654", "8765", "9876", "5432", "19", "20"))


class TestKindsOfTimePoint:
    PATIENT = patient_json(
        12,
        last_imaging=11,
        sessions=[
            session_json(complications=[{"system": "SIR", "grade": "A", "time": 1}]),
            session_json(4, id="T", complications=[{"system": "SIR", "grade": "A"}]),
        ],
        lesions=[lesion_json(5)],
        progressions=[{"time": 6, **PROGRESSION}],
    )
    PLACES: tuple[Location, ...] = (
        ("follow_up",),
        ("last_imaging",),
        ("sessions", 0, "complications", 0, "time"),
        ("lesions", 0, "recurrences", 0, "time"),
        ("progressions", 0, "time"),
    )

    def replaced(self, value: Any, location: Location, other: Any) -> Any:
        """Return the value with what is at the location taken from the other."""
        if not location:
            return other
        step, *rest = location
        inner = self.replaced(value[step], tuple(rest), other[step])
        if isinstance(value, dict):
            return {**value, step: inner}
        return [inner if place == step else one for place, one in enumerate(value)]

    @pytest.mark.parametrize("location", PLACES)
    @pytest.mark.parametrize("is_dated", [False, True])
    def test_one_is_unlike_that_of_the_first_session(self, location: Location, is_dated: bool) -> None:
        kinds = self.PATIENT, dated(self.PATIENT)
        patient = self.replaced(kinds[is_dated], location, kinds[not is_dated])
        detail = LIKE_A_DATE if is_dated else LIKE_A_NUMBER
        assert faults(Cohort, cohort_json(patient)) == of_patient(0, [(location, detail)])

    def test_a_later_session_is_unlike_the_first(self) -> None:
        patient = self.replaced(self.PATIENT, ("sessions", 1, "time"), dated(self.PATIENT))
        assert faults(Cohort, cohort_json(patient)) == of_patient(0, [(("sessions", 1, "time"), LIKE_A_NUMBER)])

    def test_of_sessions_of_two_kinds_a_number_is_the_first(self) -> None:
        """All others are unlike it; times of two kinds have no order, so nothing is said of it."""
        patient = self.replaced(dated(self.PATIENT), ("sessions", 1, "time"), self.PATIENT)
        expected = [*self.PLACES[:2], ("sessions", 0, "time"), *self.PLACES[2:]]
        body = cohort_json({**patient, "follow_up": "1900-01-01"})
        assert faults(Cohort, body) == of_patient(0, [(location, LIKE_A_NUMBER) for location in expected])

    def test_patients_may_differ(self) -> None:
        parsed(Cohort, cohort_json(self.PATIENT, dated(self.PATIENT)))

    @pytest.mark.parametrize(
        "text",
        [
            *("", "today", "12", "0", "-1", "1.5", "1554076800", "1554076800000"),
            *(
                "2019-02-29",
                "2019-3-1",
                "20190331",
                "2019-03",
                "2019-W13-7",
                "31.03.2019",
                " 2019-03-31",
                "2019-03-31Z",
            ),
            *("2019-03-31T00:00:00", "2019-03-31 00:00", "2019-03-31T00:00:00Z", "٢٠١٩-٠٣-٣١"),
        ],
    )
    def test_a_text_is_a_date_or_refused(self, text: str) -> None:
        """Also one that pydantic takes as seconds since 1970."""
        body = cohort_json(patient_json() | {"follow_up": text, "sessions": [session_json() | {"time": "1960-01-01"}]})
        (error,) = refused(Cohort, body)
        assert error["loc"][:3] == ("patients", 0, "follow_up")


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
