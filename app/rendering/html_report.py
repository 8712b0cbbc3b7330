"""A report as HTML: one file that loads nothing, and that an XML parser can read too.

Figures are images of SVG in `data:` addresses. As an image an SVG can run and load nothing, its ids meet those of no
other, it prints as sharp as inline, and a reader of the screen hears one description instead of each tick. What the
figure shows follows as a table that unfolds.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path

from app.rendering.document import Block, Cell, Document, Listed, Picture, Section, Table
from app.rendering.image import draw
from app.rendering.words import in_line

TOGETHER = re.compile(
    r"(?<=\d) (?=%)|(?<=P) (?=[=<] \d)|(?<=P [=<]) (?=\d)|(?<=±) (?=\d)|(?<=\d) (?=±|\+- \d)|(?<= \+-) (?=\d)"
)
"""Spaces inside of a figure."""

STYLE = Path(__file__).with_name("report.css").read_text("utf-8")
LONG = 30
"""Rows that a table may have to stay on one page."""

CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def html(document: Document) -> str:
    """Return a report as an HTML file, its figures drawn."""
    title = escaped(document.title)
    links = (
        f'<li><a href="#section-{place}">{escaped(section.title)}</a></li>'
        for place, section in enumerate(document.sections, 1)
    )
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8"/>',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(CONTENT_SECURITY_POLICY)}"/>',
            '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
            f"<title>{title}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            "<main>",
            f"<h1>{title}</h1>",
            *_blocks(document.blocks),
            f'<nav aria-label="Sections"><ul>{"".join(links)}</ul></nav>',
            *_sections(document.sections, 2),
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def escaped(text: str) -> str:
    r"""Return a text in one line in which nothing is markup; lines do not break inside a figure.

    Examples
    --------
    >>> escaped("<b>'a' & b</b>"), escaped("5.0 % (P = 0.1)")
    ('&lt;b&gt;&#x27;a&#x27; &amp; b&lt;/b&gt;', '5.0\xa0% (P\xa0=\xa00.1)')
    """
    return escape(TOGETHER.sub("\u00a0", in_line(text)))


def _sections(sections: Sequence[Section], level: int) -> Iterator[str]:
    for place, section in enumerate(sections, 1):
        yield f'<section id="section-{place}">' if level == 2 else "<section>"
        yield f"<h{level}>{escaped(section.title)}</h{level}>"
        yield from _blocks(section.blocks)
        yield from _sections(section.parts, level + 1)
        yield "</section>"


def _blocks(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Table):
            yield from _table(block)
        elif isinstance(block, Picture):
            yield from _picture(block)
        elif isinstance(block, Listed):
            yield f"<ul>{''.join(f'<li>{escaped(item)}</li>' for item in block.items)}</ul>"
        else:
            yield f"<p>{escaped(block.text)}</p>"


def _picture(picture: Picture) -> Iterator[str]:
    drawn, description = b64encode(draw(picture.figure, "image/svg+xml")).decode(), escaped(picture.figure.description)
    yield "<figure>"
    yield f'<div class="scrolls"><img alt="{description}" src="data:image/svg+xml;base64,{drawn}"/></div>'
    yield f"<figcaption><b>{picture.label}.</b> {escaped(picture.caption)}</figcaption>"
    yield f"<details><summary>{picture.label} as a table</summary>"
    yield from _table(picture.table)
    yield "</details>"
    yield "</figure>"


def _table(table: Table) -> Iterator[str]:
    notes, columns = table.notes, len(table.header)
    label = f"<b>{table.label}.</b> " if table.label else ""
    long = " long" if sum(len(part.rows) for part in table.parts) > LONG else ""
    yield f'<div class="table{long}"><div class="scrolls"><table>'
    yield f"<caption>{label}{escaped(table.caption)}</caption>"
    header = (
        f'<th scope="col"{_kind(place, table)}>{escaped(text)}</th>' if text else "<td></td>"
        for place, text in enumerate(table.header)
    )
    yield f"<thead><tr>{''.join(header)}</tr></thead>"
    for part in table.parts:
        yield "<tbody>"
        if part.heading:
            yield f'<tr><th scope="rowgroup" colspan="{columns}">{escaped(part.heading)}</th></tr>'
        yield from (_row(row, table, notes) for row in part.rows)
        yield "</tbody>"
    yield "</table></div>"
    if notes:
        reasons = "; ".join(f"<sup>{letter}</sup> {escaped(reason)}" for reason, letter in notes.items())
        yield f'<p class="notes">{reasons}.</p>'
    yield "</div>"


def _row(row: Sequence[Cell], table: Table, notes: dict[str, str]) -> str:
    first, *others = (escaped(cell.text) + (f" <sup>{notes[cell.reason]}</sup>" if cell.reason else "") for cell in row)
    cells = (f"<td{_kind(place, table)}>{text}</td>" for place, text in enumerate(others, 1))
    return f'<tr><th scope="row">{first}</th>{"".join(cells)}</tr>'


def _kind(place: int, table: Table) -> str:
    return ' class="words"' if place < table.words else ""
