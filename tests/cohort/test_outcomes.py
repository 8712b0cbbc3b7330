"""The outcome summary: what is estimated of whom, by which convention, and what does not matter to it."""

import json
from dataclasses import replace
from math import exp, log, sqrt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.comparison import ComparisonOptions
from app.analysis.conventions import ConventionName
from app.analysis.gray import gray_test
from app.analysis.logrank import logrank_test
from app.analysis.observations import observe
from app.api import convert
from app.cohort.endpoints import NEVER_ABLATED
from app.cohort.groupings import Bin, Grouping, assign_groups
from app.cohort.model import Cohort, Lesion
from app.cohort.outcomes import EndpointGrouping, EndpointResult, Outcomes, Sample, summarize_outcomes
from tests.cohort.builders import (
    BINNED,
    BY_ARM,
    BY_DIAMETER,
    CATEGORIES,
    Json,
    answered,
    assert_same,
    cohort,
    cohort_json,
    cohorts_json,
    dated,
    lesion,
    options,
    patient,
    patient_json,
    questions,
)

Z = 1.959963984540054
CONVENTIONS: tuple[ConventionName, ...] = ("r", "sas", "spss", "stata")


def arm(label: str | None, follow_up: float, *lesions: Lesion, **fields: Any) -> Any:
    return patient(follow_up, *lesions, covariates={"arm": label}, **fields)


ARMS = cohort(
    arm("A", 6, lesion(2, diameter_mm=10.0), lesion(diameter_mm=30.0), died=True),
    arm("A", 8, lesion(diameter_mm=10.0), lesion(3, diameter_mm=40.0)),
    arm("B", 3, lesion(diameter_mm=20.0), died=True),
    arm("B", 5, lesion(4, diameter_mm=30.0), lesion(1), died=True),
    arm("B", 9, lesion(primary_success=False, secondary_success=False, diameter_mm=50.0)),
    arm(None, 7, lesion(6, diameter_mm=20.0)),
)


def summarized(found: Cohort, *groupings: Grouping, convention: ConventionName = "r", **fields: Any) -> Outcomes:
    return summarize_outcomes(found, options(convention, *groupings, **fields))


def grouped(result: EndpointResult, name: str) -> EndpointGrouping:
    return next(grouping for grouping in result.groupings if grouping.name == name)


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


