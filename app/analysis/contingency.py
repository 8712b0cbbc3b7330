"""Tests on tables of counts: Pearson's chi-squared and Fisher's exact test."""

from dataclasses import dataclass
from math import comb, prod

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, gammaln

from app.analysis.arrays import FloatArray, IntArray
from app.analysis.errors import InvalidObservationsError
from app.analysis.hypothesis_test import HypothesisTest

#: What Fisher's test takes on: units, rows, and ways to fill rows (all of them take about a second and 200 MB).
TOTAL_LIMIT, ROWS_LIMIT, WAYS_LIMIT = 1_000_000, 1_000, 1_000_000

#: A table counts as no more probable than the observed one up to this relative difference, as in R.
RELATIVE_TOLERANCE = 1e-7

#: Up to so many units times tables, of two columns, all tables are counted, in whole numbers.
COUNTED = 50_000

#: Logarithms of probabilities closer than this are one: below the tolerance, above the rounding at a million units.
SAME = 1e-8


def chi_squared_test(table: ArrayLike) -> HypothesisTest:
    """Return Pearson's test sum (O - E)^2 / E without continuity correction, E = row total x column total / total.

    Empty rows and columns drop out of the table and of the (r - 1)(c - 1) degrees of freedom.

    Parameters
    ----------
    table : counts, shape [r, c], a row for each group

    Returns
    -------
    HypothesisTest named chi-squared; NaN with the reason where fewer than 2 rows or columns remain

    Raises
    ------
    InvalidObservationsError
        If the table does not hold whole numbers >= 0 in rows and columns.

    Source: Agresti, Categorical Data Analysis (2013), 3.2.1. Checked against proportions.json.

    Examples
    --------
    >>> result = chi_squared_test([[4, 39], [0, 9], [1, 11]])
    >>> round(result.statistic, 3), result.degrees_of_freedom, round(result.p_value, 3)
    (0.9, 2, 0.638)
    """
    counts = _without_empty(table)
    if min(counts.shape) < 2:
        reason = "fewer than 2 groups, or fewer than 2 outcomes, have any units"
        return HypothesisTest("chi-squared", np.nan, 0, np.nan, reason=reason)
    rows, columns = counts.sum(axis=1, dtype=np.float64), counts.sum(axis=0, dtype=np.float64)
    expected = np.outer(rows, columns) / rows.sum()
    statistic = float(np.sum((counts - expected) ** 2 / expected))
    degrees_of_freedom = (rows.size - 1) * (columns.size - 1)
    return HypothesisTest("chi-squared", statistic, degrees_of_freedom, float(chdtrc(degrees_of_freedom, statistic)))


def fisher_test(table: ArrayLike) -> HypothesisTest:
    """Return the exact test of Fisher, Freeman and Halton for a table with given margins.

    p is the sum of the probabilities of all tables with the same margins that are no more probable than the observed
    one, up to a relative 1e-7. Rows are filled one by one, from both ends. A row's probability depends on earlier rows
    only by the column totals that they leave (a node), so parts of tables with the same node and the same probability
    are one; a part that every completion leaves on one side of the observed probability is settled as a whole. Few
    tables of two columns are counted in whole numbers instead.

    Parameters
    ----------
    table : counts, shape [r, c], a row for each group

    Returns
    -------
    HypothesisTest named fisher: statistic NaN, degrees of freedom 0; p_value 1 where all units have the same outcome,
        NaN with the reason where fewer than 2 groups have units, and beyond a million units, 1,000 rows or 1 million
        ways to fill rows. Within that are 2 x 2 of any, 3 x 2 of 4,000 and 3 x 3 of 150 units, 10 x 2 with 30 and
        30 x 2 with 8 units in the smaller column, and many larger ones, the more so the more rows are equally long.

    Raises
    ------
    InvalidObservationsError
        If the table does not hold whole numbers >= 0 in rows and columns.

    Source: Freeman & Halton, Biometrika 1951;38:141; Mehta & Patel, JASA 1983;78:427. Checked against proportions.json.

    Examples
    --------
    >>> round(fisher_test([[2, 36], [5, 7], [11, 4]]).p_value, 10)
    7.167e-07
    """
    counts = _without_empty(table)
    if counts.shape[0] < 2:
        return HypothesisTest("fisher", np.nan, 0, np.nan, reason="fewer than 2 groups have any units")
    if counts.shape[1] < 2:  # there is no other table, however many units it has
        return HypothesisTest("fisher", np.nan, 0, 1.0)
    try:
        return HypothesisTest("fisher", np.nan, 0, _exact_p_value(counts))
    except _TooManyTablesError:
        reason = "too many tables have these totals for an exact test; the chi-squared test is for such sizes"
        return HypothesisTest("fisher", np.nan, 0, np.nan, reason=reason)


