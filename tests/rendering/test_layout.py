"""Where things stand in a figure: nothing covers anything else, whatever is drawn."""

from collections.abc import Callable
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest

from app.analysis.observations import observe
from app.rendering.axes import Frame, outline
from app.rendering.canvas import measure
from app.rendering.figure import Figure
from app.rendering.layout import arrange
from app.rendering.marks import COLOURS, INKS, Stroke, colour, dashes
from app.rendering.placement import Box
from tests.rendering.figures import boxes, columns, grouped, incidences, survival

LONG = [f"{'Microwave ablation of tumours < 30 mm &'} {place}" for place in range(8)]
SCRIPTS = ["射频消融治疗组", "مجموعة العلاج", "🙂 émoji группа", 'हिन्दी $\\alpha_1^2$ <&>"', "W" * 200, "\x00\n\uffff"]


def melanoma(**how: Any) -> Figure:
    sample, _ = columns("melanoma", "group", "cause")
    return incidences(sample, ["female", "male"], ["melanoma", "other causes"], **how)


FIGURES: dict[str, Callable[..., Figure]] = {
    "aml": lambda **how: survival(*columns("aml", "group"), **how),
    "lung": lambda **how: survival(*columns("lung", "group"), **how),
    "veteran": lambda **how: survival(*columns("veteran", "celltype"), **how),
    "melanoma": melanoma,
    "one group": lambda **how: survival(grouped(1), [""], **how),
    "eight groups": lambda **how: survival(grouped(8), [f"group {place}" for place in range(8)], **how),
    "thirty groups": lambda **how: survival(grouped(30, 10), [f"group {place}" for place in range(30)], **how),
    "long labels": lambda **how: survival(grouped(4), LONG[:4], **how),
    "eight long labels": lambda **how: survival(grouped(8), LONG, **how),
    "scripts": lambda **how: survival(grouped(6), SCRIPTS, **how),
    "a cause": lambda **how: incidences(grouped(1), [""], ["relapse"], **how),
    "many causes": lambda **how: incidences(grouped(3, 60, 6), LONG[:3], [f"cause {one}" for one in range(6)], **how),
    "hidden groups": lambda **how: survival(grouped(6, 14), LONG[:6], min_cell_count=5, **how),
}
HOW: list[dict[str, Any]] = [
    {},
    {"at_risk": "simple", "title": "A title " * 30},
    {"at_risk": "none", "percent": True, "time_label": "time " * 50, "value_label": "value " * 50},
    {"width": 320, "height": 240},
    {"width": 1200, "height": 500, "title": "A title"},
    {"width": 700, "height": 1500, "time_breaks": [*range(50)]},
    {"until": 1000, "time_breaks": [0, 7, 100, 999.5]},
    {"time_breaks": [5000]},
]


@pytest.mark.parametrize("how", HOW, ids=str)
@pytest.mark.parametrize("name", FIGURES)
def test_no_words_meet_words_or_leave_the_sheet(name: str, how: dict[str, Any]) -> None:
    sheet = arrange(FIGURES[name](**how), measure)
    words = list(boxes(sheet))
    assert words
    for layer, text, box in words:
        assert box.left >= 0, (layer, text)
        assert box.right <= sheet.width + 1, (layer, text)
        assert box.top >= 0, (layer, text)
        assert box.bottom <= sheet.height, (layer, text)
    meeting = [(one[:2], other[:2]) for one, other in combinations(words, 2) if one[2].meets(other[2])]
    assert meeting == []


@pytest.mark.parametrize("how", HOW, ids=str)
@pytest.mark.parametrize("name", FIGURES)
def test_neither_key_nor_labels_meet_a_curve(name: str, how: dict[str, Any]) -> None:
    sheet = arrange(FIGURES[name](**how), measure)
    words = [box for layer, _, box in boxes(sheet) if layer.startswith(("key", "labels"))]
    for layer in sheet.layers:
        if layer.id.startswith("curve"):
            (line,) = [line for mark in layer.marks if isinstance(mark, Stroke) for line in mark.lines]
            for (x, y), (to_x, to_y) in pairwise(line):
                segment = Box(min(x, to_x), min(y, to_y), max(x, to_x), max(y, to_y))
                assert not any(segment.meets(box) for box in words), layer.id