class TestGroupings:
    def test_of_patients_apply_to_both_end_points_and_of_lesions_to_those_of_lesions(self) -> None:
        survival, progression = summarized(ARMS, BY_DIAMETER, BY_ARM).endpoints
        assert [grouping.name for grouping in survival.groupings] == ["arm"]
        assert [grouping.name for grouping in progression.groupings] == ["size", "arm"]

    def test_units_without_a_group_are_counted(self) -> None:
        """Residual lesions are left out before: they are not counted again."""
        survival, progression = summarized(ARMS, BY_DIAMETER, BY_ARM).endpoints
        assert [grouping.excluded for grouping in survival.groupings] == [1]
        assert [grouping.excluded for grouping in progression.groupings] == [1, 1]
        subjects = [[sample.survival.subjects for sample in one.groups] for one in progression.groupings]
        assert subjects == [[4, 3], [4, 3]]

    def test_survival_is_compared_without_competing_events(self) -> None:
        survival, _ = summarized(ARMS, BY_ARM).endpoints
        found = grouped(survival, "arm")
        assert found.gray is None
        assert [sample.incidence for sample in found.groups] == [None, None]
        assert found.comparison is not None
        expected = logrank_test(observe([6, 8, 3, 5, 9], [1, 0, 1, 1, 0], group=[0, 0, 1, 1, 1]), 2)
        assert [test.name for test in found.comparison.tests] == ["log-rank"]
        assert found.comparison.tests[0].statistic == pytest.approx(expected.statistic)
        assert len(found.comparison.restricted_mean_differences) == len(found.comparison.hazard_ratios) == 1

    def test_progression_is_compared_with_gray_s_test_of_each_cause(self) -> None:
        _, progression = summarized(ARMS, BY_ARM).endpoints
        found = grouped(progression, "arm")
        lesions = observe([2, 6, 8, 3, 3, 4, 1], [1, 2, 0, 1, 2, 1, 1], group=[0] * 4 + [1] * 3)
        assert found.gray is not None
        statistics = [gray_test(lesions, 2, cause).statistic for cause in (1, 2)]
        assert [test.statistic for test in found.gray] == pytest.approx(statistics)
        assert found.comparison is not None
        log_rank, robust = found.comparison.tests
        assert (log_rank.name, robust.name) == ("log-rank", "robust-score")
        assert log_rank.statistic == pytest.approx(logrank_test(lesions.only_cause(1), 2).statistic)
        for sample in found.groups:
            assert sample.incidence is not None
            assert len(sample.incidence.rates) == 2

    def test_the_log_rank_test_is_left_out_where_not_asked_for(self) -> None:
        survival, progression = summarized(ARMS, BY_ARM, comparison=ComparisonOptions(())).endpoints
        for result, names in ((survival, []), (progression, ["robust-score"])):
            comparison = grouped(result, "arm").comparison
            assert comparison is not None
            assert [test.name for test in comparison.tests] == names

    def test_a_group_without_units_is_named_and_the_others_are_compared(self) -> None:
        bins = (Bin("none", upper=5.0), Bin("small", 5.0, 30.0), Bin("no", 30.0, 35.0), Bin("large", 35.0, 60.0))
        with_empty = Grouping("size", "lesion", "diameter_mm", bins)
        without_empty = replace(with_empty, bins=(bins[1], bins[3]))
        _, progression = summarized(ARMS, with_empty).endpoints
        _, expected = summarized(ARMS, without_empty).endpoints
        found = grouped(progression, "size")
        assert found.empty == ("none", "no")
        assert [sample.label for sample in found.groups] == ["small", "large"]
        assert_same(figures_of(found), figures_of(grouped(expected, "size")))

    def test_one_group_has_nothing_to_be_compared_with(self) -> None:
        found = cohort(arm("A", 4, died=True), arm(None, 5), arm("A", 6))
        for result in summarized(found, BY_ARM).endpoints:
            grouping = grouped(result, "arm")
            assert [sample.label for sample in grouping.groups] == ["A"]
            assert (grouping.excluded, grouping.empty) == (1, ())
            assert (grouping.comparison, grouping.gray) == (None, None)

    def test_there_may_be_no_group(self) -> None:
        """The one lesion with a diameter was never ablated."""
        residual = lesion(primary_success=False, secondary_success=False, diameter_mm=10.0)
        _, progression = summarized(cohort(patient(9, residual, lesion())), BY_DIAMETER).endpoints
        assert grouped(progression, "size") == EndpointGrouping("size", 1, ("small", "large"), [], None, None)

    @pytest.mark.parametrize("convention", CONVENTIONS)
    def test_groups_with_few_events_are_answered(self, convention: ConventionName) -> None:
        """Of a single event SAS has no standard error of the mean, so none of a difference of means."""
        patients = [
            patient_json(time, died=died, covariates={"arm": label})
            for time, died, label in ((2, True, "A"), (4, False, "A"), (3, True, "B"), (6, True, "B"), (5, False, "C"))
        ]
        grouping = {"name": "arm", "unit": "patient", "variable": "covariates.arm"}
        survival = answered(cohort_json(*patients), groupings=[grouping], convention=convention)["endpoints"][0]
        (found,) = survival["groupings"]
        assert [one["events"] for one in found["groups"]] == [1, 2, 0]
        difference = found["comparison"]["restricted_mean_differences"][0]
        assert (difference["first"], difference["second"]) == ("A", "B")
        assert difference["difference"] == pytest.approx(3 - 3.5)
        assert (difference["standard_error"] is None) == (convention == "sas")


