"""The points of a survival curve that an answer shows: all of them, or as many as a plot needs."""

from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray, IntArray
from app.analysis.kaplan_meier import KaplanMeier


@dataclass(frozen=True, slots=True)
class CurvePoints:
    """Figures at some of the follow-up times of a curve, shape [m].

    `at_risk` is just before each time; `events` and `censored` are those since the point before.
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    censored: FloatArray
    survival: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    cumulative_hazard: FloatArray
    cumulative_hazard_standard_error: FloatArray


def curve_points(curve: KaplanMeier, max_points: int | None = None) -> CurvePoints:
    """Return the points of a curve at its distinct follow-up times, or those that `kept_points` keeps.

    Examples
    --------
    >>> from app.analysis.kaplan_meier import kaplan_meier
    >>> from app.analysis.observations import observe
    >>> points = curve_points(kaplan_meier(observe([1, 2, 2.1, 2.2, 9], [1, 1, 0, 1, 0])), max_points=3)
    >>> points.time, points.events, points.censored, points.survival
    (array([1. , 2.2, 9. ]), array([1., 2., 0.]), array([0., 1., 1.]), array([0.8, 0.3, 0.3]))
    """
    kept = kept_points(curve.time, max_points)
    return CurvePoints(
        curve.time[kept],
        curve.table.at_risk[kept],
        since_last(curve.table.events, kept),
        since_last(curve.table.censored, kept),
        curve.survival[kept],
        curve.standard_error[kept],
        curve.lower[kept],
        curve.upper[kept],
        curve.cumulative_hazard[kept],
        curve.cumulative_hazard_standard_error[kept],
    )


def kept_points(time: FloatArray, max_points: int | None) -> IntArray:
    """Return the places of the points without which a plot would look different.

    A plot that is `max_points` pixels wide from the first to the last time shows of each column of pixels where the
    curve enters and where it leaves it. Kept are the first point, and the last one of each column: all drops are there,
    each moved by less than a pixel.

    Parameters
    ----------
    time : distinct and ascending, shape [m]
    max_points : at least 2; None keeps all
    """
    if max_points is None or time.size <= max_points:
        return np.arange(time.size)
    column = np.ceil((time - time[0]) / (time[-1] - time[0]) * (max_points - 1))
    return np.flatnonzero(np.diff(column, append=np.inf))


def since_last(counts: FloatArray, kept: IntArray) -> FloatArray:
    """Return the sums of the counts after each kept point up to and including the next."""
    if kept.size == counts.size:
        return counts
    return np.asarray(np.add.reduceat(counts, np.concatenate(([0], kept[:-1] + 1))))
