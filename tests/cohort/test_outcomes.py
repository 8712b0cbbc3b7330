"""The outcome summary: what is estimated of whom, and what is asked for."""

from math import exp, sqrt

import pytest

from app.cohort.endpoint_rows import NEVER_ABLATED
from app.cohort.outcomes import EndpointResult
from tests.cohort.builders import (
    BINNED,
    BY_DIAMETER,
    CATEGORIES,
    Json,
    answered,
    cohort,
    cohort_json,
    lesion,
    patient,
    patient_json,
)
from tests.cohort.outcome_samples import ARMS, summarized


class TestEndpoints:
    def test_overall_survival_by_hand(self) -> None:
        """Deaths at 3, 5 and 6 of six patients; 7, 8 and 9 are censored."""
        survival, _ = summarized(ARMS, survival={"landmarks": (5, 20)}).endpoints
        assert survival.overall is not None
        assert survival.overall.label == "all"
        assert survival.overall.incidence is None
        found = survival.overall.survival
        assert (found.subjects, found.events, found.person_time) == (6, 3, 38)
        assert [rate.at_risk for rate in found.rates] == [5, 0]
        assert [rate.survival for rate in found.rates] == [pytest.approx(2 / 3), pytest.approx(1 / 2)]

    def test_local_progression_by_hand(self) -> None:
        """Eight lesions: recurrences at 1, 2, 3, 4 and 6, deaths at 3 and 6, one censored at 8; one was residual."""
        _, progression = summarized(ARMS, survival={"landmarks": (3, 6)}).endpoints
        assert progression.excluded == {NEVER_ABLATED: 1}
        assert progression.overall is not None
        survival, incidence = progression.overall.survival, progression.overall.incidence
        assert incidence is not None
        assert (survival.subjects, survival.events, survival.censored) == (8, 5, 3)
        assert [rate.survival for rate in survival.rates] == [pytest.approx(5 / 8), pytest.approx(5 / 16)]
        of_recurrence, of_death = ([rate.cumulative_incidence for rate in rates] for rates in incidence.rates)
        assert of_recurrence == [pytest.approx(3 / 8), pytest.approx(5 / 8)]
        assert of_death == [pytest.approx(1 / 8), pytest.approx(2 / 8)]
        assert [rate.survival for rate in incidence.event_free_rates] == [pytest.approx(1 / 2), pytest.approx(1 / 8)]

    def test_of_the_lesions_the_patients_are_clusters(self) -> None:
        survival, progression = summarized(ARMS).endpoints
        assert survival.overall is not None
        assert survival.overall.survival.curve.observations.cluster is None
        assert progression.overall is not None
        clusters = progression.overall.survival.curve.observations.cluster
        assert clusters is not None
        assert len(set(clusters)) == 5

    def test_they_come_in_the_order_asked_for(self) -> None:
        found = summarized(ARMS, endpoints=("local_progression", "overall_survival"))
        assert [result.endpoint.name for result in found.endpoints] == ["local_progression", "overall_survival"]

    def test_local_progression_is_estimated_also_unasked(self) -> None:
        """The cumulative incidence of local recurrence needs it."""
        found = summarized(ARMS, endpoints=())
        assert found.endpoints == []
        assert found.local_progression.endpoint.name == "local_progression"
        assert found.local_progression.overall is not None

    def test_there_is_no_estimate_where_every_unit_is_left_out(self) -> None:
        residual = cohort(patient(9, lesion(primary_success=False, secondary_success=False, diameter_mm=9.0)))
        survival, progression = summarized(residual, BY_DIAMETER).endpoints
        assert survival.overall is not None
        assert progression == EndpointResult(progression.endpoint, {NEVER_ABLATED: 1}, None, [])

    def test_the_answer_is_null_where_every_unit_is_left_out(self) -> None:
        body = cohort_json(patient_json(lesions=[{"id": "L", "session_id": "S", "primary_success": False}]))
        found = answered(body, groupings=BINNED)
        assert found["local_recurrence"]["cumulative_incidence"] is None
        survival, progression = found["endpoints"]
        assert (survival["cumulative_incidence"], progression["cumulative_incidence"]) == (None, None)
        assert (progression["estimate"], progression["groupings"]) == (None, [])
        assert progression["excluded"] == [{"reason": NEVER_ABLATED, "count": 1}]

    def test_follow_up_is_that_of_patients(self) -> None:
        """By the reverse Kaplan-Meier curve 2 of 3 are still followed at 7, 1 of 3 at 8."""
        found = summarized(ARMS).follow_up
        assert (found.median, found.mean, found.minimum, found.maximum) == (6.5, 38 / 6, 3, 9)
        assert found.reverse_kaplan_meier.estimate == 8

    def test_follow_up_ends_by_censoring_alone(self) -> None:
        """Those who died without recurrence are not said to have been followed for so short a time."""
        _, progression = summarized(cohort(patient(2, died=True), patient(4, died=True), patient(9))).endpoints
        assert progression.overall is not None
        assert progression.overall.survival.follow_up.reverse_kaplan_meier.estimate == 9


