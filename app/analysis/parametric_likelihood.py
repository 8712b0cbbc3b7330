"""The likelihood of log T = x b + scale W, its derivatives, and what each row adds to them."""

from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray, IntArray
from app.analysis.observations import Observations
from app.analysis.parametric_families import Distribution, Family, family

#: Of the shape, on its scale: differences are wrong by its fourth power, and lose digits by its square.
STEP = 0.03
#: First and second derivatives from values at -2, -1, 0, 1, 2, by differences of fourth order.
DIFFERENCES = np.array([[1, -8, 0, 8, -1], [-1, 16, -30, 16, -1]]) / 12


@dataclass(frozen=True, slots=True)
class LogTimes:
    """A sample as location-scale models see it: a term of the log-likelihood for each end and each late entry.

    Events are first, whose term is the log density; that of a censoring is log S, that of an entry above 0 minus log S.

    Attributes
    ----------
    log_time : shape [m], m >= n
    row : of the sample, that the term is of; shape [m], each of the n rows once among the first n
    weight : of the row, negative at entries; shape [m]
    covariates : shape [m, q], the first column all 1 for the intercept
    events, rows : how many terms are of events, and of ends
    """

    log_time: FloatArray
    row: IntArray
    weight: FloatArray
    covariates: FloatArray
    events: int
    rows: int


@dataclass(frozen=True, slots=True)
class ParametricLikelihood:
    """The log-likelihood at some parameters, its gradient [q], and minus its second derivatives [q, q]."""

    log_likelihood: float
    gradient: FloatArray
    information: FloatArray


def log_times(observations: Observations, covariates: FloatArray) -> LogTimes:
    """Return the logarithms of a sample whose times are above 0, with an intercept before the covariates."""
    event, weight = observations.event, observations.weights
    entry = np.zeros(observations.size) if observations.entry is None else observations.entry
    ends, late = np.argsort(~event, kind="stable"), np.flatnonzero(entry)
    row = np.concatenate((ends, late))
    return LogTimes(
        np.log(np.concatenate((observations.time[ends], entry[late]))),
        row,
        np.concatenate((weight[ends], -weight[late])),
        np.column_stack((np.ones(row.size), covariates[row])),
        int(event.sum()),
        observations.size,
    )


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


def log_likelihood(data: LogTimes, distribution: Distribution, parameters: FloatArray) -> float:
    """Return the log-likelihood of the times, NaN or infinite where numbers do not reach.

    With z = (log t - x b) / scale and W of density f and survival S, a row of weight w adds w times
    log f(z) - log scale - log t if it is an event, else log S(z), and less log S(z at the entry) if that is above 0.

    Parameters
    ----------
    parameters : coefficients, then the log scale (not of exponential times), then the shape (of the generalized gamma)

    Source: Kalbfleisch & Prentice, The Statistical Analysis of Failure Time Data (2002), 3.6.

    Examples
    --------
    Exponential times of mean 2: an event at 1 adds log(1 / 2) - 1 / 2, a censoring at 3 adds -3 / 2.

    >>> from app.analysis.observations import observe
    >>> data = log_times(observe([1, 3], [True, False]), np.empty((2, 0)))
    >>> round(log_likelihood(data, "exponential", np.array([np.log(2)])), 4)
    -2.6931
    """
    _, log_scale, shape = split_parameters(distribution, parameters)
    errors, end = family(distribution, shape), data.events
    with np.errstate(all="ignore"):  # too long a step under- or overflows: NaN, and not taken
        z = _errors(data, distribution, parameters)
        return _total(data, np.concatenate((errors.log_density(z[:end]), errors.log_survival(z[end:]))), log_scale)


