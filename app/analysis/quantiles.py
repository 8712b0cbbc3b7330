"""Quantiles of a survival curve with their standard error and interval."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import NamedTuple

import numpy as np

from app.analysis.arrays import TOLERANCE, FloatArray, IntArray
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


class _Place(NamedTuple):
    """Where a curve reaches a level: the place there, -1 where it never does, the estimate and its limits.

    `survival` and its `error` are at that place; the density is `fall` by `width`, up to `end`.
    """

    probability: float
    start: float
    reached: int
    estimate: float
    lower: float
    upper: float
    survival: float
    error: float
    end: float
    width: float
    fall: float


def quantile(curve: KaplanMeier, probability: float, convention: Convention, confidence_level: float) -> Quantile:
    """Return a quantile of a single curve, as `quantiles` has it."""
    return next(quantiles(curve, [probability], convention, confidence_level)[0])


def quantiles(
    curves: KaplanMeier, probabilities: Sequence[float], convention: Convention, confidence_level: float
) -> list[Iterator[Quantile]]:
    """Return for each curve the first times at which S falls to 1 - `probability`, by the convention of a package.

    They are made as they are asked for.

    Where S equals 1 - p along a flat, the estimate is the middle of the flat (r, sas) or its first time (spss,
    stata); a flat that runs to the last follow-up has its middle (r), or no quantile (sas). The limits are the times
    at which the limits of S first fall to 1 - p (r, sas: Brookmeyer & Crowley, stata), or estimate -+ z standard
    errors (spss). The standard error is S(m) sqrt(G(m)) / f, G the variance of log S, f the density between the last
    event time u with S(u) >= 1 - p + 0.05 (0 where there is none) and the first, l, with S(l) <= 1 - p - 0.05.

    Parameters
    ----------
    probabilities : of having had the event, between 0 and 1

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
    levels = 1 - np.asarray(probabilities, dtype=np.float64)
    bands = np.array([curves.survival, curves.lower, curves.upper])[:, None]
    # S(t) is a product of fractions: where it is exactly the level, its float is so only within rounding.
    reached = curves.segments.first(bands <= (levels + TOLERANCE)[:, None])
    passed = curves.segments.first(bands < (levels - TOLERANCE)[:, None])
    on_flat = convention.quantile_on_flat
    estimate = _crossing(curves, reached[0], passed[0], on_flat)
    limits = _crossing(curves, reached[1:], passed[1:], "middle" if on_flat == "middle" else "first")
    found = (reached[0], estimate, *limits, *_densities(curves, levels, reached[0]))

    def of_sample(start: float, *figures: list[float]) -> Iterator[Quantile]:
        for probability, *place in zip(probabilities, *figures, strict=True):
            yield _quantile(_Place(probability, start, *place), convention, confidence_level)

    starts = [sample.start for sample in curves.samples]
    return [of_sample(*of_curve) for of_curve in zip(starts, *(figures.T.tolist() for figures in found), strict=True)]


def _crossing(curves: KaplanMeier, reached: IntArray, passed: IntArray, on_flat: str) -> FloatArray:
    """Return the first times at which step functions are at or below a level, NaN where there is none; shape [.., s].

    `reached` and `passed` are the places where they first are at it or below, and below; -1 where they never are.
    """
    first = np.where(reached < 0, np.nan, curves.time[reached])
    if on_flat == "first":
        return first
    end = np.nan if on_flat == "middle-or-missing" else curves.time[curves.segments.lasts]
    return np.where(reached == passed, first, (first + np.where(passed < 0, end, curves.time[passed])) / 2)


def _densities(curves: KaplanMeier, levels: FloatArray, reached: IntArray) -> tuple[FloatArray, ...]:
    """Return what standard errors are made of, shape [p, s] each: S and its error where it reaches the levels.

    And the end of the window of the density, NaN where S does not fall so far, its width, and the fall of S in it.
    """
    time, survival, segments = curves.time, curves.survival, curves.segments
    after = segments.first(survival <= (levels - DENSITY_WINDOW + TOLERANCE)[:, None])
    fallen = segments.first(survival < (levels + DENSITY_WINDOW - TOLERANCE)[:, None])
    last_event = np.maximum.accumulate(np.where(curves.table.events > 0, np.arange(time.size), -1))
    before = last_event[np.maximum(fallen - 1, 0)]
    inside = (fallen > segments.starts) & (before >= segments.starts)
    start = np.array([sample.start for sample in curves.samples])
    end = np.where(after < 0, np.nan, time[after])
    width = end - np.where(inside, time[before], start)
    fall = np.where(inside, survival[before], 1.0) - survival[after]
    return survival[reached], curves.standard_error[reached], end, width, fall


def _quantile(place: _Place, convention: Convention, confidence_level: float) -> Quantile:
    probability, estimate, lower, upper = place.probability, place.estimate, place.lower, place.upper
    level = 1 - probability
    if isnan(estimate):
        reason = f"not reached: survival stays {'above' if place.reached < 0 else 'at'} {level:g}"
        lower = lower if convention.quantile_interval == "band" else nan
        return Quantile(probability, nan, nan, lower, nan, reason)
    standard_error, no_error = _standard_error(place)
    if convention.quantile_interval == "normal":
        width = convention.normal_quantile(confidence_level) * standard_error
        return Quantile(probability, estimate, standard_error, estimate - width, estimate + width, no_error)
    reasons = [no_error] if no_error else []
    if isnan(lower):
        reasons.append(f"no lower limit: that of survival does not fall to {level:g}")
    if isnan(upper):
        reasons.append(f"no upper limit: that of survival stays above {level:g}")
    return Quantile(probability, estimate, standard_error, lower, upper, "; ".join(reasons) or None)


def _standard_error(place: _Place) -> tuple[float, str | None]:
    """Return the standard error of a quantile by the density rule, or NaN and why there is none."""
    level = 1 - place.probability
    if isnan(place.end):
        lowest = level - DENSITY_WINDOW
        if lowest < 0:
            return nan, f"no standard error: survival has no density so near to 0 as {level:g}"
        return nan, f"no standard error: survival does not fall to {lowest:g}"
    if place.survival == 0:
        return nan, "no standard error: survival is 0 at the estimate"
    if isnan(place.error):
        return nan, SINGLE_CLUSTER
    if place.end == place.start:
        return nan, f"no standard error: survival falls at time {place.start:g}"
    # Times 1 / density: the density itself overflows where times are as small as numbers can be.
    return place.error * place.width / place.fall, None
