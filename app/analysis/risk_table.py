"""Who is at risk, and what happens, at each distinct time: the kernel that every estimator shares."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from app.analysis.arrays import FloatArray, IntArray, sum_by
from app.analysis.observations import Observations
from app.analysis.segments import Segments


@dataclass(frozen=True, slots=True)
class RiskTable:
    """Counts at the distinct follow-up times of a sample; sums of weights where rows are weighted.

    Attributes
    ----------
    time : distinct follow-up times (events and censorings), ascending, shape [m]
    at_risk : subjects with entry < t <= time, so just before t, shape [m]
    events : events of any cause at t, shape [m]
    censored : censorings at t, shape [m]
    position : for each row of the sample its place in `time`, shape [n]
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    censored: FloatArray
    position: IntArray


def risk_table(observations: Observations) -> RiskTable:
    """Count the subjects at risk, the events and the censorings at each distinct follow-up time.

    n(t) = sum of weights of the rows with entry < t <= time. Events come before censorings at the same time:
    both are still at risk at t.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> table = risk_table(observe([1, 2, 2, 3], [True, True, False, False]))
    >>> table.at_risk, table.events, table.censored
    (array([4., 3., 1.]), array([1., 1., 0.]), array([0., 1., 1.]))
    """
    return risk_tables([observations])[0]


def risk_tables(samples: Sequence[Observations]) -> tuple[RiskTable, Segments]:
    """Return the counts of several samples, one after another, and where those of each are.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> table, segments = risk_tables([observe([1, 2], [True, False]), observe([2, 2, 5], [True, False, True])])
    >>> table.time, table.at_risk, segments.bounds
    (array([1., 2., 2., 5.]), array([2., 1., 3., 1.]), (0, 2, 4))
    """
    rows = Segments.of([sample.size for sample in samples])
    time, weights, event = (
        np.concatenate([getattr(sample, name) for sample in samples]) for name in ("time", "weights", "event")
    )
    is_new = np.ones(time.size, dtype=np.bool_)
    np.not_equal(time[1:], time[:-1], out=is_new[1:])
    is_new[rows.starts] = True
    position = np.cumsum(is_new) - 1
    segments = Segments((*position[rows.starts].tolist(), int(position[-1]) + 1))
    distinct = time[is_new]
    leaving = sum_by(position, weights)
    events = sum_by(position, weights * event)
    at_risk = segments.remaining(leaving)
    for sample, (start, stop) in zip(samples, pairwise(segments.bounds), strict=True):
        if sample.entry is not None:
            at_risk[start:stop] = leaving[start:stop] + _staying(sample, distinct[start:stop])
    return RiskTable(distinct, at_risk, events, leaving - events, position), segments


def table_of(samples: Sequence[Observations], place: int, table: RiskTable, segments: Segments) -> RiskTable:
    """Return the counts of one of several samples, from those one after another."""
    start, stop = segments.bounds[place : place + 2]
    first = sum(sample.size for sample in samples[:place])
    position = table.position[first : first + samples[place].size] - start
    return RiskTable(
        table.time[start:stop],
        table.at_risk[start:stop],
        table.events[start:stop],
        table.censored[start:stop],
        position,
    )


def _staying(observations: Observations, times: FloatArray) -> FloatArray:
    """Return the weight of the rows at risk at each follow-up time whose follow-up goes on after it."""

    def staying(weights: FloatArray) -> FloatArray:
        later = np.append(np.cumsum(weights[::-1])[::-1], 0.0)[np.searchsorted(observations.time, times, side="right")]
        return np.asarray(later - _waiting(observations, times, weights))

    return none_or_more(staying, observations.weights)


def count_at_risk(observations: Observations, times: FloatArray) -> FloatArray:
    """Return the subjects at risk just before each of `times`, of which none need be a follow-up time."""

    def at_risk(weights: FloatArray) -> FloatArray:
        remaining = np.append(np.cumsum(weights[::-1])[::-1], 0.0)
        still_there = remaining[np.searchsorted(observations.time, times, side="left")]
        return np.asarray(still_there - _waiting(observations, times, weights))

    return none_or_more(at_risk, observations.weights)


def _waiting(observations: Observations, times: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the weight of the rows whose follow-up has not begun just before each of `times`."""
    if observations.entry is None:
        return np.zeros(times.size)
    order = np.argsort(observations.entry, kind="stable")
    waiting = np.append(np.cumsum(weights[order][::-1])[::-1], 0.0)
    return np.asarray(waiting[np.searchsorted(observations.entry[order], times, side="left")])


def none_or_more(count: Callable[[FloatArray], FloatArray], weights: FloatArray) -> FloatArray:
    """Return what a difference of two sums of weights counts, 0 where it counts no row.

    There the sums of fractional weights differ by rounding; those of whole numbers never do.
    """
    counted = count(weights)
    if (weights == np.floor(weights)).all():
        return counted
    return np.where(count(np.ones_like(weights)) == 0, 0.0, counted)


def per_survivor(at_risk: FloatArray, events: FloatArray) -> FloatArray:
    """Return 1 / (n_i - d_i) at each time, 0 where nobody survives it; shape [m]."""
    left = at_risk - events
    return np.divide(1.0, left, out=np.zeros_like(left), where=left > 0)


def greenwood_terms(at_risk: FloatArray, events: FloatArray) -> FloatArray:
    """Return d_i / [n_i (n_i - d_i)] at each time, 0 where nobody survives it; shape [m].

    Examples
    --------
    >>> greenwood_terms(np.array([2.0, 1.0]), np.array([1.0, 1.0]))
    array([0.5, 0. ])
    """
    return events / at_risk * per_survivor(at_risk, events)
