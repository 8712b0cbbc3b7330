"""Who is at risk, and what happens, at each distinct time: the kernel that every estimator shares."""

from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray, IntArray, sum_by
from app.analysis.observations import Observations


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
    time, weights = observations.time, observations.weights
    is_new = np.concatenate(([True], time[1:] != time[:-1]))
    position = np.cumsum(is_new) - 1
    distinct = time[is_new]
    leaving = sum_by(position, weights)
    events = sum_by(position, weights * observations.event)
    later = np.cumsum(leaving[::-1])[::-1] - leaving
    staying = without_rounding(later - _waiting(observations, distinct), observations)
    return RiskTable(distinct, leaving + staying, events, leaving - events, position)


def count_at_risk(observations: Observations, times: FloatArray) -> FloatArray:
    """Return the subjects at risk just before each of `times`, of which none need be a follow-up time."""
    remaining = np.concatenate((np.cumsum(observations.weights[::-1])[::-1], [0.0]))
    at_risk = remaining[np.searchsorted(observations.time, times, side="left")]
    return without_rounding(at_risk - _waiting(observations, times), observations)


def _waiting(observations: Observations, times: FloatArray) -> FloatArray:
    """Return the weight of the rows whose follow-up has not begun just before each of `times`."""
    if observations.entry is None:
        return np.zeros(times.size)
    order = np.argsort(observations.entry, kind="stable")
    waiting = np.concatenate((np.cumsum(observations.weights[order][::-1])[::-1], [0.0]))
    return np.asarray(waiting[np.searchsorted(observations.entry[order], times, side="left")])


def without_rounding(at_risk: FloatArray, observations: Observations) -> FloatArray:
    """Return numbers at risk that are differences of sums, 0 where only rounding is left."""
    # The difference of two sums of fractional weights is not exactly 0 where nobody is left.
    return np.where(at_risk < 1e-12 * np.sum(observations.weights), 0.0, at_risk)


def per_survivor(table: RiskTable) -> FloatArray:
    """Return 1 / (n_i - d_i) at each time, 0 where nobody survives it; shape [m]."""
    left = table.at_risk - table.events
    return np.divide(1.0, left, out=np.zeros_like(left), where=left > 0)


def greenwood_terms(table: RiskTable) -> FloatArray:
    """Return d_i / [n_i (n_i - d_i)] at each time, 0 where nobody survives it; shape [m].

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> greenwood_terms(risk_table(observe([1, 2], [True, True])))
    array([0.5, 0. ])
    """
    return table.events / table.at_risk * per_survivor(table)
