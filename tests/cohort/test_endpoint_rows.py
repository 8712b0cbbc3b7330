"""The rows of overall survival and of local progression: their edges, their times, and the sample that they make."""

import numpy as np
import pytest

from app.analysis.errors import InvalidObservationsError
from app.cohort.endpoint_rows import NEVER_ABLATED, NO_IMAGING, EndpointRows, derive_endpoint
from app.cohort.endpoints import ENDPOINTS, EndpointName
from app.cohort.model import DAYS_PER_UNIT, TimeUnit
from tests.cohort.builders import (
    Json,
    cohort,
    cohort_json,
    dated,
    lesion,
    lesion_json,
    patient,
    patient_json,
    received,
    session_json,
)

Ends = list[tuple[float, int, str]]

SURVIVAL = [
    pytest.param(patient_json(400, died=True), [(400, 1, "death")], id="death"),
    pytest.param(patient_json(400), [(400, 0, "last follow-up")], id="alive"),
    pytest.param(patient_json(400, last_imaging=300), [(400, 0, "last follow-up")], id="imaging does not matter"),
    pytest.param(
        patient_json(400, died=True, lesions=[lesion_json(90)], progressions=[{"time": 80, "site": "lung"}]),
        [(400, 1, "death")],
        id="recurrence and progression do not matter",
    ),
    pytest.param(
        patient_json(400, died=True, sessions=[session_json(30, id="S2"), session_json()]),
        [(400, 1, "death")],
        id="from the first session, wherever it is listed",
    ),
    pytest.param(
        patient_json(400, lesions=[lesion_json(secondary_success=False, primary_success=False)]),
        [(400, 0, "last follow-up")],
        id="with residual tumour",
    ),
    pytest.param(patient_json(0), [(0, 0, "last follow-up")], id="not followed"),
    pytest.param(patient_json(0, died=True), [(0, 1, "death")], id="died on the day"),
]

TWO_SESSIONS = [session_json(200, id="second"), session_json(0, id="first")]
TWO_LESIONS = [lesion_json(id="L2", session_id="second"), lesion_json(id="L1", session_id="first")]
PROGRESSION = [
    pytest.param(patient_json(400, lesions=[lesion_json(90)]), [(90, 1, "local recurrence")], id="recurrence"),
    pytest.param(patient_json(400, last_imaging=300), [(300, 0, "last imaging")], id="alive, imaged until 300"),
    pytest.param(patient_json(400), [(400, 0, "last imaging")], id="alive, imaged until the end"),
    pytest.param(patient_json(400, died=True), [(400, 2, "death")], id="death competes"),
    pytest.param(patient_json(400, died=True, last_imaging=300), [(400, 2, "death")], id="death after last imaging"),
    pytest.param(
        patient_json(400, died=True, lesions=[lesion_json(90)]), [(90, 1, "local recurrence")], id="recurrence, death"
    ),
    pytest.param(
        patient_json(400, lesions=[lesion_json(recurrences=[{"time": 250}, {"time": 90, "retreated": True}])]),
        [(90, 1, "local recurrence")],
        id="retreated, and recurred again: the first counts",
    ),
    pytest.param(
        patient_json(400, died=True, lesions=[lesion_json(400)]),
        [(400, 1, "local recurrence")],
        id="recurrence at the time of death comes first",
    ),
    pytest.param(
        patient_json(
            400,
            sessions=TWO_SESSIONS,
            lesions=[
                lesion_json(290, id="L2", session_id="second"),
                lesion_json(290, id="L1", session_id="first"),
                lesion_json(id="L3", session_id="second"),
            ],
        ),
        [(90, 1, "local recurrence"), (290, 1, "local recurrence"), (200, 0, "last imaging")],
        id="from each lesion's own session",
    ),
    pytest.param(
        patient_json(400, died=True, last_imaging=150, sessions=TWO_SESSIONS, lesions=TWO_LESIONS),
        [(200, 2, "death"), (400, 2, "death")],
        id="death, with no imaging after a session",
    ),
    pytest.param(
        patient_json(400, lesions=[lesion_json(primary_success=False, secondary_success=True)]),
        [(400, 0, "last imaging")],
        id="ablated at the second attempt",
    ),
    pytest.param(patient_json(400, last_imaging=0), [(0, 0, "last imaging")], id="last imaged on the day"),
    pytest.param(patient_json(0), [(0, 0, "last imaging")], id="not followed"),
    pytest.param(patient_json(0, died=True), [(0, 2, "death")], id="died on the day"),
]

EXCLUDED = [
    pytest.param(
        patient_json(400, lesions=[lesion_json(primary_success=False), lesion_json(90, id="L2")]),
        [(90, 1, "local recurrence")],
        {NEVER_ABLATED: 1},
        id="residual by default of secondary_success",
    ),
    pytest.param(
        patient_json(400, died=True, lesions=[lesion_json(90, primary_success=False, secondary_success=False)]),
        [],
        {NEVER_ABLATED: 1},
        id="residual, whatever comes later",
    ),
    pytest.param(
        patient_json(400, last_imaging=199, sessions=TWO_SESSIONS, lesions=TWO_LESIONS),
        [(199, 0, "last imaging")],
        {NO_IMAGING: 1},
        id="no imaging after its session",
    ),
    pytest.param(
        patient_json(
            400,
            last_imaging=199,
            sessions=TWO_SESSIONS,
            lesions=[lesion_json(id="A", session_id="second", primary_success=False), *TWO_LESIONS[:1]],
        ),
        [],
        {NEVER_ABLATED: 1, NO_IMAGING: 1},
        id="every lesion",
    ),
]


