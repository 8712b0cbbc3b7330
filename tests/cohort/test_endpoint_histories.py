"""Every end point of hand-worked histories, in numbers of days and as dates.

An end is (time, event or cause, reason); lesions have one each, in the cohort's order.
"""

import pytest

from app.cohort.endpoint_rows import NEVER_ABLATED, NO_IMAGING, UNKNOWN_CAUSE
from app.cohort.model import DAYS_PER_UNIT, TimeUnit
from tests.cohort.builders import Json, cohort_json, dated, derived, lesion_json, patient_json, session_json

End = tuple[float, bool | str | None, str]

#: Each with its end by every end point; imaging ends with follow-up where nothing else is said.
HISTORIES: dict[str, tuple[Json, dict[str, list[End]]]] = {
    "censored": (
        patient_json(400, last_imaging=300),
        {
            "overall_survival": [(400, False, "last follow-up")],
            "cancer_specific_survival": [(400, None, "last follow-up")],
            "progression_free_survival": [(300, False, "last imaging")],
            "time_to_progression": [(300, None, "last imaging")],
            "local_progression_free_survival": [(300, False, "last imaging")],
            "local_progression": [(300, None, "last imaging")],
            "distant_progression_free_survival": [(300, False, "last imaging")],
            "time_to_untreatable_progression": [(300, None, "last imaging")],
        },
    ),
    "dead of the disease at 400, last imaged at 300": (
        patient_json(400, died=True, cause_of_death="disease", last_imaging=300),
        {
            "overall_survival": [(400, True, "death")],
            "cancer_specific_survival": [(400, "disease", "death")],
            "progression_free_survival": [(400, True, "death")],
            "time_to_progression": [(400, "death", "death")],
            "local_progression_free_survival": [(400, True, "death")],
            "local_progression": [(400, "death", "death")],
            "distant_progression_free_survival": [(400, True, "death")],
            "time_to_untreatable_progression": [(400, "death", "death")],
        },
    ),
    "dead of the procedure at 12": (
        patient_json(12, died=True, cause_of_death="procedure"),
        {
            "overall_survival": [(12, True, "death")],
            "cancer_specific_survival": [(12, "other death", "death")],
            "progression_free_survival": [(12, True, "death")],
            "time_to_progression": [(12, "death", "death")],
            "local_progression_free_survival": [(12, True, "death")],
            "local_progression": [(12, "death", "death")],
            "distant_progression_free_survival": [(12, True, "death")],
            "time_to_untreatable_progression": [(12, "death", "death")],
        },
    ),
    "dead of an unknown cause at 400": (
        patient_json(400, died=True, cause_of_death="unknown"),
        {
            "overall_survival": [(400, True, "death")],
            "cancer_specific_survival": [],
            "progression_free_survival": [(400, True, "death")],
            "time_to_progression": [(400, "death", "death")],
            "local_progression_free_survival": [(400, True, "death")],
            "local_progression": [(400, "death", "death")],
            "distant_progression_free_survival": [(400, True, "death")],
            "time_to_untreatable_progression": [(400, "death", "death")],
        },
    ),
    "recurred at 90, retreated, and recurred untreatably at 250": (
        patient_json(
            400,
            last_imaging=300,
            lesions=[
                lesion_json(recurrences=[{"time": 250, "treatable": False}, {"time": 90, "retreated": True}]),
            ],
        ),
        {
            "overall_survival": [(400, False, "last follow-up")],
            "cancer_specific_survival": [(400, None, "last follow-up")],
            "progression_free_survival": [(90, True, "local recurrence")],
            "time_to_progression": [(90, "progression", "local recurrence")],
            "local_progression_free_survival": [(90, True, "local recurrence")],
            "local_progression": [(90, "local recurrence", "local recurrence")],
            "distant_progression_free_survival": [(300, False, "last imaging")],
            "time_to_untreatable_progression": [(250, "untreatable progression", "local recurrence")],
        },
    ),
    "progressed at 120, untreatably at 200, dead of the disease": (
        patient_json(
            400,
            died=True,
            cause_of_death="disease",
            last_imaging=300,
            progressions=[{"time": 200, "site": "liver", "treatable": False}, {"time": 120, "site": "lung"}],
        ),
        {
            "overall_survival": [(400, True, "death")],
            "cancer_specific_survival": [(400, "disease", "death")],
            "progression_free_survival": [(120, True, "progression")],
            "time_to_progression": [(120, "progression", "progression")],
            "local_progression_free_survival": [(400, True, "death")],
            "local_progression": [(400, "death", "death")],
            "distant_progression_free_survival": [(120, True, "progression")],
            "time_to_untreatable_progression": [(200, "untreatable progression", "progression")],
        },
    ),
    "recurred, progressed, both untreatably, and died on day 400": (
        patient_json(
            400,
            died=True,
            cause_of_death="other",
            lesions=[lesion_json(recurrences=[{"time": 400, "treatable": False}])],
            progressions=[{"time": 400, "site": "bone", "treatable": False}],
        ),
        {
            "overall_survival": [(400, True, "death")],
            "cancer_specific_survival": [(400, "other death", "death")],
            "progression_free_survival": [(400, True, "local recurrence")],
            "time_to_progression": [(400, "progression", "local recurrence")],
            "local_progression_free_survival": [(400, True, "local recurrence")],
            "local_progression": [(400, "local recurrence", "local recurrence")],
            "distant_progression_free_survival": [(400, True, "progression")],
            "time_to_untreatable_progression": [(400, "untreatable progression", "local recurrence")],
        },
    ),
    # A ends on day 160, B on 340, 240 after its session on 100, D with death on 500, 250 after its session on 250.
    "four lesions in three sessions": (
        patient_json(
            500,
            died=True,
            cause_of_death="other",
            last_imaging=450,
            sessions=[session_json(250, id="third"), session_json(0, id="first"), session_json(100, id="second")],
            lesions=[
                lesion_json(id="A", session_id="first", recurrences=[{"time": 160, "retreated": True}]),
                lesion_json(id="B", session_id="second", recurrences=[{"time": 340, "treatable": False}]),
                lesion_json(id="C", session_id="third", primary_success=False),
                lesion_json(id="D", session_id="third"),
            ],
            progressions=[{"time": 300, "site": "lung"}],
        ),
        {
            "overall_survival": [(500, True, "death")],
            "cancer_specific_survival": [(500, "other death", "death")],
            "progression_free_survival": [(160, True, "local recurrence")],
            "time_to_progression": [(160, "progression", "local recurrence")],
            "local_progression_free_survival": [
                (160, True, "local recurrence"),
                (240, True, "local recurrence"),
                (250, True, "death"),
            ],
            "local_progression": [
                (160, "local recurrence", "local recurrence"),
                (240, "local recurrence", "local recurrence"),
                (250, "death", "death"),
            ],
            "distant_progression_free_survival": [(300, True, "progression")],
            "time_to_untreatable_progression": [(340, "untreatable progression", "local recurrence")],
        },
    ),
    "last imaged at 150, before the second session at 200": (
        patient_json(
            400,
            last_imaging=150,
            sessions=[session_json(0, id="first"), session_json(200, id="second")],
            lesions=[lesion_json(id="A", session_id="second"), lesion_json(id="B", session_id="first")],
        ),
        {
            "overall_survival": [(400, False, "last follow-up")],
            "cancer_specific_survival": [(400, None, "last follow-up")],
            "progression_free_survival": [(150, False, "last imaging")],
            "time_to_progression": [(150, None, "last imaging")],
            "local_progression_free_survival": [(150, False, "last imaging")],
            "local_progression": [(150, None, "last imaging")],
            "distant_progression_free_survival": [(150, False, "last imaging")],
            "time_to_untreatable_progression": [(150, None, "last imaging")],
        },
    ),
    "never completely ablated": (
        patient_json(400, last_imaging=300, lesions=[lesion_json(primary_success=False)]),
        {
            "overall_survival": [(400, False, "last follow-up")],
            "cancer_specific_survival": [(400, None, "last follow-up")],
            "progression_free_survival": [(300, False, "last imaging")],
            "time_to_progression": [(300, None, "last imaging")],
            "local_progression_free_survival": [],
            "local_progression": [],
            "distant_progression_free_survival": [(300, False, "last imaging")],
            "time_to_untreatable_progression": [(300, None, "last imaging")],
        },
    ),
    "never completely ablated, with a recurrence at 90": (
        patient_json(400, lesions=[lesion_json(90, primary_success=False)]),
        {
            "overall_survival": [(400, False, "last follow-up")],
            "cancer_specific_survival": [(400, None, "last follow-up")],
            "progression_free_survival": [(90, True, "local recurrence")],
            "time_to_progression": [(90, "progression", "local recurrence")],
            "local_progression_free_survival": [],
            "local_progression": [],
            "distant_progression_free_survival": [(400, False, "last imaging")],
            "time_to_untreatable_progression": [(400, None, "last imaging")],
        },
    ),
}


