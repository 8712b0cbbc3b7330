"""The key of a panel: a row a curve with its figures, then notes; it stands in the panel or above it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.rendering.figure import Panel
from app.rendering.marks import INK, Mark, Measure, Stroke, Words, colour, dashes, elided, ink

SIZE = 11.5
LINE = 16.0
SWATCH = 34.0
"""Room for the line that a row begins with, in px."""

GAP = 16.0
WIDEST = 0.42
"""Share of the sheet that the labels may take."""


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A line of the key: its words by column, and the style of the curve that it is about."""

    cells: Sequence[str]
    style: int | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """The lines of a key, and where its columns stand."""

    lines: Sequence[KeyLine]
    notes: Sequence[str]
    columns: Sequence[float]
    width: float
    swatches: bool

    @property
    def height(self) -> float:
        """Return the height, in px."""
        return LINE * (len(self.lines) + len(self.notes))


def panel_key(panel: Panel, sheet_width: float, measure: Measure, *, swatches: bool, most_lines: int | None) -> Key:
    """Return the key of a panel; without swatches, rows with no figures are left out, as labels name the curves.

    Parameters
    ----------
    most_lines : rows beyond it are counted in the last, None for no limit
    """
    rows = [row for row in panel.rows if swatches or row.cells]
    rest = "" if most_lines is None or len(rows) <= most_lines else f"and {len(rows) - most_lines + 1} more"
    kept = rows[: most_lines - 1] if rest and most_lines else rows
    room = WIDEST * sheet_width
    lines = [KeyLine([elided(row.label, room, measure, SIZE), *row.cells], row.style) for row in kept]
    lines = [line for line in lines if any(line.cells)]
    if rest:
        lines.append(KeyLine([rest]))
    if panel.header and lines:
        lines.insert(0, KeyLine(["", *panel.header]))
    notes = [elided(note, sheet_width - 100, measure, SIZE) for note in panel.notes]
    lines, columns, width = _columns(lines, SWATCH if swatches else 0.0, sheet_width - 100, measure)
    width = max([width, *(measure(note, SIZE, False) for note in notes)])
    return Key(lines, notes, columns, width, swatches)


def _columns(
    lines: Sequence[KeyLine], left: float, room: float, measure: Measure
) -> tuple[list[KeyLine], list[float], float]:
    """Return the lines with as many columns as there is room for, where these stand, and how wide they are."""
    columns, x, width = [], left, 0.0
    for place in range(max((len(line.cells) for line in lines), default=0)):
        widest = max(measure(line.cells[place], SIZE, False) for line in lines if len(line.cells) > place)
        if place and x + widest > room:
            break
        columns.append(x)
        width = x + widest
        x += widest + GAP if widest else 0.0
    kept = [KeyLine(line.cells[: len(columns)], line.style) for line in lines]
    return [line for line in kept if any(line.cells)], columns, width


def key_marks(key: Key, left: float, top: float) -> list[Mark]:
    """Return the marks of a key whose upper left corner is given."""
    marks: list[Mark] = []
    y = top - 4
    for line in key.lines:
        y += LINE
        if key.swatches and line.style is not None:
            ends = np.array([[left, y - 4], [left + SWATCH - 8, y - 4]])
            marks.append(Stroke([ends], colour(line.style), 1.8, dashes(line.style)))
        hue = INK if line.style is None else ink(line.style)
        for place, (x, text) in enumerate(zip(key.columns, line.cells, strict=False)):
            marks.append(Words(left + x, y, text, SIZE, hue if place == 0 else INK))
    for note in key.notes:
        y += LINE
        marks.append(Words(left, y, note, SIZE))
    return [mark for mark in marks if not isinstance(mark, Words) or mark.text]
