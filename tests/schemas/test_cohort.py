"""A treatment cohort on the wire: what is refused, where and in which words."""

from typing import Any

import pytest

from app.schemas.cohort import Cohort
from tests.cohort.builders import (
    Json,
    cohort_json,
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
