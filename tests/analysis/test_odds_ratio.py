"""Conditional odds ratios and their exact limits: by hand, by exact sums, and against R."""

from fractions import Fraction
from math import comb, exp, isnan, log, nan, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.errors import InvalidParameterError
from app.analysis.odds_ratio import RANGE_LIMIT, Ratio, conditional_odds_ratio
from tests.references import blocks

Counts = tuple[int, int, int, int]
"""Successes and total of the first group, then of the second."""

R_TABLES = [table for table in blocks("proportions", "tables") if len(table["x"]) == 2]


def figures(ratio: Ratio) -> tuple[float, float, float]:
    return ratio.estimate, ratio.lower, ratio.upper


# By hand


def test_the_estimate_by_hand() -> None:
    """2 of 3 and 1 of 3: weights 1, 9, 9, 1, so that E(X) = 2 where psi^3 - 9 psi - 2 = 0."""
    psi = conditional_odds_ratio(2, 3, 1, 3).estimate
    assert psi**3 - 9 * psi - 2 == pytest.approx(0, abs=1e-10)
    assert psi == pytest.approx(3.1055, abs=1e-4)


def test_limits_by_hand() -> None:
    """One success in groups of 2 and 1: P(X = 1) = 2 psi / (1 + 2 psi), 0.025 at 1/78 and 0.975 at 39/2."""
    every, none = conditional_odds_ratio(1, 2, 0, 1), conditional_odds_ratio(0, 2, 1, 1)
    assert every.lower == pytest.approx(1 / 78, rel=1e-12)
    assert np.isnan([every.estimate, every.upper]).all()
    assert every.reason == "the odds ratio is infinite"
    assert none.upper == pytest.approx(39 / 2, rel=1e-12)
    assert (none.estimate, none.lower, none.reason) == (0, 0, None)


def test_groups_with_the_same_counts_have_the_odds_ratio_1() -> None:
    ratio = conditional_odds_ratio(4, 9, 4, 9)
    assert ratio.estimate == pytest.approx(1, rel=1e-12)
    assert ratio.lower * ratio.upper == pytest.approx(1, rel=1e-12)


def test_the_published_ratio_of_the_lady_tasting_tea() -> None:
    """Agresti, Categorical Data Analysis (2002), p. 91: R's documentation gives 6.408."""
    assert round(conditional_odds_ratio(3, 4, 1, 4).estimate, 3) == 6.408


# Edges


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ((0, 3, 0, 4), "all units have the same outcome: no odds ratio"),
        ((3, 3, 4, 4), "all units have the same outcome: no odds ratio"),
        ((0, 0, 1, 4), "a group has no units"),
        ((1, 3, 0, 0), "a group has no units"),
        ((0, 0, 0, 0), "a group has no units"),
    ],
)
def test_margins_that_leave_one_table_have_no_odds_ratio(counts: Counts, reason: str) -> None:
    ratio = conditional_odds_ratio(*counts)
    assert np.isnan(figures(ratio)).all()
    assert ratio.reason == reason


