"""The order of rows, and rows that say the same as one: by the columns of a sample, whatever they are."""

from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from app.analysis.arrays import TOLERANCE, BoolArray, FloatArray, IntArray, tie_width

Columns = dict[str, Any]
"""Columns of a sample by their names in `Observations`, shape [n] each; none that it does not have."""

#: A time that is a whole number of one of these parts of a unit is counted instead of sorted.
PARTS = (1.0, 10.0, 100.0, 1000.0)
#: How many cells are counted at most for each row.
CELLS = 4


def in_order(columns: Columns) -> Columns:
    """Return the rows sorted by time, at equal times events before censorings, and then by all other columns.

    Every column is a key, so that rounding in sums over rows does not depend on the order they came in; the weight is
    the last, so that rows that say the same stand together.

    Examples
    --------
    >>> in_order({"time": np.array([2.0, 1.0, 1.0]), "cause": np.array([1, 0, 2])})["cause"]
    array([2, 0, 1])
    """
    time = columns["time"]
    order = np.arange(time.size) if (time[1:] >= time[:-1]).all() else np.argsort(time)
    time = time[order]
    tied = np.zeros(time.size + 1, dtype=np.bool_)
    np.equal(time[1:], time[:-1], out=tied[1:-1])
    places = np.flatnonzero(tied[1:] | tied[:-1])
    if places.size:
        rows = order[places]
        names = ("weight", "cluster", "stratum", "group", "entry", "cause")
        keys = [columns[name][rows] for name in names if name in columns]
        order[places] = rows[np.lexsort((*keys, keys[-1] == 0, time[places]))]
    return {name: column[order] for name, column in columns.items()}


def counted(columns: Columns) -> Columns:
    """Return sorted rows with one row for all that say the same, its weight the sum of theirs.

    Examples
    --------
    >>> counted({"time": np.array([1.0, 1.0, 2.0]), "cause": np.array([1, 1, 0])})["weight"]
    array([2., 1.])
    """
    starts = np.flatnonzero(_differs([column for name, column in columns.items() if name != "weight"]))
    size = columns["time"].size
    if starts.size == size:
        return columns
    weights = columns["weight"] if "weight" in columns else np.ones(size)
    return {name: column[starts] for name, column in columns.items()} | {"weight": np.add.reduceat(weights, starts)}


def tallied(columns: Columns) -> Columns | None:
    """Return what `in_order` and `counted` do, at the cost of counting, or of sorting numbers, instead of rows.

    Cause, group and stratum are packed into one number with the time: with a time of few whole parts of a unit, rows
    are counted; with any other, the number has the bits of the time before theirs, whose order is that of the times.

    Returns
    -------
    None where the columns or their values do not allow it, or where times nearly tie

    Examples
    --------
    >>> tallied({"time": np.array([0.2, 0.1, 0.2]), "cause": np.array([0, 1, 0])})
    {'time': array([0.1, 0.2]), 'cause': array([1, 0]), 'weight': array([1., 2.])}
    """
    if not columns.keys() <= {"time", "cause", "group", "stratum", "weight"}:
        return None
    kind, sizes = _kinds(columns)
    kinds = prod(sizes.values())
    found = _counts(columns, kind, kinds)
    if found is None and "weight" not in columns:
        found = _runs(columns["time"], kind, kinds)
    if found is None:
        return None
    time, kind, weight = found
    rows = {"time": time} | _columns_of(kind, sizes)
    return rows if weight.size == columns["time"].size and "weight" not in columns else rows | {"weight": weight}


def clusters_by_content(columns: Columns) -> IntArray:
    """Return the clusters of sorted rows coded anew, by what their rows are.

    Sums over clusters run in the order of their codes: with codes by content, rounding does not depend on the order of
    rows. Clusters with the same rows may be exchanged.

    Examples
    --------
    >>> clusters_by_content({"time": np.array([1.0, 2.0, 2.0]), "cluster": np.array([2, 0, 2])})
    array([0, 1, 0])
    """
    cluster, rest = columns["cluster"], [column for name, column in columns.items() if name != "cluster"]
    by_content = np.lexsort(rest[::-1])
    kind_of_row = np.empty_like(cluster)
    kind_of_row[by_content] = np.cumsum(_differs([column[by_content] for column in rest]))
    order = np.lexsort((kind_of_row, cluster))
    starts, kinds = np.flatnonzero(_differs([cluster[order]])), kind_of_row[order].tolist()
    contents = [kinds[start:stop] for start, stop in pairwise([*starts.tolist(), len(kinds)])]
    code = np.zeros(int(cluster.max()) + 1, dtype=np.int64)
    code[cluster[order][starts][sorted(range(len(contents)), key=contents.__getitem__)]] = np.arange(len(contents))
    return np.asarray(code[cluster])


