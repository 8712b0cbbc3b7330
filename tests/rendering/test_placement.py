"""Where words stand free of curves."""

import numpy as np
import pytest

from app.rendering.placement import LABEL_HEIGHT, MAX_SHIFT, Box, Outline, end_labels, free_place

PLOT = Box(0, 0, 100, 100)


def ending(x: float, y: float) -> Outline:
    """Return a flat curve that ends in a point, without a band."""
    ys = np.array([y, y])
    return Outline(np.array([0.0, x]), ys, ys, ys)


class TestEndLabels:
    def test_they_stand_right_of_the_ends(self) -> None:
        boxes = end_labels([20, 30], [ending(100, 30), ending(90, 70)], PLOT, 200)
        assert boxes == [Box(106, 23, 126, 37), Box(96, 63, 126, 77)]

    def test_they_make_way_for_each_other_and_for_the_axis(self) -> None:
        boxes = end_labels([20] * 3, [ending(100, 98), ending(100, 40), ending(100, 44)], PLOT, 200)
        assert boxes is not None
        assert [(box.top + box.bottom) / 2 for box in boxes] == [100 - LABEL_HEIGHT / 2, 35, 49]

    @pytest.mark.parametrize(
        ("heights", "fit"), [([40, 40], True), ([40, 40, 40], False), ([20, 34, 48], True), ([98, 98], False)]
    )
    def test_they_do_not_go_far_from_the_ends(self, heights: list[float], fit: bool) -> None:
        boxes = end_labels([20] * len(heights), [ending(100, height) for height in heights], PLOT, 200)
        assert (boxes is not None) == fit
        assert MAX_SHIFT < LABEL_HEIGHT

    def test_they_cross_no_other_curve_and_do_not_leave_the_sheet(self) -> None:
        assert end_labels([20, 20], [ending(50, 40), ending(100, 45)], PLOT, 200) is None
        assert end_labels([20, 20], [ending(50, 40), ending(100, 60)], PLOT, 200) is not None
        assert end_labels([20], [ending(100, 40)], PLOT, 125) is None


class TestFreePlace:
    def test_it_is_the_first_corner_that_is_free(self) -> None:
        assert free_place(10, 10, PLOT, [], []) == Box(90, 0, 100, 10)
        assert free_place(10, 10, PLOT, [ending(100, 5)], []) == Box(0, 90, 10, 100)
        assert free_place(10, 10, PLOT, [ending(100, 5)], [Box(0, 90, 50, 100)]) == Box(90, 90, 100, 100)

    def test_it_is_free_of_bands(self) -> None:
        line = np.array([50.0, 50.0])
        wide = Outline(np.array([0.0, 100.0]), line, line - 45, line + 45)
        assert free_place(10, 10, PLOT, [wide], []) is None
        assert free_place(10, 10, PLOT, [Outline(wide.x, line, line, line)], []) is not None

    def test_there_is_none_for_what_is_larger_than_the_plot(self) -> None:
        assert free_place(101, 10, PLOT, [], []) is None
        assert free_place(10, 101, PLOT, [], []) is None