def parametric_likelihood(data: LogTimes, distribution: Distribution, parameters: FloatArray) -> ParametricLikelihood:
    """Return the log-likelihood and its derivatives: those by the shape by differences of fourth order, others exact.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> data = log_times(observe([1, 3], [True, False]), np.empty((2, 0)))
    >>> at = parametric_likelihood(data, "exponential", np.array([np.log(2)]))
    >>> round(at.log_likelihood, 4), at.gradient, at.information
    (-2.6931, array([1.]), array([[2.]]))
    """
    x, log_scale = data.covariates, split_parameters(distribution, parameters)[1]
    with np.errstate(all="ignore"):
        value, slopes, curvatures = _terms(data, distribution, parameters)
        gradient, information = data.weight * slopes, -data.weight * curvatures
        mixed = x.T @ information[0, 1:].T
        blocks = [[x.T @ (information[0, 0][:, None] * x), mixed], [mixed.T, information[1:, 1:].sum(axis=2)]]
        return ParametricLikelihood(
            _total(data, value, log_scale),
            np.concatenate((x.T @ gradient[0], gradient[1:].sum(axis=1))),
            np.block(blocks),
        )


def parametric_scores(data: LogTimes, distribution: Distribution, parameters: FloatArray) -> FloatArray:
    """Return what a subject of each row adds to the gradient, shape [n, q].

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> data = log_times(observe([1, 3], [True, False]), np.empty((2, 0)))
    >>> parametric_scores(data, "exponential", np.array([np.log(2)]))
    array([[-0.5],
           [ 1.5]])
    """
    _, slopes, _ = _terms(data, distribution, parameters)
    added = np.column_stack((data.covariates * slopes[0][:, None], slopes[1:].T))
    scores = np.empty((data.rows, added.shape[1]))
    scores[data.row[: data.rows]] = added[: data.rows]
    scores[data.row[data.rows :]] -= added[data.rows :]
    return scores


def log_survival_terms(errors: Family, z: FloatArray) -> FloatArray:
    """Return log S(z) and its first two derivatives, shape [3, n]."""
    survival = errors.log_survival(z)
    hazard = np.exp(errors.log_density(z) - survival)
    return np.array([survival, -hazard, -hazard * (errors.slope(z) + hazard)])


def _errors(data: LogTimes, distribution: Distribution, parameters: FloatArray) -> FloatArray:
    """Return z of each term."""
    coefficient, log_scale, _ = split_parameters(distribution, parameters)
    return np.asarray((data.log_time - data.covariates @ coefficient) / np.exp(log_scale))


def _total(data: LogTimes, value: FloatArray, log_scale: float) -> float:
    weight, log_time = data.weight[: data.events], data.log_time[: data.events]
    return float(data.weight @ value - weight @ (log_scale + log_time))


def _terms(
    data: LogTimes, distribution: Distribution, parameters: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return log f or log S of each term [m], and the derivatives of terms by predictor, log scale and shape."""
    _, log_scale, shape = split_parameters(distribution, parameters)
    z, scale = _errors(data, distribution, parameters), np.exp(log_scale)

    def by_error(at: float) -> FloatArray:
        return _by_error(family(distribution, at), z, data.events)

    value, slope, curvature = by_error(shape)
    bend = slope + z * curvature
    slopes = np.array([-slope / scale, -z * slope])
    curvatures = np.array([[curvature / scale**2, bend / scale], [bend / scale, z * bend]])
    slopes[1, : data.events] -= 1  # of minus the log scale
    others = parameters_beyond_coefficients(distribution)
    if others < 2:
        return value, slopes[: 1 + others], curvatures[: 1 + others, : 1 + others]
    # What a shape k changes depends on e^(k z), on a scale of 1 / z, and where that is small on k, on a scale of k.
    step = STEP / max(1.0, (np.abs(z) / np.maximum(1.0, -shape * z)).max())
    around = np.array([by_error(shape + steps * step)[:2] for steps in (-2, -1, 0, 1, 2)])
    (first, mixed), (second, _) = (np.tensordot(weights, around, 1) for weights in DIFFERENCES / [[step], [step**2]])
    beside = np.array([-mixed / scale, -z * mixed])[:, None]
    upper, lower = np.concatenate((curvatures, beside), axis=1), np.concatenate((beside[:, 0], [second]))[None]
    return value, np.vstack((slopes, first)), np.concatenate((upper, lower))


def _by_error(errors: Family, z: FloatArray, events: int) -> FloatArray:
    """Return log f of events and log S of others, and their first two derivatives, shape [3, m]."""
    at_events = z[:events]
    density = np.array([errors.log_density(at_events), errors.slope(at_events), errors.curvature(at_events)])
    return np.hstack((density, log_survival_terms(errors, z[events:])))
