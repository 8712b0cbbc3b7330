"""Technical success and local recurrence, counted by hand."""

import numpy as np
import pytest

from app.analysis.proportions import Proportion, estimate_clustered_proportion, estimate_proportion
from app.analysis.success_rates import TableOptions
from app.cohort.endpoint_rows import NEVER_ABLATED
from app.cohort.groupings import Groups, assign_groups
from app.cohort.lesion_tables import (
    GroupedProportions,
    LocalRecurrence,
    TechnicalSuccess,
    local_recurrence,
    technical_success,
)
from app.cohort.model import Recurrence
from tests.cohort.builders import BY_ARM, BY_DIAMETER, cohort, lesion, patient

RESIDUAL = {"primary_success": False, "secondary_success": False}
COHORT = cohort(
    patient(
        9,
        lesion(diameter_mm=10.0),
        lesion(5, 7, diameter_mm=20.0, primary_success=False),
        lesion(diameter_mm=30.0, **RESIDUAL),
        covariates={"arm": "A"},
    ),
    patient(
        9,
        lesion(diameter_mm=40.0, recurrences=(Recurrence(3.0, retreated=True),)),
        lesion(4, diameter_mm=50.0, **RESIDUAL),
        covariates={"arm": "B"},
    ),
    patient(9, lesion(diameter_mm=25.0, **RESIDUAL)),
    patient(9, lesion(), lesion(), covariates={"arm": "A"}),
)
BY_SIZE, OF_ARMS = assign_groups(COHORT, BY_DIAMETER), assign_groups(COHORT, BY_ARM)


def success(*groupings: Groups, options: TableOptions | None = None) -> TechnicalSuccess:
    return technical_success(COHORT, groupings, options or TableOptions())


def recurrence(*groupings: Groups, options: TableOptions | None = None) -> LocalRecurrence:
    return local_recurrence(COHORT, groupings, options or TableOptions())


def counts(table: GroupedProportions) -> dict[str, tuple[int, int]]:
    return {label: (one.count, one.total) for label, one in zip(table.labels, table.proportions, strict=True)}


def clusters(proportion: Proportion) -> int:
    assert proportion.cluster_adjusted is not None
    return proportion.cluster_adjusted.clusters


class TestTechnicalSuccess:
    def test_of_all_lesions_by_hand(self) -> None:
        found = success()
        assert (found.primary.count, found.primary.total, clusters(found.primary)) == (4, 8, 4)
        assert (found.secondary.count, found.secondary.total, clusters(found.secondary)) == (5, 8, 4)
        assert found.primary_groupings == found.secondary_groupings == []

    def test_patients_are_the_clusters(self) -> None:
        """By patient 2 of 3, 1 of 2, 0 of 1 and 2 of 2 lesions succeeded in the end."""
        cluster = np.array([0, 0, 0, 1, 1, 2, 3, 3])
        assert success().secondary == estimate_clustered_proportion(np.array([1, 1, 0, 1, 0, 0, 1, 1]) > 0, cluster)

    def test_by_group(self) -> None:
        """Two lesions have no diameter, one patient no arm."""
        found = success(BY_SIZE, OF_ARMS)
        by_size, by_arm = found.primary_groupings
        assert (by_size.name, by_size.excluded, counts(by_size)) == ("size", 2, {"small": (1, 3), "large": (1, 3)})
        assert (by_arm.name, by_arm.excluded, counts(by_arm)) == ("arm", 1, {"A": (3, 5), "B": (1, 2)})
        by_size, by_arm = found.secondary_groupings
        assert (by_size.excluded, counts(by_size)) == (2, {"small": (2, 3), "large": (1, 3)})
        assert (by_arm.excluded, counts(by_arm)) == (1, {"A": (4, 5), "B": (1, 2)})
        assert [clusters(one) for one in (*by_size.proportions, *by_arm.proportions)] == [2, 2, 2, 1]

    def test_as_asked_for(self) -> None:
        options = TableOptions(confidence_level=0.9, interval="clopper-pearson")
        expected = estimate_proportion(4, 8, confidence_level=0.9, interval="clopper-pearson")
        found = success(BY_SIZE, options=options)
        assert (found.primary.lower, found.primary.upper) == (expected.lower, expected.upper)
        assert found.primary_groupings[0].proportions[0].interval == "clopper-pearson"


