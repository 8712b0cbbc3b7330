"""Where the time axis ends, and its ticks."""

import pytest

from app.analysis.observations import observe
from app.rendering.figure import FigureOptions
from app.rendering.time_axis import axis_breaks, axis_end, end_note


class TestEnd:
    def test_it_is_the_last_time_with_a_tenth_still_at_risk_of_all_groups_together(self) -> None:
        one, other = observe([*range(1, 10)], [1] * 9), observe([30] * 10 + [50], [1] * 11)
        assert axis_end([one, other], FigureOptions(), 0) == 30
        assert axis_end([one], FigureOptions(), 0) == 9
        assert axis_end([other], FigureOptions(), 0) == 30

    def test_a_tenth_is_of_the_largest_number_at_risk_where_entry_is_delayed(self) -> None:
        sample = observe([*range(10, 30), 90], [1] * 21, entry=[5] * 20 + [80])
        assert axis_end([sample], FigureOptions(), 0) == 28

    def test_what_is_asked_for_comes_first(self) -> None:
        sample = observe([1, 2, 3], [1, 1, 1])
        assert axis_end([sample], FigureOptions(until=7, time_breaks=[9]), 0) == 7
        assert axis_end([sample], FigureOptions(time_breaks=[9, 4]), 0) == 9
        assert axis_end([sample], FigureOptions(time_breaks=[0]), 0) == 3

    def test_where_it_cuts_curves_off_that_is_said(self) -> None:
        sample = observe([*range(1, 20), 90], [1] * 20)
        assert end_note([sample], FigureOptions(), axis_end([sample], FigureOptions(), 0)).endswith("at risk.")
        assert end_note([sample], FigureOptions(), 90) == ""
        assert end_note([sample], FigureOptions(until=5), 5) == ""
        assert end_note([sample], FigureOptions(time_breaks=[5]), 5) == ""

    def test_it_is_after_the_start(self) -> None:
        assert axis_end([observe([0, 0], [0, 1])], FigureOptions(), 0) == 1
        assert axis_end([], FigureOptions(), 5) == 6


class TestBreaks:
    @pytest.mark.parametrize(
        ("end", "unit", "breaks"),
        [
            (61, "months", [0, 6, 12, 18, 24, 30, 36, 42, 48, 54, 60]),
            (240, "months", [0, 24, 48, 72, 96, 120, 144, 168, 192, 216, 240]),
            (4, "months", [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]),
            (624, "days", [0, 100, 200, 300, 400, 500, 600]),
            (1, "years", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),
            (3e-7, "days", [0, 5e-8, 1e-7, 1.5e-7, 2e-7, 2.5e-7, 3e-7]),
        ],
    )
    def test_they_are_round(self, end: float, unit: str, breaks: list[float]) -> None:
        assert axis_breaks(0, end, FigureOptions(), unit, 100) == breaks

    def test_they_begin_with_the_start(self) -> None:
        assert axis_breaks(7, 45, FigureOptions(), "weeks", 10) == [7, 10, 15, 20, 25, 30, 35, 40, 45]
        assert axis_breaks(9.9, 45, FigureOptions(), "weeks", 10)[:2] == [9.9, 15]

    def test_long_counts_have_fewer(self) -> None:
        few, many = (len(axis_breaks(0, 60, FigureOptions(), "days", count)) for count in (1e12, 10))
        assert 2 <= few < many

    def test_those_asked_for_are_sorted_and_on_the_axis(self) -> None:
        assert axis_breaks(2, 10, FigureOptions(time_breaks=[12, 10, 3, 1]), "days", 1) == [3, 10]

    def test_an_axis_too_short_for_round_numbers_has_its_ends(self) -> None:
        assert axis_breaks(0, 1e-305, FigureOptions(), "days", 1) == [0, 1e-305]
