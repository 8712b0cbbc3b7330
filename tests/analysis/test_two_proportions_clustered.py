"""Groups of clustered units compared: by hand, literally, and what must not change them."""

from fractions import Fraction
from math import isnan, nan, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.arrays import BoolArray, IntArray
from app.analysis.contingency import chi_squared_test
from app.analysis.errors import InvalidObservationsError
from app.analysis.proportions import Proportion, estimate_clustered_proportion
from app.analysis.two_proportions import (
    ClusterAdjustedDifference,
    ClusteredGroups,
    clustered_covariance,
    compare_proportions,
    count_clusters,
    robust_score_test,
)

Unit = tuple[bool, int, int]
"""Success, group and cluster."""

NO_ERROR = "a group has fewer than 2 clusters, or units with one outcome alone: no clustered standard error"


def columns(units: list[Unit]) -> tuple[BoolArray, IntArray, IntArray]:
    success, group, cluster = zip(*units, strict=True)
    return np.array(success), np.array(group), np.array(cluster)


def counted(units: list[Unit], groups: int = 2) -> ClusteredGroups:
    return count_clusters(*columns(units), groups)


def proportions(units: list[Unit], groups: int = 2) -> list[Proportion]:
    success, group, cluster = columns(units)
    return [estimate_clustered_proportion(success[group == g], cluster[group == g]) for g in range(groups)]


def adjusted(units: list[Unit]) -> ClusterAdjustedDifference:
    first, second = proportions(units)
    covariance = clustered_covariance(counted(units))[0, 1]
    result = compare_proportions(first, second, covariance=covariance).cluster_adjusted
    assert result is not None
    return result


def pairs(*outcomes: tuple[int, int]) -> list[Unit]:
    """Return patients with one unit in either group, given as their outcomes."""
    return [
        (bool(success), group, patient) for patient, pair in enumerate(outcomes) for group, success in enumerate(pair)
    ]


# By hand


def test_patients_with_a_unit_in_either_group_have_the_error_of_paired_differences() -> None:
    """Differences 1, 0, 0, 1, -1 of 5 patients: mean 1/5, sum of squares 3 - 1/5, variance 14/5 / 4 / 5."""
    result = adjusted(pairs((1, 0), (1, 1), (0, 0), (1, 0), (0, 1)))
    assert result.standard_error == pytest.approx(sqrt(14 / 100), rel=1e-12)


def test_groups_of_different_patients_add_their_variances() -> None:
    units = [(True, 0, 1), (True, 0, 1), (False, 0, 2), (True, 1, 3), (False, 1, 4), (False, 1, 4)]
    errors = [one.cluster_adjusted.standard_error for one in proportions(units) if one.cluster_adjusted]
    assert clustered_covariance(counted(units))[0, 1] == 0
    assert adjusted(units).standard_error == pytest.approx(sqrt(errors[0] ** 2 + errors[1] ** 2), rel=1e-12)


def test_adjusted_limits_by_hand() -> None:
    """The square roots of the distances to the adjusted limits, and of what the correlation takes off."""
    units = pairs((1, 0), (1, 1), (0, 0), (1, 0), (0, 1), (1, 1), (1, 1))
    (first, one), (second, other) = ((rate, rate.cluster_adjusted) for rate in proportions(units))
    assert one is not None
    assert other is not None
    r = clustered_covariance(counted(units))[0, 1] / (one.standard_error * other.standard_error)
    down, up = first.proportion - one.lower, other.upper - second.proportion
    difference = first.proportion - second.proportion
    assert adjusted(units).lower == pytest.approx(difference - sqrt(down**2 + up**2 - 2 * r * down * up), rel=1e-12)
    down, up = second.proportion - other.lower, one.upper - first.proportion
    assert adjusted(units).upper == pytest.approx(difference + sqrt(down**2 + up**2 - 2 * r * down * up), rel=1e-12)


def test_robust_score_by_hand() -> None:
    """2 of 3 and 1 of 3 by units of their own: U = 1/2, u = 1/4 each, so 1/4 / (6/5 x 6/16) = 5/9."""
    units = [(True, 0, 0), (True, 0, 1), (False, 0, 2), (False, 1, 3), (False, 1, 4), (True, 1, 5)]
    test = robust_score_test(counted(units))
    assert (test.name, test.degrees_of_freedom, test.reason) == ("robust-score", 1, None)
    assert test.statistic == pytest.approx(5 / 9, rel=1e-12)


# Edges


@pytest.mark.parametrize(
    ("units", "limits"),
    [
        ([(True, 0, 1), (False, 0, 1), (True, 1, 1), (False, 1, 2)], False),  # one cluster in the first group
        ([(True, 0, 1), (True, 0, 2), (True, 1, 1), (False, 1, 2)], True),  # no failure in the first group
    ],
)
def test_no_clustered_error_without_two_clusters_and_outcomes_in_each_group(units: list[Unit], *, limits: bool) -> None:
    first, second = proportions(units)
    result = compare_proportions(first, second, covariance=clustered_covariance(counted(units))[0, 1])
    assert result.cluster_adjusted is not None
    assert isnan(result.cluster_adjusted.standard_error)
    assert isnan(result.cluster_adjusted.lower) == isnan(result.cluster_adjusted.upper) == (not limits)
    assert NO_ERROR in (result.reason or "")


