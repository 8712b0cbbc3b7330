"""Where words stand free of curves: the key in a panel, and labels at the ends of curves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray

CLEAR = 4.0
"""Distance of words from curves, in px."""

LABEL_HEIGHT = 14.0
MAX_SHIFT = 10.0
"""How far a label may stand above or below the end of its curve, in px, besides what the axis asks for."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in px from the upper left corner."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        """Return whether two rectangles have a point in common."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


@dataclass(frozen=True, slots=True)
class Outline:
    """A curve on the sheet: at `x` and up to the next its line is at `y`, its band between `top` and `bottom`."""

    x: FloatArray
    y: FloatArray
    top: FloatArray
    bottom: FloatArray

    def meets(self, box: Box, *, band: bool) -> bool:
        """Return whether the line, or the band, comes near to a rectangle."""
        if box.right < self.x[0] - CLEAR or box.left > self.x[-1] + CLEAR:
            return False
        first = max(0, int(np.searchsorted(self.x, box.left - CLEAR, side="right")) - 1)
        last = max(first + 1, int(np.searchsorted(self.x, box.right + CLEAR, side="right")))
        top, bottom = (self.top, self.bottom) if band else (self.y, self.y)
        return bool(top[first:last].min() < box.bottom + CLEAR and bottom[first:last].max() > box.top - CLEAR)


def free_place(
    width: float, height: float, inside: Box, outlines: Sequence[Outline], taken: Sequence[Box]
) -> Box | None:
    """Return where in a panel a rectangle meets neither curve nor band nor what is taken; None where nowhere.

    The corners are tried first, then what lies between them.

    Examples
    --------
    >>> flat = np.array([20.0, 20.0])
    >>> curve = Outline(np.array([0.0, 100.0]), flat, flat - 5, flat + 5)
    >>> free_place(30, 20, Box(0, 0, 100, 60), [curve], [])
    Box(left=0.0, top=40.0, right=30.0, bottom=60.0)
    """
    room_x, room_y = inside.right - inside.left - width, inside.bottom - inside.top - height
    if room_x < 0 or room_y < 0:
        return None
    shares = [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0)]
    shares += [(x / 8, y / 8) for y in (0, 8, 1, 7, 2, 6, 3, 5, 4) for x in range(8, -1, -1)]
    for x, y in shares:
        left, top = inside.left + x * room_x, inside.top + y * room_y
        box = Box(left, top, left + width, top + height)
        if not any(box.meets(other) for other in taken) and not any(one.meets(box, band=True) for one in outlines):
            return box
    return None


def end_labels(widths: Sequence[float], outlines: Sequence[Outline], inside: Box, right: float) -> list[Box] | None:
    """Return where a label right of each curve's end meets neither a curve nor another label; None where one does.

    Parameters
    ----------
    inside : the panel; no label stands lower than it
    right : where the sheet ends
    """
    lefts = [float(outline.x[-1]) + 6 for outline in outlines]
    spans = [(left, left + width) for left, width in zip(lefts, widths, strict=True)]
    lowest = inside.bottom - LABEL_HEIGHT / 2
    wished = [min(float(outline.y[-1]), lowest) for outline in outlines]
    boxes: dict[int, Box] = {}
    for column in _columns(spans):
        column.sort(key=wished.__getitem__)
        for place, centre in zip(column, _apart([wished[one] for one in column], lowest), strict=True):
            box = Box(spans[place][0], centre - LABEL_HEIGHT / 2, spans[place][1], centre + LABEL_HEIGHT / 2)
            if box.right > right or abs(centre - wished[place]) > MAX_SHIFT:
                return None
            if any(one.meets(box, band=False) for other, one in enumerate(outlines) if other != place):
                return None
            boxes[place] = box
    return [boxes[place] for place in range(len(boxes))]


def _columns(spans: Sequence[tuple[float, float]]) -> list[list[int]]:
    """Return the places of the spans, in one list those that chains of common points join."""
    columns: list[list[int]] = []
    end = -np.inf
    for place in sorted(range(len(spans)), key=spans.__getitem__):
        if spans[place][0] >= end:
            columns.append([])
        columns[-1].append(place)
        end = max(end, spans[place][1])
    return columns


def _apart(centres: Sequence[float], lowest: float) -> list[float]:
    """Return ascending centres of labels moved as little as makes them LABEL_HEIGHT apart, none below the lowest."""
    blocks: list[tuple[float, int]] = []  # of labels that touch: the first centre, and how many they are
    for centre in centres:
        first, size = min(centre, lowest), 1
        while blocks and blocks[-1][0] + blocks[-1][1] * LABEL_HEIGHT > first:
            before, others = blocks.pop()
            mean = (before * others + (first - others * LABEL_HEIGHT) * size) / (others + size)
            size += others
            first = min(mean, lowest - (size - 1) * LABEL_HEIGHT)
        blocks.append((first, size))
    return [first + step * LABEL_HEIGHT for first, size in blocks for step in range(size)]
