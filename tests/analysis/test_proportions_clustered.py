"""Proportions of units in clusters: by hand, literally, and what must not change them."""

from fractions import Fraction
from math import isnan, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.arrays import BoolArray, IntArray
from app.analysis.errors import InvalidObservationsError
from app.analysis.intervals import normal_quantile
from app.analysis.proportions import ClusterAdjusted, Proportion, estimate_clustered_proportion, estimate_proportion


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


# Edges


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


# A literal implementation


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


# Properties


@given(CLUSTERS, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=50)
def test_order_of_units_and_codes_of_clusters_change_nothing(clusters: list[tuple[int, int]], random: Any) -> None:
    success, cluster = rows_of(*clusters)
    order = np.array(random.sample(range(success.size), success.size))
    codes = np.array(random.sample(range(199), len(clusters)))
    result = estimate_clustered_proportion(success[order], codes[cluster[order]]).cluster_adjusted
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