def test_the_answer_says_what_survival_is_where_events_compete() -> None:
    patients = [patient_json(time, died=True, covariates={"arm": label}) for time, label in ((3, "A"), (5, "B"))]
    for result, meaning in zip(
        answered(cohort_json(*patients), groupings=[CATEGORIES[0]])["endpoints"],
        ("event-free probability", "event-free probability, competing events censored"),
        strict=True,
    ):
        estimates = [result["estimate"], *result["groupings"][0]["groups"]]
        assert [one["interpretation"] for one in estimates] == [meaning] * 3


@pytest.mark.parametrize(
    ("asked", "of_tables", "of_survival", "of_progression"),
    [
        (None, ["fisher"], ["log-rank"], ["log-rank", "robust-score"]),
        ([], [], [], ["robust-score"]),
        (["log-rank"], [], ["log-rank"], ["log-rank", "robust-score"]),
        (["trend", "fisher"], ["fisher", "trend"], [], ["robust-score"]),
        (["chi-squared"], ["chi-squared"], [], ["robust-score"]),
    ],
)
def test_the_tests_are_those_asked_for(
    asked: list[str] | None, of_tables: list[str], of_survival: list[str], of_progression: list[str]
) -> None:
    """In one order, whatever that of the request; the score test goes with lesions."""
    patients = [patient_json(time, died=True, covariates={"arm": label}) for time, label in ((3, "A"), (5, "B"))]
    found = answered(cohort_json(*patients), groupings=[CATEGORIES[0]], **({} if asked is None else {"tests": asked}))

    def names(tests: list[Json]) -> list[str]:
        return [test["name"] for test in tests]

    assert names(found["technical_success"]["groupings"][0]["tests"]) == of_tables * 2
    assert names(found["local_recurrence"]["groupings"][0]["tests"]) == of_tables
    comparisons = [result["groupings"][0]["comparison"] for result in found["endpoints"]]
    assert [names(comparison["tests"]) for comparison in comparisons] == [of_survival, of_progression]


def test_a_summary_by_hand_is_the_answer() -> None:
    """What the request asks for reaches the estimates, and what they give reaches the answer."""
    body = cohort_json(patient_json(4, died=True), patient_json(9, last_imaging=6), patient_json(16, died=True))
    asked: Json = {"convention": "spss", "confidence_level": 0.9, "confidence_type": "log", "interval": "wald"}
    found = answered(body, **asked, landmarks=[6, 20], curve="none", endpoints=["overall_survival"])
    assert {name: found["meta"][name] for name in ("convention", "confidence_level", "confidence_type")} == {
        name: asked[name] for name in ("convention", "confidence_level", "confidence_type")
    }
    assert found["cohort"] == {
        "patients": 3,
        "sessions": 3,
        "lesions": 3,
        "time_unit": "months",
        "lesions_per_patient": {"mean": 1, "median": 1, "minimum": 1, "maximum": 1},
    }
    assert found["technical_success"]["primary"]["interval"] == "wald"
    (survival,) = found["endpoints"]
    assert survival["definition"].startswith("Time from the patient's first session to death of any cause;")
    rates = survival["estimate"]["rates"]
    assert [rate["survival"] for rate in rates] == [pytest.approx(2 / 3), 0]
    assert rates[0]["lower"] == pytest.approx(2 / 3 * exp(-1.6448536269514722 * sqrt(1 / 6)))
    assert survival["estimate"]["curve"] is None
    (incidence,) = found["local_recurrence"]["cumulative_incidence"]["groups"]
    assert [cause["cause"] for cause in incidence["causes"]] == ["local recurrence", "death"]
    assert [cause["events"] for cause in incidence["causes"]] == [0, 2]
    assert [rate["cumulative_incidence"] for rate in incidence["causes"][1]["rates"]] == [pytest.approx(1 / 3), 1]