def figures_of(grouping: EndpointGrouping) -> Json:
    """Return what the answer has of the groups of an end point with two causes."""
    labels = [sample.label for sample in grouping.groups]
    assert grouping.comparison is not None
    assert grouping.gray is not None
    return {
        "groups": [figures(sample) for sample in grouping.groups],
        "comparison": convert.comparison(grouping.comparison, labels).model_dump(),
        "gray": [convert.test(test).model_dump() for test in grouping.gray],
    }


def figures(sample: Sample) -> Json:
    """Return what the answer has of a sample, its label apart."""
    found: Json = convert.survival_estimate(sample.survival, interpretation="", curve="full").model_dump()
    if sample.incidence is not None:
        causes = ("local recurrence", "death")
        found["incidence"] = convert.incidence_group(sample.incidence, "", causes, curve="full").model_dump()
    return found


def part(whole: Cohort, grouping: Grouping, label: str) -> Cohort:
    """Return the cohort of the lesions in a group, and of the patients who have one."""
    groups = assign_groups(whole, grouping)
    in_group = iter([code == groups.labels.index(label) for code in groups.lesion_codes])
    kept = [(one, tuple(tumour for tumour in one.lesions if next(in_group))) for one in whole.patients]
    return Cohort(tuple(replace(one, lesions=lesions) for one, lesions in kept if lesions), whole.time_unit)


@pytest.mark.parametrize("convention", ["sas", "spss", "stata"])
@pytest.mark.parametrize("grouping", [BY_ARM, BY_DIAMETER], ids=["patients", "lesions"])
def test_the_estimates_of_a_group_are_those_of_its_units_alone(convention: ConventionName, grouping: Grouping) -> None:
    """With a convention whose mean has the group's own horizon; R's has that of all groups."""
    fields: Json = {"convention": convention, "survival": {"landmarks": (0, 4, 7)}}
    compared = 0
    for place, result in enumerate(summarized(ARMS, grouping, **fields).endpoints):
        for sample in [sample for one in result.groupings for sample in one.groups]:
            alone = summarized(part(ARMS, grouping, sample.label), **fields).endpoints[place].overall
            assert alone is not None
            assert_same(figures(sample), figures(alone))
            compared += 1
    assert compared == (4 if grouping is BY_ARM else 2)


