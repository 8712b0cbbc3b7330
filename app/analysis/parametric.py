"""Parametric regression: accelerated-failure-time models of right-censored, left-truncated times."""

from dataclasses import dataclass, field

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.design_matrix import dependent_columns
from app.analysis.errors import InvalidObservationsError, NoEstimateError
from app.analysis.hypothesis_test import TOO_FEW_CLUSTERS
from app.analysis.intervals import normal_quantile, wald_ratio
from app.analysis.observations import Observations
from app.analysis.parametric_families import Distribution
from app.analysis.parametric_likelihood import (
    log_times,
    parameters_beyond_coefficients,
    parametric_scores,
    split_parameters,
)
from app.analysis.parametric_maximum import Maximum, highest_maximum
from app.analysis.partial_likelihood import score_sums

NOT_CONVERGED = "the fit did not converge: the likelihood has no maximum, or one out of reach"


@dataclass(frozen=True, slots=True)
class ParameterEstimate:
    """A parameter with its Wald interval; NaN where the model has none."""

    estimate: float
    standard_error: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class ParametricModel:
    """A fitted model log T = intercept + x b + scale W; arrays have shape [p + 1], the intercept first.

    Attributes
    ----------
    converged : whether there is a maximum; all figures are NaN where there is none
    coefficient, standard_error : of log T; the latter NaN where clusters are too few for a robust one
    z, p_value : Wald test of a coefficient of 0
    time_ratio, lower, upper : exp(coefficient), exp(coefficient -+ quantile standard_error); NaN out of range
    log_scale, shape : 0 where the distribution has none
    log_likelihood, aic : of the times themselves, as R's are; aic = 2 (parameters - log_likelihood)
    parameters, covariance : coefficients, log scale (not of exponential times), shape (of the generalized gamma alone)
    iterations : Newton steps
    reason : why figures are NaN, None where none is
    """

    distribution: Distribution
    confidence_level: float
    converged: bool
    coefficient: FloatArray
    standard_error: FloatArray
    z: FloatArray
    p_value: FloatArray
    time_ratio: FloatArray
    lower: FloatArray
    upper: FloatArray
    log_scale: float
    shape: float
    log_likelihood: float
    aic: float
    parameters: FloatArray = field(repr=False)
    covariance: FloatArray = field(repr=False)
    iterations: int
    reason: str | None

    def parameter(self, place: int) -> ParameterEstimate:
        """Return the parameter at a place."""
        estimate, error = float(self.parameters[place]), float(np.sqrt(self.covariance[place, place]))
        width = normal_quantile(self.confidence_level) * error
        return ParameterEstimate(estimate, error, estimate - width, estimate + width)


def parametric_regression(
    observations: Observations,
    covariates: FloatArray,
    distribution: Distribution,
    *,
    confidence_level: float = 0.95,
    robust: bool = False,
) -> ParametricModel:
    """Fit log T = intercept + x b + scale W by maximum likelihood.

    A row at risk in (entry, time] adds log f(time) if it is an event, else log S(time), and less log S(entry); a row
    of weight w adds w times that. The variance is I^-1, or with `robust`, or where the sample has clusters,
    I^-1 (sum u u') I^-1, u the derivatives of the log-likelihood summed within a cluster (or of a row).

    Parameters
    ----------
    covariates : finite, shape [n, p], p = 0 for the intercept alone; rows in the order of the sample's sorted rows

    Raises
    ------
    InvalidObservationsError
        If a time is 0, which has no logarithm, or the covariates do not have that shape, or are not finite.
    NoEstimateError
        If there are no events, or covariates do not vary, or only together.

    Source: Kalbfleisch & Prentice, The Statistical Analysis of Failure Time Data (2002), ch. 3. Checked against the
    `parametric` blocks of aml.json, kidney.json, lung.json, melanoma.json, ovarian.json, veteran.json.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> sample = observe([1, 2, 3], [True, True, False])
    >>> model = parametric_regression(sample, np.empty((3, 0)), "exponential")
    >>> model.time_ratio.round(6), model.standard_error.round(6), round(model.aic, 6)
    (array([3.]), array([0.707107]), 10.394449)
    """
    x = checked_covariates(observations, covariates)
    if dependent := dependent_columns(column_products(observations, x)):
        raise NoEstimateError(f"the covariates in columns {', '.join(map(str, dependent))} do not vary on their own")
    mean, scale = _mean_and_scale(observations, x)
    standardised = (x - mean) / scale
    maximum = highest_maximum(observations, standardised, distribution)
    back = _to_original_units(mean, scale, parameters_beyond_coefficients(distribution))
    if maximum is None:
        return _model(distribution, confidence_level, (np.full(len(back), np.nan), np.nan * back))
    covariance = _covariance(observations, standardised, distribution, maximum, back, robust=robust)
    estimate = back @ maximum.parameters, covariance
    return _model(distribution, confidence_level, estimate, maximum.log_likelihood, maximum.iterations)


