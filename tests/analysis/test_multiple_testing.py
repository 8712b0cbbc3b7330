"""Adjusted p-values: by hand, and by their properties."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis.errors import InvalidParameterError
from app.analysis.multiple_testing import Adjustment, adjusted_p_values

ADJUSTMENTS: tuple[Adjustment, ...] = get_args(Adjustment)

# Few distinct values, so that ties are common; NaN is a test that does not exist.
some_p_values = st.lists(
    st.sampled_from([0.0, 1e-300, 0.01, 0.02, 0.3, 0.5, 1.0, np.nan]) | st.floats(0, 1), max_size=8
)


@pytest.mark.parametrize(
    ("adjustment", "expected"),
    [
        ("none", [0.01, 0.02, 0.03, 0.2]),
        ("bonferroni", [0.04, 0.08, 0.12, 0.8]),
        ("holm", [4 * 0.01, 3 * 0.02, 2 * 0.03, 0.2]),
        ("hochberg", [0.04, 0.06, 0.06, 0.2]),
        ("bh", [4 * 0.01, 4 / 2 * 0.02, 4 / 3 * 0.03, 0.2]),
        ("by", [25 / 12 * 0.04, 25 / 12 * 0.04, 25 / 12 * 0.04, 25 / 12 * 0.2]),
    ],
)
def test_four_tests_by_hand(adjustment: Adjustment, expected: list[float]) -> None:
    """1 + 1/2 + 1/3 + 1/4 = 25/12."""
    np.testing.assert_allclose(adjusted_p_values(np.array([0.01, 0.02, 0.03, 0.2]), adjustment), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("adjustment", "expected"),
    [
        ("none", [0.04, np.nan, 0.01, 0.04]),
        ("bonferroni", [0.12, np.nan, 0.03, 0.12]),
        ("holm", [0.08, np.nan, 0.03, 0.08]),
        ("hochberg", [0.04, np.nan, 0.03, 0.04]),
        ("bh", [0.04, np.nan, 0.03, 0.04]),
        ("by", [11 / 6 * 0.04, np.nan, 11 / 6 * 0.03, 11 / 6 * 0.04]),
    ],
)
def test_ties_are_equal_and_a_test_that_does_not_exist_is_not_counted(
    adjustment: Adjustment, expected: list[float]
) -> None:
    """Three tests exist; 1 + 1/2 + 1/3 = 11/6. Holm's 2 x 0.04 holds for both, Hochberg's 1 x 0.04 too."""
    adjusted = adjusted_p_values(np.array([0.04, np.nan, 0.01, 0.04]), adjustment)
    np.testing.assert_allclose(adjusted, expected, rtol=1e-14)


def test_what_is_out_of_order_is_put_in_order() -> None:
    """Holm's 3 x 0.03 is above 2 x 0.04 and 1 x 0.05; Hochberg's 1 x 0.05 below both of the others."""
    p_values = np.array([0.05, 0.03, 0.04])
    np.testing.assert_allclose(adjusted_p_values(p_values, "holm"), [0.09] * 3)
    np.testing.assert_allclose(adjusted_p_values(p_values, "hochberg"), [0.05] * 3)


@pytest.mark.parametrize("adjustment", ADJUSTMENTS)
@pytest.mark.parametrize("p_values", [[], [np.nan], [np.nan, np.nan]])
def test_without_tests_there_is_nothing_to_adjust(adjustment: Adjustment, p_values: list[float]) -> None:
    np.testing.assert_array_equal(adjusted_p_values(np.array(p_values), adjustment), p_values)


@pytest.mark.parametrize("adjustment", ADJUSTMENTS)
def test_one_test_is_left_as_it_is(adjustment: Adjustment) -> None:
    np.testing.assert_array_equal(adjusted_p_values(np.array([0.3, np.nan]), adjustment), [0.3, np.nan])


def test_an_unknown_adjustment_is_refused() -> None:
    with pytest.raises(InvalidParameterError, match="holm"):
        adjusted_p_values(np.array([0.3]), "sidak")  # type: ignore[arg-type]


@given(some_p_values, st.sampled_from(ADJUSTMENTS))
def test_adjusted_p_values_are_no_smaller_at_most_1_and_in_the_same_order(
    values: list[float], adjustment: Adjustment
) -> None:
    p_values = np.array(values, dtype=np.float64)
    before = p_values.copy()
    adjusted = adjusted_p_values(p_values, adjustment)
    np.testing.assert_array_equal(p_values, before)  # the argument is left alone
    np.testing.assert_array_equal(np.isnan(adjusted), np.isnan(p_values))
    known = ~np.isnan(p_values)
    assert (adjusted[known] >= p_values[known]).all()
    assert (adjusted[known] <= 1).all()
    in_order = adjusted[known][np.lexsort((adjusted[known], p_values[known]))]
    assert (np.diff(in_order) >= 0).all()
    for value in np.unique(p_values[known]):
        assert np.unique(adjusted[p_values == value]).size == 1


@given(some_p_values.flatmap(lambda values: st.tuples(st.just(values), st.permutations(range(len(values))))))
def test_the_order_of_the_tests_does_not_matter(values_and_order: tuple[list[float], list[int]]) -> None:
    values, order = values_and_order
    p_values = np.array(values, dtype=np.float64)
    for adjustment in ADJUSTMENTS:
        np.testing.assert_array_equal(
            adjusted_p_values(p_values[order], adjustment), adjusted_p_values(p_values, adjustment)[order]
        )


@given(some_p_values)
def test_some_adjustments_are_never_stricter_than_others(values: list[float]) -> None:
    p_values = np.array(values, dtype=np.float64)
    p_values = p_values[~np.isnan(p_values)]
    pairs: list[tuple[Adjustment, Adjustment]] = [
        ("none", "bh"),
        ("bh", "hochberg"),
        ("hochberg", "holm"),
        ("holm", "bonferroni"),
        ("bh", "by"),
    ]
    for milder, stricter in pairs:
        assert (adjusted_p_values(p_values, milder) <= adjusted_p_values(p_values, stricter)).all()
