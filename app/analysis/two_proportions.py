"""Two proportions compared: difference, odds ratio and relative risk; groups of clustered units compared."""

from dataclasses import dataclass, replace
from math import exp, isnan, nan, sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from app.analysis.arrays import BoolArray, FloatArray, IntArray
from app.analysis.errors import InvalidObservationsError
from app.analysis.hypothesis_test import HypothesisTest, quadratic_form_test
from app.analysis.intervals import normal_quantile
from app.analysis.odds_ratio import NO_UNITS, Ratio, conditional_odds_ratio
from app.analysis.proportions import Proportion, estimate_proportion

DifferenceInterval = Literal["newcombe", "wald"]

ALIKE = "there are fewer than 2 groups or clusters, or all clusters are alike"
NO_ERROR = "a group has fewer than 2 clusters, or units with one outcome alone: no clustered standard error"


@dataclass(frozen=True, slots=True)
class ClusterAdjustedDifference:
    """What is known of a difference when units of a cluster, in either group, may resemble each other.

    Attributes
    ----------
    standard_error : NaN where that of one of the proportions is
    lower, upper : NaN where the limits of one of the proportions are
    """

    standard_error: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class ProportionDifference:
    """Two proportions compared, first - second and first / second.

    Attributes
    ----------
    difference, lower, upper : NaN where a group has no units; the limits take the units as independent
    interval : how the limits were made
    odds_ratio : conditional, with exact limits
    relative_risk : with limits on the log scale
    cluster_adjusted : None where no clusters were given
    reason : why figures are NaN, None where none is
    """

    difference: float
    lower: float
    upper: float
    interval: DifferenceInterval
    odds_ratio: Ratio
    relative_risk: Ratio
    cluster_adjusted: ClusterAdjustedDifference | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ClusteredGroups:
    """Counts of clusters in groups, multiplied and summed over the clusters: Python's integers, so exact.

    With y_ig successes of n_ig units that cluster i has in group g:

    Attributes
    ----------
    successes, totals : sum_i y_ig and sum_i n_ig, shape [k]
    clusters : how many have units in each group, shape [k]
    all_clusters : how many there are
    yy, yn, nn : sum_i y_ig y_ih, sum_i y_ig n_ih and sum_i n_ig n_ih, shape [k, k]
    """

    successes: NDArray[np.object_]
    totals: NDArray[np.object_]
    clusters: IntArray
    all_clusters: int
    yy: NDArray[np.object_]
    yn: NDArray[np.object_]
    nn: NDArray[np.object_]

    def residual_products(self, successes: Any, totals: Any) -> NDArray[np.object_]:
        """Return sum_i r_ig r_ih with r_ig = total y_ig - successes n_ig, whole numbers; shape [k, k]."""
        crossed = self.yn * np.outer(totals, successes)
        ends = self.yy * np.outer(totals, totals) + self.nn * np.outer(successes, successes)
        return np.asarray(ends - crossed - crossed.T)


def count_clusters(success: BoolArray, group: IntArray, cluster: IntArray, groups: int) -> ClusteredGroups:
    """Return what comparisons of clustered groups are made of; their order, and the clusters' names, do not matter.

    Parameters
    ----------
    success, group, cluster : shape [n]; groups are 0 .. groups - 1, each with a unit

    Raises
    ------
    InvalidObservationsError
        If the arrays differ in shape.

    Examples
    --------
    >>> count_clusters(np.array([True, False, True]), np.array([0, 0, 1]), np.array([7, 7, 7]), 2).nn.tolist()
    [[4, 2], [2, 1]]
    """
    if success.ndim != 1 or not success.shape == group.shape == cluster.shape:
        raise InvalidObservationsError("the columns differ in length")
    names, code = np.unique(cluster, return_inverse=True)
    shape = (names.size, groups)
    y, n = (csr_array((unit, (code, group)), shape=shape) for unit in (success.astype(int), np.ones_like(code)))
    products = (np.asarray((one.T @ other).toarray(), dtype=object) for one, other in ((y, y), (y, n), (n, n)))
    totals = np.bincount(group, minlength=groups)
    successes = np.bincount(group[success], minlength=groups)
    clusters = np.bincount(n.nonzero()[1], minlength=groups)
    return ClusteredGroups(successes.astype(object), totals.astype(object), clusters, names.size, *products)