def excluded(name: str, history: str) -> list[tuple[str, int]]:
    """Return what is left out, by hand."""
    if name == "cancer_specific_survival":
        return [(UNKNOWN_CAUSE, 1)] if "unknown" in history else []
    if name not in ("local_progression_free_survival", "local_progression"):
        return []
    if history.startswith("last imaged"):
        return [(NO_IMAGING, 1)]
    return [(NEVER_ABLATED, 1)] if history.startswith(("never", "four")) else []


def ends(found: Json) -> list[End]:
    rows = found["rows"]
    return list(zip(rows["time"], rows.get("event", rows.get("cause")), rows["reason"], strict=True))


@pytest.mark.parametrize("name", HISTORIES)
def test_in_numbers(name: str) -> None:
    history, expected = HISTORIES[name]
    found = derived(cohort_json(history, time_unit="days"))
    assert {endpoint: ends(one) for endpoint, one in found.items()} == expected
    for endpoint, one in found.items():
        assert [(left["reason"], left["count"]) for left in one["excluded"]] == excluded(endpoint, name)


@pytest.mark.parametrize("time_unit", DAYS_PER_UNIT)
@pytest.mark.parametrize("name", HISTORIES)
def test_in_dates(name: str, time_unit: TimeUnit) -> None:
    """A month has 30.4375 days: what ends on day 90 ends after 90 / 30.4375 = 2.957 months."""
    history, expected = HISTORIES[name]
    for endpoint, found in derived(cohort_json(dated(history), time_unit=time_unit)).items():
        times = [time / DAYS_PER_UNIT[time_unit] for time, *_ in expected[endpoint]]
        assert [end[0] for end in ends(found)] == pytest.approx(times)
        assert [end[1:] for end in ends(found)] == [end[1:] for end in expected[endpoint]]
        assert [(left["reason"], left["count"]) for left in found["excluded"]] == excluded(endpoint, name)


