"""Groups of patients and lesions: limits, categories, unknown values."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis.errors import InvalidParameterError
from app.api.convert_outcomes import outcome_options
from app.cohort.groupings import Bin, Grouping, Groups, assign_groups
from app.cohort.model import CovariateValue, Session, Unit
from app.schemas.outcomes import OutcomesRequest
from tests.cohort.builders import cohort, cohort_json, lesion, parsed, patient, patient_json


def of_lesions(values: list[CovariateValue], *bins: Bin) -> Groups:
    """Return the groups of lesions, one a patient, by a covariate."""
    patients = [patient(9, lesion(covariates={"x": value})) for value in values]
    return assign_groups(cohort(*patients), Grouping("x", "lesion", "covariates.x", bins))


class TestBins:
    @pytest.mark.parametrize(
        ("limits", "inside"),
        [
            ({"lt": 2}, [1]),
            ({"le": 2}, [1, 2]),
            ({"gt": 2}, [3]),
            ({"ge": 2}, [2, 3]),
            ({"gt": 1, "lt": 3}, [2]),
            ({"ge": 1, "lt": 3}, [1, 2]),
            ({"gt": 1, "le": 3}, [2, 3]),
            ({"ge": 1, "le": 3}, [1, 2, 3]),
            ({"ge": 2, "le": 2}, [2]),
            ({"gt": -1.5, "lt": 0}, []),
            ({"ge": 0}, [1, 2, 3]),
        ],
    )
    def test_each_limit_belongs_to_the_bin_or_not(self, limits: dict[str, float], inside: list[int]) -> None:
        grouping = {"name": "x", "unit": "patient", "variable": "lesion_count", "bins": [{"label": "in", **limits}]}
        body = {"cohort": cohort_json(patient_json()), "groupings": [grouping]}
        (asked,) = outcome_options(parsed(OutcomesRequest, body)).groupings
        patients = [patient(9, *[lesion()] * lesions) for lesions in (1, 2, 3)]
        groups = assign_groups(cohort(*patients), asked)
        assert groups.patient_codes == [0 if lesions in inside else -1 for lesions in (1, 2, 3)]

    def test_a_bin_without_limits_holds_every_number(self) -> None:
        assert of_lesions([-1e300, 0.0, 1e300], Bin("any")).lesion_codes == [0, 0, 0]

    def test_groups_keep_the_order_of_the_bins_also_of_those_without_units(self) -> None:
        groups = of_lesions([1.0, 9.0], Bin("high", lower=5), Bin("middle", lower=2, upper=5), Bin("low", upper=2))
        assert groups.labels == ("high", "middle", "low")
        assert groups.lesion_codes == [2, 0]

    def test_a_value_between_the_bins_is_left_out(self) -> None:
        assert of_lesions([1.0, 2.0, 3.0], Bin("low", upper=2), Bin("high", lower=2)).lesion_codes == [0, -1, 1]

    @pytest.mark.parametrize("value", [None, True, False, "1", ""])
    def test_what_is_no_number_is_in_no_bin(self, value: CovariateValue) -> None:
        assert of_lesions([value, 1.0], Bin("low", upper=2, lower=-2)).lesion_codes == [-1, 0]

    def test_a_whole_number_is_a_number(self) -> None:
        assert of_lesions([1, 2], Bin("low", upper=2)).lesion_codes == [0, -1]

    @given(st.integers(-3, 3), st.integers(-3, 3), st.booleans(), st.booleans())
    def test_bins_below_and_above_a_limit_hold_every_value_once(
        self, value: int, limit: int, below: bool, above: bool
    ) -> None:
        """Where the limit belongs to neither it is in no bin, where to both in the first."""
        low = Bin("low", upper=limit, includes_upper=below)
        high = Bin("high", lower=limit, includes_lower=above)
        expected = (0 if value < limit or (value == limit and below) else 1) if value != limit or below or above else -1
        assert of_lesions([value], low, high).lesion_codes == [expected]


class TestCategories:
    def test_are_labelled_in_the_order_of_their_first_appearance(self) -> None:
        groups = of_lesions(["b", "a", None, "b", "c"])
        assert groups.labels == ("b", "a", "c")
        assert groups.lesion_codes == [0, 1, -1, 0, 2]

    def test_booleans_and_numbers_are_labelled_as_json_has_them(self) -> None:
        groups = of_lesions([True, False, 1.0, 2.5, 1, 1e21, -3, 0.1])
        assert groups.labels == ("true", "false", "1", "2.5", "1e+21", "-3", "0.1")
        assert groups.lesion_codes == [0, 1, 2, 3, 2, 4, 5, 6]

    def test_numbers_that_rounding_tells_apart_are_one(self) -> None:
        groups = of_lesions([0.1 + 0.2, 0.3])
        assert groups.labels == ("0.3",)

    def test_zero_has_no_sign(self) -> None:
        groups = of_lesions([-0.0, 0.0])
        assert groups.labels == ("0",)
        assert groups.lesion_codes == [0, 0]

    def test_the_empty_string_is_a_value(self) -> None:
        assert of_lesions(["", "a"]).labels == ("", "a")

    def test_none_where_no_unit_has_a_value(self) -> None:
        groups = of_lesions([None, None])
        assert groups.labels == ()
        assert groups.lesion_codes == [-1, -1]

    def test_are_at_most_50(self) -> None:
        assert len(of_lesions([*map(float, range(50)), None]).labels) == 50
        with pytest.raises(InvalidParameterError, match="more than 50 different values"):
            of_lesions([*map(float, range(51))])

    def test_with_bins_there_may_be_more_values(self) -> None:
        assert of_lesions([*map(float, range(51))], Bin("all", lower=-1)).lesion_codes == [0] * 51

    @pytest.mark.parametrize("unit", ["patient", "lesion"])
    def test_a_unit_without_the_covariate_is_left_out(self, unit: Unit) -> None:
        one = patient(9, lesion(covariates={"x": "a"}), lesion(covariates={"y": "a"}), covariates={"x": "b"})
        other = patient(9, covariates={"y": "b"})
        groups = assign_groups(cohort(one, other), Grouping("x", unit, "covariates.x"))
        assert groups.lesion_codes == ([0, 0, -1] if unit == "patient" else [0, -1, -1])


class TestVariables:
    ONE = patient(
        9,
        lesion(diameter_mm=10.0, volume_cm3=0.5),
        lesion(diameter_mm=30.0, volume_cm3=14.0),
        sessions=(Session("S1", 0.0), Session("S2", 1.0), Session("S3", 2.0)),
    )
    OTHER = patient(9, lesion(diameter_mm=20.0, volume_cm3=4.0))
    UNKNOWN = patient(9, lesion(diameter_mm=40.0), lesion(volume_cm3=4.0))

    @pytest.mark.parametrize(
        ("variable", "labels", "codes"),
        [
            ("lesion_count", ("2", "1"), [0, 1, 0]),
            ("session_count", ("3", "1"), [0, 1, 1]),
            ("total_volume_cm3", ("14.5", "4"), [0, 1, -1]),
            ("max_diameter_mm", ("30", "20"), [0, 1, -1]),
        ],
    )
    def test_of_patients(self, variable: str, labels: tuple[str, ...], codes: list[int]) -> None:
        """A total or maximum is not known where one lesion's value is not; lesions go with their patient."""
        groups = assign_groups(cohort(self.ONE, self.OTHER, self.UNKNOWN), Grouping("x", "patient", variable))
        assert groups.labels == labels
        assert groups.codes("patient") == codes
        assert groups.codes("lesion") == [codes[0], codes[0], codes[1], codes[2], codes[2]]

    @pytest.mark.parametrize(
        ("variable", "labels", "codes"),
        [
            ("diameter_mm", ("10", "30", "20", "40"), [0, 1, 2, 3, -1]),
            ("volume_cm3", ("0.5", "14", "4"), [0, 1, 2, -1, 2]),
        ],
    )
    def test_of_lesions(self, variable: str, labels: tuple[str, ...], codes: list[int]) -> None:
        groups = assign_groups(cohort(self.ONE, self.OTHER, self.UNKNOWN), Grouping("x", "lesion", variable))
        assert groups.labels == labels
        assert groups.codes("lesion") == codes
        assert groups.codes("patient") is None

    @pytest.mark.parametrize("volumes", [[0.1] * 10, [0.1, 0.2, 0.3, 0.4], [0.1, 0.7, 0.2], [0.3, 0.3, 0.3, 0.1]])
    def test_a_total_that_is_the_limit_is_not_moved_by_rounding(self, volumes: list[float]) -> None:
        """In floating point 0.1 + 0.7 + 0.2 is below 1, and so are ten times 0.1, in one order or another."""
        total = 1.0
        bins = (Bin("below", upper=total), Bin("from", lower=total, includes_lower=True))
        for ordered in (volumes, volumes[::-1]):
            one = patient(9, *[lesion(volume_cm3=volume) for volume in ordered])
            assert assign_groups(cohort(one), Grouping("x", "patient", "total_volume_cm3", bins)).patient_codes == [1]

    def test_a_total_of_two_that_is_the_limit_is_not_moved_by_rounding(self) -> None:
        """In floating point 0.1 + 0.2 is above 0.3."""
        one = patient(9, lesion(volume_cm3=0.1), lesion(volume_cm3=0.2))
        bins = (Bin("up to", upper=0.3, includes_upper=True), Bin("above", lower=0.3))
        assert assign_groups(cohort(one), Grouping("x", "patient", "total_volume_cm3", bins)).patient_codes == [0]


@given(st.lists(st.sampled_from(["a", "b", True, False, 1.0, 2.5, None]), min_size=1, max_size=8))
def test_the_label_of_a_code_is_the_category_of_its_unit(values: list[CovariateValue]) -> None:
    written = [value if isinstance(value, str) else json.dumps(value).removesuffix(".0") for value in values]
    groups = of_lesions(values)
    assert [groups.labels[code] if code >= 0 else "null" for code in groups.lesion_codes] == written
    assert len(set(groups.labels)) == len(groups.labels)
