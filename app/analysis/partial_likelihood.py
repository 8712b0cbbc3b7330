"""Cox's partial likelihood, its derivatives, and its score residuals."""

from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray, sum_by
from app.analysis.errors import InvalidObservationsError
from app.analysis.observations import Observations
from app.analysis.risk_sets import RiskSets, sums_at

#: Sums of relative risks below this, when the largest risk is 1, have lost their digits, or soon will.
UNDERFLOW = 1e-290
#: Numbers that are worked on at once: larger temporary arrays cost more in memory than the sums in them.
NEAR = 100_000


@dataclass(frozen=True, slots=True)
class PartialLikelihood:
    """The log partial likelihood at some coefficients, its gradient [p], and minus its second derivatives [p, p]."""

    log_likelihood: float
    score: FloatArray
    information: FloatArray


def standardised(sets: RiskSets, covariates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the covariates less their mean over their standard deviation, among the rows that count, and the latter.

    0 stands for covariates that do not vary, and in rows that are at risk at no event.

    Raises
    ------
    InvalidObservationsError
        If the covariates are not finite, or not of shape [n, p] with p > 0.
    """
    x = np.asarray(covariates, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] != sets.weights.size or x.shape[1] == 0 or not np.isfinite(x).all():
        raise InvalidObservationsError("covariates are finite: one or more columns, a row for each row of the sample")
    counts = (sets.weights > 0).astype(np.float64)
    number = max(counts.sum(), 1.0)
    columns = np.array(x.T, order="C")
    mean = columns @ counts / number
    columns = (columns - mean[:, None]) * counts
    deviation = np.sqrt(np.einsum("pn,pn->p", columns, columns) / number)
    varies = deviation > 1e-12 * np.abs(mean)
    scale = np.where(varies, deviation, 1.0)
    columns *= (varies / scale)[:, None]
    return columns.T, scale


def relative_risks(sets: RiskSets, covariates: FloatArray, coefficient: FloatArray) -> tuple[FloatArray, ...]:
    """Return x b - max(x b) and its exponential [n]; at each step its sum over those at risk [s], and mean x [p, s]."""
    with np.errstate(all="ignore"):  # too long a step under- or overflows: NaN, and not taken
        predictor = covariates @ coefficient
        predictor -= predictor.max()
        risk = np.exp(predictor)
        weighted = sets.weights * risk
        total = sets.at_risk(weighted)
        total[total < UNDERFLOW] = np.nan
        mean = np.empty((coefficient.size, total.size))
        for part in near_parts(coefficient.size, risk.size):
            mean[part] = sets.at_risk(weighted * covariates.T[part])
            mean[part] /= total
        return predictor, risk, total, mean


def partial_likelihood(
    sets: RiskSets, covariates: FloatArray, coefficient: FloatArray, factor: FloatArray | None = None
) -> PartialLikelihood:
    """Return the log partial likelihood and its derivatives at some coefficients, in O(n p^2).

    log L = sum over events x b - sum over steps log S0, where S0 = sum over those at risk of exp(x b). With the events
    e that a row is expected to have (exp(x b) times the 1 / S0 of its steps): score = sum x (event - e), and
    information = sum e x x' - sum over steps of xbar xbar', where xbar is the mean of x at risk weighted by exp(x b).
    What happens at an event time counts times its `factor`, where there is one.

    Source: Efron, JASA 1977;72:557; Breslow, Biometrics 1974;30:89.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> from app.analysis.risk_sets import risk_sets
    >>> sets = risk_sets(observe([1, 2, 3], [True, True, False]), "efron")
    >>> at = partial_likelihood(sets, np.array([[1.0], [0.0], [0.0]]), np.zeros(1))
    >>> round(at.log_likelihood, 4), at.score.round(4), at.information.round(4)
    (-1.7918, array([0.6667]), array([[0.2222]]))
    """
    predictor, risk, total, mean = relative_risks(sets, covariates, coefficient)
    events, mass = sets.events, sets.mass
    if factor is not None:
        events, mass = events.copy(), mass * factor[sets.step_time]
        events[sets.event_rows] *= factor[sets.event_time]
    with np.errstate(all="ignore"):
        expected = sets.weights * risk * sets.accrued(mass / total)
        return PartialLikelihood(
            float(events @ predictor - mass @ np.log(total)),
            (events - expected) @ covariates,
            _products(covariates.T, expected) - _products(mean, mass),
        )


def _products(columns: FloatArray, weights: FloatArray) -> FloatArray:
    """Return X W X' of columns [p, n] and weights [n], shape [p, p]."""
    products = np.zeros((columns.shape[0], columns.shape[0]))
    for part in near_parts(*columns.shape[::-1]):
        products += (weights[part] * columns[:, part]) @ columns[:, part].T
    return products


def near_parts(length: int, width: int) -> list[slice]:
    """Return slices of 0 .. length - 1 that hold, times the width, what a processor has near at hand."""
    step = max(1, NEAR // width)
    return [slice(first, first + step) for first in range(0, length, step)]


def score_residuals(sets: RiskSets, covariates: FloatArray, coefficient: FloatArray) -> FloatArray:
    """Return what one subject of each row adds to the score, shape [n, p]; times the weights they sum to the score.

    event (x - xbar) - sum over the steps at risk of exp(x b) (x - xbar) / S0; an event tied with others has the mean
    xbar of their steps, and is at risk at each with the weight that it keeps.

    Source: Lin & Wei, JASA 1989;84:1074. Checked against kidney.json and lung.json (clustered standard errors).

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> from app.analysis.risk_sets import risk_sets
    >>> sets = risk_sets(observe([1, 2, 3], [True, True, False]), "efron")
    >>> score_residuals(sets, np.array([[1.0], [0.0], [0.0]]), np.zeros(1)).round(4)
    array([[0.4444],
           [0.1111],
           [0.1111]])
    """
    _, risk, total, mean = relative_risks(sets, covariates, coefficient)
    x, hazard = covariates.T, sets.mass / total
    residual = -risk * (x * sets.accrued(hazard) - sets.accrued(hazard * mean))
    tied_mean = sums_at(sets.step_time, sets.mass * mean) / sums_at(sets.step_time, sets.mass)
    residual[:, sets.event_rows] += x[:, sets.event_rows] - tied_mean[:, sets.event_time]
    return residual.T


def clusters_at_risk(observations: Observations, sets: RiskSets) -> float:
    """Return the number of clusters, or without these of subjects, that are at risk at an event."""
    if observations.cluster is None:
        return float(sets.weights.sum())
    return float(np.unique(observations.cluster[sets.weights > 0]).size)


def score_sums(observations: Observations, residuals: FloatArray) -> FloatArray:
    """Return the sum of each cluster's residuals, shape [clusters, p]; without clusters, what has their squares."""
    if observations.cluster is None:
        sums = (np.sqrt(observations.weights) * residuals.T).T  # a row of weight w is w clusters
    else:
        sums = np.array([sum_by(observations.cluster, column) for column in (observations.weights * residuals.T)]).T
    sums[np.abs(sums) <= 1e-12 * observations.weights.sum()] = 0  # what rounding leaves of 0 is no variance
    return np.asarray(sums)


def score_variance(observations: Observations, residuals: FloatArray) -> FloatArray:
    """Return the sum over clusters of u u', u being the sum of a cluster's residuals, shape [p, p]."""
    sums = score_sums(observations, residuals)
    return np.asarray(sums.T @ sums)
