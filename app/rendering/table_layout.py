"""The table under the time axis: its counts stand below the ticks."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from app.rendering.figure import Figure, TableGroup
from app.rendering.marks import INK, Measure, Words, elided, ink

SIZE = 11.0
LINE = 14.0
BETWEEN_GROUPS = 4.0
EDGE = 8.0
"""Distance of words from the edges of the sheet."""

WIDEST_NAME = 0.24
"""Share of the sheet that names beside the counts may take; longer ones of groups stand above them."""


@dataclass(frozen=True, slots=True)
class TableLine:
    """A line: a heading without counts, or a name with them."""

    text: str
    colour: str
    counts: Sequence[str] = ()
    height: float = LINE

    @property
    def bold(self) -> bool:
        """Return whether it is a heading."""
        return not self.counts


@dataclass(frozen=True, slots=True)
class TableLines:
    """The lines of a table, and how far to the right their names and the first count go."""

    lines: Sequence[TableLine]
    names_width: float
    count_width: float

    @property
    def height(self) -> float:
        """Return the height, in px."""
        return sum(line.height for line in self.lines) + (4 if self.lines else 0)

    @property
    def left(self) -> float:
        """Return where the first tick may stand at the earliest."""
        return EDGE + self.names_width + 14 + self.count_width / 2 if self.lines else 0.0


def table_lines(figure: Figure, measure: Measure) -> TableLines:
    """Return the lines of a figure's table."""
    room = WIDEST_NAME * figure.options.width
    lines: list[TableLine] = []
    single = all(len(group.rows) == 1 for group in figure.table)
    beside = single and all(measure(group.label, SIZE, False) <= room for group in figure.table)
    if figure.table and single:
        lines.append(TableLine(figure.table[0].rows[0][0], INK))
    for group in figure.table:
        if beside:
            lines.append(TableLine(group.label, _hue(group), group.rows[0][1]))
            continue
        heading = elided(group.label, figure.options.width - 2 * EDGE, measure, SIZE, bold=True)
        if heading:
            lines.append(TableLine(heading, _hue(group), height=LINE + (BETWEEN_GROUPS if lines else 0)))
        for name, counts in group.rows:
            lines.append(TableLine("" if single else elided(name, room, measure, SIZE), INK, counts))
    names = [measure(line.text, SIZE, False) for line in lines if line.counts]
    widths = [measure(count, SIZE, False) for line in lines for count in line.counts]
    return TableLines(lines, max(names, default=0.0), max(widths, default=0.0))


def _hue(group: TableGroup) -> str:
    return INK if group.style is None else ink(group.style)


def table_words(table: TableLines, ticks: Sequence[float], every: int, top: float) -> list[Words]:
    """Return the words of a table below `top`; only each so many-th tick has counts."""
    words, y = [], top
    for line in table.lines:
        y += line.height
        words.append(Words(EDGE, y, line.text, SIZE, line.colour, line.bold))
        words += [
            Words(x, y, count, SIZE, line.colour, anchor="middle")
            for x, count in list(zip(ticks, line.counts, strict=False))[::every]
        ]
    return [word for word in words if word.text]


def thinned(ticks: Sequence[float], width: float) -> int:
    """Return each how many-th tick can have words so wide below it.

    Examples
    --------
    >>> thinned([0, 10, 20, 30], 8), thinned([0, 10, 20, 30], 18), thinned([0], 99)
    (1, 2, 1)
    """
    distance = min((after - before for before, after in pairwise(ticks)), default=np.inf)
    return next((step for step in range(1, len(ticks)) if step * distance >= width), len(ticks) or 1)
