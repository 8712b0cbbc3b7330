"""Times and survival that parametric models predict for covariate profiles, with limits by the delta method."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.intervals import normal_quantile
from app.analysis.parametric import ParametricModel, in_range
from app.analysis.parametric_families import family
from app.analysis.parametric_likelihood import (
    DIFFERENCES,
    log_survival_terms,
    parameters_beyond_coefficients,
    split_parameters,
)

SHAPE_STEP = 0.003


@dataclass(frozen=True, slots=True)
class Predictions:
    """Figures for profiles (rows) and the probabilities or times asked for (columns), shape [k, m] each.

    Attributes
    ----------
    estimate, standard_error, lower, upper : NaN where the model has none, or where it is out of the range of numbers
    """

    estimate: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray


def predicted_times(model: ParametricModel, profiles: FloatArray, probabilities: FloatArray) -> Predictions:
    """Return the times by which subjects of each profile have had the event with the probabilities p.

    log t = x b + scale w(p), w(p) the quantile of the error. Limits are t exp(-+ quantile se(log t)), and the standard
    error is t se(log t), by the delta method.

    Parameters
    ----------
    profiles : covariates, shape [k, p]
    probabilities : between 0 and 1, shape [m]

    Source: Kalbfleisch & Prentice, The Statistical Analysis of Failure Time Data (2002), 3.6. Checked against the
    `parametric` blocks of aml.json, kidney.json, lung.json, melanoma.json, ovarian.json, veteran.json.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> from app.analysis.parametric import parametric_regression
    >>> model = parametric_regression(observe([1, 2, 3], [True, True, False]), np.empty((3, 0)), "exponential")
    >>> times = predicted_times(model, np.empty((1, 0)), np.array([0.5]))
    >>> times.estimate.round(4), times.lower.round(4), times.upper.round(4)
    (array([[2.0794]]), array([[0.5201]]), array([[8.3145]]))
    """
    _, log_scale, shape = split_parameters(model.distribution, model.parameters)
    scale = np.exp(log_scale)

    def log_time(at: float) -> FloatArray:
        quantile = family(model.distribution, at).quantile(probabilities)
        return np.asarray(scale * np.broadcast_to(quantile, place.shape))

    place = _predictor(model, profiles)[:, None] + np.zeros(probabilities.size)
    above = log_time(shape)
    slopes = [above, _by_shape(log_time, shape)]
    error = _delta(model, profiles, np.ones_like(place), slopes)
    with np.errstate(over="ignore"):
        width = normal_quantile(model.confidence_level) * error
        time, lower, upper = (np.exp(place + above + shift) for shift in (0, -width, width))
        return Predictions(*map(in_range, (time, time * error, lower, upper)))


def predicted_survival(model: ParametricModel, profiles: FloatArray, times: FloatArray) -> Predictions:
    """Return the probability S(t) of subjects of each profile to be event-free after each time.

    S(t) = S0((log t - x b) / scale); limits are S^exp(-+ quantile se(log(-log S))), by the delta method. At 0 S and
    its limits are 1.

    Parameters
    ----------
    profiles : covariates, shape [k, p]
    times : >= 0, shape [m]

    Source: Kalbfleisch & Prentice, The Statistical Analysis of Failure Time Data (2002), 3.6. Checked against the
    quantiles of the `parametric` blocks of the reference files.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> from app.analysis.parametric import parametric_regression
    >>> model = parametric_regression(observe([1, 2, 3], [True, True, False]), np.empty((3, 0)), "exponential")
    >>> rates = predicted_survival(model, np.empty((1, 0)), np.array([0.0, 3.0]))
    >>> rates.estimate.round(4), rates.lower.round(4), rates.upper.round(4)
    (array([[1.    , 0.3679]]), array([[1.    , 0.0183]]), array([[1.    , 0.7787]]))
    """
    _, log_scale, shape = split_parameters(model.distribution, model.parameters)
    scale = np.exp(log_scale)
    with np.errstate(all="ignore"):  # survival that rounds to 0 or 1 has no limits
        z = (np.log(times) - _predictor(model, profiles)[:, None]) / scale

        def log_survival(at: float) -> FloatArray:
            return family(model.distribution, at).log_survival(z)

        log_s, slope, _ = log_survival_terms(family(model.distribution, shape), z)
        slopes = [-z * slope / log_s, _by_shape(log_survival, shape) / log_s]
        error = _delta(model, profiles, -slope / scale / log_s, slopes)
        width = normal_quantile(model.confidence_level) * error
        survival = np.exp(log_s)
        figures = survival, -survival * log_s * error, np.exp(log_s * np.exp(width)), np.exp(log_s * np.exp(-width))
    at_origin = (times == 0) & model.converged
    return Predictions(
        *(np.where(at_origin, start, values) for start, values in zip((1, 0, 1, 1), figures, strict=True))
    )


def _predictor(model: ParametricModel, profiles: FloatArray) -> FloatArray:
    return np.asarray(model.coefficient[0] + profiles @ model.coefficient[1:])


def _by_shape(function: Callable[[float], FloatArray], shape: float) -> FloatArray:
    around = np.array([function(shape + steps * SHAPE_STEP) for steps in (-2, -1, 0, 1, 2)])
    return np.asarray(np.tensordot(DIFFERENCES[0] / SHAPE_STEP, around, 1))


def _delta(
    model: ParametricModel, profiles: FloatArray, by_predictor: FloatArray, by_others: list[FloatArray]
) -> FloatArray:
    """Return the standard error of a function of the predictor, the log scale and the shape, shape [k, m]."""
    x = np.column_stack((np.ones(profiles.shape[0]), profiles))
    others = by_others[: parameters_beyond_coefficients(model.distribution)]
    by_coefficients = by_predictor[:, :, None] * x[:, None, :]
    gradient = np.concatenate((by_coefficients, *(other[:, :, None] for other in others)), axis=2)
    return np.asarray(np.sqrt(np.einsum("kmi,ij,kmj->km", gradient, model.covariance, gradient)))
