"""Outcomes by group: who is in which, what is compared, and what does not matter to it."""

from dataclasses import replace

import pytest

from app.analysis.comparison import ComparisonOptions
from app.analysis.conventions import ConventionName
from app.analysis.gray import gray_test
from app.analysis.observations import observe
from app.api import convert
from app.api.convert_competing_risks import incidence_group
from app.cohort.endpoints import ENDPOINTS, EndpointName
from app.cohort.groupings import Bin, Grouping, assign_groups
from app.cohort.model import Cohort
from app.cohort.outcomes import EndpointGrouping, Sample
from tests.analysis.comparison_samples import logrank_test
from tests.cohort.builders import (
    BY_ARM,
    BY_DIAMETER,
    Json,
    answered,
    assert_same,
    cohort,
    cohort_json,
    lesion,
    patient,
    patient_json,
)
from tests.cohort.outcome_samples import ARMS, CONVENTIONS, arm, grouped, summarized


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

    @pytest.mark.parametrize("name", ENDPOINTS)
    def test_every_end_point_is_compared_by_its_unit_and_causes(self, name: EndpointName) -> None:
        """The clustered score test goes with lesions, Gray's test of each cause with competing events."""
        (result,) = summarized(ARMS, BY_ARM, endpoints=(name,)).endpoints
        found, endpoint = grouped(result, "arm"), result.endpoint
        assert found.comparison is not None
        names = ["log-rank", "robust-score"] if endpoint.unit == "lesion" else ["log-rank"]
        assert [test.name for test in found.comparison.tests] == names
        assert len(found.gray or []) == (2 if endpoint.has_competing_events else 0)
        for sample in [result.overall, *found.groups]:
            assert sample is not None
            assert (sample.incidence is not None) == endpoint.has_competing_events
            assert (sample.survival.curve.observations.cluster is not None) == (endpoint.unit == "lesion")

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
        found["incidence"] = incidence_group(sample.incidence, "", causes, curve="full").model_dump()
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
