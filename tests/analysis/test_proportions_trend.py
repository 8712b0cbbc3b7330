"""The trend of proportions over groups: by hand, literally, and against R."""

from math import inf, isnan, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.errors import InvalidObservationsError, InvalidParameterError
from app.analysis.proportions import trend_test
from tests.references import assert_equal_to_r, blocks

R_TRENDS = [table for table in blocks("proportions", "tables") if "cochran_armitage" in table]


# By hand


def test_trend_by_hand() -> None:
    """0/2, 1/2, 2/2 at 1, 2, 3: numerator (-1 (0 - 1) + 1 (2 - 1))^2 = 4, denominator 1/4 (2 + 2) = 1."""
    result = trend_test([0, 1, 2], [2, 2, 2])
    assert (result.name, result.statistic, result.degrees_of_freedom) == ("trend", 4.0, 1)
    assert result.p_value == pytest.approx(0.04550026389635842, rel=1e-12)


# Edges


def test_trend_refuses_columns_of_different_length() -> None:
    with pytest.raises(InvalidObservationsError, match="length"):
        trend_test([1, 2], [3])
    with pytest.raises(InvalidObservationsError, match="length"):
        trend_test(1, 3)


@pytest.mark.parametrize(
    ("successes", "totals"),
    [
        ([-1, 1], [2, 2]),
        ([3, 1], [2, 2]),
        ([0.5, 1], [2, 2]),
        ([1, 1], [2, 2.5]),
        ([nan, 1], [2, 2]),
        ([1, 1], [2, inf]),
    ],
)
def test_trend_refuses_what_is_no_count(successes: list[float], totals: list[float]) -> None:
    with pytest.raises(InvalidObservationsError, match="a count is"):
        trend_test(successes, totals)


@pytest.mark.parametrize("scores", [[1, 2], [1, 2, nan], [1, 2, inf], [[1, 2, 3]]])
def test_trend_refuses_scores_that_are_not_one_number_for_each_group(scores: list[Any]) -> None:
    with pytest.raises(InvalidParameterError, match="scores"):
        trend_test([1, 2, 3], [4, 4, 4], scores)


@pytest.mark.parametrize(
    ("successes", "totals", "scores"),
    [
        ([0, 0], [5, 7], None),
        ([5, 7], [5, 7], None),
        ([1, 0], [5, 0], None),
        ([1, 3], [5, 7], [2, 2]),
        ([], [], None),
        ([0, 0], [0, 0], None),
    ],
)
def test_no_trend_without_two_scores_and_two_outcomes(
    successes: list[int], totals: list[int], scores: list[float] | None
) -> None:
    result = trend_test(successes, totals, scores)
    assert np.isnan([result.statistic, result.p_value]).all()
    assert result.degrees_of_freedom == 0
    assert result.reason is not None


def test_trend_passes_over_empty_groups() -> None:
    assert trend_test([1, 0, 5], [6, 0, 7]).statistic == pytest.approx(
        trend_test([1, 5], [6, 7], [1, 3]).statistic, rel=1e-12
    )


# A literal implementation


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(-5, 5)), min_size=2, max_size=6))
@settings(deadline=None, max_examples=50)
def test_trend_is_n_times_the_squared_correlation_of_score_and_outcome(groups: list[tuple[int, int, int]]) -> None:
    outcome = [value for x, y, _ in groups for value in [1] * x + [0] * y]
    score = [s for x, y, s in groups for _ in range(x + y)]
    result = trend_test([x for x, _, _ in groups], [x + y for x, y, _ in groups], [s for _, _, s in groups])
    if len(set(outcome)) < 2 or len(set(score)) < 2:
        assert isnan(result.statistic)
    else:
        expected = len(outcome) * float(np.corrcoef(outcome, score)[0, 1]) ** 2
        assert result.statistic == pytest.approx(expected, rel=1e-9, abs=1e-12)


# Properties


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=2, max_size=5),
    st.floats(0.5, 2),
    st.floats(-3, 3),
)
@settings(deadline=None, max_examples=50)
def test_trend_does_not_depend_on_the_unit_of_the_scores(
    groups: list[tuple[int, int]], scale: float, shift: float
) -> None:
    successes, totals = [x for x, _ in groups], [x + y for x, y in groups]
    scores = [shift + scale * place for place in range(len(groups))]
    assert trend_test(successes, totals, scores).statistic == pytest.approx(
        trend_test(successes, totals).statistic, rel=1e-9, abs=1e-9
    )


# R's figures


@pytest.mark.parametrize("block", R_TRENDS, ids=lambda block: block["id"])
def test_trend_equals_prop_trend_test(block: dict[str, Any]) -> None:
    figures = block["cochran_armitage"]
    result = trend_test(block["x"], block["n"], figures["scores"])
    assert result.degrees_of_freedom == figures["df"]
    assert_equal_to_r([result.statistic, result.p_value], [figures["statistic"], figures["p_value"]])
    if figures["scores"] == list(range(1, len(block["x"]) + 1)):
        assert trend_test(block["x"], block["n"]) == result
