"""What a report says, without its format: sections of paragraphs, lists, tables and figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from string import ascii_lowercase

import numpy as np

from app.rendering.figure import Curve, Figure

NUMBER = "Number"
AFTER_FOLLOW_UP = "after the last follow-up"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table; `reason` says why its figure, or a part of it, does not exist."""

    text: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table under a heading, "" for none; the first cell of each is its name."""

    heading: str
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first `words` columns are words, the others figures. `label` is its name in the report."""

    caption: str
    header: Sequence[str]
    parts: Sequence[Rows]
    words: int = 1
    label: str = ""

    @property
    def notes(self) -> dict[str, str]:
        """Return the reasons given in cells, each once and with the letter that stands for it."""
        cells = [cell for part in self.parts for row in part.rows for cell in row]
        reasons = dict.fromkeys(cell.reason for cell in cells if cell.reason)
        return {reason: _letter(place) for place, reason in enumerate(reasons)}


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure, what it is of, and what it shows as a table."""

    caption: str
    figure: Figure
    label: str = ""

    @property
    def table(self) -> Table:
        """Return the curves and the numbers at risk at the ticks of the time axis."""
        figure = self.figure
        curves = [
            [Cell(": ".join(filter(None, (panel.title, curve.label))) or "All"), *_values(curve, figure.breaks)]
            for panel in figure.panels
            for curve in panel.curves
        ]
        counts = [
            Rows(group.label or NUMBER, [[Cell(name), *map(Cell, cells)] for name, cells in group.rows])
            for group in figure.table
        ]
        return Table(
            self.caption,
            [figure.time_label, *(f"{time:.10g}" for time in figure.breaks)],
            [Rows(figure.value_label, curves), *counts],
        )


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Listed:
    """Items of a list."""

    items: Sequence[str]


Block = Paragraph | Listed | Table | Picture


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under a title, then sections one level lower."""

    title: str
    blocks: Sequence[Block]
    parts: Sequence["Section"] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A report."""

    title: str
    blocks: Sequence[Block]
    sections: Sequence[Section]


def numbered(sections: Sequence[Section]) -> list[Section]:
    """Return the sections with their tables and figures numbered, each kind in the order in which it is read.

    Examples
    --------
    >>> one = Table("One.", [], [])
    >>> [section] = numbered([Section("A", [one], [Section("B", [one])])])
    >>> section.blocks[0].label, section.parts[0].blocks[0].label
    ('Table 1', 'Table 2')
    """
    tables, pictures = count(1), count(1)

    def block(one: Block) -> Block:
        if isinstance(one, Table):
            return replace(one, label=f"Table {next(tables)}")
        if isinstance(one, Picture):
            return replace(one, label=f"Figure {next(pictures)}")
        return one

    def section(one: Section) -> Section:
        blocks = [block(each) for each in one.blocks]
        return Section(one.title, blocks, [section(part) for part in one.parts])

    return [section(one) for one in sections]


def _values(curve: Curve, times: Sequence[float]) -> Iterator[Cell]:
    """Yield a curve's percentages at times that are none before its start."""
    for time in times:
        if time > curve.time[-1]:
            yield Cell("-", AFTER_FOLLOW_UP)
        else:
            value = curve.value[np.searchsorted(curve.time, time, side="right") - 1]
            yield Cell(f"{100 * value:.1f}")


def _letter(place: int) -> str:
    """Return the letter at a place; after z come aa, ab."""
    before, last = divmod(place, len(ascii_lowercase))
    return (_letter(before - 1) if before else "") + ascii_lowercase[last]
