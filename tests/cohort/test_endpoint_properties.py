"""The end points of random cohorts: what is always so, and the rows that their days give one by one."""

import math
from typing import Any

import pytest
from hypothesis import given, settings

from app.cohort.endpoint_rows import NEVER_ABLATED, NO_IMAGING, UNKNOWN_CAUSE
from app.cohort.endpoints import ENDPOINTS
from tests.cohort.builders import Json, answered, cohorts_json, derived

ALL = list(ENDPOINTS)
COMPETING = [name for name, one in ENDPOINTS.items() if one.has_competing_events]
LESIONS = ["local_progression_free_survival", "local_progression"]
OF_CAUSE = {"disease": "disease", "procedure": "other death", "other": "other death"}

Row = tuple[str, str, float, bool | str | None, str]


def rows(found: Json) -> list[Row]:
    columns = found["rows"]
    ends = columns.get("event", columns.get("cause"))
    return list(
        zip(columns["patient_id"], columns["id"], columns["time"], ends, columns["reason"], strict=True),
    )


def units(body: Json, name: str) -> list[tuple[Json, Json | None]]:
    """Return every patient, or every lesion with its patient, in the cohort's order."""
    if name in LESIONS:
        return [(patient, lesion) for patient in body["patients"] for lesion in patient["lesions"]]
    return [(patient, None) for patient in body["patients"]]


class DayByDay:
    """What becomes of a patient, or of a lesion, on its days one by one."""

    def __init__(self, name: str, patient: Json, lesion: Json | None) -> None:
        self.name, self.patient = name, patient
        self.lesions = patient["lesions"] if lesion is None else [lesion]
        treated = {session["id"]: session["time"] for session in patient["sessions"]}
        self.start = 0 if lesion is None else treated[lesion["session_id"]]
        self.is_residual = lesion is not None and not (lesion["primary_success"] or lesion["secondary_success"])

    def end(self) -> tuple[int, bool | str | None, str] | str:
        """Return time, event or cause, and reason, or why there are none."""
        if self.is_residual:
            return NEVER_ABLATED
        for day in range(self.start, self.patient["follow_up"] + 1):
            for event, reason in (*self.events(day), *self.death(day)):
                if event is None:
                    return UNKNOWN_CAUSE
                return day - self.start, event if self.name in COMPETING else True, reason
        last = self.last_day()
        return NO_IMAGING if last < self.start else (last - self.start, self.nothing(), self.last_reason())

    def events(self, day: int) -> list[tuple[str, str]]:
        recurs = [one for lesion in self.lesions for one in lesion["recurrences"] if one["time"] == day]
        progresses = [one for one in self.patient["progressions"] if one["time"] == day]
        if self.name in ("overall_survival", "cancer_specific_survival"):
            return []
        if self.name in LESIONS:
            return [("local recurrence", "local recurrence")] if recurs else []
        if self.name == "distant_progression_free_survival":
            return [("progression", "progression")] if progresses else []
        if self.name == "time_to_untreatable_progression":
            recurs, progresses = ([one for one in found if not one["treatable"]] for found in (recurs, progresses))
        label = "untreatable progression" if self.name == "time_to_untreatable_progression" else "progression"
        return [*([(label, "local recurrence")] if recurs else []), *([(label, "progression")] if progresses else [])]

    def death(self, day: int) -> list[tuple[str | None, str]]:
        if not self.patient["died"] or day < self.patient["follow_up"]:
            return []
        by_cause = self.name == "cancer_specific_survival"
        return [(OF_CAUSE.get(self.patient["cause_of_death"]) if by_cause else "death", "death")]

    def last_day(self) -> int:
        imaged = self.patient["last_imaging"]
        is_seen = self.last_reason() == "last follow-up" or imaged is None
        return int(self.patient["follow_up"] if is_seen else imaged)

    def last_reason(self) -> str:
        return "last follow-up" if self.name in ("overall_survival", "cancer_specific_survival") else "last imaging"

    def nothing(self) -> bool | None:
        return None if self.name in COMPETING else False


@settings(deadline=None, max_examples=60)
@given(cohorts_json())
def test_every_unit_is_the_row_that_its_days_give_or_left_out_for_the_reason_that_they_give(body: Json) -> None:
    """Each exactly once, in the cohort's order."""
    for name, found in derived(body).items():
        expected: list[Any] = []
        left_out: dict[str, int] = {}
        for patient, lesion in units(body, name):
            end = DayByDay(name, patient, lesion).end()
            if isinstance(end, str):
                left_out[end] = left_out.get(end, 0) + 1
            else:
                expected.append((patient["id"], (lesion or patient)["id"], *end))
        assert rows(found) == expected
        assert {one["reason"]: one["count"] for one in found["excluded"]} == left_out


