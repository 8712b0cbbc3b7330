"""Sums over runs of places without subtraction."""

from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray, IntArray, sum_by


@dataclass(frozen=True, slots=True)
class Spans:
    """Places start .. stop - 1 of each row, for sums that take nothing away again: no large risk buries a small one.

    Of all blocks of 2, 4, 8, .. places there is one whose middle is above the start and not above the stop: a sum over
    the places is one from the middle down to the start and one from the middle up to the stop.

    Attributes
    ----------
    start, stop : shape [n]
    rows : of each length of half a block, the rows with such a block
    """

    start: IntArray
    stop: IntArray
    rows: dict[int, IntArray]

    def over_rows(self, values: FloatArray, places: int) -> FloatArray:
        """Return at each place the sums of `values` [n, q] over the rows that have it, shape [places, q]."""
        columns = values.shape[1]
        total = np.zeros((2 * places + 2, columns))
        for half, rows in self.rows.items():
            size = self._size(half, rows)
            ends = np.concatenate((self.start[rows], self.stop[rows]))
            at_ends = [sum_by(ends, column, size) for column in np.tile(values[rows], (2, 1)).T]
            change = np.column_stack(at_ends).reshape(-1, 2, half, columns)
            blocks = total[:size].reshape(change.shape)
            blocks[:, 0] += _upward(change[:, 0])
            blocks[:, 1, :-1] += _downward(change[:, 1, 1:])
        return total[:places]

    def over_places(self, values: FloatArray) -> FloatArray:
        """Return for each row the sums of `values` [places, q] over its places, shape [n, q]."""
        places, columns = values.shape
        padded = np.concatenate((values, np.zeros((places + 2, columns))))
        total = np.zeros((self.start.size, columns))
        for half, rows in self.rows.items():
            blocks = padded[: self._size(half, rows)].reshape(-1, 2, half, columns)
            from_middle = np.zeros_like(blocks)
            from_middle[:, 0] = _downward(blocks[:, 0])
            from_middle[:, 1, 1:] = _upward(blocks[:, 1, :-1])
            sums = from_middle.reshape(-1, columns)
            total[rows] = sums[self.start[rows]] + sums[self.stop[rows]]
        return total

    def _size(self, half: int, rows: IntArray) -> int:
        """Return where the last block that these rows have ends."""
        return 2 * half * (int(self.start[rows].max()) // (2 * half) + 1)


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Places 0 .. stop - 1 of each row, `stop` ascending: where nobody enters late."""

    stop: IntArray

    def over_rows(self, values: FloatArray, places: int) -> FloatArray:
        """Return at each place the sums of `values` [n, q] over the rows that have it, shape [places, q]."""
        sums = np.zeros((values.shape[1], values.shape[0] + 1))
        np.cumsum(values[::-1].T, axis=1, out=sums[:, 1:])
        first = self.stop.size - np.cumsum(np.bincount(self.stop, minlength=places)[:places])
        return np.take(sums, first, axis=1).T

    def over_places(self, values: FloatArray) -> FloatArray:
        """Return for each row the sums of `values` [places, q] over its places, shape [n, q]."""
        sums = np.zeros((values.shape[1], values.shape[0] + 1))
        np.cumsum(values.T, axis=1, out=sums[:, 1:])
        return np.take(sums, self.stop, axis=1).T


def spans(start: IntArray, stop: IntArray) -> Spans | Prefixes:
    """Return the spans of rows that have the places start .. stop - 1 each, shape [n]."""
    if not start.any() and (stop[1:] >= stop[:-1]).all():
        return Prefixes(stop)
    # The middle is the stop without the bits below the highest in which it differs from the start.
    highest_bit = np.frexp(start ^ stop)[1] - 1
    used = start < stop
    rows: dict[int, IntArray] = {
        2 ** int(bit): np.flatnonzero(used & (highest_bit == bit)) for bit in np.unique(highest_bit[used])
    }
    return Spans(start, stop, rows)


def _upward(values: FloatArray) -> FloatArray:
    return np.cumsum(values, axis=1)


def _downward(values: FloatArray) -> FloatArray:
    return np.cumsum(values[:, ::-1], axis=1)[:, ::-1]
