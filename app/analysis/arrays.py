"""Array types and the one tolerance that the analysis layer shares."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]

#: Two probabilities, or two times, closer than this are one: what rounding alone cannot tell apart.
TOLERANCE = float(np.sqrt(np.finfo(np.float64).eps))


def sum_by(position: IntArray, values: FloatArray | BoolArray, size: int = 0) -> FloatArray:
    """Return the sum of `values` at each place 0 .. max(position), or 0 .. size - 1 if that is more."""
    return np.bincount(position, values, size).astype(np.float64, copy=False)


def ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return part / whole, 0 where the whole is 0."""
    return part / np.where(whole > 0, whole, np.inf)


def tie_width(distinct: FloatArray) -> float:
    """Return how near two of the distinct times may be to be one time: absolutely, or relative to their mean."""
    return TOLERANCE * max(1.0, float(distinct.mean()))