def _without_empty(table: ArrayLike) -> IntArray:
    """Return the checked counts of the rows and columns that have any."""
    values = np.asarray(table, dtype=np.float64)
    # Beyond 2^53 a float no longer tells whole numbers apart.
    if values.ndim != 2 or not ((values >= 0) & (values < 2.0**53) & (values == np.floor(values))).all():
        raise InvalidObservationsError("a table holds whole numbers >= 0 in rows and columns")
    counts = values.astype(np.int64)
    return counts[counts.any(axis=1)][:, counts.any(axis=0)]


class _TooManyTablesError(Exception):
    """An exact test would take too long."""


@dataclass(slots=True)
class _Budget:
    """How many more ways to fill rows a test may look at."""

    left: int = WAYS_LIMIT

    def repeat(self, times: IntArray) -> tuple[IntArray, IntArray]:
        """Return each place as many times as told, and 0, 1, .. for its copies."""
        self.left -= int(times.sum())
        if self.left < 0:
            raise _TooManyTablesError
        place = np.repeat(np.arange(times.size), times)
        return place, np.arange(place.size) - (np.cumsum(times) - times)[place]


@dataclass(frozen=True, slots=True)
class _Step:
    """All ways to fill one row, sorted by the node that they start from; arrays of shape [ways].

    The log-probability of a way is given the node that it starts from.
    """

    start: IntArray
    end: IntArray
    log_probability: FloatArray

    def reversed(self) -> "_Step":
        """Return the same ways, sorted by the node that they lead to, from there back."""
        order = np.argsort(self.end, kind="stable")
        return _Step(self.end[order], self.start[order], self.log_probability[order])


@dataclass(frozen=True, slots=True)
class _Parts:
    """Parts of tables up to a node or from it on, sorted by node and by the log-probability of each single part.

    Parts of the same node and log-probability are one entry, and `mass` is what they have together.
    """

    node: IntArray
    log_probability: FloatArray
    mass: FloatArray


def _exact_p_value(counts: IntArray) -> float:
    """Return the probability of the tables that are no more probable than `counts`."""
    if counts.shape[0] < counts.shape[1]:
        counts = counts.T
    # Long rows first: what is left for the short ones bounds the probability of a completion closely.
    counts = counts[np.argsort(-counts.sum(axis=1), kind="stable")]
    choices = np.minimum(counts[1:].sum(axis=1), counts.sum(axis=0).min()) + 1
    if counts.shape[1] == 2 and prod(choices.tolist()) * int(counts.sum()) <= COUNTED:
        return _counted_p_value(counts.tolist())
    unfilled = np.cumsum(counts[::-1], axis=0)[::-1]
    if len(counts) > ROWS_LIMIT or counts.sum() > TOTAL_LIMIT or np.log2(unfilled[0] + 1.0).sum() > 62:
        raise _TooManyTablesError
    observed = float(_log_probability(unfilled, counts).sum())
    budget = _Budget()
    steps = _network(counts.sum(axis=1), unfilled[0], budget)
    return min(_lower_tail(steps, observed + np.log1p(RELATIVE_TOLERANCE), budget), 1.0)


def _counted_p_value(counts: list[list[int]]) -> float:
    """Return the same of two columns from the ways to choose the units of the first one: exact, but for a division."""
    rows, first = [sum(row) for row in counts], [row[0] for row in counts]
    left, tables, all_ways = sum(rows), [(sum(first), 1)], comb(sum(rows), sum(first))
    for size in rows:
        left -= size
        tables = [
            (missing - units, ways * comb(size, units))
            for missing, ways in tables
            for units in range(max(missing - left, 0), min(missing, size) + 1)
        ]
    observed = prod(map(comb, rows, first))
    most = observed + observed // round(1 / RELATIVE_TOLERANCE)
    return sum(ways for _, ways in tables if ways <= most) / all_ways


def _network(rows: IntArray, columns: IntArray, budget: _Budget) -> list[_Step]:
    """Return the steps that fill all rows but the last, which has no choice; the order of columns does not matter."""
    unfilled = np.sort(columns)[None, :]
    radix = np.concatenate(([1], np.cumprod(unfilled[0, :-1] + 1)))
    steps: list[_Step] = []
    for size in rows[:-1]:
        start, filled = _ways_to_fill(unfilled, size, budget)
        left = np.sort(unfilled[start] - filled, axis=1)
        _, example, end = np.unique(left @ radix, return_index=True, return_inverse=True)
        steps.append(_Step(start, end, _log_probability(unfilled[start], filled)))
        unfilled = left[example]
    return steps