def derived(name: EndpointName, *patients: Json, time_unit: TimeUnit = "days") -> EndpointRows:
    return derive_endpoint(received(cohort_json(*patients, time_unit=time_unit)), ENDPOINTS[name])


def ends(rows: EndpointRows) -> Ends:
    return [(row.time, row.cause, row.reason) for row in rows.rows]


def check(name: EndpointName, history: Json, expected: Ends, excluded: dict[str, int]) -> None:
    """Assert what becomes of a history in days, sent as numbers, and as dates in each unit."""
    in_numbers = derived(name, history)
    assert ends(in_numbers) == expected
    assert in_numbers.excluded == excluded
    for time_unit, days in DAYS_PER_UNIT.items():
        from_dates = derived(name, dated(history), time_unit=time_unit)
        assert [row.time for row in from_dates.rows] == pytest.approx([time / days for time, _, _ in expected])
        assert [end[1:] for end in ends(from_dates)] == [end[1:] for end in expected]
        assert from_dates.excluded == excluded


@pytest.mark.parametrize(("history", "expected"), SURVIVAL)
def test_overall_survival(history: Json, expected: Ends) -> None:
    check("overall_survival", history, expected, {})


@pytest.mark.parametrize(("history", "expected"), PROGRESSION)
def test_local_progression(history: Json, expected: Ends) -> None:
    check("local_progression", history, expected, {})


@pytest.mark.parametrize(("history", "expected", "excluded"), EXCLUDED)
def test_lesions_left_out_of_local_progression(history: Json, expected: Ends, excluded: dict[str, int]) -> None:
    check("local_progression", history, expected, excluded)


def test_dates_by_hand() -> None:
    """From 31 January to 1 March of a leap year there are 30 days, in months 30 / 30.4375."""
    history = patient_json(lesions=[lesion_json(recurrences=[{"time": "2020-03-01"}])]) | {
        "follow_up": "2020-12-31",
        "sessions": [{"id": "S", "time": "2020-01-31"}],
    }
    assert ends(derived("local_progression", history)) == [(30.0, 1, "local recurrence")]
    assert derived("local_progression", history, time_unit="months").rows[0].time == pytest.approx(480 / 487)
    assert derived("overall_survival", history, time_unit="years").rows[0].time == pytest.approx(335 / 365.25)


def test_an_image_before_the_first_session_is_none_after_it() -> None:
    history = dated(patient_json(400, last_imaging=-10))
    assert derived("local_progression", history).excluded == {NO_IMAGING: 1}
    assert ends(derived("overall_survival", history)) == [(400.0, 0, "last follow-up")]


@pytest.mark.parametrize("time_unit", DAYS_PER_UNIT)
def test_numbers_are_taken_as_they_are(time_unit: TimeUnit) -> None:
    history = patient_json(0.1 + 0.2, lesions=[lesion_json(0.3)])
    assert derived("overall_survival", history, time_unit=time_unit).rows[0].time == 0.1 + 0.2
    assert derived("local_progression", history, time_unit=time_unit).rows[0].time == 0.3


def test_patients_may_have_numbers_or_dates() -> None:
    rows = derived("overall_survival", patient_json(7), dated(patient_json(7)), time_unit="days")
    assert ends(rows) == [(7.0, 0, "last follow-up")] * 2


class TestObservations:
    ROWS = derive_endpoint(
        cohort(
            patient(9, lesion(8), lesion(secondary_success=False), lesion(2)),
            patient(5, lesion(secondary_success=False)),
            patient(4, lesion(), lesion(3), died=True),
        ),
        ENDPOINTS["local_progression"],
    )

    def test_rows_know_their_patient_and_their_place_among_all_lesions(self) -> None:
        assert [(row.patient, row.unit) for row in self.ROWS.rows] == [(0, 0), (0, 2), (2, 4), (2, 5)]
        assert self.ROWS.excluded == {NEVER_ABLATED: 2}

    def test_lesions_of_a_patient_are_a_cluster(self) -> None:
        observations = self.ROWS.observations()
        np.testing.assert_array_equal(observations.time, [2, 3, 4, 8])
        np.testing.assert_array_equal(observations.cause, [1, 1, 2, 1])
        assert observations.cluster is not None
        first, second, third, fourth = observations.cluster
        assert first == fourth != second == third
        assert observations.group is None

    def test_codes_by_unit_make_groups_and_leave_rows_out(self) -> None:
        observations = self.ROWS.observations([1, 0, -1, 1, 0, -1])
        np.testing.assert_array_equal(observations.time, [4, 8])
        np.testing.assert_array_equal(observations.group, [0, 1])
        assert observations.cluster is not None
        assert observations.cluster[0] != observations.cluster[1]

    def test_patients_are_no_clusters(self) -> None:
        observations = derive_endpoint(cohort(patient(2), patient(1)), ENDPOINTS["overall_survival"]).observations()
        np.testing.assert_array_equal(observations.time, [1, 2])
        assert observations.cluster is None

    def test_there_is_no_sample_without_rows(self) -> None:
        with pytest.raises(InvalidObservationsError, match="at least one row"):
            self.ROWS.observations([-1] * 6)
