"""What the figure of cumulative incidences shows."""

import numpy as np

from app.analysis.observations import observe
from tests.rendering.figures import grouped, incidences

ONE = observe([1, 2, 3, 4, 5], [1, 2, 0, 1, 0])


def test_one_sample_has_its_causes_in_one_panel() -> None:
    figure = incidences(ONE, [""], ["relapse", "death"], time_breaks=[0, 2, 4])
    (panel,) = figure.panels
    assert [(curve.label, curve.style) for curve in panel.curves] == [("relapse", 0), ("death", 1)]
    np.testing.assert_allclose(panel.curves[0].value, [0, 0.2, 0.5])
    assert panel.notes == []
    assert figure.table[0].style is None
    assert figure.description == "5 subjects; events: 2 relapse, 1 death."


def test_groups_have_a_panel_a_cause_with_grays_test() -> None:
    figure = incidences(grouped(2, causes=2), ["a", "b"], ["relapse", "death"])
    assert [panel.title for panel in figure.panels] == ["relapse", "death"]
    assert all(panel.notes[0].startswith("Gray's test: P ") for panel in figure.panels)
    assert [curve.label for curve in figure.panels[1].curves] == ["a", "b"]
    assert "Gray's test of death: P " in figure.description


def test_the_table_has_a_row_a_cause_unless_they_are_many() -> None:
    """Also where a cause is called as a row is."""
    figure = incidences(ONE, [""], ["Censored", "At risk"], time_breaks=[0, 2, 4])
    assert [(name, [*counts]) for name, counts in figure.table[0].rows] == [
        ("At risk", ["5", "3", "1"]),
        ("Censored", ["0", "0", "1"]),
        ("Censored", ["0", "1", "2"]),
        ("At risk", ["0", "1", "1"]),
    ]
    figure = incidences(ONE, [""], ["a", "b", "c", "d"], time_breaks=[0, 2, 4])
    assert [(name, [*counts]) for name, counts in figure.table[0].rows][2:] == [("Events", ["0", "2", "3"])]


def test_without_a_cause_there_is_nothing_to_draw() -> None:
    figure = incidences(observe([1, 2], [0, 0]), [""], [])
    assert [panel.curves for panel in figure.panels] == [[]]
    figure = incidences(observe([1, 2], [0, 0], group=[0, 1]), ["a", "b"], [])
    assert [panel.notes for panel in figure.panels] == [["No cause"]]
