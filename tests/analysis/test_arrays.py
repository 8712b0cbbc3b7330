"""Sums by place."""

import numpy as np

from app.analysis.arrays import sum_by


def test_values_are_summed_at_their_places_as_floats() -> None:
    sums = sum_by(np.array([2, 0, 2, 0]), np.array([1.0, 0.5, 2.0, 0.25]))
    np.testing.assert_array_equal(sums, [0.75, 0, 3])
    assert sums.dtype == np.float64


def test_masks_are_counted() -> None:
    np.testing.assert_array_equal(sum_by(np.array([0, 1, 1]), np.array([False, True, True])), [0, 2])


def test_places_beyond_the_last_used_are_zero() -> None:
    np.testing.assert_array_equal(sum_by(np.array([0, 1]), np.ones(2), size=4), [1, 1, 0, 0])


def test_the_size_never_cuts_places_off() -> None:
    np.testing.assert_array_equal(sum_by(np.array([0, 2]), np.ones(2), size=1), [1, 0, 1])


def test_nothing_sums_to_zeros() -> None:
    nothing = np.array([], dtype=np.int64), np.array([])
    np.testing.assert_array_equal(sum_by(*nothing, size=2), [0, 0])
    assert sum_by(*nothing).size == 0
    assert sum_by(*nothing).dtype == np.float64
