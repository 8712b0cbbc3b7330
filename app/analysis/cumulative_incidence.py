"""Aalen-Johansen estimates of cumulative incidence under competing risks."""

from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import TOLERANCE, FloatArray, sum_by
from app.analysis.errors import InvalidParameterError
from app.analysis.influence import clustered_variance, of_several
from app.analysis.intervals import ConfidenceType, probability_interval
from app.analysis.kaplan_meier import KaplanMeier, kaplan_meier
from app.analysis.observations import Observations
from app.analysis.quantiles import Quantile
from app.analysis.risk_table import count_at_risk, greenwood_terms, per_survivor


@dataclass(frozen=True, slots=True)
class IncidenceRates:
    """Cumulative incidences at given times: `time`, `at_risk` (just before) [l], the rest [causes, l].

    `events` of a cause are those up to and including the time.
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    incidence: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, slots=True)
class AalenJohansen:
    """Cumulative incidences at the distinct follow-up times of a sample, one row a cause; shape [causes, m].

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

    def rates(self, times: FloatArray) -> IncidenceRates:
        """Return F_k at each of `times`; 0 before the first follow-up time, carried forward after the last."""
        place = self.curve.at(times) + 1
        incidence, standard_error = _from_zero(self.incidence)[:, place], _from_zero(self.standard_error)[:, place]
        return IncidenceRates(
            times,
            count_at_risk(self.curve.observations, times),
            _from_zero(np.cumsum(self.events, axis=1))[:, place],
            incidence,
            standard_error,
            *probability_interval(incidence, standard_error, self.confidence_level, self.confidence_type),
        )

    def quantiles(self, probability: float) -> list[Quantile]:
        """Return for each cause the first time at which F_k reaches `probability`, NaN if it never does.

        The limits are the first times at which the limits of F_k reach it, the upper one first.
        """
        return [
            _quantile(self.curve.time, probability, *bands)
            for bands in zip(self.incidence, self.lower, self.upper, strict=True)
        ]


def aalen_johansen(
    observations: Observations,
    causes: int,
    *,
    confidence_level: float = 0.95,
    confidence_type: ConfidenceType = "log-log",
) -> AalenJohansen:
    """Estimate F_k(t) = sum over t_j <= t of S(t_j-) d_kj / n_j, S the Kaplan-Meier estimate of all causes together.

    n_j counts entry < t_j <= time; events of all causes come before censorings at the same time, and d_1j, d_2j, ..
    share S(t_j-). The variance is Aalen's by the delta method, d_kj multinomial given n_j; where the sample has
    clusters it is the infinitesimal jackknife, summed within clusters. Rows that are clusters of their own give the
    same as no clusters, unless entry is delayed.

    Parameters
    ----------
    causes : number of causes; `observations.cause` holds 0 (censored) .. causes

    Raises
    ------
    InvalidParameterError
        If a cause of the sample is above `causes`, or the level is not between 0 and 1.

    Source: Aalen & Johansen, Scand J Stat 1978;5:141; Andersen et al., Statistical Models Based on Counting Processes
    (1993), IV.4. Checked against melanoma.json (`aalen_johansen`).

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> estimate = aalen_johansen(observe([1, 2, 3, 4], [1, 2, 0, 1]), 2)
    >>> estimate.incidence
    array([[0.25, 0.25, 0.25, 0.75],
           [0.  , 0.25, 0.25, 0.25]])
    >>> [median.estimate for median in estimate.quantiles(0.5)]
    [4.0, nan]
    """
    if (observations.cause > causes).any():
        raise InvalidParameterError("the sample has more causes than were named")
    curve = kaplan_meier(observations, confidence_level=confidence_level, confidence_type=confidence_type)
    cause, weights, position = observations.cause, observations.weights, curve.table.position
    shape = causes, curve.time.size
    events = np.reshape([sum_by(position, weights * (cause == code), shape[1]) for code in range(1, causes + 1)], shape)
    incidence = np.cumsum(_before(curve.survival, 1.0) * events / curve.table.at_risk, axis=1)
    variance = np.reshape([_variance(curve, code, events[code - 1]) for code in range(1, causes + 1)], shape)
    # Where every subject had an event of one cause, F is 1 whatever the weights: only rounding says otherwise.
    certain = (curve.survival == 0) & (incidence > 1 - TOLERANCE)
    incidence[certain] = 1.0
    variance[certain & ~np.isnan(variance)] = 0.0
    standard_error = np.sqrt(variance)
    lower, upper = probability_interval(incidence, standard_error, confidence_level, confidence_type)
    return AalenJohansen(curve, events, incidence, standard_error, lower, upper, confidence_level, confidence_type)