class TestLocalRecurrence:
    def test_of_the_lesions_completely_ablated_by_hand(self) -> None:
        """The patient with a residual lesion alone is not at risk; what came after residual tumour is no recurrence."""
        found = recurrence()
        assert found.excluded == {NEVER_ABLATED: 3}
        assert (found.lesions.count, found.lesions.total, clusters(found.lesions)) == (2, 5, 3)
        assert (found.patients.count, found.patients.total) == (2, 3)
        assert found.patients.cluster_adjusted is None
        assert (found.recurrences, found.retreated) == (3, 1)
        assert list(found.counts.items()) == [(0, 3), (1, 1), (2, 1)]
        assert found.groupings == []

    def test_by_group(self) -> None:
        by_size, by_arm = recurrence(BY_SIZE, OF_ARMS).groupings
        assert (by_size.excluded, counts(by_size)) == (2, {"small": (1, 2), "large": (1, 1)})
        assert (by_arm.excluded, counts(by_arm)) == (0, {"A": (1, 4), "B": (1, 1)})

    def test_as_asked_for(self) -> None:
        options = TableOptions(confidence_level=0.9, interval="wald")
        found = recurrence(options=options)
        assert found.patients == estimate_proportion(2, 3, confidence_level=0.9, interval="wald")
        assert found.lesions.interval == "wald"

    def test_nothing_is_left_out_where_all_were_ablated(self) -> None:
        found = local_recurrence(cohort(patient(9)), [], TableOptions())
        assert (found.excluded, found.counts) == ({}, {0: 1})

    def test_no_lesion_is_left_where_none_was_ablated(self) -> None:
        none = cohort(patient(9, lesion(3, diameter_mm=10.0, **RESIDUAL)))
        found = local_recurrence(none, [assign_groups(none, BY_DIAMETER)], TableOptions())
        assert (found.lesions.count, found.lesions.total, clusters(found.lesions)) == (0, 0, 0)
        assert np.isnan([found.lesions.proportion, found.lesions.lower, found.patients.proportion]).all()
        assert (found.recurrences, found.retreated, found.counts) == (0, 0, {})
        (table,) = found.groupings
        assert (table.excluded, counts(table)) == (0, {"small": (0, 0), "large": (0, 0)})
        assert table.tests[0].reason == "fewer than 2 groups have any units"


class TestTests:
    COHORT = cohort(
        *[patient(9, lesion(diameter_mm=10.0)) for _ in range(3)],
        patient(9, lesion(diameter_mm=30.0)),
        *[patient(9, lesion(diameter_mm=30.0, **RESIDUAL)) for _ in range(2)],
    )
    GROUPS = assign_groups(COHORT, BY_DIAMETER)

    def test_of_3_of_3_against_1_of_3_by_hand(self) -> None:
        """Of the tables with these margins, 1 : 3 : 1 by probability 1/5, 3/5, 1/5, two are as rare as this one."""
        options = TableOptions(tests=("trend", "fisher", "chi-squared"))
        (table,) = technical_success(self.COHORT, [self.GROUPS], options).primary_groupings
        trend, fisher, chi_squared = table.tests
        assert [test.name for test in table.tests] == ["trend", "fisher", "chi-squared"]
        assert fisher.p_value == pytest.approx(2 / 5)
        for test in (chi_squared, trend):
            assert test.statistic == pytest.approx(3)
            assert test.degrees_of_freedom == 1

    def test_none_is_done_unasked(self) -> None:
        (table,) = technical_success(self.COHORT, [self.GROUPS], TableOptions(tests=())).primary_groupings
        assert table.tests == []

    def test_one_group_is_not_compared(self) -> None:
        one = cohort(patient(9, covariates={"arm": "A"}), patient(9, covariates={"arm": "A"}))
        (table,) = technical_success(one, [assign_groups(one, BY_ARM)], TableOptions()).primary_groupings
        assert counts(table) == {"A": (2, 2)}
        assert table.tests == []

    def test_a_group_without_lesions_has_no_proportion_and_does_not_matter_to_tests(self) -> None:
        """No lesion of the large group is left, so that nothing is compared with the small one's."""
        options = TableOptions(tests=("fisher", "chi-squared", "trend"))
        only_small = cohort(*self.COHORT.patients[:3])
        (table,) = technical_success(only_small, [assign_groups(only_small, BY_DIAMETER)], options).primary_groupings
        assert counts(table) == {"small": (3, 3), "large": (0, 0)}
        assert np.isnan(table.proportions[1].proportion)
        assert np.isnan([test.p_value for test in table.tests]).all()
        assert all(test.reason for test in table.tests)

    def test_of_recurrence_only_the_lesions_at_risk_are_compared(self) -> None:
        options = TableOptions(tests=("chi-squared",))
        (table,) = local_recurrence(self.COHORT, [self.GROUPS], options).groupings
        assert counts(table) == {"small": (0, 3), "large": (0, 1)}
        assert table.tests[0].reason == "fewer than 2 groups, or fewer than 2 outcomes, have any units"

    def test_without_any_value_there_is_no_group(self) -> None:
        none = cohort(patient(9, covariates={"arm": None}))
        (table,) = technical_success(none, [assign_groups(none, BY_ARM)], TableOptions()).primary_groupings
        assert (table.labels, table.proportions, table.tests, table.excluded) == ((), [], [], 1)