@pytest.mark.parametrize("name", FIGURES)
def test_counts_and_times_stand_at_their_ticks(name: str) -> None:
    sheet = arrange(FIGURES[name](), measure)
    axis = max(layer.id for layer in sheet.layers if layer.id.startswith("time-axis"))
    marks = next(layer.marks for layer in sheet.layers if layer.id == axis)
    ticks = [line[0, 0] for line in marks[1].lines] if isinstance(marks[1], Stroke) else []
    centres = {
        round((box.left + box.right) / 2, 6)
        for layer, text, box in boxes(sheet)
        if layer == "at-risk" and text.isdecimal()
    }
    assert len(ticks) >= 2
    assert centres == {round(tick, 6) for tick in ticks}


@pytest.mark.parametrize(("name", "labelled"), [("lung", True), ("veteran", True), ("long labels", False)])
def test_curves_are_named_at_their_ends_where_there_is_room(name: str, labelled: bool) -> None:
    """Else the key shows their lines."""
    sheet = arrange(FIGURES[name](), measure)
    assert any(layer.id == "labels-0" for layer in sheet.layers) == labelled
    (key,) = [layer for layer in sheet.layers if layer.id == "key-0"]
    assert any(isinstance(mark, Stroke) for mark in key.marks) != labelled


def test_the_first_of_several_panels_has_the_key_of_all() -> None:
    sheet = arrange(FIGURES["many causes"](), measure)
    strokes = {layer.id: [mark for mark in layer.marks if isinstance(mark, Stroke)] for layer in sheet.layers}
    assert [len(strokes[f"key-{panel}"]) for panel in range(6)] == [3, 0, 0, 0, 0, 0]


def test_a_height_that_was_asked_for_is_kept_and_the_table_gives_way() -> None:
    heights, tables = [], []
    for height in (None, 700, 420, 260):
        sheet = arrange(FIGURES["eight groups"](height=height), measure)
        heights.append(sheet.height)
        tables.append(len([1 for layer, _, _ in boxes(sheet) if layer == "at-risk"]))
    assert heights[1:] == [700, 420, 260]
    assert heights[0] > 900
    assert tables[0] > tables[1] > 0
    assert tables[3] == 0


def test_a_figure_of_many_panels_is_higher_than_asked_rather_than_illegible() -> None:
    assert arrange(FIGURES["many causes"](height=300), measure).height > 6 * 60


def test_the_rows_of_a_key_too_high_for_the_plot_are_counted() -> None:
    sheet = arrange(FIGURES["thirty groups"](height=400), measure)
    assert any(text.startswith("and ") and text.endswith(" more") for _, text, _ in boxes(sheet))


def test_no_two_of_many_curves_look_the_same() -> None:
    looks = [(colour(style), dashes(style)) for style in range(50)]
    assert len({*looks}) == 50
    assert len({dashes(style) for style in range(len(COLOURS))}) == len(COLOURS)


@pytest.mark.parametrize(("colours", "least"), [(COLOURS, 3.0), (INKS, 4.5)])
def test_colours_stand_out_from_the_paper(colours: tuple[str, ...], least: float) -> None:
    """By the contrast of WCAG 2.2."""
    for hue in colours:
        parts = np.array([int(hue[place : place + 2], 16) / 255 for place in (1, 3, 5)])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) >= least, hue


def test_a_band_has_a_gap_where_there_is_no_interval() -> None:
    figure = survival(observe([1, 2, 3], [1, 1, 1]))
    (curve,) = figure.panels[0].curves
    assert np.isnan(curve.lower[-1])
    frame = Frame(Box(0, 0, 300, 100), figure.start, figure.end)
    assert outline(frame, curve).bottom[-1] == 100
    sheet = arrange(figure, measure)
    (band,) = [mark for layer in sheet.layers if layer.id == "band-0" for mark in layer.marks]
    assert len(band.polygons) == 1  # type: ignore[union-attr]
