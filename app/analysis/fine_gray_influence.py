"""What estimating the weights of a Fine-Gray model adds to the influence of each subject."""

from dataclasses import replace

import numpy as np

from app.analysis.arrays import FloatArray, IntArray, sum_by
from app.analysis.fine_gray_risk_sets import FineGrayRiskSets, ends_of_strata
from app.analysis.observations import Observations
from app.analysis.risk_sets import sums_at
from app.analysis.risk_table import count_at_risk, none_or_more
from app.analysis.spans import spans


def influence_of_weights(
    observations: Observations, sets: FineGrayRiskSets, share: FloatArray, slope: FloatArray
) -> FloatArray:
    """Return what one subject of each row adds, by its part in A, to sums over the weights A(t) / A(T); shape [q, n].

    The sums are of share_i slope(t) A(t) / A(T_i) over rows i with a competing event at T_i and steps t > T_i in their
    stratum. With Q(u) the part of T_i <= u < t, n' at risk at u without an event, and n+ after censorings and entries,
    a subject adds the sum over u of

        Q min(n+ / n', n' / n+) (1[one of the n+] / n+ - 1[one of the n'] / n').

    Where none enters this is -Q / n' dM of the censoring martingale M, where none is censored Q / n+ dM of that of
    entries, backwards in time. A follow-up that is cut into rows is neither censored nor does it enter there.

    Parameters
    ----------
    share, slope : shapes [q, n] and [q, s]

    Source: Fine & Gray, JASA 1999;94:496, section 4 (psi); Zhang, Zhang & Fine, Stat Med 2011;30:1933 (entry).

    Examples
    --------
    The one censored at 2 lowers the weight 2/3 of the next event, the two who stay raise it.

    >>> from app.analysis.fine_gray_risk_sets import fine_gray_risk_sets
    >>> from app.analysis.observations import observe
    >>> sample = observe([1, 2, 3, 4], [2, 0, 1, 0])
    >>> influence_of_weights(sample, fine_gray_risk_sets(sample, "breslow"), np.ones((1, 4)), np.ones((1, 1))).round(4)
    array([[ 0.    , -0.1481,  0.0741,  0.0741]])
    """
    moments = observations.time
    if observations.entry is not None:
        moments = np.concatenate((moments, observations.entry))
    moments = np.unique(moments)
    leaves = np.searchsorted(moments, observations.time)
    carried = _before(observations, sets, moments, share) * _after(observations, sets, moments, slope)
    staying, after = _at_risk(observations, moments, leaves)
    positive = (staying > 0) & (after > 0)
    per_staying, per_after = (
        np.divide(1.0, number, out=np.zeros_like(number), where=positive) for number in (staying, after)
    )
    carried *= np.minimum(after * per_staying, staying * per_after)
    drift = np.cumsum(carried * (per_after - per_staying), axis=1)
    drift = np.concatenate((np.zeros((drift.shape[0], 1)), drift), axis=1)
    censored = np.where(observations.cause == 0, per_staying[leaves], 0.0)
    influence: FloatArray = drift[:, leaves] - carried[:, leaves] * censored
    if observations.entry is not None:
        enters = np.searchsorted(moments, observations.entry)
        influence += (carried * per_after)[:, enters] - drift[:, enters + 1]
    return influence


def _at_risk(observations: Observations, moments: FloatArray, leaves: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return n' and n+: who is at risk at each moment and has no event, and who is once all have left and entered."""

    def staying(counts: FloatArray) -> FloatArray:
        events = sum_by(leaves, counts * observations.event, moments.size)
        return count_at_risk(replace(observations, weight=counts), moments) - events

    def after(counts: FloatArray) -> FloatArray:
        left = staying(counts) - sum_by(leaves, counts * (observations.cause == 0), moments.size)
        if observations.entry is None:
            return left
        return left + sum_by(np.searchsorted(moments, observations.entry), counts, moments.size)

    return none_or_more(staying, observations.weights), none_or_more(after, observations.weights)


def _before(observations: Observations, sets: FineGrayRiskSets, moments: FloatArray, share: FloatArray) -> FloatArray:
    """Return at each moment u the sum of share / A(T) over the rows with a competing event at T <= u, shape [q, k]."""
    start = np.searchsorted(moments, observations.time)
    stop = np.searchsorted(moments, ends_of_strata(observations, observations.time), side="right")
    stayed = spans(start, np.where(observations.cause > 1, stop, start), moments.size)
    return stayed.over_rows(share / sets.followed_then)


def _after(observations: Observations, sets: FineGrayRiskSets, moments: FloatArray, slope: FloatArray) -> FloatArray:
    """Return at each moment u the sum of slope(t) A(t) over the steps t > u, shape [q, k]."""
    times = np.unique(observations.time[sets.event_rows])
    start, stop = (
        np.searchsorted(times, until, side="right") for until in (moments, ends_of_strata(observations, moments))
    )
    return spans(start, stop, times.size).over_places(sets.followed * sums_at(sets.step_time, slope))
