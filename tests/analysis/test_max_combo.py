"""The max-combo test: by hand, its p-value by other ways, by its properties and against R."""

from dataclasses import replace
from math import erfc, expm1, log1p, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from app.analysis.arrays import FloatArray
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.logrank import Weighting
from app.analysis.max_combo import largest_of_normals
from app.analysis.observations import observe
from tests.analysis.comparison_samples import logrank_test, max_combo_test
from tests.references import blocks, sample
from tests.strategies import Rows, rows, shuffled

POWERS = ((0, 0), (1, 0), (0, 1), (1, 1))


def counts(test: HypothesisTest) -> tuple[FloatArray, FloatArray]:
    """Return the observed and the expected events of a test that has them."""
    assert test.observed is not None
    assert test.expected is not None
    return test.observed, test.expected


def tail(bound: float) -> float:
    """Return P(|Z| >= bound)."""
    return erfc(bound / sqrt(2))


def panels(start: float, end: float, count: int) -> tuple[FloatArray, FloatArray]:
    """Return the nodes of Gauss's rule on each of `count` panels, and their normal probabilities."""
    nodes, weights = np.polynomial.legendre.leggauss(6)
    half = (end - start) / count / 2
    x = (half * nodes + np.linspace(start + half, end - half, count)[:, None]).ravel()
    return x, np.tile(half * weights, count) * np.exp(-(x**2) / 2) / sqrt(2 * np.pi)


def by_sections(bound: float, loadings: FloatArray) -> float:
    """Return P(max |l_i' x| >= bound): 1 beyond the bound of l_1, else in sections along the other axes.

    The last axis has a section where all |l_i' x| < bound in closed form; sums of parts only, so small ones stay exact.
    """
    units = loadings / np.linalg.norm(loadings, axis=1, keepdims=True)
    axes = np.linalg.qr(units[:1].T, mode="complete")[0]
    turn = np.array([[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]])  # so that no l is across the last axis
    along, across, last = (units[1:] @ axes @ turn).T[:, :, None, None]
    x, x_mass = panels(0.0, bound, 150)
    y, y_mass = panels(-10.0, 10.0, 450)
    centre, half = -(along * x[:, None] + across * y) / last, bound / np.abs(last)
    low = np.max(centre - half, axis=0, initial=-np.inf)
    high = np.maximum(low, np.min(centre + half, axis=0, initial=np.inf))
    return float(tail(bound) + 2 * x_mass @ (ndtr(low) + ndtr(-high)) @ y_mass)


def test_two_event_times_by_hand() -> None:
    """Deaths at 1 and 2 with 4 and 3 at risk; the third, at 3, is of the only one left.

    S(t-) is 1, then 3/4, so w is (1, 1), (1, 3/4), (0, 1/4), (0, 3/16): the last two are one test, of the death at 2
    alone. Observed - expected in the first group is 1/2, then 2/3; the variances are 1/4 and 2/9.
    """
    test = max_combo_test(observe([1, 2, 3, 3], [1, 1, 0, 1], group=[0, 0, 1, 1]), 2)
    z = [(1 / 2 + 2 / 3) / sqrt(1 / 4 + 2 / 9), 1 / sqrt(1 / 4 + 9 / 16 * 2 / 9), 2 / 3 / sqrt(2 / 9)]
    loadings = np.array([[1 / 2, sqrt(2) / 3, 0], [1 / 2, sqrt(2) / 4, 0], [0, 1, 0]])
    assert test.statistic == pytest.approx(max(z), rel=1e-14)
    assert test.p_value == pytest.approx(by_sections(max(z), loadings), rel=1e-6)
    assert (test.name, test.degrees_of_freedom, test.reason) == ("max-combo", 0, None)
    np.testing.assert_array_equal(counts(test)[0], [2, 1])
    np.testing.assert_allclose(counts(test)[1], [5 / 6, 13 / 6])


def test_at_the_first_event_alone_all_weights_but_the_late_are_1() -> None:
    """One death among four: a single normal Z = (1 - 1/2) / sqrt(1/4) = 1."""
    test = max_combo_test(observe([1, 2, 2, 2], [1, 0, 0, 0], group=[0, 0, 1, 1]), 2)
    assert test.statistic == pytest.approx(1, rel=1e-15)
    assert test.p_value == pytest.approx(tail(1), rel=1e-14)


@pytest.mark.parametrize("groups", [1, 3])
def test_other_than_two_groups_are_not_compared(groups: int) -> None:
    test = max_combo_test(observe([1, 2, 3, 4], [1, 1, 1, 1], group=[0] * 3 + [groups - 1]), groups)
    assert np.isnan([test.statistic, test.p_value]).all()
    assert test.reason == "compares two groups only"
    assert counts(test)[0].shape == (groups,)


