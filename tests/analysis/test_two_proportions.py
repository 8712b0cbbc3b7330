"""Two proportions compared: by hand, and against R."""

from math import exp, isnan, nan, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.errors import InvalidParameterError
from app.analysis.proportions import estimate_proportion
from app.analysis.two_proportions import DifferenceInterval, ProportionDifference, compare_proportions, relative_risk
from tests.references import assert_equal_to_r, blocks

Counts = tuple[int, int, int, int]
"""Successes and total of the first group, then of the second."""

R_TABLES = [table for table in blocks("proportions", "tables") if len(table["x"]) == 2]

SAME_OUTCOME = "all units have the same outcome: no odds ratio"

NO_RISK = "the second group has no success: no relative risk"

NO_LIMITS = "a group has no success, or both have nothing else: no limits of the relative risk"


def compared(counts: Counts, **options: Any) -> ProportionDifference:
    first, second = (estimate_proportion(*counts[place : place + 2]) for place in (0, 2))
    return compare_proportions(first, second, **options)


# By hand


@pytest.mark.parametrize(
    ("counts", "newcombe", "wald"),
    [
        # Newcombe, Stat Med 1998;17:873, table II, methods 10 and 1
        ((56, 70, 48, 80), (0.0524, 0.3339), (0.0575, 0.3425)),
        ((9, 10, 3, 10), (0.1705, 0.8090), (0.2605, 0.9395)),
        ((6, 7, 2, 7), (0.0582, 0.8062), (0.1481, 0.9947)),
        ((5, 56, 0, 29), (-0.0381, 0.1926), (0.0146, 0.1640)),
        ((0, 10, 0, 20), (-0.1611, 0.2775), (0, 0)),
        ((0, 10, 0, 10), (-0.2775, 0.2775), (0, 0)),
        ((10, 10, 0, 20), (0.6791, 1), (1, 1)),
        ((10, 10, 0, 10), (0.6075, 1), (1, 1)),
    ],
)
def test_published_limits(counts: Counts, newcombe: tuple[float, float], wald: tuple[float, float]) -> None:
    hybrid, normal = compared(counts), compared(counts, interval="wald")
    assert (hybrid.interval, normal.interval) == ("newcombe", "wald")
    assert (round(hybrid.lower, 4), round(hybrid.upper, 4)) == newcombe
    assert (round(normal.lower, 4), round(normal.upper, 4)) == wald


def test_relative_risk_by_hand() -> None:
    """15 of 20 and 5 of 20: 3, with the variance 1/15 - 1/20 + 1/5 - 1/20 = 1/6 of its logarithm."""
    ratio = relative_risk(15, 20, 5, 20)
    width = 1.959963984540054 / sqrt(6)
    assert (ratio.estimate, ratio.lower, ratio.upper) == pytest.approx((3, 3 * exp(-width), 3 * exp(width)), rel=1e-12)


# Edges


@pytest.mark.parametrize(
    ("counts", "reasons"),
    [
        ((3, 9, 2, 9), []),
        ((0, 3, 2, 4), [NO_LIMITS]),
        ((2, 3, 4, 4), []),
        ((3, 3, 2, 4), ["the odds ratio is infinite"]),
        ((1, 3, 0, 4), ["the odds ratio is infinite", NO_RISK]),
        ((0, 3, 0, 4), [SAME_OUTCOME, NO_RISK]),
        ((3, 3, 4, 4), [SAME_OUTCOME, NO_LIMITS]),
        ((0, 0, 2, 4), ["a group has no units"]),
        ((2, 4, 0, 0), ["a group has no units"]),
    ],
)
@pytest.mark.parametrize("interval", ["newcombe", "wald"])
def test_a_figure_that_does_not_exist_has_a_reason(
    counts: Counts, reasons: list[str], interval: DifferenceInterval
) -> None:
    result = compared(counts, interval=interval)
    assert result.reason == ("; ".join(reasons) or None)
    assert isnan(result.difference) == isnan(result.lower) == isnan(result.upper) == (0 in (counts[1], counts[3]))
    ratios = result.odds_ratio, result.relative_risk
    figures = [figure for ratio in ratios for figure in (ratio.estimate, ratio.lower, ratio.upper)]
    assert bool(reasons) == bool(np.isnan(figures).any())
    assert not np.isinf(figures).any()


def test_a_risk_of_0_is_a_ratio_of_0() -> None:
    ratio = relative_risk(0, 3, 2, 4)
    assert ratio.estimate == 0
    assert np.isnan([ratio.lower, ratio.upper]).all()


def test_without_clusters_nothing_is_adjusted() -> None:
    assert compared((1, 2, 3, 4)).cluster_adjusted is None


@pytest.mark.parametrize("confidence_level", [0.0, 1.0, nan])
def test_a_level_outside_0_and_1_is_refused(confidence_level: float) -> None:
    for compare in (
        compared,
        lambda counts, confidence_level: relative_risk(*counts, confidence_level=confidence_level),
    ):
        with pytest.raises(InvalidParameterError, match="confidence level"):
            compare((0, 0, 1, 2), confidence_level=confidence_level)


# Properties


@given(st.integers(1, 60), st.integers(1, 60), st.data(), st.sampled_from(["newcombe", "wald"]))
@settings(deadline=None, max_examples=60)
def test_exchanged_groups_have_the_opposite_difference(
    n: int, m: int, data: st.DataObject, interval: DifferenceInterval
) -> None:
    x, y = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    one, other = compared((x, n, y, m), interval=interval), compared((y, m, x, n), interval=interval)
    assert -1 <= one.lower <= one.difference <= one.upper <= 1
    assert (one.lower, one.upper) == pytest.approx((-other.upper, -other.lower), rel=1e-9, abs=1e-12)


# R's figures


@pytest.mark.parametrize("table", R_TABLES, ids=lambda table: table["id"])
def test_difference_equals_prop_test(table: dict[str, Any]) -> None:
    expected = table["difference"]["wald"]
    result = compared((table["x"][0], table["n"][0], table["x"][1], table["n"][1]), interval="wald")
    assert_equal_to_r(
        [result.difference, result.lower, result.upper], [expected[name] for name in ("difference", "lower", "upper")]
    )
