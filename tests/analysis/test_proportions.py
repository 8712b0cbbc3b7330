"""Proportions, their intervals and their trend: by hand, literally, and against R."""

from fractions import Fraction
from itertools import pairwise
from math import comb, inf, isnan, nan, sqrt
from typing import Any, cast, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from app.analysis.arrays import BoolArray, IntArray
from app.analysis.errors import InvalidObservationsError, InvalidParameterError
from app.analysis.intervals import normal_quantile
from app.analysis.proportions import (
    ClusterAdjusted,
    IntervalName,
    Proportion,
    estimate_clustered_proportion,
    estimate_proportion,
    trend_test,
)
from tests.references import assert_equal_to_r, blocks

INTERVALS = get_args(IntervalName)
R_COUNTS = [
    *blocks("proportions", "single"),
    *(group for table in blocks("proportions", "tables") for group in [*table["by_group"], table["overall"]]),
]
R_TRENDS = [table for table in blocks("proportions", "tables") if "cochran_armitage" in table]


def rows_of(*clusters: tuple[int, int]) -> tuple[BoolArray, IntArray]:
    """Return the units of clusters that are given as (successes, size)."""
    success = [unit < successes for successes, size in clusters for unit in range(size)]
    code = [place for place, (_, size) in enumerate(clusters) for _ in range(size)]
    return np.array(success, dtype=np.bool_), np.array(code, dtype=np.int64)


def adjusted(*clusters: tuple[int, int], confidence_level: float = 0.95) -> ClusterAdjusted:
    result = estimate_clustered_proportion(*rows_of(*clusters), confidence_level=confidence_level).cluster_adjusted
    assert result is not None
    return result


def limits(estimate: Proportion | ClusterAdjusted) -> tuple[float, float]:
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


def test_three_clusters_by_hand() -> None:
    """1/1, 0/1, 2/2: residuals 1/4, -3/4, 1/2; variance 3/2 (1 + 9 + 4)/16 / 4^2 = 21/256, that of 4 units 3/64."""
    variance, design_effect = Fraction(21, 256), Fraction(7, 4)
    result = adjusted((1, 1), (0, 1), (2, 2))
    assert result.clusters == 3
    assert result.standard_error == pytest.approx(sqrt(variance), rel=1e-14)
    assert result.design_effect == pytest.approx(float(design_effect), rel=1e-14)
    t_squared = 0.95**2 / (2 * 0.975 * 0.025)  # the closed form for 2 degrees of freedom
    for limit in limits(result):
        assert (0.75 - limit) ** 2 == pytest.approx(
            t_squared * limit * (1 - limit) * float(design_effect) / 4, rel=1e-9
        )


def test_the_unadjusted_limits_stand_beside_the_adjusted_ones() -> None:
    success, cluster = rows_of((3, 3), (0, 2), (1, 4))
    estimate = estimate_clustered_proportion(success, cluster, confidence_level=0.9, interval="jeffreys")
    plain = estimate_proportion(4, 9, confidence_level=0.9, interval="jeffreys")
    assert (estimate.count, estimate.total, estimate.interval, *limits(estimate)) == (4, 9, "jeffreys", *limits(plain))
    assert estimate.cluster_adjusted is not None


def test_clusters_of_one_unit_have_the_design_effect_of_a_sample_variance() -> None:
    """The variance of m independent units with divisor m - 1 is m / (m - 1) times that with m."""
    assert adjusted((1, 1), (0, 1), (1, 1), (1, 1), (0, 1)).design_effect == pytest.approx(5 / 4, rel=1e-14)


def test_likeness_within_clusters_counts_the_clusters() -> None:
    """Four patients with 10 lesions each that all go the same way: 10 m / (m - 1) times the variance."""
    assert adjusted((10, 10), (0, 10), (10, 10), (0, 10)).design_effect == pytest.approx(40 / 3, rel=1e-14)


