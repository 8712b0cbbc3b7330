"""Checked, sorted arrays: the place of the entry rule and of the tie rule."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from app.analysis.arrays import TOLERANCE, BoolArray, FloatArray, IntArray, tie_width
from app.analysis.errors import InvalidObservationsError
from app.analysis.sorting import Columns, clusters_by_content, counted, in_order, tallied

COLUMNS = ("time", "cause", "entry", "weight", "group", "stratum", "cluster")
"""Of `Observations`, in the order of its fields."""


@dataclass(frozen=True, slots=True)
class Observations:
    """Rows of a sample, sorted by time, at equal times events before censorings.

    A row is at risk at t when entry < t <= time. Made by `observe`, which checks what is assumed here.

    Attributes
    ----------
    time : end of follow-up, shape [n]; near-ties are merged already
    cause : what ended it, shape [n]: 0 = censored, 1 = the event of interest, 2.. = competing events
    entry : start of follow-up, shape [n], or None where all rows start at the origin
    weight : subjects that a row stands for, or its sampling weight; shape [n], or None where each row is one subject
    group, stratum, cluster : codes 0, 1, .. of compared groups, strata and patients, shape [n], or None
    sampling : whether the weights are sampling weights: a row is one subject then, and clusters are always there
    start : all rows are known to be event-free before this time; 0 unless `since` has moved it
    """

    time: FloatArray
    cause: IntArray
    entry: FloatArray | None = None
    weight: FloatArray | None = None
    group: IntArray | None = None
    stratum: IntArray | None = None
    cluster: IntArray | None = None
    sampling: bool = False
    start: float = 0.0

    @property
    def size(self) -> int:
        """Return the number of rows."""
        return int(self.time.size)

    @property
    def subjects(self) -> int:
        """Return how many subjects the rows stand for."""
        return self.size if self.sampling else round(float(np.sum(self.weights)))

    @property
    def persons(self) -> int:
        """Return how many clusters there are, or without clusters subjects."""
        return self.subjects if self.cluster is None else int(np.unique(self.cluster).size)

    @property
    def event(self) -> BoolArray:
        """Return where a row ended with an event, of whichever cause; shape [n]."""
        return np.asarray(self.cause > 0)

    @property
    def weights(self) -> FloatArray:
        """Return the weight of each row, 1 where none was given; shape [n]."""
        return np.ones(self.size) if self.weight is None else self.weight

    @property
    def groups(self) -> IntArray:
        """Return the group code of each row, 0 where the sample has no groups; shape [n]."""
        return np.zeros(self.size, dtype=np.int64) if self.group is None else self.group

    def select(self, rows: BoolArray | IntArray | slice) -> "Observations":
        """Return the rows that a mask, a slice, or places in ascending order, name; the sorting is kept."""

        def of(column: Any) -> Any:
            return column if column is None else column[rows]

        return Observations(
            self.time[rows],
            self.cause[rows],
            of(self.entry),
            of(self.weight),
            of(self.group),
            of(self.stratum),
            of(self.cluster),
            self.sampling,
            self.start,
        )

    def split(self, groups: int) -> list["Observations"]:
        """Return one sample for each of the group codes 0 .. groups - 1."""
        codes = self.groups.astype(np.min_scalar_type(groups))  # whose stable sort is linear
        order = np.argsort(codes, kind="stable")
        bounds = np.searchsorted(codes, np.arange(groups + 1, dtype=codes.dtype), sorter=order).tolist()
        ordered = self.select(order)
        return [ordered.select(slice(start, stop)) for start, stop in pairwise(bounds)]

    def since(self, start: float) -> "Observations":
        """Return the rows whose follow-up lasted until `start` or longer, seen from there on.

        Estimates from them are those for subjects who are event-free just before `start`.
        """
        tied = float(self.tied(np.array([start]))[0])
        followed = self.select(self.time >= tied)
        # A time that ties with the start is the start, which is the caller's and tells nothing of a subject.
        return replace(followed, time=np.where(followed.time == tied, start, followed.time), start=float(start))

    def tied(self, times: FloatArray) -> FloatArray:
        """Return `times`, but for those that tie with a time or an entry of the sample that one itself."""
        return tied_to(self.time if self.entry is None else np.sort(np.concatenate((self.time, self.entry))), times)

    def only_cause(self, cause: int) -> "Observations":
        """Return the sample with the events of every other cause taken as censorings."""
        return self._with_cause(self.cause == cause)

    def flipped(self) -> "Observations":
        """Return the sample with event and censoring exchanged, as the reverse Kaplan-Meier wants it."""
        return self._with_cause(self.cause == 0)

    def _with_cause(self, cause: BoolArray) -> "Observations":
        changed = replace(self, cause=cause.astype(np.int64))
        # Only rows at the same time can be in a wrong order.
        return _sorted(changed) if (self.time[1:] == self.time[:-1]).any() else changed


def observe(
    time: ArrayLike,
    cause: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    group: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    sampling: bool = False,
) -> Observations:
    """Return the sample that the arrays describe, checked and sorted, with near-ties merged.

    Times closer than 1.49e-8 (the square root of the machine epsilon), absolutely or relative to their mean,
    are one time: 0.1 + 0.2 and 0.3 tie, as in R's `survfit(timefix = TRUE)`. Rows that say the same become one with
    their weights added up, so that a sample and its table of counts are the same to the last bit; rows with sampling
    weights stay apart, each a cluster of its own unless clusters are given.

    Parameters
    ----------
    time : end of follow-up, finite and >= 0, shape [n]
    cause : 0 = censored, 1.. = kind of event; booleans will do for a single kind; shape [n]
    entry : start of follow-up, 0 <= entry < time, shape [n]
    weight : > 0, shape [n]: the subjects that a row stands for, or with `sampling` its sampling weight
    group, stratum, cluster : codes 0, 1, .., shape [n]; clusters are coded anew, by what their rows are

    Raises
    ------
    InvalidObservationsError
        If the arrays are empty or differ in length, or a value is outside its range.

    Examples
    --------
    >>> observations = observe([2.0, 0.3, 0.1 + 0.2], [True, True, True])
    >>> observations.time, observations.weight
    (array([0.3, 2. ]), array([2., 1.]))
    """
    observations = Observations(
        np.asarray(time, dtype=np.float64) + 0.0,  # + 0.0 makes -0.0 a zero like any other
        np.asarray(cause).astype(np.int64),
        None if entry is None else np.asarray(entry, dtype=np.float64) + 0.0,
        None if weight is None else np.asarray(weight, dtype=np.float64),
        _codes(group),
        _codes(stratum),
        _codes(cluster),
        sampling,
    )
    _check(observations)
    packed = None if sampling else tallied(_columns(observations))
    if packed is not None:
        return replace(observations, **packed)
    distinct = recounted(_with_ties_merged(observations))
    if sampling and cluster is None:
        return replace(distinct, cluster=np.arange(distinct.size))
    return distinct if cluster is None else _sorted(replace(distinct, cluster=clusters_by_content(_columns(distinct))))


def tied_to(known: FloatArray, times: FloatArray) -> FloatArray:
    """Return `times`, but for those that tie with one of the ascending `known` times that time itself.

    Examples
    --------
    >>> tied_to(np.array([0.1 + 0.2, 2.0]), np.array([0.3, 1.0])) == [0.1 + 0.2, 1.0]
    array([ True,  True])
    """
    nearest, ties = _near(known, times, TOLERANCE * max(1.0, float(known[-1])))
    if not (ties & (nearest != times)).any():  # most are known, or near none
        return times
    nearest, ties = _near(known, times, tie_width(np.unique(known)))
    return np.where(ties, nearest, times)


def _near(known: FloatArray, times: FloatArray, width: float) -> tuple[FloatArray, BoolArray]:
    """Return the first of the known times from `times` less the width on, and whether it is within the width."""
    nearest = known[np.minimum(np.searchsorted(known, times - width), known.size - 1)]
    return nearest, np.abs(nearest - times) <= width


def recounted(observations: Observations) -> Observations:
    """Return the sample, whose times or entries were replaced, sorted again and with the rows that say the same as one.

    Examples
    --------
    >>> sample = observe([1.0, 2.0, 3.0], [True, True, True])
    >>> recounted(replace(sample, time=np.array([3.0, 1.0, 1.0]))).weights
    array([2., 1.])
    """
    ordered = _sorted(observations)
    return ordered if observations.sampling else replace(ordered, **counted(_columns(ordered)))


def strata_in_sequence(observations: Observations) -> Observations:
    """Return the sample with its strata one after another in time, so that nobody is at risk with another stratum.

    Ranks take the place of times. What depends on the risk sets alone, as a partial likelihood does, is for this sample
    what it is for the strata together.

    Examples
    --------
    >>> sample = strata_in_sequence(observe([5, 7, 5], [True, True, False], stratum=[0, 1, 1]))
    >>> sample.entry, sample.time
    (array([0., 3., 3.]), array([1., 4., 5.]))
    """
    if observations.stratum is None:
        return observations
    entry = np.full(observations.size, -1.0) if observations.entry is None else observations.entry
    moments = np.unique(np.concatenate((entry, observations.time)))
    start = np.asarray(observations.stratum * moments.size, dtype=np.float64)
    times, entries = (start + np.searchsorted(moments, values) for values in (observations.time, entry))
    return _sorted(replace(observations, time=times, entry=entries))


def _codes(values: ArrayLike | None) -> IntArray | None:
    return None if values is None else np.asarray(values, dtype=np.int64)


def _columns(observations: Observations) -> Columns:
    values = {name: getattr(observations, name) for name in COLUMNS}
    return {name: column for name, column in values.items() if column is not None}


def _check(observations: Observations) -> None:
    time, entry, weight = observations.time, observations.entry, observations.weight
    if time.ndim != 1 or time.size == 0:
        raise InvalidObservationsError("a sample has at least one row")
    if any(column.shape != time.shape for column in _columns(observations).values()):
        raise InvalidObservationsError("the columns differ in length")
    if not (np.isfinite(time).all() and (time >= 0).all()):
        raise InvalidObservationsError("a time is not finite or below 0")
    codes = (observations.cause, observations.group, observations.stratum, observations.cluster)
    if any(column is not None and (column < 0).any() for column in codes):
        raise InvalidObservationsError("a cause, group, stratum or cluster is below 0")
    if entry is not None and not ((entry >= 0) & (entry < time)).all():
        raise InvalidObservationsError("an entry is below 0 or not before its time")
    if weight is not None and not (np.isfinite(weight).all() and (weight > 0).all()):
        raise InvalidObservationsError("a weight is not finite or not above 0")
    if observations.sampling and weight is None:
        raise InvalidObservationsError("sampling weights are missing")


def _with_ties_merged(observations: Observations) -> Observations:
    time, entry = observations.time, observations.entry
    distinct = np.unique(time if entry is None else np.concatenate((time, entry)))
    gap = np.diff(distinct)
    near = gap <= tie_width(distinct)
    if not near.any():
        return observations
    first_of_tie = distinct[np.concatenate(([True], ~near))]

    def merged(values: FloatArray) -> FloatArray:
        return np.asarray(first_of_tie[np.searchsorted(first_of_tie, values, side="right") - 1])

    if entry is not None and not (merged(entry) < merged(time)).all():
        raise InvalidObservationsError("an entry is so near to its time that they are one")
    return replace(observations, time=merged(time), entry=None if entry is None else merged(entry))


def _sorted(observations: Observations) -> Observations:
    return replace(observations, **in_order(_columns(observations)))
