"""Rates of events per person-time, and their ratios, with exact Poisson limits."""

from dataclasses import dataclass
from math import inf, isfinite, nan

import numpy as np
from scipy.special import betaincinv, gammainccinv, gammaincinv, gammaln, xlog1py, xlogy

from app.analysis.errors import InvalidParameterError

#: A split counts as no more probable than the observed one up to this relative difference, as in R.
RELATIVE_TOLERANCE = 1e-7

NO_TIME = "the time at risk is 0, or next to nothing"


@dataclass(frozen=True, slots=True)
class Rate:
    """Events per `per` units of person-time, with limits; NaN with the reason without person-time."""

    estimate: float
    lower: float
    upper: float
    per: float
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RateRatio:
    """A rate over another, with limits and the p value of a ratio of 1; infinite or NaN with the reason."""

    rate_ratio: float
    lower: float
    upper: float
    p_value: float
    reason: str | None = None


def poisson_rate(events: int, person_time: float, *, confidence_level: float = 0.95, per: float = 1.0) -> Rate:
    """Return events / person-time with exact limits for a Poisson number of events.

    With x events and alpha = 1 - `confidence_level` the limits of their mean are the alpha / 2 quantiles of
    Gamma(x) from below, 0 at x = 0, and of Gamma(x + 1) from above.

    Parameters
    ----------
    events, person_time : both >= 0
    per : units of person-time that the rate is for

    Raises
    ------
    InvalidParameterError
        If the level is not between 0 and 1.

    Source: Garwood, Biometrika 1936;28:437. Checked against rates.json, rhdnase.json and rats2.json.

    Examples
    --------
    >>> rate = poisson_rate(5, 123.5, per=100)
    >>> round(rate.estimate, 4), round(rate.lower, 4), round(rate.upper, 4)
    (4.0486, 1.3146, 9.448)
    """
    tail = _tail(confidence_level)
    upper = _per_time(float(gammainccinv(events + 1, tail)), person_time, per)
    if not isfinite(upper):
        return Rate(nan, nan, nan, per, NO_TIME)
    lower = float(gammaincinv(events, tail)) if events else 0.0
    return Rate(_per_time(events, person_time, per), _per_time(lower, person_time, per), upper, per)


def rate_ratio(
    events: tuple[int, int], person_time: tuple[float, float], *, confidence_level: float = 0.95
) -> RateRatio:
    """Return the ratio of the first rate to the second, exact given the sum of the events.

    Of n events x are of the first sample: binomial with probability p = r T1 / (r T1 + T2) at a ratio r, T being the
    person-times. The limits of r are those that the Clopper-Pearson limits of p stand for. The p value is the sum of
    the probabilities, at r = 1, of all x that are no more probable than the observed one, up to a relative 1e-7.

    Parameters
    ----------
    events, person_time : of both samples, >= 0

    Returns
    -------
    NaN with the reason without events or person-time; infinite, with a lower limit, where only the second has no events

    Raises
    ------
    InvalidParameterError
        If the level is not between 0 and 1.

    Source: Przyborowski & Wilenski, Biometrika 1940;31:313; Clopper & Pearson, Biometrika 1934;26:404. Checked against
    rates.json, rhdnase.json and rats2.json.

    Examples
    --------
    >>> ratio = rate_ratio((11, 7), (800.0, 3000.0))
    >>> round(ratio.rate_ratio, 4), round(ratio.lower, 4), round(ratio.upper, 4), round(ratio.p_value, 6)
    (5.8929, 2.0861, 17.9281, 0.000258)
    """
    tail = _tail(confidence_level)
    (first, second), share = events, _share(*person_time)
    if not 0 < share < 1:
        return RateRatio(nan, nan, nan, nan, NO_TIME)
    if first + second == 0:
        return RateRatio(nan, nan, nan, nan, "there are no events")
    scale = person_time[1] / person_time[0]
    lower = float(betaincinv(first, second + 1, tail)) if first else 0.0
    above = float(betaincinv(second, first + 1, tail)) if second else 0.0  # 1 - the upper limit of p
    return RateRatio(
        first / second * scale if second else inf,
        lower / (1 - lower) * scale,
        (1 - above) / above * scale if second else inf,
        _p_value(first, first + second, share),
        None if second else "the reference has no events, so that the ratio is infinite",
    )


def _tail(confidence_level: float) -> float:
    if not 0 < confidence_level < 1:
        raise InvalidParameterError("a confidence level lies between 0 and 1")
    return (1 - confidence_level) / 2


def _per_time(count: float, person_time: float, per: float) -> float:
    return count / person_time * per if person_time > 0 else inf


def _share(first: float, second: float) -> float:
    return first / (first + second) if first + second > 0 else nan


def _p_value(observed: int, total: int, share: float) -> float:
    counts = np.arange(total + 1)
    log_ways = gammaln(total + 1) - gammaln(counts + 1) - gammaln(total - counts + 1)
    log_probability = log_ways + xlogy(counts, share) + xlog1py(total - counts, -share)
    as_rare = log_probability <= log_probability[observed] + np.log1p(RELATIVE_TOLERANCE)
    return min(1.0, float(np.exp(log_probability[as_rare]).sum()))
