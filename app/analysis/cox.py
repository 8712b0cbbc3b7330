"""Cox regression: the maximum of the partial likelihood."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from app.analysis.arrays import FloatArray
from app.analysis.conventions import Ties
from app.analysis.errors import InvalidObservationsError, NoEstimateError
from app.analysis.intervals import normal_quantile
from app.analysis.observations import Observations
from app.analysis.partial_likelihood import (
    PartialLikelihood,
    clusters_at_risk,
    partial_likelihood,
    score_residuals,
    score_variance,
)
from app.analysis.risk_sets import RiskSets, risk_sets

#: A likelihood that has a maximum is there in about log(n) steps; one that has none gains a factor e a step forever.
MAX_ITERATIONS = 20
#: No linear predictor moves by more than this in the last step, so the next would move it by about the square.
LAST_STEP = 1e-7


@dataclass(frozen=True, slots=True)
class CoxModel:
    """A fitted model; all arrays have shape [p], the order of the covariates.

    Attributes
    ----------
    coefficient : log hazard ratio of one unit of the covariate
    standard_error : robust where the sample has clusters; NaN if these are too few for one
    z, p_value : Wald test of a coefficient of 0; NaN where the standard error is
    hazard_ratio, lower, upper : exp(coefficient), exp(coefficient -+ quantile standard_error)
    log_likelihood, null_log_likelihood : partial, at the coefficients and at 0
    iterations : Newton steps
    """

    coefficient: FloatArray
    standard_error: FloatArray
    z: FloatArray
    p_value: FloatArray
    hazard_ratio: FloatArray
    lower: FloatArray
    upper: FloatArray
    log_likelihood: float
    null_log_likelihood: float
    iterations: int


def cox_regression(
    observations: Observations, covariates: FloatArray, *, ties: Ties = "efron", confidence_level: float = 0.95
) -> CoxModel:
    """Estimate log hazard ratios: the maximum of the partial likelihood by Newton's method with step halving.

    Hazard of a row: h0(t) exp(x b); risk sets count entry < t <= time; a row of weight w is w rows, with either
    handling of ties. Where the sample has clusters the variance is I^-1 (sum u u') I^-1, u the score residuals summed
    within a cluster, else I^-1.

    Parameters
    ----------
    covariates : finite, shape [n, p]; rows in the order of the sorted rows of `observations`

    Raises
    ------
    InvalidObservationsError
        If the covariates do not have that shape, or are not finite.
    NoEstimateError
        If the model does not exist: no events, covariates that do not vary (or only together) among those at risk at
        the events, or a monotone likelihood. The message has their columns, counted from 0.

    Source: Cox, JRSS B 1972;34:187; Efron, JASA 1977;72:557; Lin & Wei, JASA 1989;84:1074. Checked against the `cox`
    blocks of aml.json, lung.json, veteran.json, ovarian.json, kidney.json, melanoma.json.

    Examples
    --------
    The first of three at risk dies with x = 1, the second of two with x = 0: L = r / (2 r + 1) / (r + 1).

    >>> from app.analysis.observations import observe
    >>> model = cox_regression(observe([1, 2, 3], [True, True, False]), np.array([[1.0], [0.0], [1.0]]))
    >>> model.hazard_ratio.round(4), round(model.log_likelihood, 4)
    (array([0.7071]), -1.7627)
    """
    quantile = normal_quantile(confidence_level)
    sets = risk_sets(observations, ties)
    x, scale = _standardised(sets, covariates)
    scaled, null, maximum, iterations = _maximum(sets, x)
    coefficient = scaled / scale
    standard_error = _standard_error(observations, sets, x, scaled, maximum.information) / scale
    z = coefficient / standard_error
    with np.errstate(over="ignore"):
        ratio, width = np.exp(coefficient), quantile * standard_error
        lower, upper = np.exp(coefficient - width), np.exp(coefficient + width)
    likelihoods = maximum.log_likelihood, null.log_likelihood
    return CoxModel(coefficient, standard_error, z, 2 * ndtr(-np.abs(z)), ratio, lower, upper, *likelihoods, iterations)


def _standardised(sets: RiskSets, covariates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the covariates less their mean over their standard deviation, among the rows that count, and the latter.

    0 stands for covariates that do not vary, and in rows that are at risk at no event.
    """
    x = np.asarray(covariates, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] != sets.weights.size or x.shape[1] == 0 or not np.isfinite(x).all():
        raise InvalidObservationsError("covariates are finite: one or more columns, a row for each row of the sample")
    counts = sets.weights > 0
    if not counts.any():
        raise NoEstimateError("there are no events")
    mean, scale = x[counts].mean(axis=0), x[counts].std(axis=0)
    varies = scale > 1e-12 * np.abs(x[counts]).max(axis=0)
    scale = np.where(varies, scale, 1.0)
    return np.where(counts[:, None] & varies, (x - mean) / scale, 0.0), scale


def _maximum(sets: RiskSets, x: FloatArray) -> tuple[FloatArray, PartialLikelihood, PartialLikelihood, int]:
    """Return the coefficients of standardised covariates, the likelihood at 0 and at these, and the Newton steps."""
    coefficient: FloatArray = np.zeros(x.shape[1])
    null = current = partial_likelihood(sets, x, coefficient)
    problem = "do not vary, or not apart from one another, among those at risk at the events"
    for iteration in range(1, MAX_ITERATIONS + 1):
        values, vectors = np.linalg.eigh(current.information)
        if values[0] <= 1e-11 * sets.mass.sum():
            raise _no_maximum(vectors[:, 0], problem)
        step = vectors @ (vectors.T @ current.score / values)
        is_last = np.abs(x @ step).max() <= LAST_STEP
        coefficient, current = _ascent(sets, x, coefficient, step, current.log_likelihood)
        if is_last:
            return coefficient, null, current, iteration
        problem = "have a monotone likelihood, or one whose maximum is out of reach"
    raise _no_maximum(step, problem)


def _ascent(
    sets: RiskSets, x: FloatArray, start: FloatArray, step: FloatArray, log_likelihood: float
) -> tuple[FloatArray, PartialLikelihood]:
    """Return the end of the step and the likelihood there, after as many halvings as it takes not to descend."""
    least = log_likelihood - 1e-12 * (1 + abs(log_likelihood))
    while True:
        end = partial_likelihood(sets, x, start + step)
        if end.log_likelihood >= least:
            return start + step, end
        step = step / 2


def _no_maximum(direction: FloatArray, problem: str) -> NoEstimateError:
    columns = np.flatnonzero(np.abs(direction) > 1e-3 * np.abs(direction).max())
    return NoEstimateError(f"the covariates in columns {', '.join(map(str, columns))} {problem}")


def _standard_error(
    observations: Observations, sets: RiskSets, x: FloatArray, coefficient: FloatArray, information: FloatArray
) -> FloatArray:
    inverse = np.linalg.inv(information)
    if observations.cluster is None:
        return np.sqrt(np.diag(inverse))
    robust = inverse @ score_variance(observations, score_residuals(sets, x, coefficient)) @ inverse
    # The residuals sum to 0: with no more clusters than coefficients some combination of these has no variance at all.
    exists = (np.diag(robust) > 1e-12 * np.diag(inverse)) & (clusters_at_risk(observations, sets) > coefficient.size)
    return np.sqrt(np.where(exists, np.diag(robust), np.nan))
