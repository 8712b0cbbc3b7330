"""Proportions with their intervals, of independent units and of units in clusters, and their trend over groups."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import fsum, nan, sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainccinv, betaincinv, chdtrc, stdtrit

from app.analysis.arrays import BoolArray, IntArray
from app.analysis.errors import InvalidObservationsError, InvalidParameterError
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.intervals import normal_quantile

IntervalName = Literal["wilson", "clopper-pearson", "jeffreys", "agresti-coull", "wald"]

#: From so many clusters on, t on clusters - 1 degrees of freedom is replaced by the normal distribution.
MANY_CLUSTERS = 50


@dataclass(frozen=True, slots=True)
class ClusterAdjusted:
    """What is known of a proportion when the units of a cluster may resemble each other.

    Attributes
    ----------
    standard_error : of the proportion; NaN with fewer than 2 clusters, or where all or none of the units succeeded
    lower, upper : limits; NaN with fewer than 2 clusters
    design_effect : variance over that of independent units, as estimated (may be below 1); NaN as the standard error
    clusters : how many there are
    """

    standard_error: float
    lower: float
    upper: float
    design_effect: float
    clusters: int


@dataclass(frozen=True, slots=True)
class Proportion:
    """A proportion with its limits.

    Attributes
    ----------
    count, total : the units that succeeded, and all units
    proportion, lower, upper : NaN where the total is 0; the limits take the units as independent
    interval : how the limits were made
    cluster_adjusted : the same with the units in clusters, None where no clusters were given
    """

    count: int
    total: int
    proportion: float
    lower: float
    upper: float
    interval: IntervalName
    cluster_adjusted: ClusterAdjusted | None = None


def estimate_proportion(
    count: int, total: int, *, confidence_level: float = 0.95, interval: IntervalName = "wilson"
) -> Proportion:
    """Return count / total with limits for independent units.

    With x successes of n, p = x / n, alpha = 1 - `confidence_level` and z the normal quantile: wilson solves
    (p - L)^2 = z^2 L (1 - L) / n; clopper-pearson takes the alpha / 2 quantiles of Beta(x, n - x + 1) from below and
    of Beta(x + 1, n - x) from above; jeffreys both of Beta(x + 1/2, n - x + 1/2); agresti-coull is
    p' -+ z sqrt(p' (1 - p') / n') with n' = n + z^2, p' = (x + z^2 / 2) / n'; wald the same with p and n, and no
    width at x = 0 and x = n. Limits are cut at 0 and 1; for clopper-pearson and jeffreys the lower limit is 0 at
    x = 0 and the upper one 1 at x = n.

    Parameters
    ----------
    count, total : 0 <= count <= total; with a total of 0 proportion and limits are NaN

    Raises
    ------
    InvalidObservationsError, InvalidParameterError
        If the count is outside 0 .. total; if the confidence level or the interval is outside its range.

    Source: Brown, Cai & DasGupta, Stat Sci 2001;16:101. Wilson and Clopper-Pearson checked against
    proportions.json.

    Examples
    --------
    >>> estimate = estimate_proportion(62, 64)
    >>> round(estimate.proportion, 3), round(estimate.lower, 3), round(estimate.upper, 3)
    (0.969, 0.893, 0.991)
    """
    normal_quantile(confidence_level)  # the beta quantiles do not mind a level outside 0 .. 1
    if interval not in get_args(IntervalName):
        raise InvalidParameterError(f"an interval is one of {', '.join(get_args(IntervalName))}")
    if not 0 <= count <= total:
        raise InvalidObservationsError("a count is below 0 or above its total")
    if total == 0:
        return Proportion(count, total, nan, nan, nan, interval)
    lower, upper = _LIMITS[interval](count, total, confidence_level)
    return Proportion(count, total, count / total, max(lower, 0.0), min(upper, 1.0), interval)


def estimate_clustered_proportion(
    success: BoolArray, cluster: IntArray, *, confidence_level: float = 0.95, interval: IntervalName = "wilson"
) -> Proportion:
    """Return the proportion of units that succeeded, with limits that allow for clusters, as lesions in patients.

    With y_i successes of n_i units in cluster i of m and p = sum y_i / sum n_i, the ratio estimator has
    Var p = m / (m - 1) sum (y_i - p n_i)^2 / n^2 (Taylor linearisation); over p (1 - p) / n that is the design
    effect. The adjusted limits are Wilson's with the effective sample size n / design effect for n, and with t on
    m - 1 degrees of freedom for z where m < 50. An estimated design effect below 1 is reported as it is, but the
    limits take 1: clusters give no more information than as many independent units.

    At p = 0 and p = 1 every residual is 0 and says nothing of the variance, which software takes as independence.
    The limits then take complete likeness within clusters, the design effect sum n_i^2 / n that 1 + (b - 1) rho has
    at rho = 1: an effective size of n^2 / sum n_i^2 <= m. They may be wider than with a single failure.

    Parameters
    ----------
    success : shape [n]
    cluster : codes 0, 1, .., shape [n]; there need not be units of each
    confidence_level, interval : as for `estimate_proportion`, which gives the limits without regard to clusters

    Raises
    ------
    InvalidObservationsError, InvalidParameterError
        If the arrays differ in shape; as `estimate_proportion`.

    Source: Rao & Scott, Biometrics 1992;48:577; Korn & Graubard, Surv Methodol 1998;24:193; Dean & Pagano, J Surv Stat
    Methodol 2015;3:484; Kish, Survey Sampling (1965), ch. 5, for rho.

    Examples
    --------
    >>> result = estimate_clustered_proportion(np.array([True, True, False, False]), np.array([0, 0, 1, 1]))
    >>> result.cluster_adjusted.standard_error, result.cluster_adjusted.design_effect
    (0.5, 4.0)
    """
    if success.ndim != 1 or success.shape != cluster.shape:
        raise InvalidObservationsError("the columns differ in length")
    sizes = np.bincount(cluster)
    successes = np.bincount(cluster[success], minlength=sizes.size)
    count, clusters = int(successes.sum()), sizes > 0
    estimate = estimate_proportion(count, success.size, confidence_level=confidence_level, interval=interval)
    adjusted = _cluster_adjusted(successes[clusters], sizes[clusters], confidence_level)
    return replace(estimate, cluster_adjusted=adjusted)


def trend_test(successes: ArrayLike, totals: ArrayLike, scores: ArrayLike | None = None) -> HypothesisTest:
    """Return the Cochran-Armitage test for a trend of proportions over ordered groups.

    With x_i successes of n_i, scores s_i, p = sum x / sum n and s' = sum n s / sum n, the statistic is
    [sum s_i (x_i - n_i p)]^2 / [p (1 - p) sum n_i (s_i - s')^2] on 1 degree of freedom.

    Parameters
    ----------
    successes, totals : counts of each group, shape [k]; groups of 0 do not matter
    scores : shape [k], default 1 .. k

    Returns
    -------
    HypothesisTest named trend; NaN with the reason where all or none succeeded or the scores of the units are equal

    Raises
    ------
    InvalidObservationsError, InvalidParameterError
        If a count is not whole, below 0 or above its total, or the lists differ in length; if the scores are not one
        finite number for each group.

    Source: Armitage, Biometrics 1955;11:375. Checked against proportions.json (R's `prop.trend.test`).

    Examples
    --------
    >>> result = trend_test([2, 5, 11], [38, 12, 15])
    >>> round(result.statistic, 4), result.degrees_of_freedom
    (26.2958, 1)
    """
    x, n = np.asarray(successes, dtype=np.float64), np.asarray(totals, dtype=np.float64)
    if x.ndim != 1 or x.shape != n.shape:
        raise InvalidObservationsError("the columns differ in length")
    if not ((x >= 0) & (x <= n) & np.isfinite(n) & (x == np.floor(x)) & (n == np.floor(n))).all():
        raise InvalidObservationsError("a count is not whole, below 0 or above its total")
    s = np.arange(1.0, n.size + 1) if scores is None else np.asarray(scores, dtype=np.float64)
    if s.shape != n.shape or not np.isfinite(s).all():
        raise InvalidParameterError("scores are one finite number for each group")
    if np.unique(s[n > 0]).size < 2 or x.sum() in (0, n.sum()):
        reason = "the groups with units have one score, or all their units have the same outcome"
        return HypothesisTest("trend", np.nan, 0, np.nan, reason=reason)
    s = np.ldexp(s, -np.frexp(np.abs(s).max())[1])  # their unit does not matter, but their squares might be no numbers
    p, centred = x.sum() / n.sum(), s - np.average(s, weights=n)
    statistic = float(np.sum(centred * (x - n * p)) ** 2 / (p * (1 - p) * np.sum(n * centred**2)))
    return HypothesisTest("trend", statistic, 1, float(chdtrc(1, statistic)))


def _cluster_adjusted(successes: IntArray, sizes: IntArray, confidence_level: float) -> ClusterAdjusted:
    """Return the adjusted standard error and limits from the successes and the size of each cluster."""
    clusters, total = sizes.size, int(sizes.sum())
    if clusters < 2:
        return ClusterAdjusted(nan, nan, nan, nan, clusters)
    p = float(successes.sum()) / total
    if 0 < p < 1:
        # fsum rounds once, so that the order of the clusters does not show.
        variance = clusters / (clusters - 1) * fsum((successes - p * sizes) ** 2) / total**2
        standard_error, design_effect = sqrt(variance), variance / (p * (1 - p) / total)
        effective_size = total / max(design_effect, 1.0)
    else:
        standard_error = design_effect = nan
        effective_size = total**2 / float(np.sum(sizes.astype(np.float64) ** 2))
    quantile = normal_quantile(confidence_level)
    if clusters < MANY_CLUSTERS:
        quantile = float(stdtrit(clusters - 1, 0.5 + confidence_level / 2))
    return ClusterAdjusted(standard_error, *_score_limits(p, effective_size, quantile), design_effect, clusters)


def _score_limits(p: float, size: float, quantile: float) -> tuple[float, float]:
    """Return the roots L of (p - L)^2 = quantile^2 L (1 - L) / size."""
    a = quantile**2 / size
    reach = a / 2 + sqrt(a * (p * (1 - p) + a / 4))
    # The roots have the product p^2 / (1 + a): no difference of near-equal numbers, exactly 0 at p = 0 and 1 at p = 1.
    return p**2 / (p + reach) if p > 0 else 0.0, (p + reach) / (1 + a)


def _wilson(count: int, total: int, confidence_level: float) -> tuple[float, float]:
    return _score_limits(count / total, total, normal_quantile(confidence_level))


def _clopper_pearson(count: int, total: int, confidence_level: float) -> tuple[float, float]:
    tail, failures = (1 - confidence_level) / 2, total - count
    return (
        float(betaincinv(count, failures + 1, tail)) if count > 0 else 0.0,
        float(betainccinv(count + 1, failures, tail)) if failures > 0 else 1.0,
    )


def _jeffreys(count: int, total: int, confidence_level: float) -> tuple[float, float]:
    tail, failures = (1 - confidence_level) / 2, total - count
    return (
        float(betaincinv(count + 0.5, failures + 0.5, tail)) if count > 0 else 0.0,
        float(betainccinv(count + 0.5, failures + 0.5, tail)) if failures > 0 else 1.0,
    )


def _agresti_coull(count: int, total: int, confidence_level: float) -> tuple[float, float]:
    z = normal_quantile(confidence_level)
    return _around((count + z**2 / 2) / (total + z**2), total + z**2, z)


def _wald(count: int, total: int, confidence_level: float) -> tuple[float, float]:
    return _around(count / total, total, normal_quantile(confidence_level))


def _around(p: float, size: float, quantile: float) -> tuple[float, float]:
    width = quantile * sqrt(p * (1 - p) / size)
    return p - width, p + width


_LIMITS: dict[IntervalName, Callable[[int, int, float], tuple[float, float]]] = {
    "wilson": _wilson,
    "clopper-pearson": _clopper_pearson,
    "jeffreys": _jeffreys,
    "agresti-coull": _agresti_coull,
    "wald": _wald,
}
