"""The points of a curve that are shown: by hand, and drawn pixel by pixel."""

from dataclasses import fields
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray
from app.analysis.curve_points import CurvePoints, curve_points, kept_points, since_last
from app.analysis.kaplan_meier import KaplanMeier, kaplan_meier
from app.analysis.observations import observe
from tests.strategies import Rows, rows

TIMES = st.lists(
    st.integers(0, 60) | st.floats(0, 60, allow_subnormal=False) | st.integers(0, 60).map(lambda time: time / 10),
    min_size=1,
    max_size=40,
)


@st.composite
def curves(draw: st.DrawFn) -> KaplanMeier:
    """Draw a curve with many points, times of equal columns of pixels among them."""
    time = draw(TIMES)
    return kaplan_meier(observe(time, draw(st.lists(st.booleans(), min_size=len(time), max_size=len(time)))))


def columns(points: CurvePoints) -> dict[str, FloatArray]:
    return {field.name: getattr(points, field.name) for field in fields(points)}


def test_all_points_by_hand() -> None:
    """S = 3/4 at 1 and 1/2 at 2; H = 1/4 + 1/3, its variance 1/16 + 1/9."""
    points = curve_points(kaplan_meier(observe([1, 2, 2, 3], [True, True, False, False])))
    assert points.time.tolist() == [1, 2, 3]
    assert points.at_risk.tolist() == [4, 3, 1]
    assert points.events.tolist() == [1, 1, 0]
    assert points.censored.tolist() == [0, 1, 1]
    np.testing.assert_allclose(points.survival, [3 / 4, 1 / 2, 1 / 2])
    np.testing.assert_allclose(points.standard_error, [3**0.5 / 8, 1 / 4, 1 / 4])
    np.testing.assert_allclose(points.cumulative_hazard, [1 / 4, 7 / 12, 7 / 12])
    np.testing.assert_allclose(points.cumulative_hazard_standard_error, [1 / 4, 5 / 12, 5 / 12])
    assert (points.lower < points.survival).all()
    assert (points.upper > points.survival).all()


def test_two_columns_of_pixels_by_hand() -> None:
    """From 0 to 8 a plot of 3 points has columns (0, 4] and (4, 8]; the drops at 1, 4 and 5 show at 4 and 8."""
    curve = kaplan_meier(observe([0, 1, 2, 4, 5, 8], [False, True, False, True, True, False]))
    points = curve_points(curve, 3)
    assert points.time.tolist() == [0, 4, 8]
    assert points.at_risk.tolist() == [6, 3, 1]
    assert points.events.tolist() == [0, 2, 1]
    assert points.censored.tolist() == [1, 1, 1]
    np.testing.assert_allclose(points.survival, [1, 8 / 15, 4 / 15])


def test_columns_without_a_point_take_no_point() -> None:
    """All but the last of 5 points are in the first of the columns after the first point."""
    time = np.array([0, 0.01, 0.02, 0.03, 100])
    assert kept_points(time, 3).tolist() == [0, 3, 4]
    assert kept_points(time, 4).tolist() == [0, 3, 4]


def test_two_points_are_the_first_and_the_last() -> None:
    assert kept_points(np.array([1.0, 2, 3, 7]), 2).tolist() == [0, 3]


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("max_points", [None, 2, 3, 1000])
def test_a_curve_with_few_points_keeps_them(size: int, max_points: int | None) -> None:
    kept = kept_points(np.arange(1.0, size + 1), max_points)
    assert kept.tolist() == [0, 2] if (size, max_points) == (3, 2) else list(range(size))


@pytest.mark.parametrize("time", [[0, 5e-324, 1e-323], [1, 1.5e307, 1.7e308]])
def test_times_as_small_and_as_large_as_numbers_can_be(time: list[float]) -> None:
    """Warnings are errors here."""
    assert kept_points(np.array(time), 2).tolist() == [0, 2]


