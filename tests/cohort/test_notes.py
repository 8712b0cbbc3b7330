"""Each warning where it is due and where not."""

from typing import Any

import pytest

from app.analysis import survival_notes
from app.analysis.survival_notes import FEW_EVENTS
from app.cohort.endpoint_rows import derive_endpoint
from app.cohort.endpoints import ENDPOINTS
from app.cohort.groupings import Bin, Grouping
from app.cohort.model import Cohort, Lesion
from app.cohort.notes import SENTENCES, row_warnings, warnings
from app.cohort.outcomes import summarize_outcomes
from tests.cohort.builders import BY_ARM, BY_DIAMETER, cohort, lesion, options, patient

RESIDUAL = {"primary_success": False, "secondary_success": False}
ONLY_SURVIVAL: dict[str, Any] = {"endpoints": ("overall_survival",)}


def cautions(found: Cohort, *groupings: Grouping, **fields: Any) -> dict[str, str]:
    """Return the warnings by their code."""
    return {one.code: one.detail for one in warnings(summarize_outcomes(found, options("r", *groupings, **fields)))}


def deaths(*follow_ups: float, arm: str | None = None) -> Cohort:
    """Return patients who died at the given times, or lived until them where these are below 0."""
    return cohort(*[patient(abs(time), died=time > 0, covariates={"arm": arm}) for time in follow_ups])


def joined(**arms: Cohort) -> Cohort:
    return cohort(*[one for found in arms.values() for one in found.patients])


class TestExclusions:
    def found(self, body: Cohort) -> dict[str, str]:
        """Return the warnings of the rows of all end points, which are those of the outcomes too."""
        rows = {
            one.code: one.detail for one in row_warnings([derive_endpoint(body, one) for one in ENDPOINTS.values()])
        }
        outcomes = cautions(body, endpoints=tuple(ENDPOINTS))
        assert rows == {code: detail for code, detail in outcomes.items() if code in rows}
        assert not {"endpoint_without_units", "unknown_cause_of_death"} & (outcomes.keys() - rows.keys())
        return rows

    def test_of_every_unit_are_a_warning(self) -> None:
        assert self.found(cohort(patient(9, lesion(**RESIDUAL)))) == {
            "endpoint_without_units": "Every patient or lesion is left out, so that nothing is estimated: "
            "local_progression_free_survival; local_progression."
        }

    def test_of_the_dead_of_unknown_cause_are_counted(self) -> None:
        unknown = [patient(4, died=True), patient(5, died=True, cause_of_death="unknown")]
        assert self.found(cohort(*unknown, patient(6, died=True, cause_of_death="other"))) == {
            "unknown_cause_of_death": "The dead of unknown cause are left out, which hides deaths and can bias what is "
            "estimated: cancer_specific_survival (2)."
        }
        assert self.found(cohort(*unknown)).keys() == {"endpoint_without_units", "unknown_cause_of_death"}

    def test_of_some_units_are_none(self) -> None:
        assert self.found(cohort(patient(9, lesion(**RESIDUAL), lesion()))) == {}


class TestFewEvents:
    def test_of_the_whole_sample(self) -> None:
        found = cautions(deaths(*range(1, FEW_EVENTS + 1)))
        assert found == {"few_events": "Fewer than 10 events, so that estimates are imprecise: local_progression."}
        found = cautions(deaths(*range(1, FEW_EVENTS)), **ONLY_SURVIVAL)
        assert found["few_events"].endswith(": overall_survival.")

    def test_of_a_group(self) -> None:
        found = cautions(
            joined(a=deaths(*range(1, 11), arm="A"), b=deaths(1, -2, arm="B"), c=deaths(5, -9, arm="C")),
            BY_ARM,
            endpoints=("overall_survival",),
        )
        assert found["few_events"].endswith(": overall_survival by arm (B, C).")

    def test_a_group_without_any_is_another_warning(self) -> None:
        found = cautions(
            joined(a=deaths(*range(1, 11), arm="A"), b=deaths(-1, -2, arm="B")), BY_ARM, endpoints=("overall_survival",)
        )
        assert "few_events" not in found
        assert found["group_without_events"] == (
            "No events, so that no hazard ratio exists: overall_survival by arm (B)."
        )

    def test_each_warning_comes_once_with_all_its_places(self) -> None:
        found = cautions(joined(a=deaths(4, -9, arm="A"), b=deaths(5, -9, arm="B")), BY_ARM)
        assert found["few_events"] == (
            "Fewer than 10 events, so that estimates are imprecise: overall_survival; overall_survival by arm (A, B); "
            "local_progression."
        )

    def test_an_end_point_without_units_has_none(self) -> None:
        found = cautions(cohort(patient(9, lesion(**RESIDUAL))), endpoints=("local_progression",))
        assert found.keys() == {"endpoint_without_units"}