def checked_covariates(observations: Observations, covariates: FloatArray) -> FloatArray:
    """Return the covariates, or refuse them, and samples that no parametric model fits."""
    x = np.asarray(covariates, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] != observations.size or not np.isfinite(x).all():
        raise InvalidObservationsError("covariates are finite, a row for each row of the sample")
    if observations.time[0] == 0:
        raise InvalidObservationsError("a time of 0 has no logarithm")
    if not observations.event.any():
        raise NoEstimateError("there are no events")
    return x


def column_products(observations: Observations, covariates: FloatArray) -> FloatArray:
    """Return the sums of products of the columns less their mean, over their standard deviation, shape [p, p].

    A column that does not vary has 0.
    """
    mean, scale = _mean_and_scale(observations, covariates)
    varies = scale > 1e-12 * np.abs(covariates).max(axis=0)
    standardised = np.where(varies, (covariates - mean) / np.where(varies, scale, 1.0), 0.0)
    return np.asarray(standardised.T @ (observations.weights[:, None] * standardised))


def in_range(values: FloatArray) -> FloatArray:
    """Return figures above 0, NaN for those that are out of the range of numbers and came out as 0 or infinite.

    Examples
    --------
    >>> in_range(np.array([0.0, 2.0, np.inf]))
    array([nan,  2., nan])
    """
    return np.where((values > 0) & np.isfinite(values), values, np.nan)


def _mean_and_scale(observations: Observations, covariates: FloatArray) -> tuple[FloatArray, FloatArray]:
    share = observations.weights / observations.weights.sum()
    mean = share @ covariates
    return mean, np.sqrt(share @ (covariates - mean) ** 2)


def _to_original_units(mean: FloatArray, scale: FloatArray, others: int) -> FloatArray:
    """Return the matrix that makes parameters for the covariates from those for standardised ones."""
    back = np.eye(1 + mean.size + others)
    inner = np.arange(1, 1 + mean.size)
    back[inner, inner] = 1 / scale
    back[0, inner] = -mean / scale
    return back


def _covariance(
    observations: Observations,
    covariates: FloatArray,
    distribution: Distribution,
    maximum: Maximum,
    back: FloatArray,
    *,
    robust: bool,
) -> FloatArray:
    """Return the covariance of what `back` makes of the parameters."""
    inverse = np.linalg.inv(maximum.information)
    if observations.cluster is None and not robust:
        return np.asarray(back @ inverse @ back.T)
    if observations.persons <= inverse.shape[0]:  # the scores sum to 0, so that some combination has no variance at all
        return np.full_like(inverse, np.nan)
    scores = parametric_scores(log_times(observations, covariates), distribution, maximum.parameters)
    influence = score_sums(observations, scores) @ inverse @ back.T
    return np.asarray(influence.T @ influence)  # no square is below 0, as a variance made in more steps may be


def _model(
    distribution: Distribution,
    confidence_level: float,
    estimate: tuple[FloatArray, FloatArray],
    log_likelihood: float = np.nan,
    iterations: int = 0,
) -> ParametricModel:
    parameters, covariance = estimate
    coefficient, log_scale, shape = split_parameters(distribution, parameters)
    variance = covariance.diagonal()[: coefficient.size]
    standard_error = np.sqrt(np.where(variance < 0, np.nan, variance))  # of rounding, where units are far apart
    z, p_value, ratio, lower, upper = wald_ratio(coefficient, standard_error, confidence_level)
    reason = TOO_FEW_CLUSTERS if np.isnan(standard_error[0]) else None
    return ParametricModel(
        distribution,
        confidence_level,
        iterations > 0,
        coefficient,
        standard_error,
        z,
        p_value,
        in_range(ratio),
        in_range(lower),
        in_range(upper),
        log_scale,
        shape,
        log_likelihood,
        2 * (parameters.size - log_likelihood),
        parameters,
        covariance,
        iterations,
        reason if iterations else NOT_CONVERGED,
    )
