"""Quantiles of a survival curve with their standard error and interval."""

from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import TOLERANCE, FloatArray
from app.analysis.conventions import Convention
from app.analysis.influence import SINGLE_CLUSTER
from app.analysis.kaplan_meier import KaplanMeier

#: Half the width of the window over which the density at a quantile is taken, in units of probability.
DENSITY_WINDOW = 0.05


@dataclass(frozen=True, slots=True)
class Quantile:
    """The time by which a share `probability` has had the event; NaN for what does not exist, with the reason."""

    probability: float
    estimate: float
    standard_error: float
    lower: float
    upper: float
    reason: str | None = None


def quantile(curve: KaplanMeier, probability: float, convention: Convention, confidence_level: float) -> Quantile:
    """Return the first time at which S falls to 1 - `probability`, by the convention of a package.

    Where S equals 1 - p along a flat, the estimate is the middle of the flat (r, sas) or its first time (spss,
    stata); a flat that runs to the last follow-up has its middle (r), or no quantile (sas). The limits are the times
    at which the limits of S first fall to 1 - p (r, sas: Brookmeyer & Crowley, stata), or estimate -+ z standard
    errors (spss). The standard error is S(m) sqrt(G(m)) / f, G the variance of log S, f the density between the last
    event time u with S(u) >= 1 - p + 0.05 (0 where there is none) and the first, l, with S(l) <= 1 - p - 0.05.

    Parameters
    ----------
    probability : of having had the event, between 0 and 1

    Source: Brookmeyer & Crowley, Biometrics 1982;38:29; Collett, Modelling Survival Data (2015), 2.4. Checked against
    aml.json, lung.json, veteran.json, ovarian.json and spss31.json.

    Examples
    --------
    >>> from app.analysis.conventions import CONVENTIONS
    >>> from app.analysis.kaplan_meier import kaplan_meier
    >>> from app.analysis.observations import observe
    >>> curve = kaplan_meier(observe([1, 2, 3, 4], [True] * 4))
    >>> [quantile(curve, 0.5, CONVENTIONS[name], 0.95).estimate for name in ("r", "sas", "spss")]
    [2.5, 2.5, 2.0]
    """
    level = 1 - probability
    estimate = _crossing(curve.time, curve.survival, level, convention.quantile_on_flat)
    if np.isnan(estimate):
        beyond = convention.quantile_on_flat == "middle-or-missing" and curve.survival[-1] <= level + TOLERANCE
        reason = f"survival stays {'at' if beyond else 'above'} {level:g}"
        lower = _limits(curve, level, convention)[0] if convention.quantile_interval == "band" else np.nan
        return Quantile(probability, np.nan, np.nan, lower, np.nan, f"not reached: {reason}")
    standard_error, no_error = _standard_error(curve, level, estimate)
    if convention.quantile_interval == "normal":
        width = convention.normal_quantile(confidence_level) * standard_error
        return Quantile(probability, estimate, standard_error, estimate - width, estimate + width, no_error)
    lower, upper = _limits(curve, level, convention)
    reasons = [no_error]
    if np.isnan(lower):
        reasons.append(f"no lower limit: that of survival does not fall to {level:g}")
    if np.isnan(upper):
        reasons.append(f"no upper limit: that of survival stays above {level:g}")
    return Quantile(probability, estimate, standard_error, lower, upper, "; ".join(filter(None, reasons)) or None)


def _limits(curve: KaplanMeier, level: float, convention: Convention) -> tuple[float, float]:
    on_flat = "middle" if convention.quantile_on_flat == "middle" else "first"
    return (
        _crossing(curve.time, curve.lower, level, on_flat),
        _crossing(curve.time, curve.upper, level, on_flat),
    )


def _crossing(time: FloatArray, survival: FloatArray, level: float, on_flat: str) -> float:
    """Return the first time at which a step function is at or below `level`, NaN where there is none."""
    # S(t) is a product of fractions: where it is exactly the level, its float is so only within rounding.
    reached = np.flatnonzero(survival <= level + TOLERANCE)
    if reached.size == 0:
        return np.nan
    first = reached[0]
    if on_flat == "first" or survival[first] < level - TOLERANCE:
        return float(time[first])
    below = np.flatnonzero(survival < level - TOLERANCE)
    if below.size:
        return float((time[first] + time[below[0]]) / 2)
    return np.nan if on_flat == "middle-or-missing" else float((time[first] + time[-1]) / 2)


def _standard_error(curve: KaplanMeier, level: float, estimate: float) -> tuple[float, str | None]:
    """Return the standard error of a quantile by the density rule, or NaN and why there is none."""
    has_events = curve.table.events > 0
    start = curve.observations.start
    time = np.concatenate(([start], curve.time[has_events]))
    survival = np.concatenate(([1.0], curve.survival[has_events]))
    after = np.flatnonzero(survival <= level - DENSITY_WINDOW + TOLERANCE)
    if after.size == 0:
        lowest = level - DENSITY_WINDOW
        if lowest < 0:
            return np.nan, f"no standard error: survival has no density so near to 0 as {level:g}"
        return np.nan, f"no standard error: survival does not fall to {lowest:g}"
    place = curve.at(np.array([estimate]))[0]
    if curve.survival[place] == 0:
        return np.nan, "no standard error: survival is 0 at the estimate"
    if np.isnan(curve.standard_error[place]):
        return np.nan, SINGLE_CLUSTER
    before = max(np.flatnonzero(survival >= level + DENSITY_WINDOW - TOLERANCE), default=0)
    if time[after[0]] == start:
        return np.nan, f"no standard error: survival falls at time {start:g}"
    # Times 1 / density: the density itself overflows where times are as small as numbers can be.
    width, fall = time[after[0]] - time[before], survival[before] - survival[after[0]]
    return float(curve.standard_error[place] * width / fall), None
