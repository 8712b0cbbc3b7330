"""Where everything in a figure stands: from what it shows to marks on a sheet."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.rendering.axes import LABEL_SIZE as TICK_LABEL_SIZE
from app.rendering.axes import NAME_SIZE, Frame, axis_layers, band_layer, curve_layers, outline, time_texts
from app.rendering.figure import Figure, Panel
from app.rendering.key_layout import LINE, Key, key_marks, panel_key
from app.rendering.marks import PALE, Layer, Measure, Sheet, Words, elided, ink
from app.rendering.placement import Box, Outline, end_labels, free_place
from app.rendering.table_layout import EDGE, TableLines, table_lines, table_words, thinned

PLOT_HEIGHT = 320.0
PLOT_HEIGHT_OF_SEVERAL = 210.0
LEAST_PLOT_HEIGHT = 60.0
LEAST_PLOT_SHARE = 0.4
"""Of a height that was asked for: where the table leaves the curves less it is drawn simpler, or not at all."""

LEAST_PLOT_WIDTH = 0.7
"""Share of the width that labels at the ends of curves must leave to the curves."""

TITLE_SIZE = 14.0
TITLE_LINE = 24.0
PANEL_TITLE_LINE = 22.0
BETWEEN_PANELS = 16.0
AXIS_BELOW = 44.0
"""Ticks, their labels and the name of the time axis, in px."""

VALUE_AXIS = 62.0
"""Ticks, their labels and the name of the axis of probabilities, in px."""

RIGHT = 24.0
FOOTNOTE_SIZE = 10.0
FOOTNOTE_LINE = 14.0


@dataclass(frozen=True, slots=True)
class _Arranged:
    """A panel in its place: curves as outlines, labels of their ends, and the corner where the key begins."""

    panel: Panel
    title: Words
    frame: Frame
    outlines: Sequence[Outline]
    labels: Sequence[Box] | None
    key: Key
    key_corner: tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Room:
    """What the panels of a figure have: from left to right, from the top down, and how high a plot is.

    `grows` says that the sheet becomes higher by what stands above a plot, `named` that curves are named at their ends.
    """

    left: float
    right: float
    top: float
    plot_height: float
    grows: bool
    named: bool


def arrange(figure: Figure, measure: Measure) -> Sheet:
    """Return the marks of a figure, words being as wide as `measure` says."""
    figure, table = _fitting(figure, measure)
    options = figure.options
    footnote = _wrapped(figure.footnote, options.width - 2 * EDGE, measure)
    below = AXIS_BELOW + table.height + FOOTNOTE_LINE * len(footnote) + EDGE
    panels = _arranged_panels(figure, max(VALUE_AXIS, table.left), below, measure)
    frame = panels[-1].frame
    bottom = frame.box.bottom + AXIS_BELOW
    ticks = [frame.x(time) for time in figure.breaks]
    times = [measure(text, TICK_LABEL_SIZE, False) for text in time_texts(figure)]
    every = thinned(ticks, max([table.count_width, *times]) + 6)
    layers = []
    if options.title:
        title = elided(options.title, options.width - 2 * EDGE, measure, TITLE_SIZE, bold=True)
        layers.append(Layer("figure-title", [Words(EDGE, EDGE + 12, title, TITLE_SIZE, bold=True)]))
    first = 0
    for place, arranged in enumerate(panels):
        layers += axis_layers(arranged.frame, figure, place, every, measure)
        layers += _panel_layers(arranged, place, first)
        first += len(arranged.panel.curves)
    words = table_words(table, ticks, every, bottom)
    lines = [
        Words(EDGE, bottom + table.height + FOOTNOTE_LINE * place, line, FOOTNOTE_SIZE, PALE)
        for place, line in enumerate(footnote, start=1)
    ]
    layers += [Layer("at-risk", words), Layer("footnote", lines)]
    height = max(options.height or 0, round(bottom - AXIS_BELOW + below))
    layers = [layer for layer in layers if layer.marks]
    return Sheet(options.width, height, options.title or figure.name, figure.description, layers)


def _fitting(figure: Figure, measure: Measure) -> tuple[Figure, TableLines]:
    """Return the figure with as much of its table as leaves the curves their share of the height, and that table."""
    height = figure.options.height
    keys = [len(panel.notes) + (len(panel.rows) + 1 if panel.header else 0) for panel in figure.panels]
    beside = AXIS_BELOW + 4 * EDGE + LINE * sum(keys)
    simple = replace(figure, table=[replace(group, rows=group.rows[:1]) for group in figure.table])
    for one in (figure, simple):
        table = table_lines(one, measure)
        if height is None or height - table.height - beside >= LEAST_PLOT_SHARE * height:
            return one, table
    without = replace(figure, table=[])
    return without, table_lines(without, measure)


def _arranged_panels(figure: Figure, left: float, below: float, measure: Measure) -> list[_Arranged]:
    """Return the panels one below the other.

    Curves are named at their ends where every label of every panel finds a place, else in the keys.
    """
    several = len(figure.panels) > 1
    options, top = figure.options, EDGE + 6 + (TITLE_LINE if figure.options.title else 0)
    plot_height = PLOT_HEIGHT_OF_SEVERAL if several else PLOT_HEIGHT
    if options.height is not None:
        each = (options.height - top - below + BETWEEN_PANELS) / len(figure.panels) - BETWEEN_PANELS
        plot_height = max(LEAST_PLOT_HEIGHT, each - (PANEL_TITLE_LINE if several else 0))
    room = _Room(left, options.width - RIGHT, top, plot_height, grows=options.height is None, named=False)
    right = _right_of_named(figure, left, measure)
    if right is not None:
        panels = _in_room(figure, replace(room, right=right, named=True), measure)
        if all(one.labels is not None for one in panels):
            return panels
    return _in_room(figure, room, measure)


def _in_room(figure: Figure, room: _Room, measure: Measure) -> list[_Arranged]:
    panels = []
    for place, panel in enumerate(figure.panels):
        rows = panel.rows if place == 0 else []  # the key of the first is that of all
        room = replace(room, top=room.top + (PANEL_TITLE_LINE if panel.title else 0))
        panels.append(_arranged(replace(panel, rows=rows), figure, room, measure))
        room = replace(room, top=panels[-1].frame.box.bottom + BETWEEN_PANELS)
    return panels


def _right_of_named(figure: Figure, left: float, measure: Measure) -> float | None:
    """Return where plots end so that labels right of the curves' ends have room, None where they leave too little."""
    options = figure.options
    width = options.width - RIGHT - left
    for panel in figure.panels:
        for curve in panel.curves:
            share = (float(curve.time[-1]) - figure.start) / (figure.end - figure.start)
            room = options.width - EDGE - 6 - measure(curve.label, NAME_SIZE, False) - left
            if share * width > room:
                width = room / share
    return left + width if width >= LEAST_PLOT_WIDTH * (options.width - left) else None