def test_a_table_may_be_so_large() -> None:
    """The conditional and the sample odds ratio, exact and Woolf's limits, differ by the order of 1 / n."""
    n = RANGE_LIMIT
    estimate, lower, upper = figures(conditional_odds_ratio(n // 2, n, n // 2 + 1000, n))
    odds = (n // 2) / (n // 2) / ((n // 2 + 1000) / (n // 2 - 1000))
    width = 1.959963984540054 * sqrt(8 / n)
    assert estimate == pytest.approx(odds, rel=1e-6)
    assert (lower, upper) == pytest.approx((odds * exp(-width), odds * exp(width)), rel=1e-5)
    assert conditional_odds_ratio(n + 1, 2 * n, n + 1, 2 * n).reason == "the table is too large for an exact odds ratio"


def test_few_successes_of_as_many_units_as_doubles_count() -> None:
    """1 and 2 of 2^52 are Poisson counts of equal exposure: X is binomial of 3, with the odds psi."""
    estimate, lower, upper = figures(conditional_odds_ratio(1, 2**52, 2, 2**52))
    assert estimate == pytest.approx(0.5, rel=1e-12)
    chance = [odds / (1 + odds) for odds in (lower, upper)]
    assert 1 - (1 - chance[0]) ** 3 == pytest.approx(0.025, rel=1e-12)
    assert (1 - chance[1]) ** 3 + 3 * chance[1] * (1 - chance[1]) ** 2 == pytest.approx(0.025, rel=1e-12)


@pytest.mark.parametrize("confidence_level", [0.0, 1.0, nan])
def test_a_level_outside_0_and_1_is_refused(confidence_level: float) -> None:
    with pytest.raises(InvalidParameterError, match="confidence level"):
        conditional_odds_ratio(0, 0, 0, 0, confidence_level=confidence_level)


# Exact sums


def exact(counts: Counts, psi: float) -> dict[int, Fraction]:
    """Return the probability of each first count given the margins, from whole numbers alone."""
    x, n, y, m = counts
    odds = Fraction(psi)
    weights = {k: comb(n, k) * comb(m, x + y - k) * odds**k for k in range(max(0, x + y - m), min(n, x + y) + 1)}
    total = sum(weights.values())
    return {k: weight / total for k, weight in weights.items()}


GROUP = st.integers(1, 12).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))
LONG = st.tuples(st.integers(0, 3), st.integers(500, 900))
TABLES = st.tuples(GROUP | LONG, GROUP | LONG).map(lambda groups: (*groups[0], *groups[1]))


@given(TABLES, st.sampled_from([1e-6, 0.5, 0.95, 0.999, 1 - 1e-14]))
@settings(deadline=None, max_examples=150)
def test_estimate_and_limits_satisfy_their_definitions(counts: Counts, confidence_level: float) -> None:
    ratio, x, half = conditional_odds_ratio(*counts, confidence_level=confidence_level), counts[0], 1 - confidence_level
    if ratio.estimate > 0:
        mean = sum(k * chance for k, chance in exact(counts, ratio.estimate).items())
        assert float(mean) == pytest.approx(x, rel=1e-9)
    if ratio.lower > 0:
        tail = sum(chance for k, chance in exact(counts, ratio.lower).items() if k >= x)
        assert 2 * float(tail) == pytest.approx(half, rel=1e-9)
    if not isnan(ratio.upper):
        tail = sum(chance for k, chance in exact(counts, ratio.upper).items() if k <= x)
        assert 2 * float(tail) == pytest.approx(half, rel=1e-9)


# Properties


@given(TABLES)
@settings(deadline=None, max_examples=100)
def test_groups_exchanged_or_outcomes_exchanged_give_the_reciprocal(counts: Counts) -> None:
    x, n, y, m = counts
    ratio = conditional_odds_ratio(*counts)
    for other in (conditional_odds_ratio(y, m, x, n), conditional_odds_ratio(n - x, n, m - y, m)):
        for one, two in ((ratio.lower, other.upper), (ratio.estimate, other.estimate), (ratio.upper, other.lower)):
            if one > 0 and two > 0:
                assert log(one) == pytest.approx(-log(two), rel=1e-9, abs=1e-9)
            else:  # both 0 and infinite, or neither there
                assert isnan(one) or isnan(two)


@given(TABLES)
@settings(deadline=None, max_examples=100)
def test_limits_hold_the_estimate(counts: Counts) -> None:
    ratio = conditional_odds_ratio(*counts)
    there = [figure for figure in (ratio.lower, ratio.estimate, ratio.upper) if not isnan(figure)]
    assert there == sorted(there)
    assert (ratio.reason is None) == (len(there) == 3)


# R's figures


@pytest.mark.parametrize("table", R_TABLES, ids=lambda table: table["id"])
def test_ratio_equals_fisher_test(table: dict[str, Any]) -> None:
    """R's root finder stops within 1.3e-4 of the ratio or, above 1, of its reciprocal."""
    expected, (x, y), (n, m) = table["fisher"], table["x"], table["n"]
    ratio = conditional_odds_ratio(x, n, y, m)
    for figure, name in ((ratio.estimate, "conditional_odds_ratio"), (ratio.lower, "lower"), (ratio.upper, "upper")):
        if expected[name] == "Inf":
            assert isnan(figure)
        else:
            assert min(abs(figure - expected[name]), abs(1 / figure - 1 / expected[name]) if figure else 0) < 1.3e-4
