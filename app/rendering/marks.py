"""What is drawn, in px from the upper left corner: strokes, areas and words, in layers with an id."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from app.analysis.arrays import FloatArray

INK = "#1a1a1a"
PALE = "#595959"

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b4559b", "#000000", "#3a9bdc", "#b8860b", "#7f7f7f")
"""After Okabe & Ito, jfly.uni-koeln.de/color (2008): told apart with any colour blindness. Their yellow is too pale for
a line on white, and orange, sky blue and purple are darkened for the same reason: contrast is 3 or more.
"""

INKS = ("#0072b2", "#b84f00", "#007d5b", "#a3468b", "#000000", "#2079b8", "#8a6508", "#666666")
"""The same for words, whose contrast must be 4.5 (WCAG 2.2, 1.4.3)."""

DASHES: tuple[tuple[float, ...], ...] = (
    (),
    (7, 2.5),
    (2, 2),
    (9, 2, 2, 2),
    (14, 3),
    (5, 1.5, 1.5, 1.5, 1.5, 1.5),
    (3.5, 3.5),
    (1, 1.5),
)
"""Lengths of dashes and gaps: curves are told apart without colour, too."""

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Stroke:
    """Open lines, each an array [points, 2] of x and y."""

    lines: Sequence[FloatArray]
    colour: str = INK
    width: float = 1.0
    dashes: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Area:
    """Polygons, each an array [points, 2] of x and y."""

    polygons: Sequence[FloatArray]
    colour: str
    opacity: float


@dataclass(frozen=True, slots=True)
class Words:
    """A text in one line on a base line; `upwards` reads from below."""

    x: float
    y: float
    text: str
    size: float = 12.0
    colour: str = INK
    bold: bool = False
    anchor: Anchor = "start"
    upwards: bool = False


Mark = Stroke | Area | Words


@dataclass(frozen=True, slots=True)
class Layer:
    """Marks under one id."""

    id: str
    marks: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture, and its title and description for those who cannot see it."""

    width: int
    height: int
    title: str
    description: str
    layers: Sequence[Layer]


Measure = Callable[[str, float, bool], float]
"""Returns how wide a text is: the text, its size, and whether it is bold."""


def colour(style: int) -> str:
    """Return the colour of the curve at a place."""
    return COLOURS[style % len(COLOURS)]


def ink(style: int) -> str:
    """Return the colour of words about the curve at a place."""
    return INKS[style % len(INKS)]


def dashes(style: int) -> tuple[float, ...]:
    """Return the dashes of the curve at a place: no two of the first 64 have colour and dashes in common."""
    return DASHES[(style + style // len(COLOURS)) % len(DASHES)]


def elided(text: str, room: float, measure: Measure, size: float = 12.0, *, bold: bool = False) -> str:
    """Return the text, or as much of its beginning as there is room for, with dots after it.

    Examples
    --------
    >>> elided("abcdefgh", 5, lambda text, size, bold: len(text)), elided("abc", 5, lambda text, size, bold: len(text))
    ('abcd…', 'abc')
    """
    if measure(text, size, bold) <= room:
        return text
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if measure(text[:middle] + "…", size, bold) <= room:
            fits = middle
        else:
            too_long = middle
    return text[:fits].rstrip() + "…"