def clustered_covariance(groups: ClusteredGroups) -> FloatArray:
    """Return the covariance matrix of the groups' proportions, as ratio estimators; shape [k, k].

    With residuals z_ig = (y_ig - p_g n_ig) / n_g and m_g clusters in group g it is
    sqrt(m_g / (m_g - 1) m_h / (m_h - 1)) sum_i z_ig z_ih: on its diagonal the squared standard errors of
    `estimate_clustered_proportion`, beside it what patients with units in both groups make the groups share.

    Returns
    -------
    covariance : NaN for groups with fewer than 2 clusters; 0 where all or none succeeded

    Source: Korn & Graubard, Analysis of Health Surveys (1999), 2.4; Rao & Scott, Biometrics 1992;48:577.

    Examples
    --------
    Two patients with a lesion in either group, one of them with successes alone:

    >>> pairs = np.array([0, 1, 0, 1])
    >>> clustered_covariance(count_clusters(np.array([True, True, False, False]), pairs, np.array([0, 0, 1, 1]), 2))
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """
    products = groups.residual_products(groups.successes, groups.totals)
    m = np.where(groups.clusters > 1, groups.clusters, np.nan)
    exact = products / np.outer(groups.totals, groups.totals) ** 2
    return np.asarray(exact.astype(np.float64) * np.sqrt(np.outer(m / (m - 1), m / (m - 1))))


def robust_score_test(groups: ClusteredGroups) -> HypothesisTest:
    """Return the test of equal proportions in groups of clustered units, whether or not clusters lie within groups.

    With the common proportion p, residuals r_ig = y_ig - p n_ig of m clusters and w_g = n_g / n, the score
    U_g = sum_i r_ig has the covariance m / (m - 1) sum_i u_i u_i', u_ig = r_ig - w_g sum_h r_ih. For units that are
    their own clusters it is near Pearson's test.

    Returns
    -------
    HypothesisTest named robust-score; NaN with the reason where there is no variance

    Source: Boos, Am Stat 1992;46:327; Rotnitzky & Jewell, Biometrika 1990;77:485.

    Examples
    --------
    >>> first, units = np.array([0, 0, 0, 1, 1, 1]), np.arange(6)
    >>> test = robust_score_test(count_clusters(np.array([True, True, False, False, False, True]), first, units, 2))
    >>> round(test.statistic, 4), test.degrees_of_freedom
    (0.5556, 1)
    """
    m, n, sizes, successes = groups.all_clusters, groups.totals.sum(), groups.totals, groups.successes.sum()
    every = np.ones_like(sizes)
    products = groups.residual_products(successes * every, n * every)
    sums = products.sum(axis=0)
    shared = n * (np.outer(sizes, sums) + np.outer(sums, sizes)) - np.outer(sizes, sizes) * sums.sum()
    covariance = (n**2 * products - shared) / n**4 * (m / (m - 1) if m > 1 else 0.0)
    score = (n * groups.successes - sizes * successes) / n
    test = quadratic_form_test("robust-score", score.astype(np.float64), covariance.astype(np.float64))
    return test if test.degrees_of_freedom > 0 else replace(test, reason=ALIKE)


def compare_proportions(
    first: Proportion,
    second: Proportion,
    *,
    confidence_level: float = 0.95,
    interval: DifferenceInterval = "newcombe",
    covariance: float = 0.0,
) -> ProportionDifference:
    """Return how a proportion compares with that of another group.

    With Wilson's limits l, u of p: newcombe is d - sqrt((p1 - l1)^2 + (u2 - p2)^2) to
    d + sqrt((u1 - p1)^2 + (p2 - l2)^2); wald d -+ z sqrt(p1 (1 - p1) / n1 + p2 (1 - p2) / n2), cut at -1 and 1.
    Adjusted for clusters the limits are those of newcombe from the adjusted limits of the proportions, with
    -2 r (p1 - l1)(u2 - p2) and -2 r (u1 - p1)(p2 - l2) in the roots, r the correlation of the proportions (0 where it
    does not exist).

    Parameters
    ----------
    first, second : as estimated at the same level
    covariance : of the two, by `clustered_covariance`

    Source: Newcombe, Stat Med 1998;17:873, method 10; Zou & Donner, Stat Med 2008;27:1693 for correlated proportions.
    Checked against proportions.json (wald is R's `prop.test` without continuity correction).

    Examples
    --------
    >>> result = compare_proportions(estimate_proportion(56, 70), estimate_proportion(48, 80))
    >>> round(result.difference, 4), round(result.lower, 4), round(result.upper, 4)
    (0.2, 0.0524, 0.3339)
    """
    counts = first.count, first.total, second.count, second.total
    odds_ratio = conditional_odds_ratio(*counts, confidence_level=confidence_level)
    risks = relative_risk(*counts, confidence_level=confidence_level)
    limits = _newcombe if interval == "newcombe" else _wald
    adjusted, reasons = _cluster_adjusted(first, second, covariance), [odds_ratio.reason, risks.reason]
    if adjusted is not None and isnan(adjusted.standard_error):
        reasons.append(NO_ERROR)
    return ProportionDifference(
        first.proportion - second.proportion,
        *limits(first, second, confidence_level),
        interval,
        odds_ratio,
        risks,
        adjusted,
        "; ".join(dict.fromkeys(filter(None, reasons))) or None,
    )


