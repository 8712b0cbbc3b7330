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
    places : how many there are, m
    rows : of each length of half a block, the rows with such a block
    """

    start: IntArray
    stop: IntArray
    places: int
    rows: dict[int, IntArray]

    def over_rows(self, values: FloatArray) -> FloatArray:
        """Return at each place the sums of `values` [.., n] over the rows that have it, shape [.., m]."""
        columns = values.reshape(-1, self.start.size)
        total = np.zeros((columns.shape[0], 2 * self.places + 2))
        for half, rows in self.rows.items():
            size = self._size(half, rows)
            ends, twice = np.concatenate((self.start[rows], self.stop[rows])), np.concatenate((rows, rows))
            at_ends = [sum_by(ends, column, size) for column in columns.take(twice, axis=1)]
            change = np.array(at_ends).reshape(columns.shape[0], -1, 2, half)
            blocks = total[:, :size].reshape(change.shape)
            blocks[:, :, 0] += _upward(change[:, :, 0])
            blocks[:, :, 1, :-1] += _downward(change[:, :, 1, 1:])
        return total[:, : self.places].reshape(*values.shape[:-1], self.places)

    def over_places(self, values: FloatArray) -> FloatArray:
        """Return for each row the sums of `values` [.., m] over its places, shape [.., n]."""
        columns = values.reshape(-1, self.places)
        padded = np.concatenate((columns, np.zeros((columns.shape[0], self.places + 2))), axis=1)
        total = np.zeros((columns.shape[0], self.start.size))
        for half, rows in self.rows.items():
            blocks = padded[:, : self._size(half, rows)].reshape(columns.shape[0], -1, 2, half)
            from_middle = np.zeros_like(blocks)
            from_middle[:, :, 0] = _downward(blocks[:, :, 0])
            from_middle[:, :, 1, 1:] = _upward(blocks[:, :, 1, :-1])
            sums = from_middle.reshape(columns.shape[0], -1)
            total[:, rows] = sums[:, self.start[rows]] + sums[:, self.stop[rows]]
        return total.reshape(*values.shape[:-1], -1)

    def _size(self, half: int, rows: IntArray) -> int:
        """Return where the last block that these rows have ends."""
        return 2 * half * (int(self.start[rows].max()) // (2 * half) + 1)


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Places 0 .. stop - 1 of each row, `stop` ascending: where nobody enters late.

    Attributes
    ----------
    stop : shape [n]
    rows : how many rows have each place, the last ones, shape [m]
    """

    stop: IntArray
    rows: IntArray

    def over_rows(self, values: FloatArray) -> FloatArray:
        """Return at each place the sums of `values` [.., n] over the rows that have it, shape [.., m]."""
        return _sums_before(values[..., ::-1]).take(self.rows, axis=-1)

    def over_places(self, values: FloatArray) -> FloatArray:
        """Return for each row the sums of `values` [.., m] over its places, shape [.., n]."""
        return _sums_before(values).take(self.stop, axis=-1)


def spans(start: IntArray, stop: IntArray, places: int) -> Spans | Prefixes:
    """Return the spans of rows that have the places start .. stop - 1 each, shape [n], of so many places."""
    if not start.any() and (stop[1:] >= stop[:-1]).all():
        return Prefixes(stop, stop.size - np.cumsum(np.bincount(stop, minlength=places)[:places]))
    # The middle is the stop without the bits below the highest in which it differs from the start.
    highest_bit = np.frexp(start ^ stop)[1] - 1
    used = start < stop
    rows: dict[int, IntArray] = {
        2 ** int(bit): np.flatnonzero(used & (highest_bit == bit)) for bit in np.unique(highest_bit[used])
    }
    return Spans(start, stop, places, rows)


def _upward(values: FloatArray) -> FloatArray:
    return np.cumsum(values, axis=-1)


def _downward(values: FloatArray) -> FloatArray:
    return _upward(values[..., ::-1])[..., ::-1]


def _sums_before(values: FloatArray) -> FloatArray:
    """Return the sums of the first 0, 1, .. n of the values [.., n], shape [.., n + 1]."""
    sums = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    values.cumsum(axis=-1, out=sums[..., 1:])
    return sums
