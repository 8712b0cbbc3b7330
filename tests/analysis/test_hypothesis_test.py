"""Chi-squared tests of a quadratic form."""

from math import erfc, exp, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.analysis.arrays import FloatArray
from app.analysis.hypothesis_test import quadratic_form_test

whole_numbers = st.integers(-4, 4)


def test_one_direction_by_hand() -> None:
    """3^2 / 4, whose p-value is P(|Z| > 3/2)."""
    result = quadratic_form_test("one", np.array([3.0]), np.array([[4.0]]))
    assert result.statistic == pytest.approx(9 / 4, rel=1e-14)
    assert result.degrees_of_freedom == 1
    assert result.p_value == pytest.approx(erfc(1.5 / sqrt(2)), rel=1e-12)
    assert result.reason is None


def test_two_correlated_directions_by_hand() -> None:
    """The inverse of (2 1; 1 2) is (2 -1; -1 2) / 3: (1 2) gives 2; with 2 degrees of freedom P = exp(-1)."""
    result = quadratic_form_test("two", np.array([1.0, 2.0]), np.array([[2.0, 1.0], [1.0, 2.0]]))
    assert result.statistic == pytest.approx(2, rel=1e-14)
    assert result.degrees_of_freedom == 2
    assert result.p_value == pytest.approx(exp(-1), rel=1e-12)


def test_scores_that_sum_to_zero_have_one_degree_of_freedom_less() -> None:
    """Three groups of equal variance; leaving out any one of them gives (1 2) with (2 -1; -1 2)^-1 = (2 1; 1 2) / 3."""
    covariance = np.array([[2.0, -1, -1], [-1, 2, -1], [-1, -1, 2]])
    result = quadratic_form_test("three", np.array([1.0, 2.0, -3.0]), covariance)
    assert result.statistic == pytest.approx(14 / 3, rel=1e-13)
    assert result.degrees_of_freedom == 2
    assert result.p_value == pytest.approx(exp(-7 / 3), rel=1e-12)


def test_a_group_without_variance_drops_out() -> None:
    covariance = np.array([[1.0, -1, 0], [-1, 1, 0], [0, 0, 0]])
    result = quadratic_form_test("third group never at risk", np.array([1.0, -1.0, 0.0]), covariance)
    assert result.statistic == pytest.approx(1, rel=1e-13)
    assert result.degrees_of_freedom == 1


def test_no_difference_is_no_evidence() -> None:
    result = quadratic_form_test("none", np.zeros(2), np.eye(2))
    assert (result.statistic, result.p_value) == (0, 1)


@pytest.mark.parametrize("size", [0, 1, 3])
def test_without_variance_there_is_no_test_but_a_reason(size: int) -> None:
    result = quadratic_form_test("nothing", np.zeros(size), np.zeros((size, size)), np.zeros(size), np.zeros(size))
    assert np.isnan([result.statistic, result.p_value]).all()
    assert result.degrees_of_freedom == 0
    assert result.reason is not None
    assert "variance is 0" in result.reason
    assert result.observed is not None
    assert result.expected is not None


def test_name_and_counts_are_handed_on() -> None:
    observed, expected = np.array([4.0, 1.0]), np.array([3.0, 2.0])
    covariance = np.array([[1.0, -1.0], [-1.0, 1.0]])
    result = quadratic_form_test("log-rank", observed - expected, covariance, observed, expected)
    assert result.name == "log-rank"
    assert result.observed is observed
    assert result.expected is expected


@st.composite
def singular_forms(draw: st.DrawFn) -> tuple[FloatArray, FloatArray]:
    """Draw a covariance L L' of any rank, and a score in its range."""
    size, rank = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    loading = draw(arrays(np.float64, (size, rank), elements=whole_numbers))
    return loading @ draw(arrays(np.float64, rank, elements=whole_numbers)), loading @ loading.T


@given(singular_forms())
@settings(deadline=None)
def test_statistic_and_degrees_of_freedom_equal_those_of_the_pseudo_inverse(
    form: tuple[FloatArray, FloatArray],
) -> None:
    score, covariance = form
    result = quadratic_form_test("any", score, covariance)
    rank = int(np.linalg.matrix_rank(covariance, hermitian=True))
    assert result.degrees_of_freedom == rank
    if rank:
        expected = score @ np.linalg.pinv(covariance, rcond=1e-9, hermitian=True) @ score
        assert result.statistic == pytest.approx(expected, rel=1e-7, abs=1e-9)
        assert 0 <= result.p_value <= 1


@given(singular_forms(), st.sampled_from([1e-6, 0.1, 3.0, 1e6]))
@settings(deadline=None)
def test_the_unit_of_the_score_does_not_matter(form: tuple[FloatArray, FloatArray], unit: float) -> None:
    score, covariance = form
    first, second = (quadratic_form_test("any", score * c, covariance * c**2) for c in (1.0, unit))
    assert second.degrees_of_freedom == first.degrees_of_freedom
    assert second.statistic == pytest.approx(first.statistic, rel=1e-7, abs=1e-9, nan_ok=True)
