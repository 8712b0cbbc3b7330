"""The distributions of the error W in log T = x b + scale W that parametric models choose from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import (
    expit,
    gammainc,
    gammaincc,
    gammainccinv,
    gammaincinv,
    gammaln,
    log_ndtr,
    logit,
    ndtri,
)

from app.analysis.arrays import FloatArray
from app.analysis.errors import InvalidParameterError

Distribution = Literal["exponential", "weibull", "log-normal", "log-logistic", "generalized-gamma"]

HALF_LOG_2_PI = float(0.5 * np.log(2 * np.pi))
#: A generalized gamma whose shape is nearer to 0 than this is log-normal to all digits that the gamma functions have.
LEAST_SHAPE = 1e-6
#: Below this u is next to 0: P(a, u) is u^a / Gamma(a + 1) to all digits.
TINY = 1e-290


@dataclass(frozen=True, slots=True)
class Family:
    """The distribution of an error W; all functions are of arrays.

    Attributes
    ----------
    log_density, slope, curvature : log f(w) and its first two derivatives
    log_survival : log P(W > w)
    quantile : w with P(W <= w) = p
    """

    log_density: Callable[[FloatArray], FloatArray]
    slope: Callable[[FloatArray], FloatArray]
    curvature: Callable[[FloatArray], FloatArray]
    log_survival: Callable[[FloatArray], FloatArray]
    quantile: Callable[[FloatArray], FloatArray]


def family(distribution: Distribution, shape: float = 0.0) -> Family:
    """Return the distribution of the error; `shape` is that of the generalized gamma alone.

    Exponential and Weibull times have the extreme value error of the least, f = exp(w - e^w); log-normal times have a
    normal one, log-logistic times a logistic one. The generalized gamma of shape k has with a = 1 / k^2
    f = |k| a^a exp(a (k w - e^(k w))) / Gamma(a): k = 1 is the Weibull, k -> 0 the log-normal distribution.

    Raises
    ------
    InvalidParameterError
        If there is no distribution of that name.

    Source: Prentice, Biometrika 1974;61:539; Kalbfleisch & Prentice, The Statistical Analysis of Failure Time Data
    (2002), 2.2.

    Examples
    --------
    >>> w = np.array([-1.0, 0.5])
    >>> family("weibull").log_survival(w).round(4), family("generalized-gamma", 1.0).log_survival(w).round(4)
    (array([-0.3679, -1.6487]), array([-0.3679, -1.6487]))
    """
    if distribution == "generalized-gamma" and abs(shape) >= LEAST_SHAPE:
        return _log_gamma(shape)
    if distribution not in _FAMILIES:
        raise InvalidParameterError(f"a distribution is one of {', '.join(_FAMILIES)}")
    return _FAMILIES[distribution]


def _log_gamma(shape: float) -> Family:
    a = (1 / shape) ** 2
    # With a negative shape e^(k w) falls where w rises.
    quantile = gammaincinv if shape > 0 else gammainccinv

    def log_density(w: FloatArray) -> FloatArray:
        return np.asarray(a * (shape * w - np.expm1(shape * w)) - HALF_LOG_2_PI - _stirling_remainder(a))

    def log_survival(w: FloatArray) -> FloatArray:
        """From P(a, u) below the bulk of the gamma distribution and from Q above, which SciPy has fast there."""
        u = a * np.exp(shape * w)
        low = u < max(a, 1.0)
        near_0 = a * (np.log(a) + shape * w[low]) - gammaln(a + 1)
        log_p = np.where(u[low] < TINY, near_0, np.log(gammainc(a, u[low])))
        q = gammaincc(a, u[~low])
        found: FloatArray = np.empty_like(u)
        found[low] = log_p if shape < 0 else np.log(-np.expm1(log_p))
        found[~low] = np.log1p(-q) if shape < 0 else np.log(q)
        return found

    return Family(
        log_density,
        lambda w: -np.expm1(shape * w) / shape,
        lambda w: -np.exp(shape * w),
        log_survival,
        lambda p: np.log(quantile(a, p) / a) / shape,
    )


def _stirling_remainder(a: float) -> float:
    """Return log Gamma(a) - (a - 1/2) log a + a - log sqrt(2 pi), without cancellation where a is large."""
    if a < 10:
        return float(gammaln(a) - (a - 0.5) * np.log(a)) + a - HALF_LOG_2_PI
    inverse = 1 / a**2
    return (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))) / a


_EXTREME_VALUE = Family(
    lambda w: w - np.exp(w),
    lambda w: 1 - np.exp(w),
    lambda w: -np.exp(w),
    lambda w: -np.exp(w),
    lambda p: np.log(-np.log1p(-p)),
)
_NORMAL = Family(
    lambda w: -0.5 * w**2 - HALF_LOG_2_PI,
    lambda w: -w,
    lambda w: -np.ones_like(w),
    lambda w: log_ndtr(-w),
    ndtri,
)
_LOGISTIC = Family(
    lambda w: w - 2 * np.logaddexp(0, w),
    lambda w: 1 - 2 * expit(w),
    lambda w: -2 * expit(w) * expit(-w),
    lambda w: -np.logaddexp(0, w),
    logit,
)
_FAMILIES: dict[str, Family] = {
    "exponential": _EXTREME_VALUE,
    "weibull": _EXTREME_VALUE,
    "log-normal": _NORMAL,
    "log-logistic": _LOGISTIC,
    "generalized-gamma": _NORMAL,  # with shape 0
}