def _variance(curve: KaplanMeier, cause: int, events: FloatArray) -> FloatArray:
    """Return Var F(t), built up from one time to the next.

    With h = d_k / n, G(t) = Var log S(t) = sum d / [n (n - d)] and B(t) = Cov(log S, F)(t) = sum S(t_j-) h_j
    (G(t_j-) - 1 / n_j), the variance grows at t_j by S(t_j-)^2 [h (1 - h) / n + h^2 G(t_j-)] + 2 S(t_j-) h B(t_j-).
    """
    n = curve.table.at_risk
    survival, log_variance = (
        _before(curve.survival, 1.0),
        np.cumsum(greenwood_terms(curve.table.at_risk, curve.table.events)),
    )
    step = survival * events / n
    covariance = np.cumsum(step * (_before(log_variance, 0.0) - 1 / n))
    if curve.observations.cluster is not None:
        return _jackknife(curve, cause, np.cumsum(step), log_variance, covariance)
    growth = step * (survival - step) / n + step**2 * _before(log_variance, 0.0) + 2 * step * _before(covariance, 0.0)
    return np.cumsum(growth)


def _jackknife(
    curve: KaplanMeier, cause: int, incidence: FloatArray, log_variance: FloatArray, covariance: FloatArray
) -> FloatArray:
    """Return the variance of F as the sum over clusters of the squared influence of their rows.

    With F, G, B of `_variance`, a row that entered at e moves F(t) while it is at risk by the integral from e to t of
    (G(u-) - G(e) - 1 / n) dF, which is B(t) - B(e) - G(e) (F(t) - F(e)). From its time x on it moves log S by
    c - G(e), c = G(x) - 1[event] / (n - d), and F(t) by what it did at x, 1[cause k] S(x-) / n of its own event
    included, and (c - G(e)) (F(t) - F(x)). In terms of the functions B, F and 1: -G(e) and G(e) F(e) - B(e) when it
    enters, changed by -1, c and B(x) + 1[cause k] S(x-) / n - c F(x) when it leaves.
    """
    observations, table = curve.observations, curve.table
    weights, position = observations.weights, table.position
    enters = np.zeros(observations.size, dtype=np.int64)
    if observations.entry is not None:
        enters = np.searchsorted(table.time, observations.entry, side="right")
    log_variance_then, covariance_then, incidence_then = (
        np.concatenate(([0.0], values))[enters] for values in (log_variance, covariance, incidence)
    )
    level = log_variance_then * incidence_then - covariance_then
    entering = np.column_stack((np.ones_like(weights), -log_variance_then, level))
    own = (observations.cause == cause) * (_before(curve.survival, 1.0) / table.at_risk)[position]
    slope = log_variance[position] - observations.event * per_survivor(table.at_risk, table.events)[position]
    level = covariance[position] + own - slope * incidence[position]
    leaving = np.column_stack((-np.ones_like(weights), slope, level))
    cluster = np.asarray(observations.cluster)
    variance = clustered_variance(
        np.concatenate((cluster, cluster)),
        np.concatenate((enters, position)),
        np.concatenate((weights[:, None] * entering, weights[:, None] * leaving)),
        np.column_stack((covariance, incidence, np.ones_like(incidence))),
    )
    return of_several(cluster, variance)


def _quantile(
    time: FloatArray, probability: float, incidence: FloatArray, lower: FloatArray, upper: FloatArray
) -> Quantile:
    # The upper limit of the incidence is the first to reach the probability: it gives the lower limit of the time.
    estimate, earliest, latest = (_first_time(time, band, probability) for band in (incidence, upper, lower))
    if np.isnan(estimate):
        reason = f"not reached: incidence stays below {probability:g}"
        return Quantile(probability, np.nan, np.nan, earliest, np.nan, reason)
    reasons = ["no standard error: the limits are read from those of incidence"]
    if np.isnan(earliest):
        reasons.append(f"no lower limit: the upper one of incidence is not defined where it passes {probability:g}")
    if np.isnan(latest):
        reasons.append(f"no upper limit: the lower one of incidence does not reach {probability:g}")
    return Quantile(probability, estimate, np.nan, earliest, latest, "; ".join(reasons))


def _first_time(time: FloatArray, values: FloatArray, level: float) -> float:
    # A sum of fractions that is exactly the level is so as a float only within rounding.
    reached = np.flatnonzero(values >= level - TOLERANCE)
    return float(time[reached[0]]) if reached.size else np.nan


def _before(values: FloatArray, start: float) -> FloatArray:
    """Return a step function just before each of its times."""
    return np.concatenate(([start], values[:-1]))


def _from_zero(values: FloatArray) -> FloatArray:
    """Return step functions, one a row, with the 0 that they start from as first column."""
    return np.pad(values, ((0, 0), (1, 0)))