class TestEmptyGroup:
    BINS = Grouping("size", "lesion", "diameter_mm", (Bin("small", upper=30.0), Bin("large", lower=30.0)))

    def test_is_named(self) -> None:
        found = cautions(cohort(patient(9, lesion(diameter_mm=10.0))), self.BINS)
        assert found["empty_group"] == "Groups without units are left out: local_progression by size (large)."

    def test_none_is_none(self) -> None:
        both = cohort(patient(9, lesion(diameter_mm=10.0), lesion(diameter_mm=40.0)))
        assert "empty_group" not in cautions(both, self.BINS)


class TestMedian:
    def test_with_fewer_than_10_percent_at_risk(self) -> None:
        """Of 20 patients 19 are censored before the last dies."""
        found = cautions(deaths(*[-1] * 19, 5), **ONLY_SURVIVAL)
        assert found["few_at_risk_at_median"] == (
            "The median lies where fewer than 10 % are still at risk: overall_survival."
        )

    def test_with_10_percent_at_risk_there_is_none(self) -> None:
        assert "few_at_risk_at_median" not in cautions(deaths(*[-1] * 9, 5), **ONLY_SURVIVAL)

    def test_on_a_flat_to_the_end(self) -> None:
        found = cautions(deaths(1, 2, -3, -4), **ONLY_SURVIVAL)
        assert found["median_on_last_flat"].startswith("Survival is exactly 0.5 up to the last follow-up")
        assert found["median_on_last_flat"].endswith(": overall_survival.")

    @pytest.mark.parametrize("follow_ups", [(1, 2, 3, -4), (1, -2, -3, -4), (-1, -2), (1, 2)])
    def test_elsewhere_there_is_none(self, follow_ups: tuple[float, ...]) -> None:
        found = cautions(deaths(*follow_ups), **ONLY_SURVIVAL)
        assert not {"median_on_last_flat", "few_at_risk_at_median"} & set(found)

    def test_of_a_group_is_named_with_it(self) -> None:
        both = joined(a=deaths(*[-1] * 19, 5, arm="A"), b=deaths(1, -2, arm="B"))
        found = cautions(both, BY_ARM, **ONLY_SURVIVAL)
        assert found["few_at_risk_at_median"].endswith(": overall_survival; overall_survival by arm (A).")
        assert found["median_on_last_flat"].endswith(": overall_survival by arm (B).")


class TestNonproportionalHazards:
    def test_where_those_of_groups_cross(self) -> None:
        """Of each arm 10 of 20 die: those of one early, those of the other late."""
        both = joined(a=deaths(*range(1, 11), *[-30] * 10, arm="A"), b=deaths(*range(11, 21), *[-30] * 10, arm="B"))
        found = cautions(both, BY_ARM, **ONLY_SURVIVAL)
        assert found["nonproportional_hazards"].endswith(": overall_survival by arm.")

    def test_not_where_there_is_one_group(self) -> None:
        found = cautions(deaths(*range(1, 11), *[-30] * 11, arm="A"), BY_ARM, **ONLY_SURVIVAL)
        assert found == {}


