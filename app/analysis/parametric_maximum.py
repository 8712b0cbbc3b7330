"""The maximum of the likelihood of log T = x b + scale W: Newton's method, and where it starts from."""

from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.lifelines_fit import lifelines_fit
from app.analysis.observations import Observations
from app.analysis.parametric_families import Distribution
from app.analysis.parametric_likelihood import (
    LogTimes,
    ParametricLikelihood,
    log_likelihood,
    log_times,
    parameters_beyond_coefficients,
    parametric_likelihood,
    split_parameters,
)

MAX_ITERATIONS = 50
MAX_HALVINGS = 30
#: What the last step gains at most, twice: it moves by 3e-5 standard errors then, and the next would by their square.
LAST_GAIN = 1e-9
#: How far the last step moves an error, the log scale or the shape at most: without a maximum steps do not shrink.
LAST_MOVE = 1e-3
#: Information on some combination of the parameters below this share of the events is none.
NO_INFORMATION = 1e-10
#: Generalized gamma distributions of these shapes are those of a likelihood with one maximum.
NESTED: tuple[tuple[Distribution, float], ...] = (("log-normal", 0.0), ("weibull", 1.0))


@dataclass(frozen=True, slots=True)
class Maximum:
    """Parameters at a maximum, the log-likelihood and the information there, and the Newton steps to it."""

    parameters: FloatArray
    log_likelihood: float
    information: FloatArray
    iterations: int


def has_one_maximum(distribution: Distribution, *, late: bool) -> bool:
    """Return whether the likelihood is known to have one maximum at most; `late` where entry is delayed.

    By b / scale and 1 / scale the likelihood of a W with log-concave density is log-concave, for so is its survival
    function (Burridge, J R Stat Soc B 1981;43:41; Pratt, J Am Stat Assoc 1981;76:103): of extreme value, normal and
    logistic W. An entry takes log S off, which is convex; but of exponential times, whose log-likelihood of an interval
    is -(time - entry) exp(-x b), which is concave. The generalized gamma has no such form.

    Examples
    --------
    >>> has_one_maximum("weibull", late=False), has_one_maximum("weibull", late=True)
    (True, False)
    """
    return distribution == "exponential" or not (late or distribution == "generalized-gamma")


def highest_maximum(observations: Observations, covariates: FloatArray, distribution: Distribution) -> Maximum | None:
    """Return the highest maximum that Newton's method climbs from its starts, None where it finds none.

    Of a likelihood that may have several maxima these are where lifelines arrives, too, and for the generalized gamma
    the maxima of its special cases.

    Parameters
    ----------
    covariates : with mean 0 and standard deviation 1, shape [n, p]; rows in the order of the sample's sorted rows

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> maximum = highest_maximum(observe([1, 2, 3], [True, True, False]), np.empty((3, 0)), "exponential")
    >>> np.exp(maximum.parameters).round(6), maximum.information.round(6)
    (array([3.]), array([[2.]]))
    """
    data = log_times(observations, covariates)
    starts = _own_starts(data, distribution)
    if not has_one_maximum(distribution, late=observations.entry is not None):
        found = lifelines_fit(observations, covariates, distribution)
        starts += [] if found is None else [found]
    climbed = (_climb(data, distribution, start) for start in starts)
    maxima = [maximum for maximum in climbed if maximum is not None]
    return max(maxima, key=lambda maximum: round(maximum.log_likelihood, 6), default=None)


def _own_starts(data: LogTimes, distribution: Distribution) -> list[FloatArray]:
    """Return a start with errors from -1 to 0, whose likelihood overflows in no sample, or nested maxima."""
    if distribution == "generalized-gamma":
        nested = [(_climb(data, name, *_own_starts(data, name)), shape) for name, shape in NESTED]
        return [np.append(found.parameters, shape) for found, shape in nested if found is not None]
    coefficients = data.covariates.shape[1]
    ends = data.log_time[: data.rows]
    start = np.zeros(coefficients + parameters_beyond_coefficients(distribution))
    start[0] = ends.max()
    start[coefficients:] = np.log(np.ptp(ends) or 1.0)
    return [start]


def _climb(data: LogTimes, distribution: Distribution, start: FloatArray) -> Maximum | None:
    """Return the maximum that Newton's method climbs from a start; None if it finds none."""
    parameters = start
    events = float(data.weight[: data.events].sum())
    last_gain = LAST_GAIN * min(1.0, events / data.events)
    for iteration in range(1, MAX_ITERATIONS + 1):
        current = parametric_likelihood(data, distribution, parameters)
        if not _is_finite(current):
            return None
        values, vectors = np.linalg.eigh(current.information)
        score = vectors.T @ current.gradient
        # Away from the maximum the likelihood may curve upwards, too: so a step goes up in any case.
        curvature = np.maximum(np.abs(values), NO_INFORMATION * events)
        step = vectors @ (score / curvature)
        exists = values[0] > NO_INFORMATION * events and _move(data, distribution, parameters, step) < LAST_MOVE
        if exists and score @ (score / curvature) <= last_gain:
            at = parametric_likelihood(data, distribution, parameters + step)
            return Maximum(parameters + step, at.log_likelihood, at.information, iteration)
        end = _ascent(data, distribution, parameters, step, current.log_likelihood)
        if end is None:
            return None
        parameters = end
    return None


def _move(data: LogTimes, distribution: Distribution, parameters: FloatArray, step: FloatArray) -> float:
    """Return how far a step moves the error of a row, the log scale or the shape."""
    coefficients, *others = split_parameters(distribution, step)
    scale = np.exp(split_parameters(distribution, parameters)[1])
    return float(max(np.abs(data.covariates @ coefficients).max() / scale, *map(abs, others)))


def _ascent(
    data: LogTimes, distribution: Distribution, start: FloatArray, step: FloatArray, at_start: float
) -> FloatArray | None:
    """Return the end of the step, halved until it does not descend; None where it does."""
    least = at_start - 1e-12 * (1 + abs(at_start))
    ends = (start + step / 2**halvings for halvings in range(MAX_HALVINGS))
    return next((end for end in ends if log_likelihood(data, distribution, end) >= least), None)


def _is_finite(at: ParametricLikelihood) -> bool:
    return bool(np.isfinite(at.information).all() and np.isfinite(at.gradient).all() and np.isfinite(at.log_likelihood))