@pytest.mark.parametrize(
    "units",
    [
        [(True, 0, 1), (False, 0, 2)],
        [(True, 0, 1), (False, 1, 1)],
        [(True, 0, 1), (True, 1, 2)],
        [(False, 0, 1), (False, 1, 2)],
        [(True, 0, 1), (True, 1, 1), (True, 2, 1), (False, 0, 2), (False, 1, 2), (False, 2, 2)],  # no group differs
        [(True, 0, 1), (False, 0, 1), (True, 1, 2), (False, 1, 2)],  # no cluster differs
    ],
)
def test_no_robust_score_without_two_groups_clusters_and_outcomes(units: list[Unit]) -> None:
    test = robust_score_test(counted(units, len({group for _, group, _ in units})))
    assert np.isnan([test.statistic, test.p_value]).all()
    assert (test.degrees_of_freedom, test.reason is None) == (0, False)


def test_columns_of_different_length_are_refused() -> None:
    two, one = np.array([0, 1]), np.array([0])
    for columns in ((two > 0, one, two), (two > 0, two, one), (two[None] > 0, two[None], two[None])):
        with pytest.raises(InvalidObservationsError, match="length"):
            count_clusters(*columns, 2)


# A literal implementation

GROUPS = 3

UNITS = st.lists(st.tuples(st.booleans(), st.integers(0, GROUPS - 1), st.integers(0, 4)), max_size=14).map(
    lambda units: [*units, *((bool(group), group, group) for group in range(GROUPS))]  # no group is empty
)


def literal_products(units: list[Unit], p: list[Fraction]) -> list[list[Fraction]]:
    """Return sum over clusters of the products of residuals y - p n in each pair of groups."""
    clusters = {cluster for _, _, cluster in units}
    residual = {
        (cluster, g): sum(success - p[g] for success, group, one in units if (one, group) == (cluster, g))
        for cluster in clusters
        for g in range(GROUPS)
    }
    return [[sum(residual[c, g] * residual[c, h] for c in clusters) for h in range(GROUPS)] for g in range(GROUPS)]  # type: ignore[misc]


@given(UNITS)
@settings(deadline=None, max_examples=60)
def test_covariance_equals_its_definition(units: list[Unit]) -> None:
    totals = [sum(group == g for _, group, _ in units) for g in range(GROUPS)]
    p = [Fraction(sum(success and group == g for success, group, _ in units), totals[g]) for g in range(GROUPS)]
    clusters = [len({cluster for _, group, cluster in units if group == g}) for g in range(GROUPS)]
    factor = [m / (m - 1) if m > 1 else nan for m in clusters]
    expected = [
        [float(product) / totals[g] / totals[h] * sqrt(factor[g] * factor[h]) for h, product in enumerate(row)]
        for g, row in enumerate(literal_products(units, p))
    ]
    found = clustered_covariance(counted(units, GROUPS))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)
    for variance, one in zip(np.diag(found), proportions(units, GROUPS), strict=True):
        assert one.cluster_adjusted is not None
        if one.cluster_adjusted.standard_error >= 0:
            assert variance == pytest.approx(one.cluster_adjusted.standard_error**2, rel=1e-9, abs=1e-15)


@given(UNITS)
@settings(deadline=None, max_examples=60)
def test_robust_score_equals_its_definition(units: list[Unit]) -> None:
    success, group, cluster = columns(units)
    residual = np.array([[np.sum((success - success.mean())[(group == g) & (cluster == c)]) for g in range(GROUPS)]
                         for c in np.unique(cluster)])  # fmt: skip
    influence = residual - np.outer(residual.sum(axis=1), np.bincount(group) / group.size)
    m, score = len(influence), residual.sum(axis=0)
    values, vectors = np.linalg.eigh(influence.T @ influence * m / (m - 1))
    kept = values > 1e-8
    expected = np.sum((vectors[:, kept].T @ score) ** 2 / values[kept])
    test = robust_score_test(counted(units, GROUPS))
    assert test.statistic == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert test.degrees_of_freedom == kept.sum()


# Properties


@given(UNITS, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_order_of_units_and_names_of_clusters_change_no_bit(units: list[Unit], random: Any) -> None:
    names = random.sample(range(-99, 99), 5)
    other = [(success, group, names[cluster]) for success, group, cluster in random.sample(units, len(units))]
    one, two = counted(units, GROUPS), counted(other, GROUPS)
    assert clustered_covariance(one).tobytes() == clustered_covariance(two).tobytes()
    assert str(robust_score_test(one)) == str(robust_score_test(two))


@given(st.integers(1, 40), st.data())
@settings(deadline=None, max_examples=60)
def test_single_units_in_groups_of_one_size_have_nearly_pearsons_test(size: int, data: st.DataObject) -> None:
    """Exactly (n - 1) / n times it."""
    x, y = (data.draw(st.integers(0, size)) for _ in range(2))
    units = [
        (place < count, group, group * size + place) for group, count in enumerate((x, y)) for place in range(size)
    ]
    robust, pearson = robust_score_test(counted(units)), chi_squared_test([[x, size - x], [y, size - y]])
    factor = 1 - 1 / (2 * size)
    assert robust.statistic == pytest.approx(pearson.statistic * factor, rel=1e-9, abs=1e-12, nan_ok=True)