def test_counts_are_added_up_since_the_point_before() -> None:
    assert since_last(np.array([1.0, 2, 4, 8, 16]), np.array([0, 2, 4])).tolist() == [1, 6, 24]
    assert since_last(np.array([3.0]), np.array([0])).tolist() == [3]


@given(curves(), st.integers(2, 50))
@settings(deadline=None)
def test_first_and_last_point_are_kept_and_no_more_than_asked_for(curve: KaplanMeier, max_points: int) -> None:
    whole, points = curve_points(curve), curve_points(curve, max_points)
    assert points.time.size <= max_points
    assert (np.diff(points.time) > 0).all()
    assert points.time[[0, -1]].tolist() == whole.time[[0, -1]].tolist()
    if whole.time.size <= max_points:
        assert points.time.tolist() == whole.time.tolist()


@given(curves(), st.integers(2, 50))
@settings(deadline=None)
def test_figures_at_kept_points_are_those_of_the_curve_and_counts_add_up(curve: KaplanMeier, max_points: int) -> None:
    whole, points = columns(curve_points(curve)), columns(curve_points(curve, max_points))
    kept = np.searchsorted(whole["time"], points["time"])
    for name, values in points.items():
        if name in ("events", "censored"):
            np.testing.assert_array_equal(np.cumsum(values), np.cumsum(whole[name])[kept])
        else:
            np.testing.assert_array_equal(values, whole[name][kept])


@given(rows(), st.integers(2, 8))
@settings(deadline=None)
def test_counts_add_up_with_entry_weights_and_clusters(sample: Rows, max_points: int) -> None:
    curve = kaplan_meier(sample.observe())
    points = curve_points(curve, max_points)
    assert points.events.sum() == curve.table.events.sum()
    assert points.censored.sum() == curve.table.censored.sum()


def drawn(time: FloatArray, survival: FloatArray, pixels: int, first: float, last: float) -> list[tuple[float, float]]:
    """Return for each column of pixels from the first time to the last the values of S on its left and right edge.

    S falls, so that they are the interval of values that the step curve covers there. Exact: no rounding of edges.
    """

    def value(at: Fraction) -> float:
        place = sum(Fraction(float(one)) <= at for one in time) - 1
        return float(survival[place])

    edges = [Fraction(first) + (Fraction(last) - Fraction(first)) * edge / pixels for edge in range(pixels + 1)]
    return [(value(left), value(right)) for left, right in pairwise(edges)]


@given(
    st.lists(st.tuples(st.integers(0, 64), st.booleans()), min_size=1, max_size=40),
    st.sampled_from([2, 3, 5, 9, 17, 33]),
    st.integers(0, 5),
)
@settings(deadline=None)
def test_every_column_of_pixels_looks_as_that_of_the_whole_curve(
    sample: list[tuple[int, bool]], max_points: int, start: int
) -> None:
    """A curve from `start` to 64 after it, in powers of 2 of columns: many times lie on their edges."""
    ends = [(0, False), *sample, (64, False)]
    curve = kaplan_meier(observe([start + time for time, _ in ends], [event for _, event in ends]))
    whole, points = curve_points(curve), curve_points(curve, max_points)
    first, last = float(whole.time[0]), float(whole.time[-1])
    pixels = max_points - 1
    assert drawn(points.time, points.survival, pixels, first, last) == drawn(
        whole.time, whole.survival, pixels, first, last
    )


@given(curves(), st.integers(2, 50))
@settings(deadline=None)
def test_every_drop_is_moved_by_less_than_a_pixel(curve: KaplanMeier, max_points: int) -> None:
    whole, points = curve_points(curve), curve_points(curve, max_points)
    pixel = (whole.time[-1] - whole.time[0]) / (max_points - 1)
    shown_at = points.time[np.searchsorted(points.time, whole.time)]
    assert (shown_at >= whole.time).all()
    assert (shown_at - whole.time <= pixel * (1 + 1e-12)).all()
