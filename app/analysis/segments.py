"""Arrays of several samples, one after another, so that one call of NumPy does for all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Self, TypeVar

import numpy as np

from app.analysis.arrays import BoolArray, FloatArray, IntArray

Values = TypeVar("Values", FloatArray, IntArray, BoolArray)


@dataclass(frozen=True)
class Segments:
    """Where in arrays of length n each of s samples begins and ends; none is empty.

    `bounds` are the starts of the samples, and n.
    """

    bounds: tuple[int, ...]

    @classmethod
    def of(cls, sizes: Iterable[int]) -> Self:
        """Return the segments of samples with these sizes, each at least 1."""
        return cls((0, *accumulate(sizes)))

    @cached_property
    def starts(self) -> IntArray:
        """Return the start of each sample, shape [s]."""
        return np.array(self.bounds[:-1])

    @cached_property
    def lasts(self) -> IntArray:
        """Return the last place of each sample, shape [s]."""
        return np.array(self.bounds[1:]) - 1

    def split(self, values: Values) -> list[Values]:
        """Return the part of each sample."""
        return [values[start:stop] for start, stop in pairwise(self.bounds)]

    def sums(self, values: FloatArray) -> FloatArray:
        """Return the sum over each sample, shape [s]."""
        return np.asarray(np.add.reduceat(values, self.starts))

    def running(self, values: FloatArray, combine: np.ufunc = np.add) -> FloatArray:
        """Return the sums, or what else combines values, of `values` [.., n] from the start of a sample to each place.

        Examples
        --------
        >>> Segments.of([2, 3]).running(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
        array([ 1.,  3.,  3.,  7., 12.])
        """
        found = np.empty_like(values)
        for start, stop in pairwise(self.bounds):
            combine.accumulate(values[..., start:stop], axis=-1, out=found[..., start:stop])
        return found

    def remaining(self, values: FloatArray) -> FloatArray:
        """Return the sums of `values` from each place to the end of its sample.

        Examples
        --------
        >>> Segments.of([2, 3]).remaining(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
        array([ 3.,  2., 12.,  9.,  5.])
        """
        found = np.empty_like(values)
        for start, stop in pairwise(self.bounds):
            np.add.accumulate(values[start:stop][::-1], out=found[start:stop][::-1])
        return found

    def before(self, values: FloatArray, start: float) -> FloatArray:
        """Return step functions [.., n] just before each place, `start` at the first of each sample.

        Examples
        --------
        >>> Segments.of([2, 3]).before(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 0.0)
        array([0., 1., 0., 3., 4.])
        """
        found = np.empty_like(values)
        found[..., 1:] = values[..., :-1]
        found[..., self.starts] = start
        return found

    def each(self, values: Values) -> Values:
        """Return the value of each sample at each of its places."""
        return np.repeat(values, np.diff(self.bounds))

    def first(self, is_so: BoolArray) -> IntArray:
        """Return the first place in each sample where `is_so` [.., n] holds, -1 where there is none; shape [.., s].

        Examples
        --------
        >>> Segments.of([2, 3]).first(np.array([[True, True, False, True, True], [False] * 5]))
        array([[ 0,  3],
               [-1, -1]])
        """
        if not self.bounds[2:]:  # nothing need be read after the first place
            place = is_so.argmax(axis=-1)[..., None]
            return np.where(np.take_along_axis(is_so, place, axis=-1), place, -1)
        size = is_so.shape[-1]
        places = np.append(np.flatnonzero(is_so), is_so.size)
        before = np.arange(0, is_so.size, size).reshape(*is_so.shape[:-1], 1)
        found = places[np.searchsorted(places, before + self.starts)] - before
        return np.where(found <= self.lasts, found, -1)
