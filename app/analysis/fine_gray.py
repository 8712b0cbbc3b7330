"""Fine-Gray regression: proportional hazards of the subdistribution of one of several competing causes."""

from dataclasses import dataclass, replace

import numpy as np

from app.analysis.arrays import FloatArray, IntArray
from app.analysis.conventions import Ties
from app.analysis.cox import newton_maximum
from app.analysis.errors import InvalidObservationsError
from app.analysis.fine_gray_influence import influence_of_weights
from app.analysis.fine_gray_risk_sets import FineGrayRiskSets, fine_gray_risk_sets
from app.analysis.intervals import wald_ratio
from app.analysis.observations import Observations, strata_in_sequence
from app.analysis.partial_likelihood import (
    partial_likelihood,
    relative_risks,
    score_residuals,
    score_variance,
    standardised,
)

#: A share of the information below this is what rounding leaves of 0; covariates are in units of their deviation.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class FineGrayFit:
    """What a model was fitted to, and what its predictions rest on.

    Attributes
    ----------
    observations, covariates : as they were given, the latter of shape [n, p]
    order, sample, sets : the rows with strata in sequence, which of the given ones they are, and their risk sets
    standardised, scale, scaled : covariates of these rows less their mean over `scale`, and the coefficients of them
    influence : of one subject of each of these rows on `scaled`, shape [n, p]
    """

    observations: Observations
    covariates: FloatArray
    order: IntArray
    sample: Observations
    sets: FineGrayRiskSets
    standardised: FloatArray
    scale: FloatArray
    scaled: FloatArray
    influence: FloatArray


@dataclass(frozen=True, slots=True)
class FineGrayModel:
    """A fitted model; all arrays have shape [p], the order of the covariates, but `covariance` [p, p].

    Attributes
    ----------
    coefficient : log ratio of subdistribution hazards of one unit of the covariate
    standard_error : robust, with the variance of the estimated weights; NaN if the clusters are too few for one
    fixed_weights_standard_error : robust, as if the weights were known
    z, p_value : Wald test of a coefficient of 0; NaN where the standard error is
    hazard_ratio, lower, upper : exp(coefficient), exp(coefficient -+ quantile standard_error)
    covariance : of the coefficients, with the variance of the estimated weights
    log_likelihood, null_log_likelihood : partial pseudo likelihood, at the coefficients and at 0
    iterations : Newton steps
    fit : for predictions
    """

    coefficient: FloatArray
    standard_error: FloatArray
    fixed_weights_standard_error: FloatArray
    z: FloatArray
    p_value: FloatArray
    hazard_ratio: FloatArray
    lower: FloatArray
    upper: FloatArray
    covariance: FloatArray
    log_likelihood: float
    null_log_likelihood: float
    iterations: int
    fit: FineGrayFit


def fine_gray_regression(
    observations: Observations, covariates: FloatArray, *, ties: Ties = "breslow", confidence_level: float = 0.95
) -> FineGrayModel:
    """Estimate log ratios of subdistribution hazards h(t) = h0(t) exp(x b): F(t) = 1 - exp(-H0(t) exp(x b)).

    The maximum of the partial likelihood of the events of cause 1, whose risk sets count entry < t <= time and, after a
    competing event at T, the rest of the row with weight G(t-) H(t-) / (G(T-) H(T-)), estimated within strata; see
    `fine_gray_risk_sets`. Events come before censorings at the same time, for G too: without covariates the product of
    1 - dH0 is 1 - F of Aalen and Johansen. The variance is I^-1 (sum u u') I^-1, u the score residuals and the part of
    a row in G and H, summed within a cluster. A row of weight w is w rows.

    Parameters
    ----------
    covariates : finite, shape [n, p]; rows in the order of the sorted rows of `observations`

    Raises
    ------
    InvalidObservationsError, NoEstimateError
        As `cox_regression` does; also if weights are infinite, since others entered after all at risk had an event.

    Source: Fine & Gray, JASA 1999;94:496; Geskus, Biometrics 2011;67:39 (entry); Zhou et al., Biostatistics 2012;13:371
    (clusters). Checked against melanoma.json (`fine_gray`: `crr`, and `finegray` with `coxph` for fixed weights).

    Examples
    --------
    The one with the competing event at 1 stays: L = r / (2 r + 2) / (r + 2), at its maximum where r^2 = 2.

    >>> from app.analysis.observations import observe
    >>> x = np.array([[1.0], [1.0], [0.0], [0.0]])
    >>> model = fine_gray_regression(observe([1, 2, 3, 4], [2, 1, 1, 0]), x)
    >>> model.hazard_ratio.round(4), round(model.log_likelihood, 4)
    (array([1.4142]), -2.4559)
    """
    x = np.asarray(covariates, dtype=np.float64)
    if x.shape[:1] != (observations.size,):
        raise InvalidObservationsError("covariates are finite: one or more columns, a row for each row of the sample")
    sample = strata_in_sequence(replace(observations, group=np.arange(observations.size)))
    sets = fine_gray_risk_sets(sample, ties)
    values, scale = standardised(sets, x[sample.groups])
    scaled, null, maximum, iterations = newton_maximum(
        sets.mass, values, lambda at: partial_likelihood(sets, values, at)
    )
    inverse = np.linalg.inv(maximum.information)
    residuals = score_residuals(sets, values, scaled)
    with_weights = residuals + _weights_in_score(sample, sets, values, scaled)
    fixed, covariance = (
        _covariance(sample, part, inverse) / np.outer(scale, scale) for part in (residuals, with_weights)
    )
    coefficient, standard_error = scaled / scale, np.sqrt(covariance.diagonal())
    return FineGrayModel(
        coefficient,
        standard_error,
        np.sqrt(fixed.diagonal()),
        *wald_ratio(coefficient, standard_error, confidence_level),
        covariance,
        maximum.log_likelihood,
        null.log_likelihood,
        iterations,
        FineGrayFit(observations, x, sample.groups, sample, sets, values, scale, scaled, with_weights @ inverse),
    )


def _weights_in_score(
    sample: Observations, sets: FineGrayRiskSets, covariates: FloatArray, coefficient: FloatArray
) -> FloatArray:
    """Return what one subject of each row adds to the score by its part in the weights, shape [n, p].

    The score depends on the weight of i at t as -exp(x_i b) (x_i - xbar(t)) / S0(t).
    """
    _, risk, total, mean = relative_risks(sets, covariates, coefficient)
    share, hazard = sets.weights * risk, sets.mass / total
    own = influence_of_weights(sample, sets, share * covariates.T, np.tile(-hazard, (mean.shape[0], 1)))
    return (own + influence_of_weights(sample, sets, np.tile(share, (mean.shape[0], 1)), hazard * mean)).T


def _covariance(sample: Observations, residuals: FloatArray, inverse: FloatArray) -> FloatArray:
    """Return I^-1 (sum u u') I^-1, NaN where the clusters are too few to tell."""
    robust: FloatArray = inverse @ score_variance(sample, residuals) @ inverse
    informs = np.abs(residuals).max(axis=1) > ROUNDING
    clusters = float(sample.weights[informs].sum())
    if sample.cluster is not None:
        clusters = np.unique(sample.cluster[informs]).size
    # The residuals sum to 0: with no more clusters than coefficients some combination of these has no variance at all.
    exists = (robust.diagonal() > ROUNDING * inverse.diagonal()) & (clusters > inverse.shape[0])
    return np.where(np.outer(exists, exists), robust, np.nan)
