"""Proportions and their intervals: by hand, literally, and against R."""

from itertools import pairwise
from math import comb, nan, sqrt
from typing import Any, cast, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from app.analysis.errors import InvalidObservationsError, InvalidParameterError
from app.analysis.proportions import IntervalName, Proportion, estimate_proportion
from tests.references import assert_equal_to_r, blocks

INTERVALS = get_args(IntervalName)


R_COUNTS = [
    *blocks("proportions", "single"),
    *(group for table in blocks("proportions", "tables") for group in [*table["by_group"], table["overall"]]),
]


def limits(estimate: Proportion) -> tuple[float, float]:
    return estimate.lower, estimate.upper


# By hand


def test_the_fraction_and_what_it_was_made_of_are_returned() -> None:
    estimate = estimate_proportion(3, 12, interval="wald")
    assert (estimate.count, estimate.total, estimate.proportion) == (3, 12, 0.25)
    assert (estimate.interval, estimate.cluster_adjusted) == ("wald", None)


@pytest.mark.parametrize(
    ("interval", "count", "total", "lower", "upper"),
    [
        # The primary endpoints and safety figures of Bale et al. 2018
        ("clopper-pearson", 62, 64, 0.892, 0.996),
        ("wilson", 62, 64, 0.893, 0.991),
        ("clopper-pearson", 5, 64, 0.026, 0.173),
        ("clopper-pearson", 0, 26, 0, 0.132),
        ("clopper-pearson", 0, 29, 0, 0.119),
        # Newcombe, Stat Med 1998;17:857, table I
        ("wald", 81, 263, 0.2522, 0.3638),
        ("wilson", 81, 263, 0.2553, 0.3662),
        ("clopper-pearson", 81, 263, 0.2527, 0.3676),
        ("wald", 15, 148, 0.0527, 0.1500),
        ("wilson", 15, 148, 0.0624, 0.1605),
        ("clopper-pearson", 15, 148, 0.0578, 0.1617),
        ("wald", 0, 20, 0, 0),
        ("wilson", 0, 20, 0, 0.1611),
        ("clopper-pearson", 0, 20, 0, 0.1684),
        ("wald", 1, 29, 0, 0.1009),
        ("wilson", 1, 29, 0.0061, 0.1718),
        ("clopper-pearson", 1, 29, 0.0009, 0.1776),
    ],
)
def test_published_limits(interval: IntervalName, count: int, total: int, lower: float, upper: float) -> None:
    digits = 4 if (count, total) in {(81, 263), (15, 148), (0, 20), (1, 29)} else 3
    estimate = estimate_proportion(count, total, interval=interval)
    assert (round(estimate.lower, digits), round(estimate.upper, digits)) == (lower, upper)


def test_clopper_pearson_without_failures_has_a_closed_form() -> None:
    """P(X = n) = L^n = alpha / 2 at the lower limit."""
    assert estimate_proportion(7, 7, interval="clopper-pearson").lower == pytest.approx(0.025 ** (1 / 7), rel=1e-12)
    assert estimate_proportion(0, 7, interval="clopper-pearson").upper == pytest.approx(1 - 0.025 ** (1 / 7), rel=1e-12)


def test_jeffreys_of_one_unit_has_a_closed_form() -> None:
    """The integral of Beta(3/2, 1/2) is (2 a - sin 2 a) / pi at sin^2 a."""
    angle = np.arcsin(np.sqrt(estimate_proportion(1, 1, interval="jeffreys").lower))
    assert (2 * angle - np.sin(2 * angle)) / np.pi == pytest.approx(0.025, rel=1e-12)


# Edges


@pytest.mark.parametrize("interval", INTERVALS)
def test_without_units_there_is_no_proportion(interval: IntervalName) -> None:
    estimate = estimate_proportion(0, 0, interval=interval)
    assert (estimate.count, estimate.total) == (0, 0)
    assert np.isnan([estimate.proportion, *limits(estimate)]).all()


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("total", [1, 2, 3, 7, 29, 1_000, 10**9])
def test_limits_at_none_and_all_touch_0_and_1_exactly(interval: IntervalName, total: int) -> None:
    none, every = (estimate_proportion(count, total, interval=interval) for count in (0, total))
    assert none.lower == 0
    assert every.upper == 1
    assert none.upper == pytest.approx(1 - every.lower, rel=1e-6)
    assert (none.upper > 0) == (interval != "wald")


@pytest.mark.parametrize("interval", INTERVALS)
def test_a_level_near_0_leaves_limits_within_0_and_1(interval: IntervalName) -> None:
    lower, upper = limits(estimate_proportion(0, 3, confidence_level=1e-17, interval=interval))
    assert 0 <= lower <= upper <= 1


@pytest.mark.parametrize(("count", "total"), [(-1, 3), (4, 3), (0, -1), (1, 0)])
def test_counts_outside_their_total_are_refused(count: int, total: int) -> None:
    with pytest.raises(InvalidObservationsError, match="above its total"):
        estimate_proportion(count, total)


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("confidence_level", [0.0, 1.0, 95.0, nan])
def test_a_level_outside_0_and_1_is_refused_by_every_interval(interval: IntervalName, confidence_level: float) -> None:
    with pytest.raises(InvalidParameterError, match="confidence level"):
        estimate_proportion(1, 2, confidence_level=confidence_level, interval=interval)


