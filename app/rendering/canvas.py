"""A sheet drawn by matplotlib, as SVG or PNG: the only module that imports it, and itself imported on first use.

The marks are drawn by one artist straight on matplotlib's renderers, which are the same for both formats: an axis of
matplotlib's own lays out and measures each of its labels, and costs five times as much.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from html import escape
from io import BytesIO
from typing import Literal

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.ft2font import LoadFlags
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D, IdentityTransform

from app.analysis.arrays import FloatArray
from app.rendering.marks import Anchor, Area, Layer, Sheet, Stroke, Words

FONTS = ["DejaVu Sans", "Last Resort High-Efficiency"]
"""Both come with matplotlib: every machine draws the same. What the first lacks, the second shows as a box."""

READERS_FONTS = "Helvetica, Arial, 'DejaVu Sans', sans-serif"
"""Of a reader of the SVG: narrower than what was measured, or the same."""

# Once, for the whole process: matplotlib's settings belong to no figure.
mpl.rcdefaults()
mpl.rcParams.update(
    {
        "font.family": FONTS,
        "path.simplify": False,
        "svg.fonttype": "none",
        "text.hinting": "none",
    }
)

_of_its_own = [font for font in fontManager.ttflist if font.fname.startswith(mpl.get_data_path())]
# The second has no bold letters: without this entry each bold word would be a line in the log.
_boxes = next(font for font in _of_its_own if font.name == FONTS[1])
fontManager.ttflist = [*_of_its_own, replace(_boxes, weight=700)]

ANCHORS: dict[Anchor, Literal["left", "center", "right"]] = {"start": "left", "middle": "center", "end": "right"}
SCREEN = 72
"""Dots an inch: at 72 matplotlib's points are pixels."""


def measure(text: str, size: float, bold: bool) -> float:  # noqa: FBT001 - as `marks.Measure` has it
    """Return how wide a text is, in px: of ASCII the sum of its letters, which is a hundred times as fast."""
    if text.isascii():
        return size * sum(map(_letter_widths(bold=bold).__getitem__, text))
    width, _, _ = text_to_path.get_text_width_height_descent(text, _font(size, bold=bold), False)
    return float(width)


@cache
def _letter_widths(*, bold: bool) -> dict[str, float]:
    """Return the widths of the printable ASCII characters at size 1."""
    font = get_font(findfont(_font(1, bold=bold)))
    font.set_size(100, SCREEN)
    letters = map(chr, range(32, 127))
    return {
        letter: font.load_char(ord(letter), flags=LoadFlags.NO_HINTING).linearHoriAdvance / 65536 / 100
        for letter in letters
    }


def svg(sheet: Sheet) -> bytes:
    """Return the sheet as SVG: text as text, no date, no id that is not the same every time."""
    written = BytesIO()
    without = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    _figure(sheet, anchors=True).savefig(written, format="svg", metadata=without)
    text = written.getvalue().decode()
    drawn = text[text.index("<g ") :].replace("'DejaVu Sans', 'Last Resort High-Efficiency'", READERS_FONTS)
    return (_head(sheet) + drawn).encode()


def png(sheet: Sheet) -> bytes:
    """Return the sheet as PNG."""
    written = BytesIO()
    _figure(sheet, anchors=False).savefig(written, format="png", metadata={"Software": None, "Title": sheet.title})
    return written.getvalue()


def _head(sheet: Sheet) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{sheet.width}" height="{sheet.height}" '
        f'viewBox="0 0 {sheet.width} {sheet.height}" role="img" aria-labelledby="title description" '
        'stroke-linejoin="miter" stroke-linecap="butt">\n'
        f' <title id="title">{escape(sheet.title)}</title>\n'
        f' <desc id="description">{escape(sheet.description)}</desc>\n '
    )


def _figure(sheet: Sheet, *, anchors: bool) -> Figure:
    figure = Figure((sheet.width / SCREEN, sheet.height / SCREEN), dpi=SCREEN, facecolor="white")
    figure.add_artist(_Drawing(sheet, anchors=anchors))
    return figure


@cache
def _font(size: float, *, bold: bool) -> FontProperties:
    return FontProperties(family=FONTS, size=size, weight="bold" if bold else "normal")


class _Drawing(Artist):
    """The marks of a sheet as one artist; `anchors` says that the format itself centres words."""

    def __init__(self, sheet: Sheet, *, anchors: bool) -> None:
        super().__init__()
        self.sheet = sheet
        self.anchors = anchors
        self.words = Text(rotation_mode="anchor", transform=IdentityTransform())
        self.turned = Affine2D().scale(1, -1).translate(0, sheet.height)

    def draw(self, renderer: RendererBase) -> None:
        """Draw the layers in their order."""
        for layer in self.sheet.layers:
            renderer.open_group("g", gid=layer.id)
            self._draw_layer(renderer, layer)
            renderer.close_group("g")

    def _draw_layer(self, renderer: RendererBase, layer: Layer) -> None:
        for mark in layer.marks:
            pen = renderer.new_gc()
            pen.set_foreground(mark.colour)
            if isinstance(mark, Stroke):
                pen.set_linewidth(mark.width)
                pen.set_dashes(0, mark.dashes or None)
                pen.set_joinstyle("miter")
                renderer.draw_path(pen, _path(mark.lines), self.turned)
            elif isinstance(mark, Area):
                pen.set_linewidth(0)
                pen.set_alpha(mark.opacity)
                filled = mpl.colors.to_rgba(mark.colour, mark.opacity)
                renderer.draw_path(pen, _path(mark.polygons), self.turned, filled)
            else:
                self._draw_words(renderer, pen, mark)
            pen.restore()

    def _draw_words(self, renderer: RendererBase, pen: GraphicsContextBase, words: Words) -> None:
        # SVG centres where the artist of the words says so; PNG wants to know where they begin.
        self.words.set_position((words.x, self.sheet.height - words.y))
        self.words.set_horizontalalignment(ANCHORS[words.anchor])
        before = {"start": 0.0, "middle": 0.5, "end": 1.0}[words.anchor]
        before *= measure(words.text, words.size, words.bold) if before and not self.anchors else 0.0
        x, y = (words.x, words.y + before) if words.upwards else (words.x - before, words.y)
        font = _font(words.size, bold=words.bold)
        renderer.draw_text(pen, x, y, words.text, font, 90 if words.upwards else 0, False, self.words)


def _path(lines: Sequence[FloatArray]) -> Path:
    codes = np.full(sum(len(line) for line in lines), Path.LINETO, dtype=np.uint8)
    starts = np.cumsum([0, *(len(line) for line in lines)])[:-1]
    codes[starts] = Path.MOVETO
    return Path(np.concatenate(lines), codes)
