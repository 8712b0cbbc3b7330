"""Aalen-Johansen estimates of cumulative incidence under competing risks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan, nan

import numpy as np

from app.analysis.arrays import TOLERANCE, FloatArray, sum_by
from app.analysis.errors import InvalidParameterError
from app.analysis.influence import ClusteredRows
from app.analysis.intervals import ConfidenceType, probability_interval
from app.analysis.kaplan_meier import KaplanMeier, kaplan_meier
from app.analysis.observations import Observations
from app.analysis.quantiles import Quantile
from app.analysis.risk_table import greenwood_terms, per_survivor

SERIES = ("events", "incidence", "standard_error", "lower", "upper")


@dataclass(frozen=True, slots=True)
class IncidenceRates:
    """Cumulative incidences at times asked for; `events` of a cause are those up to and including the time."""

    events: FloatArray
    incidence: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, slots=True)
class AalenJohansen:
    """Cumulative incidences at the distinct follow-up times of a sample, or of several one after another.

    One row a cause; shape [causes, m].

    Attributes
    ----------
    curve : event-free survival, the events of all causes together; incidences and survival sum to 1
    events : events of the cause at each time
    incidence : F_k(t), the probability of an event of cause k up to and including t
    standard_error : of F_k(t)
    lower, upper : limits of F_k(t); NaN where undefined, as where F_k(t) = 0 (plain: 0 and 0)
    confidence_level, confidence_type : of the limits
    """

    curve: KaplanMeier
    events: FloatArray
    incidence: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    confidence_level: float
    confidence_type: ConfidenceType

    def part(self, place: int) -> "AalenJohansen":
        """Return the incidences of one of the samples alone."""
        start, stop = self.curve.segments.bounds[place : place + 2]
        series = {name: getattr(self, name)[:, start:stop] for name in SERIES}
        return replace(self, curve=self.curve.part(place), **series)

    def rates(self, times: Sequence[float]) -> IncidenceRates:
        """Return F_k at each of l times in each of s samples, shape [s, causes, l].

        0 before the first follow-up time, carried forward after the last; times that tie with one of the sample are it.
        """
        asked, segments = np.asarray(times, dtype=np.float64), self.curve.segments
        samples = zip(self.curve.samples, segments.split(self.curve.time), segments.bounds[:-1], strict=True)
        place = np.array(
            [
                start + np.searchsorted(of_sample, sample.tied(asked), side="right")
                for sample, of_sample, start in samples
            ]
        )

        def at(values: FloatArray) -> FloatArray:
            return np.where(place == segments.starts[:, None], 0.0, values[:, place - 1]).swapaxes(0, 1)

        incidence, standard_error = at(self.incidence), at(self.standard_error)
        return IncidenceRates(
            at(segments.running(self.events)),
            incidence,
            standard_error,
            *probability_interval(incidence, standard_error, self.confidence_level, self.confidence_type),
        )

    def quantiles(self, probability: float) -> list[list[Quantile]]:
        """Return for each sample and cause the first time at which F_k reaches `probability`, NaN if it never does.

        The limits are the first times at which the limits of F_k reach it, the upper one first.
        """
        # A sum of fractions that is exactly the level is so as a float only within rounding.
        bands = np.array([self.incidence, self.upper, self.lower])
        first = self.curve.segments.first(bands >= probability - TOLERANCE)
        times = np.where(first < 0, np.nan, self.curve.time[first])
        return [[_quantile(probability, *found) for found in of_sample] for of_sample in times.T.tolist()]


def aalen_johansen(
    *samples: Observations,
    causes: int,
    confidence_level: float = 0.95,
    confidence_type: ConfidenceType = "log-log",
) -> AalenJohansen:
    """Estimate F_k(t) = sum over t_j <= t of S(t_j-) d_kj / n_j, S the Kaplan-Meier estimate of all causes together.

    n_j counts entry < t_j <= time; events of all causes come before censorings at the same time, and d_1j, d_2j, ..
    share S(t_j-). The variance is Aalen's by the delta method, d_kj multinomial given n_j; where the samples have
    clusters it is the infinitesimal jackknife, summed within clusters. Rows that are clusters of their own give the
    same as no clusters, unless entry is delayed.

    Parameters
    ----------
    causes : number of causes; that of a row is 0 (censored) .. causes

    Raises
    ------
    InvalidParameterError
        If a cause of a sample is above `causes`, or the level is not between 0 and 1.

    Source: Aalen & Johansen, Scand J Stat 1978;5:141; Andersen et al., Statistical Models Based on Counting Processes
    (1993), IV.4. Checked against melanoma.json (`aalen_johansen`).

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> estimate = aalen_johansen(observe([1, 2, 3, 4], [1, 2, 0, 1]), causes=2)
    >>> estimate.incidence
    array([[0.25, 0.25, 0.25, 0.75],
           [0.  , 0.25, 0.25, 0.25]])
    >>> [median.estimate for median in estimate.quantiles(0.5)[0]]
    [4.0, nan]
    """
    cause, weights = (np.concatenate([getattr(sample, name) for sample in samples]) for name in ("cause", "weights"))
    if (cause > causes).any():
        raise InvalidParameterError("the sample has more causes than were named")
    curve = kaplan_meier(*samples, confidence_level=confidence_level, confidence_type=confidence_type)
    position, size = curve.table.position, curve.time.size
    counts = [sum_by(position, weights * (cause == code), size) for code in range(1, causes + 1)]
    events = np.reshape(counts, (causes, size))
    step = curve.segments.before(curve.survival, 1.0) * events / curve.table.at_risk
    incidence = curve.segments.running(step)
    variance = _variance(curve, step, incidence)
    # Where every subject had an event of one cause, F is 1 whatever the weights: only rounding says otherwise.
    certain = (curve.survival == 0) & (incidence > 1 - TOLERANCE)
    incidence[certain] = 1.0
    variance[certain & ~np.isnan(variance)] = 0.0
    standard_error = np.sqrt(variance)
    lower, upper = probability_interval(incidence, standard_error, confidence_level, confidence_type)
    return AalenJohansen(curve, events, incidence, standard_error, lower, upper, confidence_level, confidence_type)


def _variance(curve: KaplanMeier, step: FloatArray, incidence: FloatArray) -> FloatArray:
    """Return Var F(t), built up from one time to the next by which F grows by the steps; shape [causes, m].

    With h = d_k / n, G(t) = Var log S(t) = sum d / [n (n - d)] and B(t) = Cov(log S, F)(t) = sum S(t_j-) h_j
    (G(t_j-) - 1 / n_j), the variance grows at t_j by S(t_j-)^2 [h (1 - h) / n + h^2 G(t_j-)] + 2 S(t_j-) h B(t_j-).
    """
    n, segments = curve.table.at_risk, curve.segments
    survival = segments.before(curve.survival, 1.0)
    log_variance = segments.running(greenwood_terms(n, curve.table.events))
    variance_before = segments.before(log_variance, 0.0)
    covariance = segments.running(step * (variance_before - 1 / n))
    if curve.samples[0].cluster is not None:
        return _jackknife(curve, incidence, log_variance, covariance)
    covariance_before = segments.before(covariance, 0.0)
    return segments.running(step * (survival - step) / n + step**2 * variance_before + 2 * step * covariance_before)


def _jackknife(
    curve: KaplanMeier, incidence: FloatArray, log_variance: FloatArray, covariance: FloatArray
) -> FloatArray:
    """Return the variance of F as the sum over clusters of the squared influence of their rows; shape [causes, m].

    With F, G, B of `_variance`, a row that entered at e moves F(t) while it is at risk by the integral from e to t of
    (G(u-) - G(e) - 1 / n) dF, which is B(t) - B(e) - G(e) (F(t) - F(e)). From its time x on it moves log S by
    c - G(e), c = G(x) - 1[event] / (n - d), and F(t) by what it did at x, 1[cause k] S(x-) / n of its own event
    included, and (c - G(e)) (F(t) - F(x)). In terms of the functions B, 1 and F: G(e) F(e) - B(e) and -G(e) when it
    enters, changed by -1, B(x) + 1[cause k] S(x-) / n - c F(x) and c when it leaves.
    """
    table, segments = curve.table, curve.segments
    rows = ClusteredRows.of(curve.samples, table, segments)
    leaves, always = rows.leaves, np.ones_like(rows.weights)
    per_subject = segments.before(curve.survival, 1.0) / table.at_risk
    variance_then = segments.before(log_variance, 0.0)[rows.enters]
    slope = log_variance[leaves] - (rows.cause > 0) * per_survivor(table.at_risk, table.events)[leaves]
    variances = []
    for cause, (path, drift) in enumerate(zip(incidence, covariance, strict=True), start=1):
        path_then, drift_then = segments.before(np.array([path, drift]), 0.0)[:, rows.enters]
        own = (rows.cause == cause) * per_subject[leaves]
        entering = np.array([always, variance_then * path_then - drift_then, -variance_then])
        leaving = np.array([-always, drift[leaves] + own - slope * path[leaves], slope])
        variances.append(rows.variance(entering, leaving, np.array([drift, np.ones_like(drift), path])))
    return np.reshape(variances, incidence.shape)


def _quantile(probability: float, estimate: float, earliest: float, latest: float) -> Quantile:
    # The upper limit of the incidence is the first to reach the probability: it gives the lower limit of the time.
    if isnan(estimate):
        reason = f"not reached: incidence stays below {probability:g}"
        return Quantile(probability, nan, nan, earliest, nan, reason)
    reasons = ["no standard error: the limits are read from those of incidence"]
    if isnan(earliest):
        reasons.append(f"no lower limit: the upper one of incidence is not defined where it passes {probability:g}")
    if isnan(latest):
        reasons.append(f"no upper limit: the lower one of incidence does not reach {probability:g}")
    return Quantile(probability, estimate, nan, earliest, latest, "; ".join(reasons))