@pytest.mark.parametrize("cause", [None, "unknown"])
def test_the_dead_of_unknown_cause_are_not_those_of_another(cause: str | None) -> None:
    unknown = patient_json(400, died=True, cause_of_death=cause)
    other = patient_json(300, died=True, cause_of_death="other")
    found = derived(cohort_json(unknown, other))["cancer_specific_survival"]
    assert ends(found) == [(300, "other death", "death")]
    assert found["rows"]["patient_id"] == ["P2"]
    assert found["excluded"] == [{"reason": UNKNOWN_CAUSE, "count": 1}]


def test_calendar_days_by_hand() -> None:
    """A leap year's February: from 31 January 2020 to 1 March there are 30 days, to 30 April 90.

    The second lesion is treated on 1 March; to its recurrence on 31 March there are 30 days, 30 / 30.4375 months.
    """
    history = {
        "id": "P",
        "follow_up": "2020-12-31",
        "died": False,
        "last_imaging": "2020-06-30",
        "sessions": [{"id": "1", "time": "2020-01-31"}, {"id": "2", "time": "2020-03-01"}],
        "lesions": [
            {"id": "A", "session_id": "1", "primary_success": True},
            {
                "id": "B",
                "session_id": "2",
                "primary_success": True,
                "recurrences": [{"time": "2020-03-31", "retreated": True}],
            },
        ],
        "progressions": [{"time": "2020-04-30", "site": "lung", "treatable": False}],
    }
    days = {name: ends(one) for name, one in derived({"patients": [history], "time_unit": "days"}).items()}
    assert days == {
        "overall_survival": [(335, False, "last follow-up")],
        "cancer_specific_survival": [(335, None, "last follow-up")],
        "progression_free_survival": [(60, True, "local recurrence")],
        "time_to_progression": [(60, "progression", "local recurrence")],
        "local_progression_free_survival": [(151, False, "last imaging"), (30, True, "local recurrence")],
        "local_progression": [(151, None, "last imaging"), (30, "local recurrence", "local recurrence")],
        "distant_progression_free_survival": [(90, True, "progression")],
        "time_to_untreatable_progression": [(90, "untreatable progression", "progression")],
    }
    months = {name: ends(one) for name, one in derived({"patients": [history]}).items()}
    for name, expected in days.items():
        assert [end[0] for end in months[name]] == pytest.approx([time / 30.4375 for time, *_ in expected])


def test_imaging_that_ended_before_the_first_session_leaves_the_patient_out() -> None:
    """Of what imaging ends; the dead need none."""
    alive, dead = (dated(patient_json(400, last_imaging=-10, died=died)) for died in (False, True))
    for name, found in derived(cohort_json(alive, dead, time_unit="days")).items():
        assert found["rows"]["time"] == ([400, 400] if name == "overall_survival" else [400])
        reasons = {"overall_survival": [], "cancer_specific_survival": [UNKNOWN_CAUSE]}.get(name, [NO_IMAGING])
        assert [one["reason"] for one in found["excluded"]] == reasons
