"""What the figure of survival shows."""

from typing import Any

import numpy as np
import pytest

from app.analysis.observations import observe
from app.rendering.figure import step_curve
from tests.rendering.figures import survival


def cells(figure_: object) -> list[list[str]]:
    (panel,) = figure_.panels  # type: ignore[attr-defined]
    return [[*row.cells] for row in panel.rows]


class TestKey:
    def test_what_does_not_exist_is_said(self) -> None:
        """A group without events has no hazard ratio, and nobody's interval may be open at both ends."""
        figure = survival(observe([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0], group=[0, 0, 0, 1, 1, 1]), ["a", "b"])
        assert cells(figure) == [["2 (1 to not reached)", "1 (reference)"], ["not reached", "not estimable"]]
        assert cells(survival(observe([5], [1]))) == [["5 (not estimable)"]]

    @pytest.mark.parametrize(
        ("columns", "names"),
        [
            ({}, ["Log-rank test"]),
            ({"stratum": [0, 1] * 10}, ["Stratified log-rank test"]),
            ({"cluster": [*range(10)] * 2}, ["Log-rank test", "Robust score test"]),
        ],
    )
    def test_tests_are_named(self, columns: dict[str, Any], names: list[str]) -> None:
        time, event = [*range(1, 21)], [1, 1, 0, 1] * 5
        figure = survival(observe(time, event, group=[0, 1, 1, 0] * 5, **columns), ["a", "b"])
        assert [note.partition(":")[0] for note in figure.panels[0].notes] == names


def test_without_groups_there_is_one_curve_without_a_name() -> None:
    figure = survival(observe([1, 2, 3], [1, 0, 1]))
    assert [curve.label for curve in figure.panels[0].curves] == [""]
    assert figure.panels[0].header == ["Median, months (95 % CI)"]
    assert figure.table[0].rows[0][1][0] == "3"


def test_the_axis_begins_where_estimates_do() -> None:
    figure = survival(observe([1, 2, 3, 9], [1, 0, 1, 1]).since(2))
    (curve,) = figure.panels[0].curves
    assert (figure.start, figure.breaks[0], curve.time[0], curve.value[0]) == (2, 2, 2, 1)


class TestStepCurve:
    time = np.array([1.0, 3.0, 9.0])
    value = np.array([0.8, 0.4, 0.0])

    @pytest.mark.parametrize(
        ("end", "times", "values"),
        [
            (0.5, [0, 0.5], [1, 1]),
            (1, [0, 1], [1, 0.8]),
            (5, [0, 1, 3, 5], [1, 0.8, 0.4, 0.4]),
            (9, [0, 1, 3, 9], [1, 0.8, 0.4, 0]),
            (20, [0, 1, 3, 9], [1, 0.8, 0.4, 0]),
        ],
    )
    def test_it_goes_on_to_the_end_or_the_last_follow_up(
        self, end: float, times: list[float], values: list[float]
    ) -> None:
        limits = [self.value, self.value / 2, self.value + 0.1]
        curve = step_curve("", 0, self.time, limits, self.time > 9, first=1, start=0, end=end, points=100)
        assert (curve.time.tolist(), curve.value.tolist()) == (times, values)
        np.testing.assert_allclose(curve.lower[1:], np.array(values[1:]) / [1 if end < 1 else 2])

    @pytest.mark.parametrize(("marks", "kept"), [(50, 50), (100, 100), (400, 0)])
    def test_marks_that_would_cover_it_are_left_out(self, marks: int, kept: int) -> None:
        time = np.linspace(1, 10, 1000)
        censored = np.zeros(1000, dtype=bool)
        censored[: marks * 2 : 2] = True
        one = np.ones(1000)
        curve = step_curve("", 0, time, [one] * 3, censored, first=1, start=0, end=10, points=800)
        assert curve.censored.size == kept