def test_without_variance_there_is_no_test() -> None:
    test = max_combo_test(observe([1, 2, 3], [0, 1, 1], group=[0, 1, 1]), 2)
    assert np.isnan([test.statistic, test.p_value]).all()
    assert test.reason is not None
    assert "the variance is 0" in test.reason
    np.testing.assert_array_equal(counts(test)[0], [0, 2])


def test_with_sampling_weights_there_is_no_test() -> None:
    test = max_combo_test(observe([1, 2, 3], [1, 1, 1], weight=[1, 2, 3], group=[0, 1, 1], sampling=True), 2)
    assert np.isnan([test.statistic, test.p_value]).all()
    assert test.reason is not None
    assert "sampling weights" in test.reason
    np.testing.assert_array_equal(counts(test)[0], [1, 5])


@pytest.mark.parametrize("bound", [0.0, 0.1, 1.0, 2.0, 5.8, 10.0, 20.0, 35.0])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_independent_normals(bound: float, size: int) -> None:
    expected = 1.0 if bound == 0 else -expm1(size * log1p(-tail(bound)))
    assert largest_of_normals(bound, np.eye(size)) == pytest.approx(expected, rel=1e-10, abs=0)


MANY_NODES = np.polynomial.legendre.leggauss(400)
LOADINGS = {
    "two": [(1, 0, 0), (0.3, 1, 0)],
    "near each other": [(1, 0, 0), (1, 0.01, 0)],
    "nearly opposite": [(1, 0, 0), (-1, 0.1, 0)],
    "the sum in their plane": [(1, 0.2, 0), (0.2, 1, 0), (1.2, 1.2, 0)],
    "three": [(1, 0.5, 0), (0.2, 1, 0), (0.6, 0.6, 0.3)],
    "like the weights": [(1, 0.2, 0), (0.2, 1, 0), (0.6, 0.6, 0.4), (1.2, 1.2, 0)],
    "of small hazards": [(1, 0, 0), (0.8, 0.5, 0), (0.7, 0.5, 0.1), (1.8, 0.5, 0)],
    "not in order": [(0.1, -1, 0.3), (-0.9, 0.4, 0.3), (0.3, 0.3, 1), (1, 1, -1)],
}


@pytest.mark.parametrize("bound", [2.0, 5.8])
@pytest.mark.parametrize("name", LOADINGS)
def test_correlated_normals(name: str, bound: float) -> None:
    """P-values of 0.1 and 1e-8; what differs are the sections, whose 3e-6 falls to 1e-8 with eight times the panels."""
    loadings = np.array(LOADINGS[name])
    assert largest_of_normals(bound, loadings) == pytest.approx(by_sections(bound, loadings), rel=4e-6, abs=0)


@pytest.mark.parametrize(("bound", "error"), [(1.0, 1e-13), (5.8, 1e-13), (20.0, 1e-12), (37.0, 1e-6)])
@pytest.mark.parametrize("name", LOADINGS)
def test_more_nodes_change_nothing(name: str, bound: float, error: float, monkeypatch: pytest.MonkeyPatch) -> None:
    loadings = np.array(LOADINGS[name])
    p_value = largest_of_normals(bound, loadings)
    monkeypatch.setattr("app.analysis.max_combo._quadrature", lambda: MANY_NODES)
    assert p_value == pytest.approx(largest_of_normals(bound, loadings), rel=error, abs=0)


@given(st.permutations(range(4)), st.lists(st.sampled_from([-3.0, 1.0]), min_size=4, max_size=4))
def test_order_sign_and_length_of_loadings_do_not_matter(order: list[int], factors: list[float]) -> None:
    loadings = np.array(LOADINGS["like the weights"])
    changed = (loadings * np.array(factors)[:, None])[order]
    assert largest_of_normals(2.5, changed) == pytest.approx(largest_of_normals(2.5, loadings), rel=1e-12)


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_same_normal_again_adds_nothing(sign: int) -> None:
    loadings = np.array(LOADINGS["three"])
    again = np.concatenate((loadings, sign * loadings[1:2] * (1 + 1e-15)))
    assert largest_of_normals(2.0, again) == pytest.approx(largest_of_normals(2.0, loadings), rel=1e-12)


two_groups = rows(groups=2, group=True, stratum=None, cluster=False)