def test_t_gives_way_to_the_normal_distribution_from_50_clusters_on() -> None:
    for clusters in (48, 50):
        result = adjusted(*[(1, 1), (0, 1)] * (clusters // 2))
        z = abs(0.5 - result.lower) / sqrt(result.lower * (1 - result.lower) / (clusters - 1))
        expected = normal_quantile(0.95) if clusters >= 50 else 2.0117405137297655  # t on 47 degrees of freedom
        assert z == pytest.approx(expected, rel=1e-9)


def test_trend_by_hand() -> None:
    """0/2, 1/2, 2/2 at 1, 2, 3: numerator (-1 (0 - 1) + 1 (2 - 1))^2 = 4, denominator 1/4 (2 + 2) = 1."""
    result = trend_test([0, 1, 2], [2, 2, 2])
    assert (result.name, result.statistic, result.degrees_of_freedom) == ("trend", 4.0, 1)
    assert result.p_value == pytest.approx(0.04550026389635842, rel=1e-12)


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


@pytest.mark.parametrize("clusters", [[(3, 5)], [(0, 5)], [(5, 5)]])
def test_one_cluster_has_no_variance_and_no_adjusted_limits(clusters: list[tuple[int, int]]) -> None:
    result = adjusted(*clusters)
    assert result.clusters == 1
    assert np.isnan([result.standard_error, *limits(result), result.design_effect]).all()


def test_no_units_are_no_clusters() -> None:
    estimate = estimate_clustered_proportion(np.array([], dtype=np.bool_), np.array([], dtype=np.int64))
    assert isnan(estimate.proportion)
    assert estimate.cluster_adjusted is not None
    assert estimate.cluster_adjusted.clusters == 0
    assert np.isnan(limits(estimate.cluster_adjusted)).all()


def test_all_or_none_is_as_much_evidence_as_that_many_independent_clusters() -> None:
    """0 of 10 lesions in patients with 1, 2, 3 and 4: (1 + 2 + 3 + 4)^2 / (1 + 4 + 9 + 16) = 10/3 patients."""
    none, every = adjusted((0, 1), (0, 2), (0, 3), (0, 4)), adjusted((1, 1), (2, 2), (3, 3), (4, 4))
    assert np.isnan([none.standard_error, none.design_effect, every.standard_error, every.design_effect]).all()
    t = 3.182446305284263  # on 3 degrees of freedom
    assert (none.lower, every.upper) == (0, 1)
    assert none.upper == pytest.approx(t**2 / (10 / 3 + t**2), rel=1e-9)
    assert every.lower == pytest.approx(1 - none.upper, rel=1e-9)


def test_clusters_more_alike_than_chance_give_no_more_information_than_independent_units() -> None:
    """One of two lesions in every patient: the variance is 0, the limits are those of 120 independent lesions."""
    result = adjusted(*[(1, 2)] * 60)
    assert (result.standard_error, result.design_effect) == (0.0, 0.0)
    assert limits(result) == limits(estimate_proportion(60, 120))


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(InvalidObservationsError, match="length"):
        estimate_clustered_proportion(np.array([True, False]), np.array([1]))
    with pytest.raises(InvalidObservationsError, match="length"):
        estimate_clustered_proportion(np.array([[True, False]]), np.array([[1, 2]]))
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


CLUSTERS = st.lists(
    st.integers(1, 5).flatmap(lambda size: st.tuples(st.integers(0, size), st.just(size))), min_size=2, max_size=12
)


@given(CLUSTERS)
@settings(deadline=None, max_examples=50)
def test_clustered_variance_equals_the_one_from_influences_of_clusters(clusters: list[tuple[int, int]]) -> None:
    """A cluster moves sum y / sum n by (y_i - p n_i) / n; the influences vary with divisor m - 1 around 0."""
    total = sum(size for _, size in clusters)
    p = Fraction(sum(successes for successes, _ in clusters), total)
    result = adjusted(*clusters)
    if p in (0, 1):
        assert isnan(result.standard_error)
        return
    influence = [float((successes - p * size) / total) for successes, size in clusters]
    variance = float(np.var(influence, ddof=1)) * len(clusters)
    assert result.standard_error == pytest.approx(sqrt(variance), rel=1e-9, abs=1e-12)
    assert result.design_effect == pytest.approx(variance * total / float(p * (1 - p)), rel=1e-9, abs=1e-12)


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


@given(CLUSTERS, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=50)
def test_order_of_units_and_names_of_clusters_change_nothing(clusters: list[tuple[int, int]], random: Any) -> None:
    success, cluster = rows_of(*clusters)
    order = np.array(random.sample(range(success.size), success.size))
    names = np.array(random.sample(range(-99, 99), len(clusters)))
    result = estimate_clustered_proportion(success[order], names[cluster[order]]).cluster_adjusted
    assert result is not None
    expected = adjusted(*clusters)
    np.testing.assert_allclose(
        [result.standard_error, *limits(result), result.design_effect],
        [expected.standard_error, *limits(expected), expected.design_effect],
        rtol=1e-9,
        atol=1e-12,
    )


@given(CLUSTERS)
@settings(deadline=None, max_examples=50)
def test_counting_every_unit_twice_adds_no_information(clusters: list[tuple[int, int]]) -> None:
    """The variance stays while the units double, so the design effect doubles; limits never become wider."""
    once, twice = adjusted(*clusters), adjusted(*[(2 * successes, 2 * size) for successes, size in clusters])
    np.testing.assert_allclose(twice.standard_error, once.standard_error, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(twice.design_effect, 2 * once.design_effect, rtol=1e-9, atol=1e-12)
    if not once.design_effect < 1:
        assert limits(twice) == pytest.approx(limits(once), rel=1e-9, abs=1e-12)


@given(CLUSTERS)
@settings(deadline=None, max_examples=50)
def test_adjusted_limits_are_never_narrower_than_wilsons(clusters: list[tuple[int, int]]) -> None:
    plain, result = estimate_clustered_proportion(*rows_of(*clusters)), adjusted(*clusters)
    assert result.upper - result.lower >= plain.upper - plain.lower


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


@pytest.mark.parametrize("block", R_COUNTS, ids=lambda block: f"{block['x']}/{block['n']} {block['conf_level']}")
@pytest.mark.parametrize(("interval", "name"), [("wilson", "wilson"), ("clopper-pearson", "clopper_pearson")])
def test_limits_equal_prop_test_and_binom_test(block: dict[str, Any], interval: IntervalName, name: str) -> None:
    estimate = estimate_proportion(block["x"], block["n"], confidence_level=block["conf_level"], interval=interval)
    assert_equal_to_r(estimate.proportion, block["estimate"])
    assert_equal_to_r(limits(estimate), [block[name]["lower"], block[name]["upper"]])


@pytest.mark.parametrize("block", R_TRENDS, ids=lambda block: block["id"])
def test_trend_equals_prop_trend_test(block: dict[str, Any]) -> None:
    figures = block["cochran_armitage"]
    result = trend_test(block["x"], block["n"], figures["scores"])
    assert result.degrees_of_freedom == figures["df"]
    assert_equal_to_r([result.statistic, result.p_value], [figures["statistic"], figures["p_value"]])
    if figures["scores"] == list(range(1, len(block["x"]) + 1)):
        assert trend_test(block["x"], block["n"]) == result
