"""Restricted mean survival: the area under the curve up to a horizon."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, exp, hypot, inf, isnan, nan, sqrt

import numpy as np

from app.analysis.arrays import FloatArray, IntArray, sum_by
from app.analysis.influence import SINGLE_CLUSTER
from app.analysis.kaplan_meier import KaplanMeier
from app.analysis.risk_table import greenwood_terms, per_survivor
from app.analysis.segments import Segments

#: Its exponential is a number; that of any larger one is none.
LARGEST_LOG = 709.0


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """The mean of min(T, horizon); NaN where it does not exist, with the reason.

    `influence` is what each cluster adds to the error of the estimate, shape [clusters], None without clusters: the
    difference of two groups that share patients has the variance of the difference of their influences.
    """

    horizon: float
    estimate: float
    standard_error: float
    lower: float
    upper: float
    reason: str | None = None
    influence: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class RestrictedMeanDifference:
    """Difference (first - second) and ratio (first / second) of two restricted means."""

    difference: float
    standard_error: float
    lower: float
    upper: float
    p_value: float
    ratio: float
    ratio_lower: float
    ratio_upper: float


def restricted_means(
    curves: Sequence[KaplanMeier],
    horizons: Sequence[float],
    normal_quantile: float,
    *,
    corrects_variance: bool = False,
    carries_forward: bool = True,
) -> list[RestrictedMean]:
    """Return for each curve mu = integral of S from the sample's start to its horizon, with mu -+ z standard errors.

    Var mu = sum over t_j of A_j^2 d_j / [n_j (n_j - d_j)], A_j the area from t_j to the horizon, terms with
    n_j = d_j being 0; the infinitesimal jackknife summed within clusters where the sample has them.

    Parameters
    ----------
    curves : each of a single sample
    horizons : in units of time, one for each curve
    normal_quantile : z
    corrects_variance : whether to multiply the variance by m / (m - 1), m the number of events (SAS)
    carries_forward : whether S keeps its last value beyond the last follow-up; if not, and it is above 0, a horizon
        beyond it has no mean; nor has one that is not after the start

    Source: Klein & Moeschberger, Survival Analysis (2003), 4.5. Checked against the `rmean` and `rmst` blocks of
    aml.json, lung.json, veteran.json, ovarian.json, and spss31.json.

    Examples
    --------
    >>> from app.analysis.kaplan_meier import kaplan_meier
    >>> from app.analysis.observations import observe
    >>> (mean,) = restricted_means([kaplan_meier(observe([1, 2], [True, True]))], [2.0], 1.96)
    >>> mean.estimate, round(mean.standard_error, 6)
    (1.5, 0.353553)
    """
    pairs = zip(curves, horizons, strict=True)
    tied = np.array([curve.observations.tied(np.array([horizon]))[0] for curve, horizon in pairs], dtype=np.float64)

    def mean(
        curve: KaplanMeier, horizon: float, estimate: float, variance: float, area_after: FloatArray
    ) -> RestrictedMean:
        missing = _why_none(curve, horizon, carries_forward=carries_forward)
        if missing is not None:
            return RestrictedMean(horizon, nan, nan, nan, nan, missing)
        influence, cluster = None, curve.observations.cluster
        if cluster is not None:
            influence = _influence(curve, cluster, area_after)
            variance = float(np.sum(influence**2)) if np.ptp(cluster) else nan
        if corrects_variance:
            events = float(curve.table.events.sum())
            variance = variance * events / (events - 1) if events > 1 else nan
        standard_error = sqrt(variance)
        width = normal_quantile * standard_error
        reason = _why_no_error(cluster) if isnan(variance) else None
        return RestrictedMean(horizon, estimate, standard_error, estimate - width, estimate + width, reason, influence)

    return [mean(*figures) for figures in zip(curves, tied.tolist(), *_estimates(curves, tied), strict=True)]


def restricted_mean(curve: KaplanMeier, horizon: float, normal_quantile: float, **options: bool) -> RestrictedMean:
    """Return the restricted mean of one curve, as `restricted_means` has it."""
    return restricted_means([curve], [horizon], normal_quantile, **options)[0]


def _why_none(curve: KaplanMeier, horizon: float, *, carries_forward: bool) -> str | None:
    if horizon <= curve.observations.start:
        return f"the horizon, {horizon:.15g}, is not after the start"
    if horizon > curve.time[-1] and curve.survival[-1] > 0 and not carries_forward:
        return "the horizon lies beyond the last follow-up, where survival is not known"
    return None


def _estimates(
    curves: Sequence[KaplanMeier], horizons: FloatArray
) -> tuple[list[float], list[float], list[FloatArray]]:
    """Return of each curve the area up to its horizon, its variance, and the areas from each time to the horizon."""
    segments = Segments.of([curve.time.size for curve in curves])
    columns = ((one.time, one.survival, one.table.at_risk, one.table.events) for one in curves)
    time, survival, at_risk, events = map(np.concatenate, zip(*columns, strict=True))
    knots = np.minimum(time, segments.each(horizons))
    width = np.empty_like(knots)
    np.subtract(knots[1:], knots[:-1], out=width[:-1])
    width[segments.lasts] = horizons - knots[segments.lasts]
    after = segments.remaining(survival * width)
    start = np.array([curve.observations.start for curve in curves])
    estimates = knots[segments.starts] - start + after[segments.starts]
    return (
        estimates.tolist(),
        segments.sums(after**2 * greenwood_terms(at_risk, events)).tolist(),
        segments.split(after),
    )


def _why_no_error(cluster: IntArray | None) -> str:
    single = cluster is not None and np.ptp(cluster) == 0
    return SINGLE_CLUSTER if single else "no standard error: fewer than 2 events"


def _influence(curve: KaplanMeier, cluster: IntArray, area_after: FloatArray) -> FloatArray:
    """Return the influence of each cluster on the restricted mean, shape [clusters]; the areas A_j are those of Var mu.

    A row at risk over the times t_j moves log S from there on by d_j / [n_j (n_j - d_j)], and ending with an event at
    t_i by - 1 / (n_i - d_i): what moves log S at t_j moves the mean by A_j times that.
    """
    observations, table = curve.observations, curve.table
    path = np.cumsum(greenwood_terms(table.at_risk, table.events) * area_after)
    at_event = per_survivor(table.at_risk, table.events) * area_after
    influence = path[table.position] - observations.event * at_event[table.position]
    if observations.entry is not None:
        enters = np.searchsorted(table.time, observations.entry, side="right")
        influence -= np.concatenate(([0.0], path))[enters]
    return sum_by(cluster, observations.weights * influence)


def compare_restricted_means(
    first: RestrictedMean, second: RestrictedMean, normal_quantile: float
) -> RestrictedMeanDifference:
    """Return difference and ratio of two restricted means with the same horizon.

    The limits of the ratio are exp(log ratio -+ z standard error of the log ratio), by the delta method. Groups are
    independent, unless they share clusters: the influences of a cluster on both then count together.

    Source: Royston & Parmar, BMC Med Res Methodol 2013;13:152. Checked against the `rmst` blocks of lung.json.

    Examples
    --------
    >>> one, other = RestrictedMean(5, 4.0, 0.3, 3.4, 4.6), RestrictedMean(5, 2.0, 0.4, 1.2, 2.8)
    >>> compared = compare_restricted_means(one, other, 1.96)
    >>> compared.difference, round(compared.standard_error, 6), compared.ratio
    (2.0, 0.5, 2.0)
    """
    difference = first.estimate - second.estimate
    standard_error = _error_of_difference(first, second, 1.0, 1.0)
    ratio, log_error = nan, nan
    if first.estimate > 0 and second.estimate > 0:
        ratio = first.estimate / second.estimate
        log_error = _error_of_difference(first, second, first.estimate, second.estimate)
    width, log_factor = normal_quantile * standard_error, normal_quantile * log_error
    factor = inf if log_factor > LARGEST_LOG else exp(log_factor)
    p_value = erfc(abs(difference) / standard_error / sqrt(2)) if standard_error > 0 else nan
    return RestrictedMeanDifference(
        difference,
        standard_error,
        difference - width,
        difference + width,
        p_value,
        ratio,
        ratio / factor,
        ratio * factor,
    )


def _error_of_difference(first: RestrictedMean, second: RestrictedMean, first_unit: float, second_unit: float) -> float:
    """Return the standard error of the difference of two means, each in its unit."""
    if first.influence is None or second.influence is None or isnan(first.standard_error + second.standard_error):
        return hypot(first.standard_error / first_unit, second.standard_error / second_unit)
    difference = np.zeros(max(first.influence.size, second.influence.size))
    difference[: first.influence.size] += first.influence / first_unit
    difference[: second.influence.size] -= second.influence / second_unit
    return float(np.sqrt(np.sum(difference**2)))