class TestLesionsAsIndependent:
    def test_wherever_groups_of_lesions_are_compared(self) -> None:
        both = cohort(patient(9, lesion(3, diameter_mm=10.0), lesion(4, diameter_mm=40.0)))
        assert cautions(both, BY_DIAMETER)["lesions_as_independent"].endswith(
            "do not: local_progression by size; primary technical success by size; secondary technical success by "
            "size; local recurrence by size."
        )

    def test_not_of_tables_that_are_not_tested(self) -> None:
        both = cohort(patient(9, lesion(3, diameter_mm=10.0), lesion(4, diameter_mm=40.0)))
        found = cautions(both, BY_DIAMETER, tests=())
        assert found["lesions_as_independent"].endswith("do not: local_progression by size.")

    def test_not_where_there_is_one_group(self) -> None:
        assert "lesions_as_independent" not in cautions(deaths(4, arm="A"), BY_ARM)

    def test_not_of_patients(self) -> None:
        both = joined(a=deaths(4, arm="A"), b=deaths(5, arm="B"))
        assert "lesions_as_independent" not in cautions(both, BY_ARM, endpoints=("overall_survival",), tests=())


class TestSmallExpectedCounts:
    def sizes(self, small: tuple[int, int], large: tuple[int, int]) -> Cohort:
        """Return lesions of two sizes, so many ablated of so many."""

        def lesions(diameter: float, ablated: int, total: int) -> list[Lesion]:
            outcomes = [True] * ablated + [False] * (total - ablated)
            return [lesion(diameter_mm=diameter, primary_success=one) for one in outcomes]

        return cohort(patient(9, *lesions(10.0, *small), *lesions(40.0, *large)))

    def test_below_5(self) -> None:
        """Of 20 lesions 9 failed: 4.5 are expected of 10."""
        found = cautions(self.sizes((8, 10), (3, 10)), BY_DIAMETER, tests=("chi-squared",))
        assert found["small_expected_counts"] == (
            "A cell of the table expects fewer than 5 lesions; prefer Fisher's exact test to the chi-squared test: "
            "primary technical success by size."
        )

    def test_those_of_the_smallest_group_are_looked_at(self) -> None:
        """Of 32 lesions 16 failed: 1 is expected of 2."""
        found = cautions(self.sizes((2, 2), (14, 30)), BY_DIAMETER, tests=("chi-squared",))
        assert "small_expected_counts" in found

    @pytest.mark.parametrize("tests", [("fisher",), ("trend",), ()])
    def test_do_not_matter_to_other_tests(self, tests: tuple[str, ...]) -> None:
        assert "small_expected_counts" not in cautions(self.sizes((8, 10), (3, 10)), BY_DIAMETER, tests=tests)

    def test_5_are_enough(self) -> None:
        found = cautions(self.sizes((8, 10), (2, 10)), BY_DIAMETER, tests=("chi-squared",))
        assert "small_expected_counts" not in found

    def test_do_not_matter_where_all_have_the_same_outcome(self) -> None:
        assert "small_expected_counts" not in cautions(self.sizes((2, 2), (2, 2)), BY_DIAMETER, tests=("chi-squared",))

    def test_a_group_without_lesions_does_not_hide_them(self) -> None:
        """It drops out of the test."""
        bins = (*BY_DIAMETER.bins[:1], Bin("large", 30.0, 50.0), Bin("largest", lower=50.0))
        with_empty = Grouping("size", "lesion", "diameter_mm", bins)
        found = cautions(self.sizes((8, 10), (3, 10)), with_empty, tests=("chi-squared",))
        assert found["small_expected_counts"].endswith(": primary technical success by size.")

    def test_a_single_group_with_lesions_has_none(self) -> None:
        """There is no table to test."""
        assert "small_expected_counts" not in cautions(self.sizes((2, 4), (0, 0)), BY_DIAMETER, tests=("chi-squared",))

    def test_tables_without_lesions_have_none(self) -> None:
        residual = cohort(patient(9, lesion(**RESIDUAL)))
        assert "small_expected_counts" not in cautions(residual, BY_DIAMETER, tests=("chi-squared",))


def test_those_of_survival_are_said_in_the_same_words() -> None:
    assert SENTENCES.items() >= survival_notes.SENTENCES.items()
    assert all(sentence.endswith(".") and sentence.count("{}") == 1 for sentence in SENTENCES.values())


def test_warnings_come_in_one_order() -> None:
    both = joined(a=deaths(*[-1] * 19, 5, arm="A"), b=deaths(1, -2, arm="B"))
    found = list(cautions(both, BY_ARM, TestEmptyGroup.BINS))
    assert found == [code for code in SENTENCES if code in found]
    assert len(found) > 3