class TestConventions:
    """The table of the contract, a row a test."""

    def survival(self, convention: str, *follow_ups: float, **fields: Any) -> Json:
        """Return overall survival of patients, those with a time below 0 being alive at it."""
        patients = [patient_json(abs(time), died=time > 0) for time in follow_ups]
        found: Json = answered(cohort_json(*patients), convention=convention, **fields)["endpoints"][0]["estimate"]
        return found

    def by_arm(self, convention: str, **arms: list[float]) -> Json:
        patients = [
            patient_json(abs(time), died=time > 0, covariates={"arm": label})
            for label, times in arms.items()
            for time in times
        ]
        grouping = {"name": "arm", "unit": "patient", "variable": "covariates.arm"}
        found = answered(cohort_json(*patients), convention=convention, groupings=[grouping])
        result: Json = found["endpoints"][0]["groupings"][0]
        return result

    @pytest.mark.parametrize(
        ("convention", "lower"),
        [
            ("r", 0.75 * exp(-Z * sqrt(1 / 12))),
            ("sas", 0.75 ** exp(-Z * sqrt(1 / 12) / log(0.75))),
            ("spss", 0.75 - Z * 0.75 * sqrt(1 / 12)),
            ("stata", 0.75 ** exp(-Z * sqrt(1 / 12) / log(0.75))),
        ],
    )
    def test_interval_of_survival(self, convention: str, lower: float) -> None:
        """One of four dies: the variance of log S is 1 / 12."""
        assert self.survival(convention, 1, -2, -2, -2, landmarks=[1])["rates"][0]["lower"] == pytest.approx(lower)

    @pytest.mark.parametrize("convention", CONVENTIONS)
    def test_an_interval_that_is_asked_for_overrides_the_convention(self, convention: str) -> None:
        found = self.survival(convention, 1, -2, -2, -2, landmarks=[1], confidence_type="plain")
        assert found["rates"][0]["lower"] == pytest.approx(0.75 - Z * 0.75 * sqrt(1 / 12))

    @pytest.mark.parametrize(("convention", "median"), [("r", 2.5), ("sas", 2.5), ("spss", 2), ("stata", 2)])
    def test_quantile_where_survival_hits_the_level(self, convention: str, median: float) -> None:
        assert self.survival(convention, 1, 2, 3, 4)["median"]["estimate"] == median

    @pytest.mark.parametrize(("convention", "median"), [("r", 102.5), ("sas", None), ("spss", 87), ("stata", 87)])
    def test_quantile_on_a_flat_to_the_end(self, convention: str, median: float | None) -> None:
        times = (54, 75, 77, 84, 87, -92, -103, -105, -112, -118)
        assert self.survival(convention, *times)["median"]["estimate"] == median

    def test_interval_of_the_median(self) -> None:
        """Inversion of the band of survival, but for SPSS, which takes 1.96 standard errors."""
        found = {name: self.survival(name, *range(1, 14)) for name in CONVENTIONS}
        for name in ("r", "sas", "stata"):
            median, curve = found[name]["median"], found[name]["curve"]
            assert median["estimate"] == 7
            for limit in ("lower", "upper"):
                band = zip(curve["time"], curve[limit], strict=True)
                assert median[limit] == next((t for t, value in band if value is not None and value <= 0.5), None)
        median = found["spss"]["median"]
        assert median["upper"] - 7 == pytest.approx(1.96 * median["standard_error"], rel=1e-14)
        assert median["lower"] - 7 == pytest.approx(-1.96 * median["standard_error"], rel=1e-14)
        limits = {name: (one["median"]["lower"], one["median"]["upper"]) for name, one in found.items()}
        assert limits["sas"] == limits["stata"]
        assert len(set(limits.values())) == 3

    @pytest.mark.parametrize(
        ("convention", "horizon", "mean"), [("r", 6, 4), ("sas", 2, 2), ("spss", 4, 3), ("stata", 4, 3)]
    )
    def test_horizon_of_the_mean(self, convention: str, horizon: float, mean: float) -> None:
        """Of deaths at 2 and 2 and the living at 4 and 4, beside a group that is followed to 6."""
        found = self.by_arm(convention, A=[2, 2, -4, -4], B=[3, 3, -6])["groups"][0]["restricted_mean"]
        assert (found["horizon"], found["estimate"]) == (horizon, pytest.approx(mean))

    @pytest.mark.parametrize(("convention", "factor"), [("r", 1), ("sas", 3 / 2), ("spss", 1), ("stata", 1)])
    def test_factor_in_the_variance_of_the_mean(self, convention: str, factor: float) -> None:
        """Deaths at 1, 2, 3: areas of 1 and 1/3 after the first two, the variance is 1 / 6 + (1 / 9) / 2 = 2 / 9."""
        found = self.survival(convention, 1, 2, 3)["restricted_mean"]
        assert found["estimate"] == pytest.approx(2)
        assert found["standard_error"] ** 2 == pytest.approx(factor * 2 / 9)

    @pytest.mark.parametrize(("convention", "known"), [("r", True), ("sas", False), ("spss", False), ("stata", False)])
    def test_survival_after_the_last_follow_up(self, convention: str, known: bool) -> None:
        rate = self.survival(convention, 1, -2, landmarks=[5])["rates"][0]
        assert rate["survival"] == (0.5 if known else None)
        assert rate["reason"] == (None if known else "beyond the last follow-up, where it is not known")

    @pytest.mark.parametrize("convention", CONVENTIONS)
    def test_ties_of_the_cox_model(self, convention: str) -> None:
        """At 1 die one of two in A and both of B, then the other of A.

        Breslow's likelihood is x^2 / (2 + 2 x)^3, greatest at 2. Efron's is
        x^2 / [(2 + 2 x) (5 / 3 + 4 x / 3) (4 / 3 + 2 x / 3)].
        """
        (found,) = self.by_arm(convention, A=[1, 2], B=[1, 1])["comparison"]["hazard_ratios"]
        x = found["hazard_ratio"]
        assert (found["label"], found["reference"]) == ("B", "A")
        if convention == "r":
            assert 2 / x == pytest.approx(1 / (1 + x) + 4 / (5 + 4 * x) + 1 / (2 + x))
        else:
            assert x == pytest.approx(2)


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