@given(two_groups)
@settings(deadline=None)
def test_it_is_the_largest_of_its_tests_and_no_more_than_their_p_values_together(rows_: Rows) -> None:
    observations = rows_.observe()
    test = max_combo_test(observations, 2)
    parts = [logrank_test(observations, 2, Weighting("fleming-harrington", *powers)) for powers in POWERS]
    known = [part for part in parts if part.reason is None]
    assert (test.reason is None) == bool(known)
    for ours, theirs in zip(counts(test), counts(parts[0]), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    if known:
        assert test.statistic**2 == pytest.approx(max(part.statistic for part in known), rel=1e-9, abs=1e-12)
        p_values = [part.p_value for part in known]
        assert min(p_values) * (1 - 1e-7) <= test.p_value <= min(sum(p_values), 1) * (1 + 1e-7)


@given(shuffled(rows(groups=2, group=True, stratum=None, cluster=False, near_ties=True)))
@settings(deadline=None)
def test_the_order_of_rows_changes_no_bit(samples: tuple[Rows, Rows]) -> None:
    first, second = (max_combo_test(rows_.observe(), 2) for rows_ in samples)
    np.testing.assert_array_equal([first.statistic, first.p_value], [second.statistic, second.p_value])


@given(two_groups)
@settings(deadline=None)
def test_the_codes_of_the_groups_do_not_matter(rows_: Rows) -> None:
    test = max_combo_test(rows_.observe(), 2)
    other = max_combo_test(replace(rows_, group=[1 - code for code in rows_.group or []]).observe(), 2)
    np.testing.assert_allclose([other.statistic, other.p_value], [test.statistic, test.p_value], rtol=1e-9, atol=1e-12)


@given(rows(groups=2, group=True, stratum=None, cluster=False, weight=True))
@settings(deadline=None)
def test_weights_are_replicated_rows(rows_: Rows) -> None:
    test, other = (max_combo_test(same.observe(), 2) for same in (rows_, rows_.replicated()))
    np.testing.assert_allclose([other.statistic, other.p_value], [test.statistic, test.p_value], rtol=1e-9, atol=1e-12)


def test_a_thousand_million_subjects() -> None:
    """Of 10^9 three die, so S(t-) is nearly 1: nearly two tests, of all three deaths and of the last two, 1 to 2.

    Half are at risk in each group: Z = (3 - 3/2) / sqrt(3/4), and with (0, 1) (1 + 2) / 2 / sqrt((1 + 4) / 4).
    """
    weight = [1, 1, 1, 5e8 - 3, 5e8]
    test = max_combo_test(observe([1, 2, 3, 9, 9], [1, 1, 1, 0, 0], weight=weight, group=[0, 0, 0, 0, 1]), 2)
    assert test.statistic == pytest.approx(sqrt(3), rel=1e-7)
    loadings = np.array([[1, 1, 1], [0, 1, 2]])
    assert test.p_value == pytest.approx(largest_of_normals(sqrt(3), loadings), rel=1e-6)


TWO_GROUP_BLOCKS = [
    (name, block["id"])
    for name in ("aml", "lung", "veteran", "ovarian", "kidney", "melanoma", "myeloma", "rhdnase")
    for block in blocks(name, "logrank")
    if len(block["groups"]) == 2
]


@pytest.mark.parametrize(("name", "block_id"), TWO_GROUP_BLOCKS)
def test_the_largest_z_is_the_largest_of_r(name: str, block_id: str) -> None:
    block = next(block for block in blocks(name, "logrank") if block["id"] == block_id)
    observations, _ = sample(name, block)
    names = ["logrank", *(f"fleming_harrington_{rho}_{gamma}" for rho, gamma in POWERS[1:])]
    z = [abs(part["z_first_group"]) for part in block["tests"] if part["test"] in names]
    assert len(z) == 4
    assert max_combo_test(observations, 2).statistic == pytest.approx(max(z), rel=1e-9)


def test_lung_by_sex() -> None:
    """The p-value from R's covariances: w_00 = w_10 + w_01, so cov(10, 01) = (V_00 - V_10 - V_01) / 2.

    Alone the early weights have p = 0.00036, the four by Bonferroni 0.00145.
    """
    block = next(block for block in blocks("lung", "logrank") if block["id"] == "by_group")
    test = max_combo_test(sample("lung", block)[0], 2)
    variance = {part["test"]: part["variance"][0][0] for part in block["tests"]}
    all_, early, late = (variance[name] for name in ("logrank", "fleming_harrington_1_0", "fleming_harrington_0_1"))
    correlation = (all_ - early - late) / 2 / sqrt(early * late)
    loadings = np.array([[1, 0, 0], [correlation, sqrt(1 - correlation**2), 0]])
    loadings = np.concatenate((loadings, [sqrt(early) * loadings[0] + sqrt(late) * loadings[1]]))
    without_middle = by_sections(test.statistic, loadings)
    assert test.statistic == pytest.approx(3.56569087291, rel=1e-9)
    assert without_middle < test.p_value < without_middle + tail(test.statistic)
    assert test.p_value == pytest.approx(0.00098399846, rel=1e-7)
