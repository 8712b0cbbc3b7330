"""Normal quantiles and the five interval types of a probability."""

from typing import Literal, get_args

import numpy as np
from scipy.special import ndtr, ndtri

from app.analysis.arrays import FloatArray
from app.analysis.errors import InvalidParameterError

WaldRatio = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]
#: Why a figure that exists is not told.
OUT_OF_RANGE = "out of the range of numbers"
ConfidenceType = Literal["plain", "log", "log-log", "logit", "arcsin"]


def normal_quantile(confidence_level: float) -> float:
    """Return z with P(|Z| <= z) = `confidence_level` for a standard normal Z.

    Raises
    ------
    InvalidParameterError
        If the level is not between 0 and 1.

    Examples
    --------
    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    if not 0 < confidence_level < 1:
        raise InvalidParameterError("a confidence level lies between 0 and 1")
    return -float(ndtri((1 - confidence_level) / 2))  # of the small tail: 0.5 + level / 2 may round to 1


def wald_ratio(coefficient: FloatArray, standard_error: FloatArray, confidence_level: float) -> WaldRatio:
    """Return z, the p value of a coefficient of 0, exp(coefficient), and its limits; shape [p] each.

    Parameters
    ----------
    coefficient, standard_error : of logarithms, shape [p]; where an error is NaN, all but the exponential are

    Returns
    -------
    z = coefficient / error, two-sided p value, ratio, and exp(coefficient -+ quantile error), infinite where that is
        more than the largest number; an error of 0, as of rows that all say the same, has a z of NaN or infinity

    Examples
    --------
    >>> [round(float(figure[0]), 4) for figure in wald_ratio(np.log([2.0]), np.array([0.25]), 0.95)]
    [2.7726, 0.0056, 2.0, 1.2253, 3.2646]
    """
    width = normal_quantile(confidence_level) * standard_error
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        z = coefficient / standard_error
        ratio, lower, upper = (np.exp(coefficient + shift) for shift in (0, -width, width))
    return z, np.asarray(2 * ndtr(-np.abs(z))), ratio, lower, upper


def probability_interval(
    estimate: FloatArray, standard_error: FloatArray, confidence_level: float, confidence_type: ConfidenceType
) -> tuple[FloatArray, FloatArray]:
    """Return the pointwise limits of probabilities whose standard errors are known.

    With z the normal quantile and s the standard error of p, the limits are g^-1(g(p) -+ z s g'(p)) for g = p (plain),
    log p (log), log(-log p) (log-log), log(p / (1 - p)) (logit) and arcsin sqrt p (arcsin), cut at 0 and 1.

    Parameters
    ----------
    estimate, standard_error : shape [m]; NaN where undefined

    Returns
    -------
    lower, upper : shape [m]; NaN where undefined: everywhere the standard error is NaN, at p = 1 for log-log, logit
        and arcsin, at p = 0 for all but plain. R's `survfit` has NA at the same places.

    Source: Klein & Moeschberger, Survival Analysis (2003), 4.3. Checked against aml.json, lung.json, melanoma.json.

    Examples
    --------
    >>> lower, upper = probability_interval(np.array([0.5, 1.0]), np.array([0.1, 0.0]), 0.95, "log-log")
    >>> lower.round(4), upper.round(4)
    (array([0.2952,    nan]), array([0.6745,    nan]))
    """
    p = estimate
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        width = normal_quantile(confidence_level) * standard_error
        if confidence_type == "plain":
            lower, upper = p - width, p + width
        elif confidence_type == "log":
            factor = np.exp(width / p)
            lower, upper = p / factor, p * factor
        elif confidence_type == "log-log":
            # exp(log p x) and not p^x, which is 1 for p = 1 whatever x: the limits do not exist there.
            log_p = np.log(p)
            shift = -width / (p * log_p)
            lower, upper = np.exp(log_p * np.exp(shift)), np.exp(log_p * np.exp(-shift))
        elif confidence_type == "logit":
            odds, shift = p / (1 - p), width / (p * (1 - p))
            lower, upper = _from_odds(odds * np.exp(-shift)), _from_odds(odds * np.exp(shift))
        elif confidence_type == "arcsin":
            angle, shift = np.arcsin(np.sqrt(p)), width / (2 * np.sqrt(p * (1 - p)))
            lower = np.sin(np.maximum(angle - shift, 0)) ** 2
            upper = np.sin(np.minimum(angle + shift, np.pi / 2)) ** 2
        else:
            raise InvalidParameterError(f"a confidence type is one of {', '.join(get_args(ConfidenceType))}")
    return np.maximum(lower, 0.0), np.minimum(upper, 1.0)


def _from_odds(odds: FloatArray) -> FloatArray:
    # 1 - 1/(1 + odds) keeps its value where the odds overflow.
    return np.asarray(1 - 1 / (1 + odds))