def test_an_unknown_interval_is_refused_by_name() -> None:
    with pytest.raises(InvalidParameterError, match="wilson, clopper-pearson"):
        estimate_proportion(1, 2, interval=cast("IntervalName", "exact"))


# Literal implementations


def literal_tails(interval: str, count: int, total: int, limit: float) -> tuple[float, float]:
    """Return the probabilities that the lower and the upper limit of an interval leave over, by its definition."""
    if interval == "clopper-pearson":
        chance = [comb(total, k) * limit**k * (1 - limit) ** (total - k) for k in range(total + 1)]
        return sum(chance[count:]), sum(chance[: count + 1])
    if interval == "jeffreys":
        # With sin^2 a for the proportion the density is smooth: sin^(2 x) cos^(2 (n - x)).

        def density(a: float) -> float:
            return float(np.sin(a) ** (2 * count) * np.cos(a) ** (2 * (total - count)))

        angle = float(np.arcsin(np.sqrt(limit)))
        below, above = quad(density, 0, angle, epsabs=0)[0], quad(density, angle, np.pi / 2, epsabs=0)[0]
        return below / (below + above), above / (below + above)
    msg = f"no tails of {interval}"
    raise AssertionError(msg)


def literal_limits(interval: str, count: int, total: int, z: float) -> tuple[float, float]:
    if interval == "wilson":  # the roots of (1 + z^2 / n) L^2 - (2 p + z^2 / n) L + p^2
        p, a = count / total, z**2 / total
        lower, upper = sorted(np.roots([1 + a, -2 * p - a, p**2]))
        return float(lower), float(upper)
    if interval == "agresti-coull":  # z^2 / 2 successes and as many failures are added
        count, total = count + z**2 / 2, total + z**2  # type: ignore[assignment]
    p = count / total
    return max(0.0, p - z * sqrt(p * (1 - p) / total)), min(1.0, p + z * sqrt(p * (1 - p) / total))


@pytest.mark.parametrize("interval", ["clopper-pearson", "jeffreys"])
@pytest.mark.parametrize(("count", "total"), [(1, 2), (1, 9), (4, 9), (8, 9), (3, 40), (33, 40)])
@pytest.mark.parametrize("confidence_level", [0.8, 0.95, 0.999])
def test_limits_leave_half_of_alpha_on_either_side(
    interval: IntervalName, count: int, total: int, confidence_level: float
) -> None:
    lower, upper = limits(estimate_proportion(count, total, confidence_level=confidence_level, interval=interval))
    assert literal_tails(interval, count, total, lower)[0] == pytest.approx((1 - confidence_level) / 2, rel=1e-9)
    assert literal_tails(interval, count, total, upper)[1] == pytest.approx((1 - confidence_level) / 2, rel=1e-9)


@pytest.mark.parametrize("interval", ["wilson", "agresti-coull", "wald"])
@pytest.mark.parametrize(("count", "total"), [(0, 5), (1, 2), (1, 9), (4, 9), (9, 9), (3, 40), (33, 40), (3, 10_000)])
@pytest.mark.parametrize(("confidence_level", "z"), [(0.9, 1.6448536269514722), (0.95, 1.959963984540054)])
def test_normal_limits_equal_their_literal_formulas(
    interval: IntervalName, count: int, total: int, confidence_level: float, z: float
) -> None:
    estimate = estimate_proportion(count, total, confidence_level=confidence_level, interval=interval)
    np.testing.assert_allclose(limits(estimate), literal_limits(interval, count, total, z), rtol=1e-9, atol=1e-12)


# Properties


COUNTS = st.integers(1, 300).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@given(COUNTS, st.sampled_from(INTERVALS), st.floats(0.5, 0.999))
@settings(deadline=None, max_examples=50)
def test_limits_hold_the_proportion_and_mirror_the_failures(
    counts: tuple[int, int], interval: IntervalName, confidence_level: float
) -> None:
    count, total = counts
    estimate = estimate_proportion(count, total, confidence_level=confidence_level, interval=interval)
    mirrored = estimate_proportion(total - count, total, confidence_level=confidence_level, interval=interval)
    assert 0 <= estimate.lower <= estimate.proportion <= estimate.upper <= 1
    assert limits(estimate) == pytest.approx((1 - mirrored.upper, 1 - mirrored.lower), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("interval", sorted(set(INTERVALS) - {"wald", "agresti-coull"}))
@pytest.mark.parametrize("total", [1, 7, 64])
def test_limits_rise_with_the_count(interval: IntervalName, total: int) -> None:
    for less, more in pairwise(estimate_proportion(count, total, interval=interval) for count in range(total + 1)):
        assert less.lower < more.lower
        assert less.upper < more.upper


# R's figures


@pytest.mark.parametrize("block", R_COUNTS, ids=lambda block: f"{block['x']}/{block['n']} {block['conf_level']}")
@pytest.mark.parametrize(("interval", "name"), [("wilson", "wilson"), ("clopper-pearson", "clopper_pearson")])
def test_limits_equal_prop_test_and_binom_test(block: dict[str, Any], interval: IntervalName, name: str) -> None:
    estimate = estimate_proportion(block["x"], block["n"], confidence_level=block["conf_level"], interval=interval)
    assert_equal_to_r(estimate.proportion, block["estimate"])
    assert_equal_to_r(limits(estimate), [block[name]["lower"], block[name]["upper"]])
