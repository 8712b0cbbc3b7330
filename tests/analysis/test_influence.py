"""Clustered variances: by hand, and with the matrix of clusters by times that the kernel avoids."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.analysis import influence
from app.analysis.influence import clustered_variance
from app.analysis.kaplan_meier import kaplan_meier
from app.analysis.observations import observe
from app.analysis.segments import Segments

TIMES = 4
#: A change: cluster, place in time, what is added to the coefficients of the two functions of time.
Change = tuple[int, int, int, int]
changes = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, TIMES - 1), st.integers(-3, 3), st.integers(-3, 3)), min_size=1
)
bases = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=TIMES, max_size=TIMES)


def variance(rows: list[Change], basis: list[tuple[int, int]], samples: int = 1) -> NDArray[np.float64]:
    cluster, position, *change = zip(*rows, strict=True)
    times = Segments.of([TIMES] * samples)
    coefficients, functions = np.array(change, dtype=np.float64), np.array(basis, dtype=np.float64).T
    return clustered_variance(np.array(cluster), np.array(position), coefficients, functions, times).astype(np.float64)


def test_two_clusters_and_two_functions_by_hand() -> None:
    """Cluster 0 is f1 from time 0 and f1 + 2 f2 from time 2 on, cluster 1 is - f2 from time 1 on."""
    basis = [(1, 5), (2, 3), (3, 1), (4, 0)]
    rows = [(0, 2, 0, 2), (1, 1, 0, -1), (0, 0, 1, 0)]
    np.testing.assert_allclose(variance(rows, basis), [1**2, 2**2 + 3**2, (3 + 2) ** 2 + 1**2, 4**2], rtol=1e-14)


def test_rows_of_one_cluster_are_summed_before_they_are_squared() -> None:
    basis = [(1, 0)] * TIMES
    together = variance([(7, 0, 2, 0), (7, 0, -1, 0)], basis)
    apart = variance([(7, 0, 2, 0), (8, 0, -1, 0)], basis)
    np.testing.assert_allclose(together, [1] * TIMES, rtol=1e-14)
    np.testing.assert_allclose(apart, [5] * TIMES, rtol=1e-14)


def test_before_the_first_change_there_is_no_variance() -> None:
    np.testing.assert_array_equal(variance([(0, 3, 1, 1)], [(1, 1)] * TIMES), [0, 0, 0, 4])


def test_a_single_cluster_has_no_standard_error() -> None:
    """Its influence on itself is 0 whatever the data, which is no variance."""
    curve = kaplan_meier(observe([1, 2, 3], [True] * 3, cluster=[4, 4, 4]))
    assert np.isnan([curve.standard_error, curve.lower, curve.cumulative_hazard_standard_error]).all()


@pytest.mark.parametrize("weight", [1e8, 1e9])
def test_large_weights_that_have_left_leave_no_rounding_behind(weight: float) -> None:
    """After 2.5 the curve is that of the last eight, times a constant: so are its errors relative to it."""
    time, event = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9, 10], [1, 0, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0]
    weights = [weight] * 4 + [1, 2] * 4
    curve = kaplan_meier(observe(time, event, weight=weights, cluster=range(12), sampling=True))
    assert curve.standard_error[-1] == pytest.approx(0.120190, abs=1e-5)
    assert curve.cumulative_hazard_standard_error[-1] == pytest.approx(0.648060, abs=1e-5)


@pytest.mark.parametrize("few", [0, 20_000])
@given(rows=changes, basis=bases)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_variance_equals_the_sum_over_a_matrix_of_clusters_by_times(
    monkeypatch: pytest.MonkeyPatch, few: int, rows: list[Change], basis: list[tuple[int, int]]
) -> None:
    """By sums over runs of times, and by that matrix, which is faster for few."""
    monkeypatch.setattr(influence, "FEW", few)
    expected = []
    for time, (first, second) in enumerate(basis):
        of_cluster = dict.fromkeys({row[0] for row in rows}, 0)
        for cluster, position, x, y in rows:
            if position <= time:
                of_cluster[cluster] += x * first + y * second
        expected.append(sum(value**2 for value in of_cluster.values()))
    np.testing.assert_allclose(variance(rows, basis), expected, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("few", [0, 20_000])
@given(first=changes, second=changes, basis=bases)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_samples_one_after_another_have_the_variances_of_each(
    monkeypatch: pytest.MonkeyPatch, few: int, first: list[Change], second: list[Change], basis: list[tuple[int, int]]
) -> None:
    monkeypatch.setattr(influence, "FEW", few)
    samples = [first, second, first]
    changes = [
        (cluster, place * TIMES + position, x, y)
        for place, sample in enumerate(samples)
        for cluster, position, x, y in sample
    ]
    expected = [variance(sample, basis) for sample in samples]
    together = variance(changes, basis * 3, samples=3)
    np.testing.assert_allclose(together, np.concatenate(expected), rtol=1e-12, atol=1e-9)


@given(changes, bases)
@settings(deadline=None)
def test_neither_the_order_of_changes_nor_the_codes_of_clusters_matter(
    rows: list[Change], basis: list[tuple[int, int]]
) -> None:
    relabelled = [(10 - cluster, position, x, y) for cluster, position, x, y in reversed(rows)]
    np.testing.assert_allclose(variance(relabelled, basis), variance(rows, basis), rtol=1e-12, atol=1e-9)