@settings(deadline=None, max_examples=40)
@given(cohorts_json())
def test_every_unit_is_a_row_or_left_out(body: Json) -> None:
    for name, found in derived(body).items():
        everyone = [(patient["id"], (lesion or patient)["id"]) for patient, lesion in units(body, name)]
        kept = [row[:2] for row in rows(found)]
        assert len(set(kept)) == len(kept)
        assert kept == [one for one in everyone if one in kept]
        assert len(kept) + sum(one["count"] for one in found["excluded"]) == len(everyone)


@settings(deadline=None, max_examples=40)
@given(cohorts_json())
def test_overall_survival_is_follow_up_and_death(body: Json) -> None:
    expected = [
        (one["id"], one["id"], one["follow_up"], one["died"], "death" if one["died"] else "last follow-up")
        for one in body["patients"]
    ]
    assert rows(derived(body)["overall_survival"]) == expected


@settings(deadline=None, max_examples=60)
@given(cohorts_json())
def test_an_end_point_of_parts_ends_with_the_first_of_them(body: Json) -> None:
    """Progression-free survival with the first recurrence of any lesion, distant progression or death."""
    found = {name: {row[:2]: row for row in rows(one)} for name, one in derived(body).items()}
    for patient in body["patients"]:
        key = (patient["id"], patient["id"])
        free, distant = (found[f"{kind}progression_free_survival"].get(key) for kind in ("", "distant_"))
        recurrences = [one["time"] for lesion in patient["lesions"] for one in lesion["recurrences"]]
        parts = [*recurrences, *([distant[2]] if distant and distant[3] else [])]
        if free is None:
            assert (distant, parts) == (None, [])
        else:
            assert free[3] == bool(parts)
            assert free[2] == min(parts, default=patient["last_imaging"] or free[2])
            assert free[2] <= patient["follow_up"]
            assert found["time_to_progression"][key][2] == free[2]
            assert (found["time_to_progression"][key][3] is not None) == free[3]
            assert found["time_to_untreatable_progression"][key][2] >= free[2]


@settings(deadline=None, max_examples=40)
@given(cohorts_json())
def test_survival_free_of_an_event_is_time_to_it_or_death(body: Json) -> None:
    found = derived(body)
    for name in ("progression", "local_progression"):
        free = found[f"{name}_free_survival"]
        timed = found["time_to_progression" if name == "progression" else name]
        assert [(*row[:3], row[3] is not None, row[4]) for row in rows(timed)] == rows(free)
        assert free["excluded"] == timed["excluded"]


@settings(deadline=None, max_examples=12)
@given(cohorts_json())
def test_outcomes_are_estimated_from_the_rows(body: Json) -> None:
    """Subjects and events are the rows; per row the incidences and what is free of all of them sum to 1."""
    found = derived(body)
    for result in answered(body, endpoints=ALL)["endpoints"]:
        one = found[result["endpoint"]]
        assert {name: result[name] for name in ("unit", "definition", "excluded")} == {
            name: one[name] for name in ("unit", "definition", "excluded")
        }
        ends = [row[3] for row in rows(one)]
        if not ends:
            assert (result["estimate"], result["cumulative_incidence"]) == (None, None)
            continue
        causes = ENDPOINTS[result["endpoint"]].causes
        of_interest = causes[0] if result["endpoint"] in COMPETING else True
        assert (result["estimate"]["subjects"], result["estimate"]["events"]) == (len(ends), ends.count(of_interest))
        assert (result["cumulative_incidence"] is not None) == (result["endpoint"] in COMPETING)
        if result["endpoint"] in COMPETING:
            assert_sums_to_one(result["cumulative_incidence"], {cause: ends.count(cause) for cause in causes})


def assert_sums_to_one(incidence: Json, events: dict[str, int]) -> None:
    assert {one["cause"]: one["events"] for one in incidence["causes"]} == events
    columns = [one["curve"]["cumulative_incidence"] for one in incidence["causes"]]
    sums = map(math.fsum, zip(*columns, incidence["event_free"]["curve"]["survival"], strict=True))
    assert [*sums] == pytest.approx([1] * len(columns[0]), rel=1e-12)