def _ways_to_fill(unfilled: IntArray, size: int, budget: _Budget) -> tuple[IntArray, IntArray]:
    """Return all ways to take `size` units from the columns of each node: the node [ways], the units [ways, c]."""
    start = np.arange(len(unfilled))
    missing = np.full(len(unfilled), size)
    filled = np.empty((len(unfilled), 0), dtype=np.int64)
    for column in range(unfilled.shape[1] - 1):
        fewest = np.maximum(missing - unfilled[start, column + 1 :].sum(axis=1), 0)
        most = np.minimum(missing, unfilled[start, column])
        source, extra = budget.repeat(most - fewest + 1)
        units = fewest[source] + extra
        start, missing = start[source], missing[source] - units
        filled = np.column_stack((filled[source], units))
    return start, np.column_stack((filled, missing))


def _log_probability(unfilled: IntArray, filled: IntArray) -> FloatArray:
    """Return the log-probability of a row, given what is left for it and the rows after it; shape [ways]."""

    def log_choose(n: IntArray, k: IntArray) -> FloatArray:
        return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))

    ways = log_choose(unfilled, filled).sum(axis=1)
    return np.asarray(ways - log_choose(unfilled.sum(axis=1), filled.sum(axis=1)))


def _lower_tail(steps: list[_Step], cutoff: float, budget: _Budget) -> float:
    """Return the probability of the tables with at most the cutoff, from heads and tails that meet half-way."""
    bounds = _bounds(steps)
    nodes = int(steps[-1].end.max()) + 1
    heads = _Parts(np.zeros(1, dtype=np.int64), np.zeros(1), np.ones(1))
    tails = _Parts(np.arange(nodes), np.zeros(nodes), np.ones(nodes))
    settled, top, bottom = 0.0, 0, len(steps)
    while top < bottom:
        if heads.node.size <= tails.node.size:
            heads = _extended(heads, steps[top], budget)
            least, greatest = (heads.log_probability + bound[heads.node] for bound in bounds[top])
            settled += float(heads.mass[greatest <= cutoff].sum())
            open_ = (least <= cutoff) & (greatest > cutoff)
            heads = _Parts(heads.node[open_], heads.log_probability[open_], heads.mass[open_])
            top += 1
        else:
            bottom -= 1
            tails = _extended(tails, steps[bottom].reversed(), budget)
    return settled + _joined(heads, tails, cutoff)


def _bounds(steps: list[_Step]) -> list[tuple[FloatArray, FloatArray]]:
    """Return for each step the least and the greatest log-probability of all rows after it, by node."""
    least: FloatArray = np.zeros(int(steps[-1].end.max()) + 1)
    greatest = least
    bounds = [(least, greatest)]
    for step in steps[:0:-1]:
        first = _first_places(step.start)[:-1]
        least = np.minimum.reduceat(step.log_probability + least[step.end], first)
        greatest = np.maximum.reduceat(step.log_probability + greatest[step.end], first)
        bounds.append((least, greatest))
    return bounds[::-1]


def _first_places(node: IntArray) -> IntArray:
    """Return where each of the nodes 0 .. max begins in a sorted array of them, and its end."""
    return np.searchsorted(node, np.arange(node[-1] + 2))


def _extended(parts: _Parts, step: _Step, budget: _Budget) -> _Parts:
    """Return the parts that continue the given ones along the step."""
    first = _first_places(step.start)
    part, copy = budget.repeat(np.diff(first)[parts.node])
    way = first[parts.node[part]] + copy
    node, log_probability = step.end[way], parts.log_probability[part] + step.log_probability[way]
    mass = parts.mass[part] * np.exp(step.log_probability[way])
    order = np.lexsort((log_probability, node))
    node, log_probability = node[order], log_probability[order]
    new = np.flatnonzero((np.diff(node, prepend=-1) > 0) | (np.diff(log_probability, prepend=-np.inf) > SAME))
    return _Parts(node[new], log_probability[new], np.add.reduceat(mass[order], new))


def _joined(heads: _Parts, tails: _Parts, cutoff: float) -> float:
    """Return the probability of the tables that are a head and a tail of the same node with at most the cutoff."""
    total = 0.0
    for node in np.unique(heads.node):
        head = slice(*np.searchsorted(heads.node, [node, node + 1]))
        tail = slice(*np.searchsorted(tails.node, [node, node + 1]))
        fitting = np.searchsorted(tails.log_probability[tail], cutoff - heads.log_probability[head], side="right")
        # One running sum for each node: in a single one a small probability would drown in the rounding of others.
        total += float(heads.mass[head] @ np.concatenate(([0.0], np.cumsum(tails.mass[tail])))[fitting])
    return total
