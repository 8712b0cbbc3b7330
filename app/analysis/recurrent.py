"""Samples of recurrent events: who is at risk when, and which recurrences and deaths happen."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from app.analysis.arrays import BoolArray, FloatArray, IntArray
from app.analysis.errors import InvalidObservationsError
from app.analysis.observations import Observations, observe


@dataclass(frozen=True, slots=True)
class Recurrences:
    """Subjects with their recurrences. Made by `observe_recurrences`, which checks what is assumed here.

    Attributes
    ----------
    moments : the times and entries that there are, near-ties merged, ascending, shape [m]
    rows : periods at risk (entry, time], those of a subject disjoint, in ranks: rank r stands for moments[r - 1], and 0
        for the origin. `cause` is 2 x recurrences at the end, + 1 if death is there; `cluster` is the subject where no
        clusters were given
    first : in time, one row a subject: until its first recurrence (cause 1), its death (2) or its last follow-up
    counts, groups : recurrences and group code of each subject, shape [n]
    with_gaps : subjects who are not at risk at some time between their entry and the end of their row in `first`
    """

    moments: FloatArray
    rows: Observations
    first: Observations
    counts: IntArray
    groups: IntArray
    with_gaps: BoolArray

    def split(self, groups: int) -> list["Recurrences"]:
        """Return one sample for each of the group codes 0 .. groups - 1."""
        return [
            Recurrences(
                self.moments,
                self.rows.select(self.rows.groups == code),
                self.first.select(self.first.groups == code),
                *(column[self.groups == code] for column in (self.counts, self.groups, self.with_gaps)),
            )
            for code in range(groups)
        ]

    @property
    def person_time(self) -> float:
        """Return the time at risk of all subjects together."""
        times = np.concatenate(([0.0], self.moments))
        end, start = (times[np.asarray(ranks, dtype=np.int64)] for ranks in (self.rows.time, self.rows.entry))
        return float(np.sum(self.rows.weights * (end - start)))

    @property
    def deaths(self) -> int:
        """Return the number of subjects whose death was seen."""
        return round(float(np.sum(self.rows.weights * (self.rows.cause % 2))))


@dataclass(frozen=True, slots=True)
class _Periods:
    """Periods at risk in ranks, by subject and in the order of time; shape [n]."""

    subject: IntArray
    start: IntArray
    end: IntArray
    cause: IntArray

    def after_another(self) -> BoolArray:
        """Return which are not the first of their subject."""
        return np.asarray(np.diff(self.subject, prepend=-1) == 0)

    def merged(self, begins: BoolArray) -> "_Periods":
        """Return the periods with those that begin none as parts of the one before."""
        first = np.flatnonzero(begins)
        last = np.append(first[1:], begins.size) - 1
        events, died = np.add.reduceat(self.cause // 2, first), np.maximum.reduceat(self.cause % 2, first)
        return _Periods(self.subject[first], self.start[first], self.end[last], 2 * events + died)


def observe_recurrences(
    subject: ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    *,
    terminal: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    group: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> Recurrences:
    """Return the sample that rows describe, each a period (entry, time] of a subject, near-ties merged as by `observe`.

    Without `entry` a row begins where the subject's row before it ends, the first at the origin, and rows of one time
    are one with all their recurrences. A row without an event and the next of its subject are one if that begins where
    it ends. At one time a recurrence comes before death.

    Parameters
    ----------
    subject : codes 0, 1, .. without gaps, shape [n]
    time, entry : finite, 0 <= entry < time, shape [n]
    event, terminal : whether a recurrence, and whether death, is at the end of the row, shape [n]
    group, cluster : codes 0, 1, .., each the same in all rows of a subject, shape [n]

    Raises
    ------
    InvalidObservationsError
        As `observe` does, and if rows of a subject overlap or come after its death.

    Examples
    --------
    >>> sample = observe_recurrences([0, 0, 0, 1], [3, 3, 8, 5], [1, 1, 0, 0], terminal=[0, 0, 0, 1])
    >>> sample.moments, sample.rows.entry, sample.rows.time, sample.rows.cause
    (array([3., 5., 8.]), array([0., 0., 1.]), array([1., 2., 3.]), array([4, 1, 0]))
    >>> sample.person_time, sample.counts
    (13.0, array([2, 0]))
    """
    codes = np.asarray(subject, dtype=np.int64)
    died = False if terminal is None else np.asarray(terminal, dtype=bool)
    cause = 2 * np.asarray(event, dtype=bool) + np.asarray(died, dtype=np.int64)
    # Numbered, rows stay apart, and are found again once they are sorted.
    known = observe(time, cause, entry=entry, stratum=np.arange(codes.size), group=group, cluster=cluster)
    place = np.argsort(np.asarray(known.stratum))
    moments = np.unique(known.time if known.entry is None else np.concatenate((known.time, known.entry)))
    end, start = (
        None if times is None else np.searchsorted(moments, times[place]) + 1 for times in (known.time, known.entry)
    )
    periods = _periods(codes, np.asarray(end), start, cause)
    _, one_row = np.unique(codes, return_index=True)
    groups, clusters = (None if column is None else np.asarray(column)[one_row] for column in (group, cluster))
    return _sample(periods, moments, groups, clusters, late=entry is not None)


def _periods(subject: IntArray, end: IntArray, start: IntArray | None, cause: IntArray) -> _Periods:
    if start is None:
        order = np.lexsort((end, subject))
        rows = _Periods(subject[order], np.zeros_like(end), end[order], cause[order])
        rows = rows.merged(~rows.after_another() | (np.diff(rows.end, prepend=0) != 0))
        rows = replace(rows, start=np.where(rows.after_another(), np.roll(rows.end, 1), 0))
    else:
        order = np.lexsort((end, start, subject))
        rows = _Periods(subject[order], start[order], end[order], cause[order])
    follows = rows.after_another()
    if (follows & (rows.start < np.roll(rows.end, 1))).any():
        raise InvalidObservationsError("rows of a subject overlap")
    if (follows & (np.roll(rows.cause, 1) % 2 == 1)).any():
        raise InvalidObservationsError("a row comes after the subject's death")
    return rows.merged(~(follows & (rows.start == np.roll(rows.end, 1)) & (np.roll(rows.cause, 1) == 0)))


def _sample(
    periods: _Periods, moments: FloatArray, groups: IntArray | None, clusters: IntArray | None, *, late: bool
) -> Recurrences:
    subject, start, end, cause = periods.subject, periods.start, periods.end, periods.cause
    begins = np.flatnonzero(~periods.after_another())
    recurs_at = np.minimum.reduceat(np.where(cause > 1, np.arange(cause.size), cause.size), begins)
    last = np.minimum(recurs_at, np.append(begins[1:], cause.size) - 1)
    gaps = np.cumsum(periods.after_another() & (start != np.roll(end, 1)))
    return Recurrences(
        moments,
        observe(
            end,
            cause,
            entry=start,
            group=None if groups is None else groups[subject],
            cluster=subject if clusters is None else clusters[subject],
        ),
        observe(
            moments[end[last] - 1],
            np.where(cause[last] > 1, 1, 2 * cause[last]),
            entry=moments[start[begins] - 1] if late else None,
            group=groups,
            cluster=clusters,
        ),
        np.add.reduceat(cause // 2, begins),
        np.zeros(begins.size, dtype=np.int64) if groups is None else groups,
        gaps[last] > gaps[begins],
    )