def _arranged(panel: Panel, figure: Figure, room: _Room, measure: Measure) -> _Arranged:
    """Return a panel with its key where it meets no curve, above the plot where there is no such place."""
    width, single = figure.options.width, len(panel.curves) < 2
    most_lines = None
    if not room.grows:
        most_lines = max(1, int((room.plot_height - LEAST_PLOT_HEIGHT - 8) / LINE) - 1 - len(panel.notes))
    key = panel_key(panel, width, measure, swatches=not room.named and not single, most_lines=most_lines)
    box = Box(room.left, room.top, room.right, room.top + room.plot_height)
    title = elided(panel.title, width - room.left - EDGE, measure, NAME_SIZE, bold=True)
    heading = Words(room.left, room.top - 8, title, NAME_SIZE, bold=True)
    frame, outlines, labels = _placed(panel, figure, box, room, measure)
    place = free_place(key.width, key.height, _inner(box), outlines, labels or [])
    if place is not None:
        return _Arranged(panel, heading, frame, outlines, labels, key, (place.left, place.top))
    top = box.top + key.height + 8
    bottom = top + room.plot_height if room.grows else max(box.bottom, top + LEAST_PLOT_HEIGHT)
    below = Box(box.left, top, box.right, bottom)
    return _Arranged(panel, heading, *_placed(panel, figure, below, room, measure), key, (box.left + 8, box.top))


def _inner(box: Box) -> Box:
    return Box(box.left + 12, box.top + 2, box.right - 4, box.bottom - 10)


def _placed(
    panel: Panel, figure: Figure, box: Box, room: _Room, measure: Measure
) -> tuple[Frame, list[Outline], list[Box] | None]:
    frame = Frame(box, figure.start, figure.end)
    outlines = [outline(frame, curve) for curve in panel.curves]
    if not room.named:
        return frame, outlines, None
    widths = [measure(curve.label, NAME_SIZE, False) for curve in panel.curves]
    return frame, outlines, end_labels(widths, outlines, box, figure.options.width - EDGE / 2)


def _panel_layers(arranged: _Arranged, place: int, first: int) -> list[Layer]:
    """Return the marks of a panel; `first` is the number of its first curve among those of all panels."""
    panel, frame = arranged.panel, arranged.frame
    layers = [Layer(f"panel-title-{place}", [arranged.title] if panel.title else [])]
    numbered = list(enumerate(panel.curves, start=first))
    layers += [band_layer(frame, curve, number, len(numbered)) for number, curve in numbered]
    layers += [layer for number, curve in numbered for layer in curve_layers(frame, curve, number)]
    labels = zip(panel.curves, arranged.labels or [], strict=False)
    named = [
        Words(box.left, box.bottom - 3, curve.label, NAME_SIZE, ink(curve.style))
        for curve, box in labels
        if curve.label
    ]
    layers.append(Layer(f"labels-{place}", named))
    layers.append(Layer(f"key-{place}", key_marks(arranged.key, *arranged.key_corner)))
    return layers


def _wrapped(text: str, width: float, measure: Measure) -> list[str]:
    """Return a text in lines that are no wider than so many px, where words are not."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and measure(longer, FOOTNOTE_SIZE, False) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