def relative_risk(
    first_count: int, first_total: int, second_count: int, second_total: int, *, confidence_level: float = 0.95
) -> Ratio:
    """Return p1 / p2 with the limits exp(log(p1 / p2) -+ z sqrt(1/x1 - 1/n1 + 1/x2 - 1/n2)).

    Returns
    -------
    Ratio : no estimate where the second group has no success; no limits where one has none or both have nothing else

    Source: Katz et al., Biometrics 1978;34:469.

    Examples
    --------
    >>> ratio = relative_risk(15, 20, 5, 20)
    >>> round(ratio.estimate, 4), round(ratio.lower, 4), round(ratio.upper, 4)
    (3.0, 1.3478, 6.6776)
    """
    z = normal_quantile(confidence_level)
    if 0 in (first_total, second_total):
        return Ratio(nan, nan, nan, NO_UNITS)
    if second_count == 0:
        return Ratio(nan, nan, nan, "the second group has no success: no relative risk")
    estimate = (first_count / first_total) / (second_count / second_total)
    if first_count == 0 or (first_count, second_count) == (first_total, second_total):
        return Ratio(
            estimate, nan, nan, "a group has no success, or both have nothing else: no limits of the relative risk"
        )
    failed = (first_total - first_count) / first_total / first_count
    width = z * sqrt(failed + (second_total - second_count) / second_total / second_count)
    return Ratio(estimate, estimate * exp(-width), estimate * exp(width))


def _newcombe(first: Proportion, second: Proportion, confidence_level: float) -> tuple[float, float]:
    wilson = [estimate_proportion(one.count, one.total, confidence_level=confidence_level) for one in (first, second)]
    return _hybrid(wilson[0], wilson[1], 0.0)


def _wald(first: Proportion, second: Proportion, confidence_level: float) -> tuple[float, float]:
    if 0 in (first.total, second.total):
        return nan, nan
    difference = first.proportion - second.proportion
    variance = sum(one.proportion * (1 - one.proportion) / one.total for one in (first, second))
    width = normal_quantile(confidence_level) * sqrt(variance)
    return max(difference - width, -1.0), min(difference + width, 1.0)


def _cluster_adjusted(first: Proportion, second: Proportion, covariance: float) -> ClusterAdjustedDifference | None:
    one, other = first.cluster_adjusted, second.cluster_adjusted
    if one is None or other is None:
        return None
    errors = one.standard_error, other.standard_error
    correlation = covariance / (errors[0] * errors[1]) if min(errors) > 0 else 0.0
    variance = errors[0] ** 2 + errors[1] ** 2 - 2 * covariance
    limits = _hybrid(
        replace(first, lower=one.lower, upper=one.upper),
        replace(second, lower=other.lower, upper=other.upper),
        correlation,
    )
    return ClusterAdjustedDifference(sqrt(max(variance, 0.0)), *limits)


def _hybrid(first: Proportion, second: Proportion, correlation: float) -> tuple[float, float]:
    """Return limits of first - second from the limits of both."""
    difference = first.proportion - second.proportion

    def reach(one: float, other: float) -> float:
        return sqrt(max(one**2 + other**2 - 2 * correlation * one * other, 0.0))

    return (
        difference - reach(first.proportion - first.lower, second.upper - second.proportion),
        difference + reach(first.upper - first.proportion, second.proportion - second.lower),
    )
