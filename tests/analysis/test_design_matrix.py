"""The matrix of a regression: coding of factors, distinct rows, and what cannot be told apart."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis.design_matrix import (
    DesignColumn,
    NoModelError,
    check_told_apart,
    dependent_columns,
    design_of,
    distinct_rows,
)
from app.analysis.observations import observe

VALUES: dict[str, Any] = {"age": [60.0, -0.0, 60.0], "arm": ["b", "a", "c"], "male": [True, False, True]}


class TestCoding:
    def test_numbers_stay_and_levels_but_the_first_become_indicators(self) -> None:
        design = design_of(VALUES)
        assert design.columns == [
            DesignColumn("age"),
            DesignColumn("arm", "b", "a"),
            DesignColumn("arm", "c", "a"),
            DesignColumn("male", True, False),
        ]
        assert design.matrix(VALUES).tolist() == [[60, 1, 0, 1], [0, 0, 0, 0], [60, 0, 1, 1]]
        assert design.terms == {"age": [0], "arm": [1, 2], "male": [3]}

    def test_the_reference_can_be_chosen(self) -> None:
        design = design_of(VALUES, {"arm": "c", "male": True})
        assert design.matrix(VALUES)[:, 1:].tolist() == [[0, 1, 0], [1, 0, 1], [0, 0, 0]]
        assert design.references == {"arm": "c", "male": True}

    def test_a_row_is_told_as_the_values_that_it_stands_for(self) -> None:
        design = design_of(VALUES)
        profiles: list[dict[str, Any]] = [
            {"age": 1.5, "arm": "c", "male": False},
            {"age": 0.0, "arm": "a", "male": True},
        ]
        rows = design.matrix({name: [profile[name] for profile in profiles] for name in VALUES})
        assert [design.profile(row) for row in rows] == profiles

    def test_no_profiles_are_a_matrix_without_rows(self) -> None:
        assert design_of(VALUES).matrix({name: [] for name in VALUES}).shape == (0, 4)
        assert design_of({}).matrix({}, 3).shape == (3, 0)

    @pytest.mark.parametrize("values", [[3.0, 3.0], ["a", "a"], [True, True]])
    def test_a_constant_is_refused_by_name(self, values: list[Any]) -> None:
        with pytest.raises(NoModelError, match=r"^the covariate x is constant$") as error:
            design_of({"y": [1.0, 2.0], "x": values})
        assert error.value.terms == ["x"]


class TestDependence:
    def test_a_column_without_information_is_found(self) -> None:
        assert dependent_columns(np.diag([1.0, 1e-13, 1]), least=1e-12) == [1]

    def test_only_those_that_a_column_depends_on_are_named(self) -> None:
        """The third is the sum of the first two; the fourth, independent, is not among them."""
        x = np.array([[1.0, 0, 1, 5], [0, 1, 1, -3], [2, 1, 3, 1], [0, 3, 3, 0]])
        order = [3, 0, 1, 2]
        assert dependent_columns((x.T @ x)[np.ix_(order, order)]) == [1, 2, 3]

    def test_units_do_not_matter(self) -> None:
        x = np.array([[1.0, 0], [0, 1], [2, 1]])
        assert dependent_columns((x * [1e9, 1e-9]).T @ (x * [1e9, 1e-9])) == []

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"a": [1.0, 2, 5, 1], "b": [3.0, 5, 11, 3]}, "the covariates a and b are collinear here"),
            ({"f": ["x", "y", "z"]}, "the covariate f has levels that cannot be told apart here"),
        ],
    )
    def test_the_sentence_names_them(self, values: dict[str, Any], message: str) -> None:
        with pytest.raises(NoModelError, match=message):
            check_told_apart(design_of(values), np.ones((2, 2)), where=" here")

    def test_a_single_column_is_constant(self) -> None:
        with pytest.raises(NoModelError, match="the covariate a is constant"):
            check_told_apart(design_of({"a": [1.0, 2.0]}), np.zeros((1, 1)))

    def test_what_can_be_told_apart_is(self) -> None:
        check_told_apart(design_of({"a": [1.0, 2.0]}), np.ones((1, 1)))


@given(st.lists(st.lists(st.sampled_from([-1.0, 0.0, 2.5]), min_size=2, max_size=2), min_size=1, max_size=8))
def test_distinct_rows_as_groups_bring_covariates_to_the_rows_of_a_sample(rows: list[list[float]]) -> None:
    x = np.array(rows)
    distinct, place = distinct_rows(x)
    np.testing.assert_array_equal(distinct[place], x)
    np.testing.assert_array_equal(distinct, np.unique(x, axis=0))
    sample = observe(np.arange(len(rows)) % 2, np.ones(len(rows)), group=place)
    assert sample.weights.sum() == len(rows)
    backward = observe((np.arange(len(rows)) % 2)[::-1], np.ones(len(rows)), group=place[::-1])
    np.testing.assert_array_equal(distinct[sample.groups], distinct[backward.groups])
