"""What groups have at each event time: the counts that tests and hazard ratios of groups are made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import BoolArray, FloatArray, IntArray, sum_by
from app.analysis.observations import Observations
from app.analysis.risk_table import none_or_more


@dataclass(frozen=True, slots=True)
class EventTimes:
    """What k groups have at each of m event times, one stratum after another.

    Attributes
    ----------
    time, stratum : shape [m]
    events : events of each group, shape [k, m]
    at_risk : subjects of each group, of the stratum, with entry < t <= time, shape [k, m]
    rows : the events, each counted once whatever its sampling weight, shape [k, m]
    sampling : whether the other counts are sums of sampling weights
    """

    time: FloatArray
    stratum: IntArray
    events: FloatArray
    at_risk: FloatArray
    rows: FloatArray
    sampling: bool

    @property
    def all_events(self) -> FloatArray:
        """Return the events of all groups, shape [m]."""
        return np.asarray(self.events.sum(axis=0))

    @property
    def all_at_risk(self) -> FloatArray:
        """Return the subjects of the stratum at risk, shape [m]."""
        return np.asarray(self.at_risk.sum(axis=0))

    @property
    def share(self) -> FloatArray:
        """Return the share of each group in those at risk, shape [k, m]."""
        return np.asarray(self.at_risk / self.all_at_risk)

    def of(self, groups: Sequence[int]) -> "EventTimes":
        """Return what some of the groups have at the event times of theirs."""
        if len(groups) == len(self.events):
            return self
        happens = self.events[groups].any(axis=0)
        columns = (self.events, self.at_risk, self.rows)
        events, at_risk, rows = (counts[groups].compress(happens, axis=1) for counts in columns)
        return EventTimes(self.time[happens], self.stratum[happens], events, at_risk, rows, self.sampling)


def event_times(observations: Observations, groups: int) -> EventTimes:
    """Count the events and those at risk of each group at each event time of each stratum.

    Parameters
    ----------
    groups : number of groups k; `observations.group` holds codes below it

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> times = event_times(observe([1, 2, 2], [True, False, True], group=[0, 0, 1]), 2)
    >>> times.events.tolist(), times.at_risk.tolist()
    ([[1.0, 0.0], [0.0, 1.0]], [[2.0, 1.0], [1.0, 1.0]])
    """
    rows, stratum = observations, np.zeros(observations.size, dtype=np.int64)
    if observations.stratum is not None:
        rows = observations.select(np.argsort(observations.stratum, kind="stable"))
        stratum = np.asarray(rows.stratum)
    event_rows = np.flatnonzero(rows.event)
    is_new = _differs(rows.time[event_rows], stratum[event_rows])
    place, first = np.cumsum(is_new) - 1, event_rows[is_new]
    size, weights, group = first.size, rows.weights, rows.groups
    # Events come before censorings: a row is at risk at the event times that begin with it or before.
    leaves = np.cumsum(np.bincount(first, minlength=rows.size))
    enters = None if rows.entry is None else _places_until(rows.entry, stratum, rows.time[first], stratum[first])
    if rows.stratum is not None:
        enters = np.searchsorted(stratum[first], stratum) if enters is None else enters

    def at_risk(weights: FloatArray) -> FloatArray:
        staying = _later(group, leaves, weights, groups, size)
        return staying if enters is None else staying - _later(group, enters, weights, groups, size)

    def events(weights: FloatArray) -> FloatArray:
        return sum_by(group[event_rows] * size + place, weights[event_rows], groups * size).reshape(groups, size)

    counted, sampling = events(weights), observations.sampling
    return EventTimes(
        rows.time[first],
        stratum[first],
        counted,
        none_or_more(at_risk, weights),
        events(np.ones_like(weights)) if sampling else counted,
        sampling,
    )


def _differs(time: FloatArray, stratum: IntArray) -> BoolArray:
    """Return where an event is not at the time and of the stratum of the one before."""
    differs = np.ones(time.size, dtype=np.bool_)
    differs[1:] = (time[1:] != time[:-1]) | (stratum[1:] != stratum[:-1])
    return differs


def _places_until(entry: FloatArray, stratum: IntArray, time: FloatArray, stratum_of_time: IntArray) -> IntArray:
    """Return for each row how many event times there are in the strata before its own, and in that until its entry."""
    moments = np.unique(time)
    known = stratum_of_time * moments.size + np.searchsorted(moments, time)
    entered = stratum * moments.size + np.searchsorted(moments, entry, side="right")
    return np.searchsorted(known, entered)


def _later(group: IntArray, places: IntArray, weights: FloatArray, groups: int, size: int) -> FloatArray:
    """Return the weight of the rows of each group whose place is after each of `size` places, shape [k, m]."""
    counts = sum_by(group * (size + 1) + places, weights, groups * (size + 1)).reshape(groups, size + 1)
    return np.asarray(counts[:, :0:-1].cumsum(axis=1)[:, ::-1])


def covariance_of_shares(share: FloatArray, weight: FloatArray) -> FloatArray:
    """Return the weighted sum of the covariances of one draw from groups with shares [k, s]; shape [k, k].

    Examples
    --------
    >>> covariance_of_shares(np.array([[0.5, 1.0], [0.5, 0.0]]), np.array([2.0, 9.0]))
    array([[ 0.5, -0.5],
           [-0.5,  0.5]])
    """
    covariance = -(share * weight) @ share.T
    # The variance is what the other groups leave to it: 1 - p would lose the digits of a share p close to 1.
    diagonal = np.arange(len(share))
    covariance[diagonal, diagonal] = 0.0
    covariance[diagonal, diagonal] = -covariance.sum(axis=1)
    return covariance
