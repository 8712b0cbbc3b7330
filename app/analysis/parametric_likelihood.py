"""The likelihood of log T = x b + scale W, its derivatives, and what each row adds to them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import BoolArray, FloatArray
from app.analysis.observations import Observations
from app.analysis.parametric_families import Distribution, Family, family

#: Of the shape, where errors are about 1: differences are wrong by its fourth power, and lose digits by its square.
STEP = 0.03
#: First and second derivatives from values at -2, -1, 0, 1, 2, by differences of fourth order.
DIFFERENCES = np.array([[1, -8, 0, 8, -1], [-1, 16, -30, 16, -1]]) / 12


@dataclass(frozen=True, slots=True)
class LogTimes:
    """A sample as location-scale models see it, shape [n] each.

    Attributes
    ----------
    log_time, log_entry : ends and starts of follow-up; an entry at 0 has -inf
    event : whether it ended with the event
    weight : of each row
    covariates : shape [n, p], the first column all 1 for the intercept
    """

    log_time: FloatArray
    log_entry: FloatArray
    event: BoolArray
    weight: FloatArray
    covariates: FloatArray


@dataclass(frozen=True, slots=True)
class ParametricLikelihood:
    """The log-likelihood at some parameters, and its derivatives.

    Attributes
    ----------
    scores : what a subject of each row adds to the gradient, shape [n, q]
    information : minus the second derivatives, shape [q, q]
    """

    log_likelihood: float
    scores: FloatArray
    information: FloatArray


def log_times(observations: Observations, covariates: FloatArray) -> LogTimes:
    """Return the logarithms of a sample whose times are above 0, with an intercept before the covariates."""
    with np.errstate(divide="ignore"):
        entry = np.zeros(observations.size) if observations.entry is None else observations.entry
        log_time, log_entry = np.log(observations.time), np.log(entry)
    x = np.column_stack((np.ones(observations.size), covariates))
    return LogTimes(log_time, log_entry, observations.event, observations.weights, x)


def split_parameters(distribution: Distribution, parameters: FloatArray) -> tuple[FloatArray, float, float]:
    """Return coefficients, log scale (0 for exponential times) and shape (0 for all but the generalized gamma).

    Examples
    --------
    >>> split_parameters("weibull", np.array([3.6, -0.09]))
    (array([3.6]), -0.09, 0.0)
    """
    others = parameters_beyond_coefficients(distribution)
    last = [*parameters[parameters.size - others :].tolist(), 0.0, 0.0]
    return parameters[: parameters.size - others], last[0], last[1]


def parameters_beyond_coefficients(distribution: Distribution) -> int:
    """Return how many parameters follow the coefficients: the log scale, and the shape of the generalized gamma."""
    return {"exponential": 0, "generalized-gamma": 2}.get(distribution, 1)


def parametric_likelihood(data: LogTimes, distribution: Distribution, parameters: FloatArray) -> ParametricLikelihood:
    """Return the log-likelihood of the times and its derivatives.

    With z = (log t - x b) / scale and W of density f and survival S, a row of weight w adds w times
    log f(z) - log scale - log t if it is an event, else log S(z), and less log S(z at the entry) if that is above 0.
    Derivatives by the coefficients and by the log scale are exact, those by the shape differences of fourth order.

    Parameters
    ----------
    parameters : coefficients, then the log scale (not of exponential times), then the shape (of the generalized gamma)

    Source: Kalbfleisch & Prentice, The Statistical Analysis of Failure Time Data (2002), 3.6.

    Examples
    --------
    Exponential times of mean 2: an event at 1 adds log(1 / 2) - 1 / 2, a censoring at 3 adds -3 / 2.

    >>> from app.analysis.observations import observe
    >>> data = log_times(observe([1, 3], [True, False]), np.empty((2, 0)))
    >>> at = parametric_likelihood(data, "exponential", np.array([np.log(2)]))
    >>> round(at.log_likelihood, 4), at.scores.sum(axis=0), at.information
    (-2.6931, array([1.]), array([[2.]]))
    """
    coefficient, log_scale, shape = split_parameters(distribution, parameters)
    predictor = data.covariates @ coefficient

    def terms(at: float) -> FloatArray:
        return _terms(data, family(distribution, at), predictor, log_scale)

    with np.errstate(all="ignore"):  # too long a step under- or overflows: NaN, and not taken
        value, slopes, curvatures = _without_shape(terms(shape), distribution)
        if distribution == "generalized-gamma":
            largest = np.abs(data.log_time - predictor).max() / np.exp(log_scale)
            slopes, curvatures = _with_shape(terms, shape, STEP / max(1.0, largest), slopes, curvatures)
        carriers = [data.covariates, *[np.ones((predictor.size, 1))] * (slopes.shape[0] - 1)]
        scores = [slope[:, None] * carrier for slope, carrier in zip(slopes, carriers, strict=True)]
        weighted = [
            [
                -carrier.T @ ((data.weight * curvature)[:, None] * other)
                for curvature, other in zip(row, carriers, strict=True)
            ]
            for row, carrier in zip(curvatures, carriers, strict=True)
        ]
        return ParametricLikelihood(float(data.weight @ value), np.hstack(scores), np.block(weighted))


def _without_shape(terms: FloatArray, distribution: Distribution) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the values [n] and their derivatives [k, n], [k, k, n] by predictor and, where it is free, log scale."""
    free = 1 if distribution == "exponential" else 2
    return terms[0], terms[1:3][:free], terms[[[3, 4], [4, 5]]][:free, :free]


def _with_shape(
    terms: Callable[[float], FloatArray], shape: float, step: float, slopes: FloatArray, curvatures: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the derivatives with those by the shape added, which are differences."""
    around = np.array([terms(shape + steps * step)[:3] for steps in (-2, -1, 0, 1, 2)])
    first, second = (np.tensordot(weights, around, 1) for weights in DIFFERENCES / [[step], [step**2]])
    mixed = first[1:]
    upper = np.concatenate((curvatures, mixed[:, None]), axis=1)
    lower = np.concatenate((mixed, second[:1]))[None]
    return np.concatenate((slopes, first[:1])), np.concatenate((upper, lower))


def _terms(data: LogTimes, errors: Family, predictor: FloatArray, log_scale: float) -> FloatArray:
    """Return what a subject of each row adds: value, and derivatives by predictor and log scale (1, 2, 11, 12, 22)."""
    scale = np.exp(log_scale)
    z = (data.log_time - predictor) / scale
    density = errors.log_density(z), errors.slope(z), errors.curvature(z)
    at_end = np.where(data.event, density, log_survival_terms(errors, z))
    terms = _chained(at_end, z, scale)
    terms[0] -= np.where(data.event, log_scale + data.log_time, 0)
    terms[2] -= data.event
    late = np.isfinite(data.log_entry)
    if late.any():
        z = (data.log_entry[late] - predictor[late]) / scale
        terms[:, late] -= _chained(log_survival_terms(errors, z), z, scale)
    return terms


def log_survival_terms(errors: Family, z: FloatArray) -> FloatArray:
    """Return log S(z) and its first two derivatives, shape [3, n]."""
    survival = errors.log_survival(z)
    hazard = np.exp(errors.log_density(z) - survival)
    return np.array([survival, -hazard, -hazard * (errors.slope(z) + hazard)])


def _chained(function: FloatArray, z: FloatArray, scale: float) -> FloatArray:
    value, first, second = function
    return np.array(
        [
            value,
            -first / scale,
            -z * first,
            second / scale**2,
            (first + z * second) / scale,
            z * (first + z * second),
        ]
    )
