"""A report as Markdown: CommonMark with pipe tables.

In place of a figure stands what it shows as a table. Markdown is for pasting into a document or a page: there an image
of SVG in a `data:` address is removed (GitHub, markdown-it), and its 30 kB of letters would stand between the lines.
"""

import re
from collections.abc import Iterator, Sequence

from app.rendering.document import Block, Cell, Document, Listed, Picture, Section, Table
from app.rendering.words import in_line

ALWAYS = re.compile(r"[\\`*_\[\]|~$#@]")
TAG = re.compile(r"<(?=[A-Za-z/!?])")
ENTITY = re.compile(r"&(?=[#A-Za-z0-9])")
LINK = re.compile(r"(?<=[A-Za-z]):(?=//)|(?<=www)\.", re.IGNORECASE)
BLOCK = re.compile(r"^(\d*)([-+=>.)])")


def markdown(document: Document) -> str:
    """Return a report as Markdown."""
    title = f"# {escaped(document.title)}"
    return "\n\n".join([title, *_blocks(document.blocks), *_sections(document.sections, 2)]) + "\n"


def escaped(text: str) -> str:
    r"""Return a text in one line in which nothing is markup.

    What could begin a tag or an entity becomes an entity: not every reader of Markdown takes a backslash there.

    Examples
    --------
    >>> print(escaped("a|b *c* <script> < 3 cm & www.x"))
    a\|b \*c\* &lt;script> < 3 cm & www\.x
    """
    text = ALWAYS.sub(r"\\\g<0>", ENTITY.sub("&amp;", in_line(text)))
    return LINK.sub(r"\\\g<0>", TAG.sub("&lt;", text))


def escaped_line(text: str) -> str:
    r"""Return the same at the start of a line, where it is no list, quotation or underline either.

    Examples
    --------
    >>> print(escaped_line("1. a"), escaped_line("- b"), escaped_line("1-2"))
    1\. a \- b 1\-2
    """
    return BLOCK.sub(r"\1\\\2", escaped(text))


def _sections(sections: Sequence[Section], level: int) -> Iterator[str]:
    for section in sections:
        yield f"{'#' * level} {escaped(section.title)}"
        yield from _blocks(section.blocks)
        yield from _sections(section.parts, level + 1)


def _blocks(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Table):
            yield f"**{block.label}. {escaped(block.caption)}**"
            yield from _table(block)
        elif isinstance(block, Picture):
            yield f"**{block.label}. {escaped(block.caption)}** {escaped(block.figure.description)}"
            yield from _table(block.table)
        elif isinstance(block, Listed):
            yield "\n".join(f"- {escaped_line(item)}" for item in block.items)
        else:
            yield escaped_line(block.text)


def _table(table: Table) -> Iterator[str]:
    notes, columns = table.notes, len(table.header)
    lines = [[*map(escaped, table.header)], [":--" if place < table.words else "--:" for place in range(columns)]]
    for part in table.parts:
        if part.heading:
            lines.append([f"**{escaped(part.heading)}**", *[""] * (columns - 1)])
        lines += [[_cell(cell, notes) for cell in row] for row in part.rows]
    yield "\n".join(f"| {' | '.join(line)} |" for line in lines)
    if notes:
        yield "; ".join(f"({letter}) {escaped(reason)}" for reason, letter in notes.items()) + "."


def _cell(cell: Cell, notes: dict[str, str]) -> str:
    mark = f" ({notes[cell.reason]})" if cell.reason else ""
    return escaped(cell.text) + mark