def _differs(columns: list[IntArray | FloatArray]) -> BoolArray:
    """Return where a row does not say what the one before says."""
    differs = np.ones(columns[0].size, dtype=np.bool_)
    differs[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return differs


def _kinds(columns: Columns) -> tuple[IntArray, dict[str, int]]:
    """Return cause, group and stratum of each row as one number, in the order of rows, and how many each may be."""
    names = [name for name in ("cause", "group", "stratum") if name in columns]
    sizes: dict[str, int] = {name: int(columns[name].max()) + 1 for name in names}
    kind = np.roll(np.arange(sizes["cause"]), 1)[columns["cause"]]  # censorings, 0, come last
    for name in list(sizes)[1:]:
        kind = kind * sizes[name] + columns[name]
    return kind, sizes


def _columns_of(kind: IntArray, sizes: dict[str, int]) -> Columns:
    """Return the columns that `_kinds` made numbers of."""
    found = {}
    for name in reversed(list(sizes)[1:]):
        kind, found[name] = np.divmod(kind, sizes[name])
    return {"cause": (kind + 1) % sizes["cause"], **dict(reversed(found.items()))}


def _counts(columns: Columns, kind: IntArray, kinds: int) -> tuple[FloatArray, IntArray, FloatArray] | None:
    """Return time, kind and weight of the rows that differ, by counting; None where times are not whole and few."""
    time = columns["time"]
    cells = CELLS * time.size + 1000
    most = min(cells / kinds, 1 / TOLERANCE) / float(time.max() or 1.0)
    for part in (part for part in PARTS if part < most and _whole(time[:100], part) is not None):
        whole = _whole(time, part)
        if whole is not None:
            weights = np.bincount((whole * kinds + kind).astype(np.int64), columns.get("weight"))
            found = np.flatnonzero(weights)
            moment, kind = np.divmod(found, kinds)
            return moment / part, kind, weights[found].astype(np.float64)
    return None


def _whole(time: FloatArray, part: float) -> FloatArray | None:
    """Return the times in parts of a unit, None where they are no whole numbers of these."""
    whole = np.rint(time * part)
    return whole if (whole / part == time).all() else None


def _runs(time: FloatArray, kind: IntArray, kinds: int) -> tuple[FloatArray, IntArray, FloatArray] | None:
    """Return time, kind and weight of the rows that differ, near-ties merged, by sorting; None where bits are few."""
    bits = time.view(np.int64)  # of numbers at least 0, in their order
    lowest = int(np.min(bits, where=bits > 0, initial=bits.max())) - 1  # times 0 come before it
    shift = (kinds - 1).bit_length()
    if (int(bits.max()) - lowest) >> (62 - shift):
        return None
    keys = (np.maximum(bits - lowest, 0) << shift) | kind
    keys.sort()
    kind = keys & ((1 << shift) - 1)
    keys >>= shift
    ordered = np.where(keys > 0, keys + lowest, 0).view(np.float64)
    gap = np.diff(ordered)
    width = tie_width(ordered[np.append(True, gap > 0)])
    fresh = np.append(True, gap > width)
    cells = ((np.cumsum(fresh) - 1) << shift) | kind
    if np.count_nonzero(gap > 0) >= np.count_nonzero(fresh):
        cells.sort()  # what nearly ties is at one time now
    starts = np.flatnonzero(np.append(True, cells[1:] != cells[:-1]))
    cells, weight = cells[starts], np.diff(starts, append=time.size).astype(np.float64)
    return ordered[fresh][cells >> shift], cells & ((1 << shift) - 1), weight
