"""Disclosure control: a sample in which every count is 0 or at least k, and no time is that of a single subject.

Estimates are made from the coarsened sample alone, so an answer can tell nothing of a subject that the coarsened sample
does not tell, however its figures are combined.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from app.analysis.arrays import FloatArray, IntArray, sum_by
from app.analysis.observations import Observations, recounted

#: Besides the causes of `Observations`, what happens to a row where entry is delayed: it is at risk from the start on,
#: or enters later.
EARLY, ENTRY = -2, -1

Person = tuple[int, int, float]
"""The kind of a mark, the code of its subject, and the subjects that this one stands for."""


@dataclass(frozen=True, slots=True)
class Coarsened:
    """A sample fit to be shown.

    Attributes
    ----------
    observations : the coarsened sample, None where not even all subjects together can be shown
    hidden : codes of the groups that cannot be shown on their own; their subjects count in what is shown of all
    """

    observations: Observations | None
    hidden: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Marks:
    """What happens to the rows of a sample, in order of time; all arrays have shape [m].

    Attributes
    ----------
    row : place of the row in the sample
    kind : its cause (0 = censored), EARLY or ENTRY
    moment : when
    person : code of the subject, and the subjects that it stands for
    """

    row: IntArray
    kind: IntArray
    moment: FloatArray
    person: IntArray
    subjects: FloatArray

    def of(self, kind: int) -> "_Marks":
        """Return the marks of a kind."""
        chosen = self.kind == kind
        return _Marks(
            self.row[chosen], self.kind[chosen], self.moment[chosen], self.person[chosen], self.subjects[chosen]
        )

    def people(self) -> list[Person]:
        """Return the person of each mark."""
        return list(zip(self.kind.tolist(), self.person.tolist(), self.subjects.tolist(), strict=True))


def coarsened(observations: Observations, groups: int, k: int) -> Coarsened:
    """Return the sample with the mean time of at least `k` subjects wherever the time of one stood.

    Within a group the events of a cause, and the censorings, are cut in order of time into runs of at least k subjects,
    as many and as even as can be; the mean time of a run stands for its times, no finer than half a unit of their last
    decimal: the sum of whole numbers would tell too much of them. Where entry is delayed, events, censorings and
    entries are cut at the same places, into runs with none or at least k of each; the last time of the run before
    stands for an entry. Rows of a cluster are one subject, and strata are taken as groups within the groups.

    A group with 1 .. k - 1 events, censorings or entries is hidden, and with it the smallest others that it takes for
    those hidden to have none or at least k of each together: nothing can be had by subtraction then.

    Parameters
    ----------
    groups : number of groups; `observations.group` holds codes below it
    k : least number of subjects behind a count, at least 2

    Source: univariate microaggregation, Domingo-Ferrer & Mateo-Sanz, IEEE Trans Knowl Data Eng 2002;14:189.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> shown = coarsened(observe([10, 20, 40, 50, 60, 90], [1, 1, 0, 1, 1, 0]), 1, 2).observations
    >>> shown.time, shown.cause, shown.weight
    (array([15.5, 55.5, 65.5]), array([1, 1, 0]), array([2., 2., 2.]))
    """
    strata = 1 if observations.stratum is None else int(observations.stratum.max()) + 1
    cells = observations.groups * strata + (0 if observations.stratum is None else observations.stratum)
    visible, hidden = _pools(observations, cells, k)
    if hidden and not _may_be_shown(_marks(observations, cells, hidden), k):
        return Coarsened(None, frozenset(range(groups)))
    unit = _unit(observations)
    time = observations.time.copy()
    entry = None if observations.entry is None else np.zeros(observations.size)
    for pool in filter(None, [*([code] for code in visible), hidden]):
        marks = _marks(observations, cells, pool)
        run = _runs(marks, k) if entry is not None else _runs_by_kind(marks, k)
        last_of_run_before = np.full(run.max() + 2, observations.start)
        for kind in np.unique(marks.kind[marks.kind >= 0]):
            place = np.flatnonzero(marks.kind == kind)
            means = _means(marks.moment[place], run[place], _sizes(observations)[marks.row[place]], unit)
            time[marks.row[place]] = means
            np.maximum.at(last_of_run_before, run[place] + 1, means)
        late = marks.kind == ENTRY
        if entry is not None:
            entry[marks.row[late]] = np.maximum.accumulate(last_of_run_before)[run[late]]
    hidden_groups = frozenset(cell // strata for cell in hidden)
    return Coarsened(recounted(replace(observations, time=time, entry=entry)), hidden_groups)


def _pools(observations: Observations, cells: IntArray, k: int) -> tuple[list[int], list[int]]:
    """Return the cells that may be shown each on its own, and those that are hidden."""
    marks = {cell: _marks(observations, cells, [cell]) for cell in np.unique(cells).tolist()}
    visible = [cell for cell in marks if _may_be_shown(marks[cell], k)]
    hidden = [cell for cell in marks if cell not in visible]
    visible.sort(key=lambda cell: marks[cell].subjects.sum(), reverse=True)
    while visible and hidden and not _may_be_shown(_marks(observations, cells, hidden), k):
        hidden.append(visible.pop())
    return visible, hidden


def _marks(observations: Observations, cells: IntArray, pool: Sequence[int]) -> _Marks:
    """Return the ends of the rows of some cells, and where entry is delayed their entries."""
    rows = np.flatnonzero(np.isin(cells, pool))
    row, moment, kind = rows, observations.time[rows], observations.cause[rows]
    if observations.entry is not None:
        start, entry = observations.start, observations.entry[rows]
        is_late = entry >= start if start > 0 else entry > 0
        row, moment = np.tile(rows, 2), np.concatenate((moment, np.where(is_late, entry, -1.0)))
        kind = np.concatenate((kind, np.where(is_late, ENTRY, EARLY)))
    order = np.lexsort((kind == ENTRY, moment))  # who enters at a time is at risk after it
    row, kind, moment = row[order], kind[order], moment[order]
    if observations.cluster is None:
        return _Marks(row, kind, moment, row, observations.weights[row])
    return _Marks(row, kind, moment, observations.cluster[row], np.ones(row.size))


def _count(people: Iterable[Person], tally: dict[int, float]) -> dict[int, float]:
    """Add the subjects of each kind of mark to those that `tally` has."""
    for kind, _, subjects in people:
        tally[kind] = tally.get(kind, 0.0) + subjects
    return tally


def _may_be_shown(marks: _Marks, k: int) -> bool:
    return all(subjects >= k for subjects in _count(set(marks.people()), {}).values())


def _runs_by_kind(marks: _Marks, k: int) -> IntArray:
    """Return the number of the run of each mark, each kind being cut on its own."""
    run = np.zeros(marks.row.size, dtype=np.int64)
    for kind in np.unique(marks.kind):
        alone = marks.of(kind)
        total = int(_count(set(alone.people()), {})[int(kind)])
        run[marks.kind == kind] = _runs(alone, total // (total // k))
    return run


def _runs(marks: _Marks, k: int) -> IntArray:
    """Return the number of the run of each mark: every run may be shown, and no moment is in two.

    But entries at a time may be in the run after that of the ends at this time. Who is at risk from the start on is in
    the first run.
    """
    people, run = marks.people(), np.zeros(marks.row.size, dtype=np.int64)
    closed: list[set[Person]] = []
    current: set[Person] = set()
    tally: dict[int, float] = {}
    is_new = (np.diff(marks.moment, prepend=-2.0) > 0) | np.diff(marks.kind == ENTRY, prepend=False)
    for first, end in pairwise([*np.flatnonzero(is_new).tolist(), marks.row.size]):
        run[first:end] = len(closed)
        new = {*people[first:end]} - current
        current |= new
        if min(_count(new, tally).values()) >= k:
            closed.append(current)
            current, tally = set(), {}
    while current and min(_count(current, {}).values()) < k:
        current |= closed.pop()
    return np.minimum(run, len(closed) - (not current))


def _sizes(observations: Observations) -> FloatArray:
    """Return the subjects that each row stands for."""
    return np.ones(observations.size) if observations.sampling else observations.weights


def _unit(observations: Observations) -> float:
    """Return the largest of 1, 0.1, .. 1e-6 that all times are multiples of; else four digits of the largest."""
    time = observations.time
    for decimals in range(7):
        if (np.round(time, decimals) == time).all():
            return float(10.0**-decimals)
    return float(10 ** (np.floor(np.log10(time[-1])) - 3))


def _means(moment: FloatArray, run: IntArray, sizes: FloatArray, unit: float) -> FloatArray:
    """Return for each of the ascending moments what stands for its run: the middle of the unit that their mean is in.

    It is no multiple of the unit, so nobody's time; but equal moments stay what they are. Where the unit is too wide
    for the run, it is the mean.
    """
    _, code = np.unique(run, return_inverse=True)
    starts = np.flatnonzero(np.diff(code, prepend=-1))
    first, last = moment[starts], moment[np.append(starts[1:], moment.size) - 1]
    mean = first + sum_by(code, sizes * (moment - first[code])) / sum_by(code, sizes)
    middle = (np.floor(mean / unit) + 0.5) * unit
    return np.where((first < middle) & (middle < last), middle, mean)[code]