@settings(deadline=None, max_examples=25)
@given(cohorts_json(), questions(), st.data())
def test_every_cohort_is_answered(body: Json, question: Json, data: st.DataObject) -> None:
    """Whatever unit its times are in, and whether they are numbers or dates; every lesion is counted once."""
    patients = [dated(one) if data.draw(st.booleans()) else one for one in body["patients"]]
    sent = {"patients": patients, "time_unit": data.draw(st.sampled_from(["days", "weeks", "months", "years"]))}
    found = answered(sent, groupings=[*BINNED, *CATEGORIES], **question)
    json.dumps(found, allow_nan=False)
    lesions, (_, progression) = found["cohort"]["lesions"], found["endpoints"]
    left_out = sum(one["count"] for one in progression["excluded"])
    used = 0 if progression["estimate"] is None else progression["estimate"]["subjects"]
    assert used + left_out == lesions
    for grouping in found["technical_success"]["groupings"]:
        assert sum(group["primary"]["total"] for group in grouping["groups"]) + grouping["excluded"] == lesions
    for grouping in progression["groupings"]:
        assert sum(group["subjects"] for group in grouping["groups"]) + grouping["excluded"] == used


def in_one_order(value: Any, **keys: str) -> Any:
    """Return an answer with each list of these names sorted by the key that stands for it."""
    if isinstance(value, list):
        return [in_one_order(inner, **keys) for inner in value]
    if not isinstance(value, dict):
        return value
    found = {name: in_one_order(inner, **keys) for name, inner in value.items()}
    lists = {name: key for name, key in keys.items() if isinstance(found.get(name), list)}
    return found | {name: sorted(found[name], key=lambda one: str(one[key])) for name, key in lists.items()}


@settings(deadline=None, max_examples=20)
@given(cohorts_json(), questions(), st.data())
def test_the_order_of_patients_does_not_matter(body: Json, question: Json, data: st.DataObject) -> None:
    """But to the order of the reasons for leaving lesions out."""
    permuted = {**body, "patients": data.draw(st.permutations(body["patients"]))}
    one, other = (answered(sent, groupings=BINNED, **question) for sent in (permuted, body))
    assert_same(in_one_order(one, excluded="reason"), in_one_order(other, excluded="reason"))


@settings(deadline=None, max_examples=20)
@given(cohorts_json(), questions(), st.data())
def test_the_order_of_patients_orders_categories_only(body: Json, question: Json, data: st.DataObject) -> None:
    """What refers to the order of groups apart: the first is the reference of hazard ratios, scores are by place."""
    tests = [name for name in question["tests"] if name != "trend"]
    permuted = {**body, "patients": data.draw(st.permutations(body["patients"]))}
    answers = []
    for sent in (permuted, body):
        found = answered(sent, groupings=CATEGORIES, **{**question, "tests": tests})
        del found["summary"], found["meta"]["warnings"]
        for grouping in [one for result in found["endpoints"] for one in result["groupings"] if one["comparison"]]:
            del grouping["comparison"]["hazard_ratios"], grouping["comparison"]["restricted_mean_differences"]
        answers.append(in_one_order(found, excluded="reason", groups="label"))
    assert_same(*answers)


@settings(deadline=None, max_examples=20)
@given(cohorts_json(), questions())
def test_dates_are_the_same_history_as_numbers_of_days(body: Json, question: Json) -> None:
    groupings = [*BINNED, *CATEGORIES]
    assert answered(dated(body), groupings=groupings, **question) == answered(body, groupings=groupings, **question)
